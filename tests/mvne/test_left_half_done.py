"""What somebody or something left half done holds up nobody else: a sign-up without a card, an order without answer."""

from __future__ import annotations

import pytest

from mvne import jobs, service, workers
from mvne.phone import simulated
from mvne.signup import PaymentDeclined, sign_up
from mvne.states import LineState
from mvne_billing.states import PaymentState
from mvne_provisioning.network.port import HostUnavailable
from mvne_provisioning.order.errors import OrderInterrupted
from tests.mvne.house import House
from tests.mvne.wholeness import faults


def test_a_sign_up_whose_card_was_refused_does_not_stop_the_bill_run(tilleul: House) -> None:
    tilleul.join("anna")
    wish = tilleul.wish("paul", method="pm_card_chargeDeclinedExpiredCard")
    with pytest.raises(PaymentDeclined):
        sign_up(tilleul.platform, "tilleul", wish, tilleul.now)
    tilleul.after(days=31)
    run = tilleul.bill()
    assert run.paid == 1
    assert [one.state for one in tilleul.payments("line-anna")] == [PaymentState.SUCCEEDED] * 2
    assert tilleul.payments("line-paul") == []


def test_a_sign_up_that_is_never_paid_ends_after_two_weeks(tilleul: House) -> None:
    wish = tilleul.wish("paul", method="pm_card_chargeDeclinedExpiredCard")
    with pytest.raises(PaymentDeclined):
        sign_up(tilleul.platform, "tilleul", wish, tilleul.now)
    tilleul.bill()
    tilleul.after(days=13)
    tilleul.bill()
    assert tilleul.line("line-paul").state is LineState.ORDERED
    tilleul.after(days=2)
    tilleul.bill()
    tilleul.bill()
    assert tilleul.line("line-paul").state is LineState.ENDED
    assert faults(tilleul.platform, "tilleul") == []


def test_work_for_a_line_finishes_what_an_interruption_left_of_it(tilleul: House) -> None:
    """Swapping the eSIM got no answer; the same evening the line is to be slowed down."""
    tilleul.join("anna")
    tilleul.after(hours=1)
    simulated(tilleul.platform).host("FR").fail_next("swap_sim", HostUnavailable("no answer"), after_effect=True)
    with pytest.raises(OrderInterrupted):
        service.swap_sim(tilleul.platform, "tilleul", "line-anna", tilleul.now)
    with tilleul.platform.store.transact() as conn:
        content = {"line": "line-anna", "kind": "data", "period_start": tilleul.now.isoformat()}
        jobs.ask(conn, "tilleul", "line-anna:slow:data:now", "slow", content, tilleul.now)
    workers.work(tilleul.platform, "tilleul", tilleul.now)
    assert tilleul.line("line-anna").bits_per_second == 128_000
    assert tilleul.told(subject="line-anna").count("order.ready") == 2
