"""Prepaid money at the terminal: balances, top-ups, vouchers, transfers, and what is said when it cannot be done."""

from __future__ import annotations

import csv
import shutil
import stat
from pathlib import Path

import pytest

from scripts.packages import ROOT
from tests.mvne.cli.conftest import Mvne

AT = ("--at", "2027-01-04T09:00:00-05:00")
ADD = ("subscriber", "add", "--region", "NY", "--plan", "spark", "--periods", "3", *AT)
WHO = ("--actor", "zoe", "--reason", "cash at kiosk 4")
ADA, BOB = "ada-1", "bob-1"


@pytest.fixture(scope="module")
def comet_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in which Comet is launched and Ada and Bob have a line each; tests copy it."""
    from mvne.bootstrap import connect
    from mvne.clock import now
    from mvne.launching import launch
    from mvne.people import Subscriber
    from mvne.planfile.reading import load
    from mvne.signup import SignUp, sign_up

    folder = tmp_path_factory.mktemp("comet")
    with connect(f"sqlite:///{folder / 'store.sqlite'}") as platform:
        launch(load(ROOT / "examples" / "comet" / "plan.yaml"), platform, now())
        for name in ("ada", "bob"):
            person = Subscriber(name, name.title(), f"{name}@example.org", "en", region="NY")
            sign_up(platform, "comet", SignUp(person, f"{name}-1", "spark", "pm_card_visa", 3), now())
    return folder


@pytest.fixture
def comet(mvne: Mvne, comet_store: Path, tmp_path: Path) -> Mvne:
    for file in comet_store.iterdir():
        shutil.copy(file, tmp_path)
    return mvne


def free(comet: Mvne, line: str = ADA) -> str:
    return str(comet("balance", "show", line, "--json").json["free"])


def test_a_card_fills_a_balance_and_it_is_shown(comet: Mvne) -> None:
    assert free(comet) == "0.00 USD"
    paid = comet("balance", "top-up", ADA, "20", "--id", "t-1", "--json").json
    assert (paid["topup"], paid["state"], paid["free"]) == ("t-1", "succeeded", "20.00 USD")
    said = comet("balance", "top-up", ADA, "20", "--id", "t-1")
    assert (said.status, said.out) == (0, "line ada-1: 20.00 USD from card: succeeded; 20.00 USD free\n")
    shown = comet("balance", "show", ADA).out
    assert "free: 20.00 USD" in shown
    assert "for ever" in shown
    assert "balance: 20.00 USD free" in comet("subscriber", "show", ADA).out
    assert "topup" in comet("balance", "history", ADA).out
    assert comet("ledger", "verify").status == 0


def test_a_balance_is_shown_as_it_stood(comet: Mvne) -> None:
    for at, amount in (("2027-02-01", "5"), ("2027-03-01", "7")):
        assert comet("balance", "top-up", ADA, amount, "--source", "shop", *WHO, "--at", at).status == 0
    assert [
        comet("balance", "show", ADA, "--at", at, "--json").json["free"] for at in ("2027-01-31", "2027-02-15")
    ] == [
        "0.00 USD",
        "5.00 USD",
    ]
    moved = comet("balance", "history", ADA, "--at", "2027-02-15", "--json").json["movements"]
    assert [(one["what"], one["free"], one["free after"]) for one in moved] == [("topup", "+5.00 USD", "5.00 USD")]
    assert len(comet("balance", "history", ADA, "--limit", "1", "--json").json["movements"]) == 1
    assert "nothing has happened" in comet("balance", "history", BOB).out


def test_money_is_adjusted_sent_and_spent_on_an_add_on(comet: Mvne) -> None:
    comet("balance", "top-up", ADA, "30", "--source", "cash", *WHO)
    adjusted = comet("balance", "adjust", ADA, "2.50", "--down", "--actor", "zoe", "--reason", "paid twice", "--json")
    assert (adjusted.json["amount"], adjusted.json["free"]) == ("-2.50 USD", "27.50 USD")
    assert "17.00 USD free" in comet("balance", "buy", ADA, "boost-1gb", "--id", "p-1").out
    assert free(comet) == "17.00 USD"
    refused = comet("balance", "transfer", ADA, BOB, "5")
    assert refused.status == 1
    assert "cannot send each other money" in refused.err
    assert comet("ledger", "verify").status == 0


def test_vouchers_are_printed_once_redeemed_once_and_voided(comet: Mvne, tmp_path: Path) -> None:
    made = comet("balance", "voucher", "make", "spring", "10", "--count", "3", "--actor", "zoe", "--out", "codes.csv")
    assert (made.status, "cannot be shown again" in made.out) == (0, True)
    file = tmp_path / "codes.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["amount"] for row in rows] == ["10"] * 3
    code = rows[0]["code"]
    assert code not in made.out
    said = comet("balance", "voucher", "redeem", ADA, code.lower())
    assert said.out == "line ada-1: redeemed, 10.00 USD; 10.00 USD free\n"
    assert "redeemed before" in comet("balance", "voucher", "redeem", ADA, code).out
    used = comet("balance", "voucher", "redeem", BOB, code)
    assert used.status == 1
    assert f"…{code[-4:]}" in used.err
    assert code not in used.err
    again = comet("balance", "voucher", "make", "spring", "10", "--count", "3", "--actor", "zoe")
    assert (again.status, "cannot be shown again" in again.err) == (1, True)
    assert comet("balance", "voucher", "void", "spring", "--actor", "zoe", "--json").json["voided"] == 2
    assert "2 vouchers" in comet("balance", "voucher", "void", "spring", "--actor", "zoe").out
    assert "made void" in comet("balance", "voucher", "redeem", ADA, rows[1]["code"]).err
    assert comet("doctor").status == 0


def test_vouchers_may_go_to_a_pipe(comet: Mvne) -> None:
    make = ("balance", "voucher", "make", "--count", "2", "--actor", "zoe")
    assert len(comet(*make, "a", "10").out.splitlines()) == 2
    made = comet(*make, "b", "10", "--expires", "2027-06-01", "--lasts", "30 days", "--json").json
    assert (len(made["codes"]), made["amount"]) == (2, "10.00 USD")
    late = comet("balance", "voucher", "redeem", ADA, made["codes"][0], "--at", "2027-06-01")
    assert "expired 2027-06-01" in late.err
    redeemed = comet("balance", "voucher", "redeem", ADA, made["codes"][0], "--at", "2027-05-31", "--json").json
    assert (redeemed["new"], redeemed["free"]) == (True, "10.00 USD")
    assert "10.00 USD expired in 1 balance\n" in comet("balance", "lapse", "--at", "2027-07-01").out
    assert comet("balance", "lapse", "--at", "2027-07-01", "--json").json["balances"] == 0


def test_codes_that_cannot_be_kept_are_not_made(comet: Mvne) -> None:
    make = ("balance", "voucher", "make", "spring", "10", "--count", "3", "--actor", "zoe")
    assert comet(*make, "--out", "nowhere/codes.csv").status == 1
    assert comet(*make).status == 0


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("balance", "show", "nobody"), 1, "no line nobody"),
        (("balance", "top-up", ADA, "9,90"), 1, "use 9.90"),
        (("balance", "top-up", ADA, "0"), 1, "above 0"),
        (("balance", "top-up", ADA, "5", "--source", "cash"), 2, "--actor and --reason"),
        (("balance", "top-up", ADA, "5", "--source", "thin air"), 2, "thin air"),
        (("balance", "top-up", ADA), 2, "AMOUNT"),
        (("balance", "adjust", ADA, "5", "--actor", "zoe"), 2, "--reason"),
        (("balance", "adjust", ADA, "5", "--down", "--actor", "zoe", "--reason", "x"), 1, "can spend 0.00 USD"),
        (("balance", "adjust", ADA, "0", "--actor", "zoe", "--reason", "x"), 1, "not 0"),
        (("balance", "transfer", ADA, ADA, "5"), 1, "to itself"),
        (("balance", "buy", ADA, "boost-1gb"), 1, "Boost 1 GB costs 10.50 USD"),
        (("balance", "buy", ADA, "nothing"), 1, "sells no addon"),
        (("balance", "voucher", "redeem", ADA, "no-code"), 1, "no voucher with the code"),
        (("balance", "voucher", "make", "b", "10", "--count", "0", "--actor", "zoe"), 2, "--count"),
        (("balance", "voucher", "make", "b", "10", "--count", "1", "--actor", "z", "--lasts", "long"), 1, "30 days"),
        (("balance", "voucher", "void", "b", "--actor", "zoe"), 1, "no batch b"),
        (("balance", "lapse", "--at", "soon"), 2, "2027-02-01"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_status(
    comet: Mvne, words: tuple[str, ...], status: int, says: str
) -> None:
    said = comet(*words)
    assert said.status == status
    assert says in said.err


def test_a_declined_card_is_refused_outside(comet: Mvne) -> None:
    from mvne.bootstrap import connect
    from mvne.collecting import use_method

    with connect() as platform:
        use_method(platform, "comet", "ada", "pm_card_chargeCustomerFail")
    said = comet("balance", "top-up", ADA, "20")
    assert said.status == 6
    assert "was declined" in said.err


def test_a_postpaid_line_has_no_balance(tilleul: Mvne) -> None:
    tilleul("subscriber", "add", "--name", "A", "--email", "a@b.example", "--plan", "douceur", "--born", "1950-01-01")
    line = tilleul("subscriber", "show", "+33639980001", "--json").json["line"]
    for words in (("show",), ("top-up", "5")):
        said = tilleul("balance", words[0], line, *words[1:])
        assert said.status == 1
        assert "no balance" in said.err
