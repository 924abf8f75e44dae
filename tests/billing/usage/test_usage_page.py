"""The page about usage records is true: its mapping reads its file, its limits are those of the record."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from mvne_billing.usage.columns import COLUMNS, OPTIONAL
from mvne_billing.usage.mapping.loading import load_mapping
from mvne_billing.usage.mapping.units import UNITS
from mvne_billing.usage.readers import check_usage, open_usage, read_usage
from mvne_billing.usage.record import _LENGTHS, YEARS, UsageRecord
from mvne_plans.quantity import MOST
from scripts.packages import ROOT

PAGE = (ROOT / "docs" / "usage-records.md").read_text(encoding="utf-8")
MAPPING, EXPORT, EXPECTED = re.findall(r"^```(?:yaml|csv)?\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
FILE = "cdr_0017.csv"


def test_the_mapping_on_the_page_reads_the_file_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "host.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / FILE).write_text(EXPORT, encoding="latin-1")
    (tmp_path / "usage.csv").write_text(EXPECTED, encoding="utf-8")
    mapping = load_mapping(tmp_path / "host.yaml")
    found = [row.content_hash() for row in read_usage(tmp_path / FILE, mapping) if isinstance(row, UsageRecord)]
    expected = [row.content_hash() for row in read_usage(tmp_path / "usage.csv") if isinstance(row, UsageRecord)]
    assert len(found) == 3
    assert found == expected
    file = check_usage(tmp_path / FILE, mapping)
    assert (file.sender, file.sequence, file.declared, dict(file.left_out)) == ("HOST1", 17, 4, {"incoming": 1})
    assert file.findings.kept == []
    assert open_usage(tmp_path / FILE, mapping).broken == 0


def test_the_record_on_the_page_is_the_record() -> None:
    table = dict(
        re.findall(r"^\| `(\w+)` \|.*\| (.*?) ?\|$", PAGE.split("## The host's own CSV")[0], flags=re.MULTILINE)
    )
    assert set(table) == {*COLUMNS, *OPTIONAL} == {field.name for field in fields(UsageRecord)} - {"source"}
    for name, longest in _LENGTHS.items():
        assert f"{longest} characters" in table[name], name
    assert table["start"] == f"years {YEARS[0]} to {YEARS[-1]}"
    assert table["amount"] == "0 to 10^15"
    assert MOST == 10**15


def test_the_units_on_the_page_are_the_units() -> None:
    assert all(re.search(rf"[` ]{unit}[` ]", PAGE) for unit in UNITS)
