"""Whole files of usage priced by a plan file on the command line, before anything is sold."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.packages import ROOT
from tests.mvne.cli.conftest import Mvne

PLAN = ROOT / "examples" / "tilleul" / "plan.yaml"
AT = datetime(2027, 1, 5, 10, tzinfo=UTC)
ADA, BOB = "+33639980001", "+33639980002"
USE = [
    ("a", ADA, "voice", 3660, "0199009999"),
    ("b", ADA, "data", 10**9, None),
    ("c", BOB, "sms", 1, "0199009999"),
    ("c", BOB, "sms", 1, "0199009999"),
    ("d", BOB, "voice", 60, "+9991234567"),
]
COLUMNS = {
    "id": pa.array([one[0] for one in USE]),
    "msisdn": pa.array([one[1] for one in USE]),
    "kind": pa.array([one[2] for one in USE]),
    "start": pa.array([AT] * len(USE), pa.timestamp("us", "UTC")),
    "amount": pa.array([one[3] for one in USE], pa.int64()),
    "country": pa.array(["FR"] * len(USE)),
    "to": pa.array([one[4] for one in USE]),
}


@pytest.fixture
def usage(tmp_path: Path) -> Path:
    path = tmp_path / "usage.parquet"
    pq.write_table(pa.table(COLUMNS), path)
    return path


def test_every_number_as_a_line_of_one_plan(mvne: Mvne, usage: Path) -> None:
    said = mvne("usage", "estimate", PLAN, usage, "--plan", "douceur", "--output", "rated")
    assert said.status == 0, said.err
    assert "5 records: 3 priced, 1 duplicates; " in said.out
    assert "1 have no price: unknown destination" in said.out
    assert "charge 0.05 EUR" in said.out
    assert "0 records one by one, by the reference (0.00 %)" in said.out


def test_lines_from_a_file_and_figures_for_machines(mvne: Mvne, usage: Path, tmp_path: Path) -> None:
    month = "2026-12-31T23:00Z,2027-01-31T23:00Z"
    (tmp_path / "lines.csv").write_text(
        "msisdn,since,until,subscription,plan,timezone,opened,expires\n"
        f"{ADA},{month},ada,douceur,Europe/Paris,{month}\n"
    )
    said = mvne("usage", "estimate", PLAN, usage, "--lines", "lines.csv", "--output", "rated", "--json").json
    assert (said["records"], said["rated"], said["duplicates"]) == (5, 2, 1)
    assert said["suspended"] == {"unknown_subscriber": 2}
    assert (said["charge_micro"], said["currency"], said["share_by_reference"]) == (50_000, "EUR", "0.00 %")
    assert said["margin_micro"] == said["charge_micro"] - said["cost_micro"]
    rows = pq.read_table(tmp_path / "rated" / "rated").to_pylist()
    assert sum(one["charge_micro"] for one in rows) == said["charge_micro"]


REFUSED = {
    "no plan and no lines": ([], 2, "say either --plan"),
    "a plan that is not sold": (["--plan", "silver"], 1, "has no plan 'silver'"),
    "lines that are not there": (["--lines", "nobody.csv"], 1, "there is no file nobody.csv"),
    "a limit that is none": (["--plan", "douceur", "--memory", "much"], 2, "write it like 1GB"),
    "files that are not there": (["--plan", "douceur", "nobody.parquet"], 1, "there is no file nobody.parquet"),
}


@pytest.mark.parametrize(("words", "status", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_estimated_is_said(
    words: list[str], status: int, sentence: str, mvne: Mvne, usage: Path
) -> None:
    said = mvne("usage", "estimate", PLAN, usage, "--output", "rated", *words)
    assert (said.status, sentence in said.err) == (status, True), said.err


def test_a_plan_file_that_is_not_valid_ends_with_its_own_status(mvne: Mvne, usage: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("brand: {}\n")
    assert mvne("usage", "estimate", "plan.yaml", usage, "--plan", "x", "--output", "rated").status == 3


def test_a_limit_that_is_none_is_said_before_any_file_is_read(mvne: Mvne) -> None:
    said = mvne("usage", "estimate", "no.yaml", "no.parquet", "--plan", "x", "--output", "rated", "--memory", "1 lot")
    assert (said.status, "--memory: '1 lot' is no limit of memory" in said.err) == (2, True), said.err


def test_missing_columns_are_named(mvne: Mvne, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "usage.parquet")
    said = mvne("usage", "estimate", PLAN, "usage.parquet", "--plan", "douceur", "--output", "rated")
    assert (said.status, "column msisdn is missing" in said.err) == (1, True), said.err
