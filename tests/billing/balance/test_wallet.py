"""Paying a bill from the balance: all of it or none, once, and back into the balance when the bill is credited."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from mvne_billing.invoice import issuing
from mvne_billing.payments import attempts, refunding, wallet
from mvne_billing.payments.attempts import NothingDue, Payer, Payment
from mvne_billing.payments.refunding import Refund, RefundTooLarge
from mvne_billing.states import PaymentState, RefundState
from tests.billing.balance.purse import A, Purse, day
from tests.billing.fake_gateway import PROCESSING, FakeGateway

INVOICE = "inv:line-a:0"


@pytest.fixture
def billed(purse: Purse) -> Purse:
    """Line a has a bill over 4.90."""
    purse.books.bill("2027-03-02")
    return purse


def pay(purse: Purse, at: int = 1, told: list[Payment] | None = None) -> Payment | None:
    noted = told if told is not None else []

    def noticed(conn: Connection, payment: Payment) -> None:
        noted.append(payment)

    with purse.books.transact() as conn:
        able = wallet.can_pay(conn, purse.books.brand, INVOICE)
        done = wallet.pay(conn, purse.books.brand, INVOICE, day(at), noticed)
    assert able or done is None
    return done[0] if done else None


def test_a_bill_that_the_balance_covers_is_paid_from_it_once(billed: Purse) -> None:
    billed.pay_in("10")
    told: list[Payment] = []
    paid = pay(billed, told=told)
    assert paid is not None
    assert (paid.id, paid.state, paid.payer.method) == ("pay:inv:line-a:0:1", PaymentState.SUCCEEDED, "balance")
    assert told == [paid]
    assert billed.free() == "5.10"
    assert pay(billed) is None
    assert billed.books.balances()["receivable:line-a"] == 0
    assert "cash:stripe" not in billed.books.balances()
    assert billed.statement().spent == 4_900_000
    billed.agrees()


def test_a_bill_that_is_paid_from_the_balance_asks_no_card(billed: Purse) -> None:
    billed.pay_in("10")
    pay(billed)
    gateway, books = FakeGateway(), billed.books
    with pytest.raises(NothingDue):
        attempts.collect(books.transact, books.brand, INVOICE, Payer("cus", "pm"), gateway, day(2))
    assert gateway.calls == []
    with books.transact() as conn:
        assert attempts.open_invoices(conn, books.brand) == []


@pytest.mark.parametrize("amount", ["4.89", "0.01"])
def test_a_bill_is_not_paid_in_part(billed: Purse, amount: str) -> None:
    billed.pay_in(amount)
    assert pay(billed) is None
    assert billed.free() == amount


def test_a_bill_is_not_paid_with_money_that_has_expired_or_is_held(billed: Purse) -> None:
    billed.pay_in("10")
    assert pay(billed, at=30) is None
    billed.reserve("6")
    assert pay(billed) is None
    billed.give_back("6")
    assert pay(billed) is not None


def test_a_balance_does_not_pay_while_a_card_is_being_asked(billed: Purse) -> None:
    gateway, books = FakeGateway(), billed.books
    gateway.next.append(PROCESSING)
    attempts.collect(books.transact, books.brand, INVOICE, Payer("cus", "pm"), gateway, day(1))
    billed.pay_in("10")
    assert pay(billed) is None
    assert billed.free() == "10.00"


def credit(purse: Purse) -> None:
    with purse.books.transact() as conn:
        issuing.credit(conn, purse.books.brand, "note", INVOICE, day(2))


def refund(purse: Purse, name: str = "r-1") -> Refund:
    books = purse.books
    payment = f"pay:{INVOICE}:1"
    return refunding.refund(books.transact, books.brand, name, payment, "note", FakeGateway(), day(3))


def test_a_credited_bill_goes_back_into_the_balance_once_and_lasts(billed: Purse) -> None:
    billed.pay_in("10")
    pay(billed)
    credit(billed)
    assert [refund(billed).state, refund(billed).state] == [RefundState.SUCCEEDED] * 2
    assert billed.free() == "10.00"
    assert billed.statement().spent == 0
    with pytest.raises(RefundTooLarge):
        refund(billed, "r-2")
    billed.agrees()
    billed.lapse(day(30))
    assert (billed.free(), billed.expired()) == ("4.90", "5.10")


def test_a_line_without_a_balance_cannot_pay_from_it(purse: Purse) -> None:
    from tests.billing.builders import subscription

    purse.books.subscribe(subscription("line-c"))
    purse.books.bill("2027-03-02", "line-c")
    with purse.books.transact() as conn:
        assert not wallet.can_pay(conn, purse.books.brand, "inv:line-c:0")


def test_what_a_balance_paid_is_the_line_s_own(billed: Purse) -> None:
    billed.pay_in("10", "line-b")
    assert pay(billed) is None
    assert billed.free(A) == "0.00"
