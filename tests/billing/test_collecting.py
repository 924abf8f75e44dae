"""Collecting and giving back: whenever the line drops, money moves once and the books say so."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from mvne_billing import tables
from mvne_billing.invoice import issuing
from mvne_billing.invoice.invoice import Invoice
from mvne_billing.ledger import accounts
from mvne_billing.payments import attempts, notifications, refunding
from mvne_billing.payments.attempts import NothingDue, Payer, Payment, PaymentNotFound
from mvne_billing.payments.gateway import (
    BadSignature,
    ChargeResult,
    ChargeStatus,
    GatewayUnavailable,
    RefundResult,
    RefundStatus,
)
from mvne_billing.payments.gateway import Refund as Asked
from mvne_billing.payments.refunding import Refund, RefundConflict, RefundTooLarge
from mvne_billing.states import PAYMENT_MOVES, PaymentState, RefundState
from tests.billing.builders import Books, moment, money, open_books, subscription
from tests.billing.fake_gateway import (
    AFTER,
    AUTHENTICATE,
    BEFORE,
    DECLINED,
    PENDING,
    PROCESSING,
    REFUSED,
    STORED_FAILURE,
    FakeGateway,
)

AT = moment("2027-03-01 12:00")
PAYER = Payer("cus_1", "pm_1")
INVOICE = "inv:line-a:0"


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def invoice(books: Books) -> Invoice:
    """4.90 EUR, due."""
    books.subscribe()
    (document,) = books.bill("2027-03-02")
    return document


def collect(books: Books, gateway: FakeGateway, hours: int = 0, payer: Payer = PAYER) -> Payment:
    return attempts.collect(books.transact, books.brand, INVOICE, payer, gateway, AT + timedelta(hours=hours))


def due(books: Books) -> str:
    with books.transact() as conn:
        return attempts.due(conn, books.brand, INVOICE).decimal()


def cash(books: Books) -> int:
    """Return what is in the till in minor units, having checked the books and the gateway's word for it."""
    assert books.faults() == ()
    return books.balances().get(accounts.CASH, 0) // 10_000


