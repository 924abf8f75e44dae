"""Topping up by card: written before the gateway hears of it, in the balance once, whatever is lost on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from mvne_billing.balance import topup
from mvne_billing.balance.account import BalanceConflict
from mvne_billing.balance.holding import Change
from mvne_billing.balance.topup import TopUp, TopUpUnderWay
from mvne_billing.payments import notifications, topups
from mvne_billing.payments.attempts import Payer
from mvne_billing.payments.gateway import ChargeResult, ChargeStatus, GatewayUnavailable
from mvne_billing.states import PaymentState
from mvne_plans.money import Money
from mvne_plans.prepaid import NotAllowed
from tests.billing.balance.purse import START, A, Purse
from tests.billing.builders import money
from tests.billing.fake_gateway import (
    AFTER,
    BEFORE,
    DECLINED,
    PROCESSING,
    REFUSED,
    STORED_FAILURE,
    FakeGateway,
)

PAYER = Payer("cus_1", "pm_1")


class Till:
    """A line's card, and what was told of its top-ups."""

    def __init__(self, purse: Purse) -> None:
        self.purse, self.gateway = purse, FakeGateway()
        self.told: list[tuple[PaymentState, bool]] = []

    def top_up(self, name: str = "t-1", amount: str = "10", hours: int = 0, payer: Payer = PAYER) -> TopUp:
        books, at = self.purse.books, START + timedelta(hours=hours)
        return topups.charge(
            books.transact, books.brand, name, A, money(amount), payer, self.gateway, self.purse.rules, at, self._tell
        )

    def notify(self, event: str, hours: int = 0) -> None:
        books, at = self.purse.books, START + timedelta(hours=hours)

        def paid_in(conn: Connection, begun: TopUp, result: ChargeResult) -> object:
            return topups.record(conn, books.brand, begun, result, self.purse.rules, at, self._tell)

        notifications.receive(books.transact, books.brand, self.gateway, event.encode(), "good", at, paid_in=paid_in)

    def _tell(self, conn: Connection, done: TopUp, change: Change | None) -> None:
        self.told.append((done.state, change is not None))

    @property
    def received(self) -> str:
        """What the gateway has taken, which is what the balance got: the books are proven on the way."""
        self.purse.agrees()
        assert self.purse.free() == Money(self.gateway.received, "EUR").decimal()
        assert self.purse.books.balances().get("cash:stripe", 0) == self.gateway.received * 10_000
        return self.purse.free()


@pytest.fixture
def till(purse: Purse) -> Till:
    return Till(purse)


def test_a_card_that_pays_fills_the_balance(till: Till) -> None:
    paid = till.top_up()
    assert (paid.state, paid.reference, paid.key) == (
        PaymentState.SUCCEEDED,
        "pi_1",
        f"{till.purse.books.brand}:topup:t-1",
    )
    assert till.received == "10.00"
    assert till.told == [(PaymentState.SUCCEEDED, True)]


def test_the_same_top_up_charges_once(till: Till) -> None:
    assert [till.top_up().state, till.top_up(hours=1).state] == [PaymentState.SUCCEEDED] * 2
    assert (till.received, len(till.gateway.charges), len(till.told)) == ("10.00", 1, 1)
    with pytest.raises(BalanceConflict, match="t-1"):
        till.top_up(amount="11")


@pytest.mark.parametrize("lost", [BEFORE, AFTER])
def test_a_lost_answer_is_asked_for_again_under_the_same_key(till: Till, lost: str) -> None:
    till.gateway.next.append(lost)
    with pytest.raises(GatewayUnavailable):
        till.top_up()
    with till.purse.books.transact() as conn:
        (waiting,) = topup.unfinished(conn, till.purse.books.brand)
    assert (waiting.state, waiting.id) == (PaymentState.CREATED, "t-1")
    assert till.top_up(hours=1, payer=Payer("cus_2", "pm_2")).state is PaymentState.SUCCEEDED
    assert (till.received, len(till.gateway.charges)) == ("10.00", 1)


def test_a_key_that_may_be_forgotten_is_not_charged_with_again(till: Till) -> None:
    till.gateway.next.append(AFTER)
    with pytest.raises(GatewayUnavailable):
        till.top_up()
    till.gateway.forget_keys()
    assert till.top_up(hours=30).state is PaymentState.SUCCEEDED
    assert (till.received, len(till.gateway.charges)) == ("10.00", 1)


def test_a_failure_that_the_gateway_repeats_ends_the_top_up(till: Till) -> None:
    till.gateway.next.append(STORED_FAILURE)
    with pytest.raises(GatewayUnavailable):
        till.top_up()
    failed = till.top_up()
    assert (failed.state, failed.code) == (PaymentState.FAILED, "gateway_error")
    assert till.received == "0.00"


@pytest.mark.parametrize(("how", "code"), [(DECLINED, "insufficient_funds"), (REFUSED, "payment_method_missing")])
def test_a_declined_card_fills_nothing_and_a_new_try_is_a_new_top_up(till: Till, how: str, code: str) -> None:
    till.gateway.next.append(how)
    declined = till.top_up()
    assert (declined.state, declined.code) == (PaymentState.FAILED, code)
    assert till.top_up().state is PaymentState.FAILED
    assert (till.received, till.told) == ("0.00", [(PaymentState.FAILED, False)])
    till.top_up("t-2")
    assert till.received == "10.00"


def test_a_top_up_under_way_is_finished_before_another_begins(till: Till) -> None:
    """Somebody who saw no answer says it again, under another id: that must not charge twice."""
    till.gateway.next.append(AFTER)
    with pytest.raises(GatewayUnavailable):
        till.top_up()
    with pytest.raises(TopUpUnderWay, match=r"top-up t-1 of 10.00 EUR is created; finish it first"):
        till.top_up("t-2")
    till.top_up()
    till.top_up("t-2")
    assert till.received == "20.00"


def test_a_bank_that_takes_days_fills_the_balance_when_it_has_paid(till: Till) -> None:
    till.gateway.next.append(PROCESSING)
    assert till.top_up().state is PaymentState.PROCESSING
    assert till.received == "0.00"
    till.gateway.settle(ChargeStatus.SUCCEEDED)
    assert till.top_up(hours=48).state is PaymentState.SUCCEEDED
    assert till.received == "10.00"
    assert till.told == [(PaymentState.PROCESSING, False), (PaymentState.SUCCEEDED, True)]


def test_a_notification_fills_the_balance_once(till: Till) -> None:
    till.gateway.next.append(PROCESSING)
    till.top_up()
    till.gateway.settle(ChargeStatus.SUCCEEDED)
    for event in ("evt_1 pi_1", "evt_1 pi_1", "evt_2 pi_1"):
        till.notify(event, hours=2)
    assert till.received == "10.00"
    assert till.told[1:] == [(PaymentState.SUCCEEDED, True)]


def test_a_top_up_that_failed_stays_failed_whatever_comes_later(till: Till) -> None:
    till.gateway.next.append(DECLINED)
    till.top_up()
    till.gateway.settle(ChargeStatus.SUCCEEDED)
    till.notify("evt_1 pi_1")
    assert till.purse.free() == "0.00"


def test_what_the_rules_refuse_is_never_charged(till: Till) -> None:
    with pytest.raises(NotAllowed):
        till.top_up(amount="100.01")
    assert till.gateway.calls == []
