"""Bad input: a clear message, a documented status, nothing lost, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mvne.cli.conftest import Mvne

_ADD = ("subscriber", "add", "--name", "A", "--email", "a@b.example", "--plan", "douceur", "--born", "1950-01-01")

PLAN = """\
brand: {id: x, name: X, market: FR}
host:
  network: simulated
  agreement: {from: 2026-01-01, line: 0.60/month, voice: 0.0035/min, sms: 0.002, data: 0.85/GB}
plans:
  - {id: a, pay: postpaid, price: 9.90, includes: {voice: 60 min}, then: {voice: 0.05/min}}
"""


@pytest.mark.parametrize("command", ["check", "diff", "launch"])
def test_a_missing_file_is_named(mvne: Mvne, command: str) -> None:
    said = mvne(command, "nowhere.yaml")
    assert said.status == 3
    assert "nowhere.yaml" in said.out + said.err


@pytest.mark.parametrize(
    ("content", "said_of_it"),
    [
        (b"\xff\xfe\x00 not yaml: [", "plan.yaml"),
        (b"\x00" * 10, "plan.yaml"),
        (b"", "plan.yaml"),
        (b"[1, 2", "plan.yaml"),
        (b"a: &a [x]\n" + b"".join(b"b%d: &b%d [*a,*a,*a,*a,*a,*a,*a,*a]\n" % (n, n) for n in range(9)), "plan.yaml"),
    ],
    ids=["binary", "zeros", "empty", "broken", "aliases"],
)
def test_a_file_that_is_no_plan_is_refused_with_its_place(
    mvne: Mvne, tmp_path: Path, content: bytes, said_of_it: str
) -> None:
    (tmp_path / "plan.yaml").write_bytes(content)
    said = mvne("check", "plan.yaml")
    assert said.status == 3
    assert f"{said_of_it}:" in said.out


def test_a_yaml_bomb_costs_nothing(mvne: Mvne, tmp_path: Path) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    (tmp_path / "plan.yaml").write_text("l0: &l0 [lol]\n" + levels)
    said = mvne("check", "plan.yaml")
    assert said.status == 3
    assert len(said.out) < 20_000


def test_a_file_of_100_mb_is_refused_unread(mvne: Mvne, tmp_path: Path) -> None:
    with (tmp_path / "plan.yaml").open("wb") as stream:
        stream.truncate(100_000_000)
    said = mvne("check", "plan.yaml")
    assert said.status == 3
    assert "larger than 1,000,000 bytes" in said.out


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("market: FR", "markt: FR", "1:25", "did you mean 'market'"),
        ("price: 9.90", "price: 9,90", "6:35", "use 9.90"),
        ("price: 9.90", "price: -9.90", "6:35", ""),
        ("name: X", "name: X, name: Y", "1:25", "twice"),
        ("voice: 60 min", "voice: {amount: 60 min, to: atlantis}", "6:", "atlantis"),
        ("market: FR", "market: FR, currency: USD", "1:", "EUR"),
        (
            "network: simulated",
            "network: simulated\n  numbers: [{from: +33612345678, to: +33612345679}]",
            "4:",
            "+33639980000",
        ),
    ],
    ids=["unknown key", "comma", "negative", "duplicate key", "unknown zone", "currency", "real number"],
)
def test_each_mistake_has_its_place_and_its_remedy(
    mvne: Mvne, tmp_path: Path, old: str, new: str, place: str, words: str
) -> None:
    assert old in PLAN
    (tmp_path / "plan.yaml").write_text(PLAN.replace(old, new, 1))
    said = mvne("check", "plan.yaml")
    assert said.status == 3
    assert f"plan.yaml:{place}" in said.out
    assert words in said.out
    assert "^" in said.out
    assert mvne("launch", "plan.yaml").status == 3


def test_a_number_group_with_a_premium_or_emergency_number_is_refused(mvne: Mvne, tmp_path: Path) -> None:
    (tmp_path / "homes.csv").write_text("number,name\n+33199001234,A home\n0892123456,A trap\n112,Help\n")
    (tmp_path / "plan.yaml").write_text(PLAN + "number_groups: {homes: {source: homes.csv}}\n")
    said = mvne("check", "plan.yaml")
    assert said.status == 3
    assert "homes.csv:3:1" in said.out
    assert "homes.csv:4:1" in said.out
    assert "homes.csv:2" not in said.out


def test_all_problems_are_reported_at_once_and_as_json(mvne: Mvne, tmp_path: Path) -> None:
    wrong = "brand: {id: x, name: X, markt: FR}\nplans: [{id: a, price: 9,90}, {id: a, price: -1}]\n"
    (tmp_path / "plan.yaml").write_text(wrong)
    found = mvne("check", "plan.yaml", "--json").json
    assert found["format_version"] == 1
    assert len(found["findings"]) >= 4
    assert all(one["line"] > 0 and one["column"] > 0 for one in found["findings"])


def test_a_usage_file_with_broken_rows_loses_nothing(tilleul: Mvne, tmp_path: Path) -> None:
    rows = [
        "id,msisdn,kind,start,amount,country,to",
        "r1,+33639980001,voice,2026-12-01T10:00:00Z,60,FR,0199001234",
        "r2,+33639980001,fax,2026-12-01T10:00:00Z,60,FR,0199001234",
        "r3,+33639980001,voice,yesterday,60,FR,0199001234",
        "r4,+33639980001,voice",
        'r5,+33639980001,voice,2026-12-01T10:00:00Z,60,FR,"0199',
    ]
    (tmp_path / "usage.csv").write_text("\n".join(rows) + "\n")
    said = tilleul("usage", "load", "usage.csv")
    assert said.status == 0
    assert "5 records: 0 priced" in said.out
    assert "4 in suspense: malformed" in said.out
    assert "1 in suspense: unknown subscriber" in said.out
    held = tilleul("usage", "suspense", "--json").json["suspense"]
    assert {one["source"] for one in held} >= {"usage.csv:3", "usage.csv:4", "usage.csv:5", "usage.csv:6"}
    assert "0 priced" in tilleul("usage", "load", "usage.csv").out
    assert len(tilleul("usage", "suspense", "--json").json["suspense"]) == 5


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("usage.csv", "id;msisdn\n1;2\n"),
        ("usage.parquet", "no parquet"),
        ("usage.csv", "\x00\x01\x02"),
        ("none.csv", None),
    ],
)
def test_a_file_that_is_no_usage_is_refused_whole(
    tilleul: Mvne, tmp_path: Path, name: str, content: str | None
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    said = tilleul("usage", "load", name)
    assert said.status == 1
    assert name in said.err


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("subscriber", "show", "nobody"), 1, "no line nobody"),
        (("subscriber", "add", "--name", "A", "--email", "a@b.example", "--plan", "douceur"), 1, "60 and over"),
        (
            ("subscriber", "add", "--name", "A", "--email", "a@b.example", "--plan", "doucer", "--born", "1950-01-01"),
            1,
            "it sells: douceur, serenite",
        ),
        (
            (
                "subscriber",
                "add",
                "--name",
                "A",
                "--email",
                "a@b.example",
                "--plan",
                "douceur",
                "--born",
                "1950-01-01",
                "--code",
                "NO",
            ),
            1,
            "code 'NO'",
        ),
        (
            (
                "subscriber",
                "add",
                "--name",
                "A",
                "--email",
                "a@b.example",
                "--plan",
                "douceur",
                "--born",
                "1950-01-01",
                "--method",
                "pm_card_chargeCustomerFail",
            ),
            6,
            "not paid",
        ),
        (
            (
                "subscriber",
                "add",
                "--name",
                "A",
                "--email",
                "a@b.example",
                "--plan",
                "douceur",
                "--born",
                "1950-01-01",
                "--number",
                "+33612",
            ),
            1,
            "7 to 15",
        ),
        (("status", "--brand", "other"), 1, "the store has tilleul"),
        (("bill", "show", "TILLEUL-1"), 1, "no bill TILLEUL-1"),
        (("bill", "run", "--as-of", "soon"), 2, "2027-02-01"),
        (("explain", "usage", "r99"), 1, "usage suspense"),
        (("launch",), 2, "PLAN.YAML"),
        (("lunch",), 2, "lunch"),
        (("status", "--store", "mysql://x/y"), 1, "SQLite or PostgreSQL"),
        (("status", "--store", "nonsense"), 1, "sqlite:///brand.sqlite"),
    ],
)
def test_a_wrong_word_gets_a_sentence_and_its_status(
    tilleul: Mvne, words: tuple[str, ...], status: int, says: str
) -> None:
    said = tilleul(*words)
    assert said.status == status
    assert says in said.err


def test_an_empty_store_says_what_to_do_first(mvne: Mvne) -> None:
    said = mvne("status")
    assert said.status == 1
    assert "mvne launch plan.yaml" in said.err


def test_an_error_as_json_is_one_object_on_standard_output(tilleul: Mvne) -> None:
    said = tilleul("subscriber", "show", "nobody", "--json")
    assert said.status == said.json["status"] == 1
    assert "nobody" in said.json["error"]
    assert said.err == ""


def test_a_defect_of_ours_says_how_to_report_it(tilleul: Mvne, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("mvne.standing.status", broken)
    said = tilleul("status")
    assert said.status == 1
    assert "defect in mvne: ZeroDivisionError: oh" in said.err
