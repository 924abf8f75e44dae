"""Usage on the command line: files and gaps, suspense mended, rated again, unloaded, shared and explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mvne.cli.conftest import Mvne

ADD = ("subscriber", "add", "--name", "Ada", "--email", "ada@example.org", "--born", "1950-01-01", "--at", "2026-12-01")
HEAD = "id,msisdn,kind,start,amount,country,to\n"
MAPPING = """
sender: HOST1
file_name: 'cdr_(?P<sequence>[0-9]+)\\.csv'
fields:
  id: {column: id}
  msisdn: {column: msisdn}
  kind: {column: kind}
  start: {column: start}
  amount: {column: amount}
  country: {column: country}
  to: {column: to}
"""


def row(name: str, seconds: int, day: int = 2, msisdn: str = "+33639980001", to: str = "0199009999") -> str:
    return f"{name},{msisdn},voice,2026-12-{day:02}T10:00:00Z,{seconds},FR,{to}\n"


@pytest.fixture
def ada(tilleul: Mvne) -> Mvne:
    """The command line, with a line of douceur: an hour of calls, then 0.05 a minute."""
    assert tilleul(*ADD, "--plan", "douceur").status == 0
    return tilleul


def load(mvne: Mvne, folder: Path, name: str, *rows: str, at: str = "2026-12-20", **more: str) -> str:
    (folder / name).write_text(HEAD + "".join(rows))
    options = [word for key, value in more.items() for word in (f"--{key}", value)]
    said = mvne("usage", "load", name, "--at", at, *options)
    assert said.status == 0, said.err
    return said.out


def batches(mvne: Mvne) -> dict[str, str]:
    return {one["source"]: one["batch"] for one in mvne("usage", "files", "--json").json["files"]}


def test_records_out_of_order_are_put_right_by_the_command_that_is_named(ada: Mvne, tmp_path: Path) -> None:
    load(ada, tmp_path, "a.csv", row("r1", 3600, 10))
    said = load(ada, tmp_path, "b.csv", row("r2", 120, 5))
    assert "1 out of order: later use had the allowance first" in said
    batch = batches(ada)["b.csv"]
    assert f"next: mvne usage rerate --batch {batch} --dry-run" in said
    dry = ada("usage", "rerate", "--batch", batch, "--dry-run", "--at", "2026-12-21")
    assert "2 records priced again; 1 lines would change" in dry.out
    words = ("usage", "rerate", "--batch", batch, "--at", "2026-12-21", "--reason", "late file")
    done = ada(*words, "--json").json
    assert (done["records"], done["charge_micro"], len(done["lines"])) == (2, 0, 1)
    assert ada(*words, "--json").json == done
    assert ada("explain", "usage", "r2", "--json").json["price"] == "0.00 EUR"
    listed = ada("usage", "reratings", "--json").json["reratings"]
    assert [(one["why"], one["by"], one["done"]) for one in listed] == [("late file", "operator", "yes")]
    assert "late file" in ada("usage", "reratings").out
    assert "0.10 EUR" in ada("explain", "usage", "r1").out
    assert "the books agree" in ada("ledger", "verify").out


def test_a_line_is_rated_again_by_its_number_and_a_time(ada: Mvne, tmp_path: Path) -> None:
    load(ada, tmp_path, "a.csv", row("r1", 60))
    said = ada("usage", "rerate", "--subscription", "+33639980001", "--from", "2026-12-01", "--to", "2027-01-01")
    assert "1 records priced again; 0 lines changed" in said.out
    assert "prices 0.00 EUR" in said.out
    assert ada("usage", "rerate", "--subscription", "nobody").status == 1


def test_a_file_is_unloaded_and_loaded_again(ada: Mvne, tmp_path: Path) -> None:
    load(ada, tmp_path, "a.csv", row("r1", 3660))
    batch = batches(ada)["a.csv"]
    would = ada("usage", "unload", batch, "--reason", "twice", "--dry-run", "--at", "2026-12-21")
    assert "-0.05 EUR" in would.out
    assert "-0.05 EUR" in ada("usage", "unload", batch, "--reason", "twice", "--at", "2026-12-21").out
    assert "1 read, 0 known already; now 1 void; unloaded" in ada("usage", "files").out
    assert "taken back" in ada("explain", "usage", "r1").out
    assert "void" in ada("subscriber", "usage", "+33639980001").out
    assert "1 priced" in load(ada, tmp_path, "a.csv", row("r1", 3660))
    assert ada("usage", "unload", "nothing", "--reason", "x").status == 1


def test_suspense_is_shown_mended_dropped_and_tried_again_by_slices(ada: Mvne, tmp_path: Path) -> None:
    rows = (row("r1", 60, msisdn="+33600000000"), row("r2", 60, to="+9991234567"), "broken\n")
    load(ada, tmp_path, "a.csv", *rows)
    held = {one["reason"]: one["id"] for one in ada("usage", "suspense", "--json").json["suspense"]}
    assert len(held) == 3
    some = ada("usage", "suspense", "--reason", "unknown_destination", "--json").json["suspense"]
    assert [one["id"] for one in some] == [held["unknown_destination"]]
    assert ada("usage", "suspense", "--reason", "because").status == 2
    fixed = ada("usage", "fix", held["unknown_subscriber"], "msisdn=+33639980001", "--reason", "typing error")
    assert "waits to be tried again" in fixed.out
    assert ada("usage", "replay", "--reason", "mended", "--at", "2026-12-21", "--json").json["rated"] == 1
    assert "is written off" in ada("usage", "drop", held["malformed"], "--reason", "a test row").out
    again = load(ada, tmp_path, "a.csv", *rows)
    assert "1 known already" in again  # as it was before it was mended
    assert "1 written off before" in again
    assert ada("usage", "fix", held["unknown_destination"], "amount=-1").status == 1
    assert ada("usage", "fix", held["unknown_destination"], "amount").status == 2
    assert ada("usage", "drop", "nobody", "--reason", "x").status == 1


def test_files_that_are_missing_are_seen(ada: Mvne, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAPPING)
    assert "no file with a number" in ada("usage", "gaps").out
    load(ada, tmp_path, "cdr_0001.csv", row("r1", 60), mapping="map.yaml")
    said = load(ada, tmp_path, "cdr_0004.csv", row("r2", 60), at="2026-12-21", mapping="map.yaml")
    assert "file 4 of HOST1 follows 1: 2 to 3 missing" in said
    assert "2 to 3" in ada("usage", "gaps").out
    [series] = ada("usage", "gaps", "--json").json["senders"]
    assert (series["sender"], series["missing"], series["whole"]) == ("HOST1", [[2, 3]], False)
    shown = ada("usage", "files").out
    assert "cdr_0004.csv, came in 2026-12-21T00:00+00:00 as file-" in shown
    assert "HOST1's file 4; 1 read, 0 known already; now 1 rated" in shown


def test_the_same_use_under_another_id_is_known_by_a_key_of_fields(ada: Mvne, tmp_path: Path) -> None:
    load(ada, tmp_path, "a.csv", row("r1", 60))
    assert "1 known already" in load(ada, tmp_path, "b.csv", row("other", 60), key="msisdn,start,to,amount")
    assert ada("usage", "load", "b.csv", "--key", "colour").status == 1


def test_what_lines_share_and_keep_is_shown_where_there_is_nothing(ada: Mvne) -> None:
    assert "shares with nobody" in ada("subscriber", "pool", "show", "+33639980001").out
    assert "no list that subscribers keep" in ada("subscriber", "friends", "list", "+33639980001").out
    assert ada("subscriber", "friends", "add", "+33639980001", "0199001234", "--list", "friends").status == 1
    assert ada("subscriber", "pool", "remove", "+33639980001").status == 1
    assert ada("subscriber", "pool", "add", "+33639980001", "--owner", "+33639980001", "--limit", "data").status == 2
    assert "every session say what was charged" in ada("usage", "live").out
    assert "nothing was priced again" in ada("usage", "reratings").out
    assert "host feed, came in" in ada("usage", "files").out


def test_use_from_the_future_waits(ada: Mvne, tmp_path: Path) -> None:
    assert "1 in suspense: future dated" in load(ada, tmp_path, "a.csv", row("r1", 60, 25))
    assert ada("usage", "replay", "--at", "2026-12-26", "--json").json["rated"] == 1
