"""Prepaid use that comes in files: the wallet pays as it is priced, and gets back what turns out to cost less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_billing.balance import account, adjusting
from mvne_billing.ledger import accounts
from mvne_billing.mediation.paying import PAID
from mvne_plans.catalogue import Pay
from tests.billing.builders import Books, calls, moment, open_books, plan, record, tariff
from tests.billing.mediation.looking import owed, prices, rows, stored

AT = moment("2027-03-01 10:00")
CALL = 50_000  #: micro-units of a minute


def prepaid(books: Books, given: int | None = 1_000_000, floor: int = 0) -> Books:
    """A prepaid line whose minutes all cost 0.05, with so much in its wallet; None for a line without a wallet."""
    books.plans["douceur"] = plan(pay=Pay.PREPAID, tariff=tariff(buckets=()))
    books.subscribe()
    if given is not None:
        with books.transact() as conn:
            account.open_balance(conn, books.brand, "line-a", "EUR", AT, floor)
            if given:
                adjusting.adjust(conn, books.brand, "gift", "line-a", given, "zoe", "welcome", AT)
    return books


def free(books: Books) -> int:
    with books.engine.connect() as conn:
        return account.get(conn, books.brand, "line-a").free_micro


def lost(books: Books) -> int:
    return books.balances().get(accounts.OVERRUN, 0)


def test_the_wallet_pays_and_no_bill_asks_again(books: Books) -> None:
    prepaid(books)
    assert books.load(calls(5)).charge_micro == 5 * CALL
    assert (free(books), lost(books), owed(books)) == (1_000_000 - 5 * CALL, 0, 0)
    assert {one.invoice for one in stored(books, *prices(books)).values()} == {PAID}
    assert [line.kind for bill in books.bill("2027-05-02") for line in bill.lines if line.kind == "usage"] == []
    assert books.faults() == ()


def test_the_same_file_again_takes_nothing_again(books: Books) -> None:
    prepaid(books).load(calls(5))
    assert books.load(calls(5), "again").duplicates == 5
    assert free(books) == 1_000_000 - 5 * CALL
    assert books.faults() == ()


@pytest.mark.parametrize(
    ("given", "floor", "left", "loss"),
    [
        (5 * CALL, 0, 0, 0),
        (3 * CALL, 0, 0, 2 * CALL),
        (0, 0, 0, 5 * CALL),
        (3 * CALL, -CALL, -CALL, CALL),
    ],
)
def test_what_the_wallet_does_not_have_is_the_brand_s_loss(
    books: Books, given: int, floor: int, left: int, loss: int
) -> None:
    prepaid(books, given, floor).load(calls(5))
    assert (free(books), lost(books), owed(books)) == (left, loss, 0)
    assert books.faults() == ()


def test_a_prepaid_line_without_a_wallet_has_it_on_its_next_bill(books: Books) -> None:
    prepaid(books, None).load(calls(5))
    assert (lost(books), owed(books)) == (0, 5 * CALL)
    assert books.faults() == ()


def test_money_that_expired_before_the_file_came_does_not_pay(books: Books) -> None:
    prepaid(books, None)
    with books.transact() as conn:
        account.open_balance(conn, books.brand, "line-a", "EUR", AT)
        adjusting.adjust(conn, books.brand, "g", "line-a", 1_000_000, "zoe", "bonus", AT, moment("2027-04-01"))
    books.load(calls(5))
    assert (free(books), lost(books)) == (0, 5 * CALL)
    assert -books.balances()[accounts.BREAKAGE] == 1_000_000
    assert books.faults() == ()


def test_a_lower_price_makes_up_for_the_loss_first(books: Books) -> None:
    prepaid(books, 3 * CALL).load([record(300)])
    assert (free(books), lost(books)) == (0, 2 * CALL)
    books.load([replace(record(240, record_id="fix"), corrects="cdr-1")], "b2")
    assert (free(books), lost(books)) == (0, CALL)
    books.load([replace(record(60, record_id="fix-2"), corrects="fix")], "b3")
    assert (free(books), lost(books), owed(books)) == (2 * CALL, 0, 0)
    assert books.faults() == ()


def test_unloading_gives_everything_back_and_the_file_may_come_again(books: Books) -> None:
    prepaid(books, 8 * CALL).load(calls(10))
    assert (free(books), lost(books)) == (0, 2 * CALL)
    for _ in range(2):
        books.unload("batch-1", f"u{books.transfers()}")
        assert (free(books), lost(books), owed(books)) == (8 * CALL, 0, 0)
        books.load(calls(10))
        assert (free(books), lost(books), owed(books)) == (0, 2 * CALL, 0)
    assert books.faults() == ()


def test_a_higher_price_is_taken_and_a_lower_one_given_back_when_use_is_priced_again(books: Books) -> None:
    prepaid(books).load(calls(5))
    told = books.unload("batch-1", dry_run=True)
    assert (told.charge_micro, free(books)) == (-5 * CALL, 1_000_000 - 5 * CALL)
    books.plans["douceur"] = plan(pay=Pay.PREPAID)  # sixty minutes are included
    done = books.rerate()
    assert (done.charge_micro, done.lines[0].billed_micro) == (-5 * CALL, 0)
    assert (free(books), lost(books), owed(books)) == (1_000_000, 0, 0)
    books.plans["douceur"] = plan(pay=Pay.PREPAID, tariff=tariff(buckets=()))
    books.rerate("rerating-2")
    assert free(books) == 1_000_000 - 5 * CALL
    assert rows(books, "billing_usage_correction", "id") == []
    assert books.faults() == ()


def test_what_a_line_used_before_it_was_prepaid_stays_on_its_bill(books: Books) -> None:
    books.plans["douceur"] = plan(tariff=tariff(buckets=()))
    books.subscribe()
    books.load([record(120)])
    books.plans["douceur"] = plan(pay=Pay.PREPAID, tariff=tariff(buckets=()))
    with books.transact() as conn:
        account.open_balance(conn, books.brand, "line-a", "EUR", AT)
        adjusting.adjust(conn, books.brand, "gift", "line-a", 1_000_000, "zoe", "welcome", AT)
    assert owed(books) == 2 * CALL
    books.unload("batch-1")
    assert (owed(books), free(books)) == (0, 1_000_000)
    assert books.faults() == ()


@settings(max_examples=25)
@given(
    given=st.integers(0, 12 * CALL),
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=6),
    corrected=st.lists(st.integers(0, 400), max_size=6),
)
def test_what_was_given_is_spent_or_there_whatever_comes(given: int, lengths: list[int], corrected: list[int]) -> None:
    with open_books() as books:
        prepaid(books, given)
        starts = [f"2027-03-05 {8 + place:02}:00" for place in range(len(lengths))]
        first = [record(units, record_id=f"r{n}", start=starts[n]) for n, units in enumerate(lengths)]
        books.load(first, "b1")
        for n, units in enumerate(corrected[: len(lengths)]):
            books.load([replace(record(units, record_id=f"c{n}", start=starts[n]), corrects=f"r{n}")], f"fix-{n}")
        charged = sum(prices(books).values())
        assert free(books) >= 0
        assert given - free(books) == charged - lost(books)
        assert not (lost(books) and free(books))
        assert books.faults() == ()
