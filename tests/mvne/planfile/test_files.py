"""Files that cannot be a plan file: each is one clear finding, and none is read further than needed."""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path

import pytest

from mvne.planfile import PlanFileInvalid, examine, load
from tests.mvne.planfile.writing import BASE, US, Plans


def _only(path: Path) -> tuple[str, int, int, str]:
    brand, findings = examine(path)
    assert brand is None
    assert len(findings) == 1
    one = findings[0]
    assert one.file == str(path)
    return one.code, one.line, one.column, one.message


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.yaml"
    assert _only(path) == ("no_such_file", 1, 1, f"there is no file {path}")
    with pytest.raises(PlanFileInvalid, match="there is no file"):
        load(path)


def test_a_folder_is_said(tmp_path: Path) -> None:
    assert _only(tmp_path)[0] == "not_a_file"


def test_a_name_that_no_file_can_have_is_said() -> None:
    assert _only(Path("a\0b"))[0] in ("no_such_file", "unreadable")


def test_a_binary_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"\xff\xfe\x00 not yaml: [")
    assert _only(tmp_path / "p")[0] == "binary"


def test_another_encoding_is_said_where_it_begins(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes("brand:\n  name: Été".encode("latin-1"))
    code, line, column, message = _only(tmp_path / "p")
    assert (code, line, column) == ("not_utf8", 2, 9)
    assert "0xc9 is not UTF-8" in message


def test_a_file_of_100_mb_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "p"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    tracemalloc.start()
    begin = time.perf_counter()
    code = _only(path)[0]
    took, (_, peak) = time.perf_counter() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert code == "too_large"
    assert took < 1
    assert peak < 1_000_000


def test_a_table_of_100_mb_is_not_read(plans: Plans) -> None:
    path = plans.write(BASE + "rates: deck.csv\n")
    with (plans.folder / "deck.csv").open("wb") as stream:
        stream.truncate(100_000_000)
    _, findings = examine(path)
    assert [(one.code, one.line, one.column) for one in findings] == [("too_large", 11, 8)]


def test_a_pipe_is_not_waited_for(plans: Plans) -> None:
    os.mkfifo(plans.folder / "deck.csv")
    _, findings = plans.examine(BASE + "rates: deck.csv\n")
    assert [one.code for one in findings] == ["not_a_file"]


@pytest.mark.parametrize("name", ["../deck.csv", "/etc/passwd", "~/deck.csv", "a\\\\b.csv", "''"])
def test_a_table_elsewhere_is_refused(plans: Plans, name: str) -> None:
    _, findings = plans.examine(BASE + f"rates: {name}\n")
    assert [(one.code, one.line, one.column) for one in findings] == [("bad_file_name", 11, 8)]


def test_windows_line_ends_and_a_byte_order_mark_are_read(plans: Plans) -> None:
    path = plans.folder / "plan.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + US.replace("\n", "\r\n").encode() + b"tax: {table: taxes.csv}\r\n")
    (plans.folder / "taxes.csv").write_bytes(b"\xef\xbb\xbfregion,name,percent\r\nNY,Sales tax,4\r\n")
    assert load(path).tax_table[0].region == "NY"