def test_an_invoice_is_collected_once(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    paid = collect(books, gateway)
    assert (paid.id, paid.attempt, paid.amount, paid.state, paid.reference) == (
        "pay:inv:line-a:0:1",
        1,
        money("4.90"),
        PaymentState.SUCCEEDED,
        "pi_1",
    )
    assert paid.key == f"{books.brand}:pay:inv:line-a:0:1"
    assert (due(books), cash(books), gateway.received) == ("0.00", 490, 490)
    assert books.balances()["receivable:line-a"] == 0
    with pytest.raises(NothingDue, match=books.number(1)):
        collect(books, gateway)
    assert len(gateway.charges) == 1


def test_the_attempt_is_written_before_the_gateway_hears_of_it(
    books: Books, invoice: Invoice, gateway: FakeGateway
) -> None:
    gateway.next.append(BEFORE)
    with pytest.raises(GatewayUnavailable):
        collect(books, gateway)
    with books.transact() as conn:
        (waiting,) = attempts.unfinished(conn, books.brand)
    assert (waiting.state, waiting.key, waiting.reference) == (
        PaymentState.CREATED,
        f"{books.brand}:pay:inv:line-a:0:1",
        None,
    )
    assert (due(books), cash(books)) == ("4.90", 0)


@pytest.mark.parametrize("hours", [1, 19, 21, 500])
@pytest.mark.parametrize("lost", [BEFORE, AFTER])
def test_an_attempt_that_was_lost_goes_on_where_it_was(
    books: Books, invoice: Invoice, gateway: FakeGateway, lost: str, hours: int
) -> None:
    gateway.next.append(lost)
    with pytest.raises(GatewayUnavailable):
        collect(books, gateway)
    if hours > 24:
        gateway.forget_keys()
    paid = collect(books, gateway, hours)
    assert (paid.attempt, paid.state, len(gateway.charges)) == (1, PaymentState.SUCCEEDED, 1)
    assert (cash(books), gateway.received) == (490, 490)


class PowerCut(BaseException):
    """The machine stops between the answer and its being written down."""


def test_a_crash_before_the_answer_is_written_charges_nothing_twice(
    books: Books, invoice: Invoice, gateway: FakeGateway
) -> None:
    opened = 0

    def transact() -> AbstractContextManager[Connection]:
        nonlocal opened
        opened += 1
        if opened == 2:
            raise PowerCut
        return books.transact()

    with pytest.raises(PowerCut):
        attempts.collect(transact, books.brand, INVOICE, PAYER, gateway, AT)
    assert (gateway.received, cash(books)) == (490, 0)
    assert collect(books, gateway).state is PaymentState.SUCCEEDED
    assert (gateway.received, cash(books)) == (490, 490)


def test_a_declined_attempt_is_followed_by_another_with_its_own_key(
    books: Books, invoice: Invoice, gateway: FakeGateway
) -> None:
    gateway.next.append(DECLINED)
    declined = collect(books, gateway)
    assert (declined.state, declined.code, declined.message) == (
        PaymentState.FAILED,
        "insufficient_funds",
        "not enough money",
    )
    assert (due(books), cash(books)) == ("4.90", 0)
    paid = collect(books, gateway, hours=72, payer=Payer("cus_1", "pm_2"))
    assert (paid.attempt, paid.state, paid.payer.method) == (2, PaymentState.SUCCEEDED, "pm_2")
    assert paid.key != declined.key
    with books.transact() as conn:
        assert [one.state for one in attempts.of_invoice(conn, books.brand, INVOICE)] == [declined.state, paid.state]
        assert attempts.unfinished(conn, books.brand) == []
        assert attempts.by_reference(conn, books.brand, "pi_2") == paid
    assert cash(books) == 490


def test_a_refusal_is_an_attempt_that_failed(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    gateway.next.append(REFUSED)
    failed = collect(books, gateway)
    assert (failed.state, failed.code, failed.reference) == (PaymentState.FAILED, "payment_method_missing", None)
    assert collect(books, gateway).attempt == 2


def test_a_stored_failure_ends_the_attempt_when_no_money_moved(
    books: Books, invoice: Invoice, gateway: FakeGateway
) -> None:
    gateway.next.append(STORED_FAILURE)
    with pytest.raises(GatewayUnavailable):
        collect(books, gateway)
    failed = collect(books, gateway)
    assert (failed.attempt, failed.state, failed.code) == (1, PaymentState.FAILED, "gateway_error")
    paid = collect(books, gateway)
    assert (paid.attempt, paid.state, cash(books)) == (2, PaymentState.SUCCEEDED, 490)


def test_a_stored_failure_behind_which_money_moved_is_a_payment(
    books: Books, invoice: Invoice, gateway: FakeGateway
) -> None:
    gateway.next.extend([AFTER, ""])
    with pytest.raises(GatewayUnavailable):
        collect(books, gateway)
    key = f"{books.brand}:pay:inv:line-a:0:1"
    gateway.answers[key] = None
    paid = collect(books, gateway)
    assert (paid.state, paid.reference, len(gateway.charges), cash(books)) == (PaymentState.SUCCEEDED, "pi_1", 1, 490)


@pytest.mark.parametrize("how", [PROCESSING, AUTHENTICATE])
@pytest.mark.parametrize(
    ("settled", "state", "left"),
    [
        (ChargeStatus.SUCCEEDED, PaymentState.SUCCEEDED, "0.00"),
        (ChargeStatus.FAILED, PaymentState.FAILED, "4.90"),
    ],
)
def test_an_attempt_under_way_is_looked_up_not_made_again(
    books: Books,
    invoice: Invoice,
    gateway: FakeGateway,
    how: str,
    settled: ChargeStatus,
    state: PaymentState,
    left: str,
) -> None:
    gateway.next.append(how)
    assert collect(books, gateway).state == how
    assert collect(books, gateway, hours=30).state == how
    assert (due(books), cash(books)) == ("4.90", 0)
    gateway.settle(settled)
    assert collect(books, gateway, hours=60).state is state
    assert (due(books), len(gateway.charges)) == (left, 1)
    assert gateway.calls[1:] == ["fetch pi_1", "fetch pi_1"]


@pytest.mark.parametrize(("start", "told"), list(product(PaymentState, ChargeStatus)), ids=lambda value: str(value))
def test_a_payment_never_goes_back(start: PaymentState, told: ChargeStatus) -> None:
    with open_books() as books:
        books.subscribe()
        books.bill("2027-03-02")
        never_back(books, start, told)


def never_back(books: Books, start: PaymentState, told: ChargeStatus) -> None:
    gateway = FakeGateway(deque([BEFORE]))
    with pytest.raises(GatewayUnavailable):
        collect(books, gateway)
    with books.transact() as conn:
        (one,) = attempts.unfinished(conn, books.brand)
        if start is not PaymentState.CREATED:
            attempts.record(conn, books.brand, one.id, ChargeResult(ChargeStatus(start.value), "pi_1"), AT)
        after = attempts.record(conn, books.brand, one.id, ChargeResult(told, "pi_1"), AT + timedelta(days=3))
        assert attempts.get(conn, books.brand, one.id) == after
    expected = PaymentState(told.value) if PaymentState(told.value) in PAYMENT_MOVES[start] else start
    assert after.state is expected
    assert cash(books) == (490 if expected is PaymentState.SUCCEEDED else 0)


def test_several_collectors_at_once_make_one_payment(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    gate = threading.Barrier(4)
    outcomes: list[object] = []

    def work() -> None:
        gate.wait(10)
        try:
            outcomes.append(collect(books, gateway).state)
        except NothingDue:
            outcomes.append(NothingDue)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(outcomes) == 4
    assert set(outcomes) <= {PaymentState.SUCCEEDED, NothingDue}
    assert (len(gateway.charges), cash(books)) == (1, 490)


def test_nothing_is_collected_for_a_credited_invoice_or_a_credit_note(
    books: Books, invoice: Invoice, gateway: FakeGateway
) -> None:
    credited(books)
    for document in (INVOICE, "note-1"):
        with pytest.raises(NothingDue):
            attempts.collect(books.transact, books.brand, document, PAYER, gateway, AT)
    assert gateway.calls == []


def test_open_invoices_are_those_that_ask_for_money(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    books.subscribe(subscription("line-b"))
    books.bill("2027-04-02", "line-b")

    def open_ones() -> list[str]:
        with books.transact() as conn:
            return attempts.open_invoices(conn, books.brand)

    assert open_ones() == [INVOICE, "inv:line-b:0", "inv:line-b:1"]
    gateway.next.append(DECLINED)
    collect(books, gateway)
    assert INVOICE in open_ones()
    collect(books, gateway)
    credited(books, "inv:line-b:1")
    assert open_ones() == ["inv:line-b:0"]


def test_payments_of_another_brand_are_not_seen(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    paid = collect(books, gateway)
    with books.transact() as conn:
        with pytest.raises(PaymentNotFound, match="somebody-else"):
            attempts.get(conn, "somebody-else", paid.id)
        assert attempts.by_reference(conn, "somebody-else", "pi_1") is None
        assert attempts.of_invoice(conn, "somebody-else", INVOICE) == []
        assert attempts.open_invoices(conn, "somebody-else") == []


def test_the_database_knows_what_a_payment_is(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    collect(books, gateway)
    with books.transact() as conn:
        row = dict(conn.execute(select(tables.payment).where(tables.payment.c.brand == books.brand)).one()._mapping)
    for change in (
        {"id": "x", "attempt": 2, "state": "lost"},
        {"id": "x"},
        {"id": "x", "attempt": 2, "amount_minor": 0},
    ):
        with pytest.raises(DBAPIError), books.transact() as conn:
            conn.execute(insert(tables.payment).values(row | change))


def credited(books: Books, invoice_id: str = INVOICE, note_id: str = "note-1") -> Invoice:
    with books.transact() as conn:
        return issuing.credit(conn, books.brand, note_id, invoice_id, AT)


def refund(books: Books, gateway: FakeGateway, refund_id: str = "re-1", note: str = "note-1", hours: int = 0) -> Refund:
    at = AT + timedelta(hours=hours)
    return refunding.refund(books.transact, books.brand, refund_id, "pay:inv:line-a:0:1", note, gateway, at)


@pytest.fixture
def paid(books: Books, invoice: Invoice, gateway: FakeGateway) -> Payment:
    payment = collect(books, gateway)
    credited(books)
    return payment


def test_money_goes_back_once(books: Books, paid: Payment, gateway: FakeGateway) -> None:
    first = refund(books, gateway)
    assert (first.state, first.amount, first.reference) == (RefundState.SUCCEEDED, money("4.90"), "re_1")
    assert refund(books, gateway, hours=50) == first
    assert (cash(books), gateway.received, len(gateway.refunds)) == (0, 0, 1)
    assert books.balances()["receivable:line-a"] == 0


@pytest.mark.parametrize("hours", [1, 19, 21, 500])
@pytest.mark.parametrize("lost", [BEFORE, AFTER])
def test_a_refund_that_was_lost_goes_on_where_it_was(
    books: Books, paid: Payment, gateway: FakeGateway, lost: str, hours: int
) -> None:
    gateway.next.append(lost)
    with pytest.raises(GatewayUnavailable):
        refund(books, gateway)
    with books.transact() as conn:
        known = refunding.get(conn, books.brand, "re-1")
        assert known is not None
        assert (known.state, known.key) == (RefundState.CREATED, f"{books.brand}:re-1")
        assert refunding.refunded(conn, books.brand, paid.id) == 490
    if hours > 24:
        gateway.forget_keys()
    done = refund(books, gateway, hours=hours)
    assert (done.state, len(gateway.refunds), cash(books)) == (RefundState.SUCCEEDED, 1, 0)


def test_a_refund_that_takes_days_is_looked_up(books: Books, paid: Payment, gateway: FakeGateway) -> None:
    gateway.next.append(PENDING)
    assert refund(books, gateway).state is RefundState.CREATED
    assert refund(books, gateway, hours=10).state is RefundState.CREATED
    assert cash(books) == 490
    gateway.settle_refunds(RefundStatus.SUCCEEDED)
    assert refund(books, gateway, hours=40).state is RefundState.SUCCEEDED
    assert (len(gateway.refunds), cash(books)) == (1, 0)


def test_a_refund_that_fails_leaves_room_for_another(books: Books, paid: Payment, gateway: FakeGateway) -> None:
    gateway.next.append(PENDING)
    refund(books, gateway)
    gateway.settle_refunds(RefundStatus.FAILED)
    assert refund(books, gateway, hours=40).state is RefundState.FAILED
    assert refund(books, gateway, "re-2", hours=41).state is RefundState.SUCCEEDED
    assert cash(books) == 0


@pytest.mark.parametrize("how", [REFUSED, STORED_FAILURE])
def test_a_refund_that_will_never_be_made_has_failed(
    books: Books, paid: Payment, gateway: FakeGateway, how: str
) -> None:
    gateway.next.append(how)
    if how == STORED_FAILURE:
        with pytest.raises(GatewayUnavailable):
            refund(books, gateway)
    assert refund(books, gateway).state is RefundState.FAILED
    assert refund(books, gateway, "re-2").state is RefundState.SUCCEEDED
    assert (cash(books), gateway.received) == (0, 0)


def test_a_stored_failure_behind_which_money_went_back_is_a_refund(
    books: Books, paid: Payment, gateway: FakeGateway
) -> None:
    gateway.next.append(AFTER)
    with pytest.raises(GatewayUnavailable):
        refund(books, gateway)
    gateway.answers[f"{books.brand}:re-1"] = None
    assert refund(books, gateway).state is RefundState.SUCCEEDED
    assert (len(gateway.refunds), cash(books)) == (1, 0)


def test_more_than_was_received_is_refused_before_the_gateway_is_asked(
    books: Books, paid: Payment, gateway: FakeGateway
) -> None:
    refund(books, gateway)
    asked = len(gateway.calls)
    with pytest.raises(RefundTooLarge, match=r"4\.90 EUR cannot be given back: 0\.00 EUR of the payment is left"):
        refund(books, gateway, "re-2")
    assert len(gateway.calls) == asked


def test_what_was_never_received_is_not_given_back(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    gateway.next.append(DECLINED)
    collect(books, gateway)
    credited(books)
    with pytest.raises(RefundTooLarge):
        refund(books, gateway)
    assert gateway.refunds == {}


def test_a_credit_note_gives_back_its_own_invoice_s_payment_only(
    books: Books, paid: Payment, gateway: FakeGateway
) -> None:
    books.subscribe(subscription("line-b"))
    books.bill("2027-03-02", "line-b")
    credited(books, "inv:line-b:0", "note-b")
    for note in ("note-b", INVOICE):
        with pytest.raises(RefundConflict, match="no credit note of the invoice"):
            refund(books, gateway, note=note)
    refund(books, gateway)
    with pytest.raises(RefundConflict, match="re-1 exists with other content"):
        refund(books, gateway, note="note-b")


def test_an_answer_that_comes_twice_is_booked_once(
    books: Books, paid: Payment, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes ask at once: both hear that it went well, the second a little later."""
    real = gateway.refund

    def meanwhile(key: str, asked: Asked) -> RefundResult:
        monkeypatch.setattr(gateway, "refund", real)
        refund(books, gateway, hours=1)
        return real(key, asked)

    monkeypatch.setattr(gateway, "refund", meanwhile)
    assert refund(books, gateway).state is RefundState.SUCCEEDED
    assert (len(gateway.refunds), cash(books)) == (1, 0)


def receive(
    books: Books, gateway: FakeGateway, payload: str, hours: int = 1, signature: str = "good"
) -> Payment | None:
    at = AT + timedelta(hours=hours)
    return notifications.receive(books.transact, books.brand, gateway, payload.encode(), signature, at)


def test_a_notification_is_applied_by_asking_and_only_once(
    books: Books, invoice: Invoice, gateway: FakeGateway
) -> None:
    gateway.next.append(PROCESSING)
    collect(books, gateway)
    gateway.settle(ChargeStatus.SUCCEEDED)
    applied = receive(books, gateway, "evt_1 pi_1")
    assert applied is not None
    assert (applied.state, cash(books)) == (PaymentState.SUCCEEDED, 490)
    asked = len(gateway.calls)
    assert receive(books, gateway, "evt_1 pi_1", hours=2) is None
    assert len(gateway.calls) == asked


def test_old_news_of_a_payment_changes_nothing(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    collect(books, gateway)
    gateway.settle(ChargeStatus.FAILED)
    told = receive(books, gateway, "evt_1 pi_1")
    assert told is not None
    assert (told.state, cash(books)) == (PaymentState.SUCCEEDED, 490)


def test_news_of_nothing_of_ours_is_taken_and_left(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    assert [receive(books, gateway, "evt_1 pi_unknown"), receive(books, gateway, "evt_2")] == [None, None]
    assert gateway.calls == []


def test_news_that_could_not_be_checked_is_taken_again(
    books: Books, invoice: Invoice, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.next.append(PROCESSING)
    collect(books, gateway)
    gateway.settle(ChargeStatus.SUCCEEDED)

    def lost(reference: str) -> ChargeResult:
        raise GatewayUnavailable("nobody answers")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "fetch_charge", lost)
        with pytest.raises(GatewayUnavailable):
            receive(books, gateway, "evt_1 pi_1")
    applied = receive(books, gateway, "evt_1 pi_1", hours=2)
    assert applied is not None
    assert (applied.state, cash(books)) == (PaymentState.SUCCEEDED, 490)


def test_news_that_is_not_the_gateway_s_leaves_no_trace(books: Books, invoice: Invoice, gateway: FakeGateway) -> None:
    with pytest.raises(BadSignature):
        receive(books, gateway, "evt_1 pi_1", signature="bad")
    with books.transact() as conn:
        query = select(tables.gateway_event.c.id).where(tables.gateway_event.c.brand == books.brand)
        assert conn.execute(query).scalars().all() == []
