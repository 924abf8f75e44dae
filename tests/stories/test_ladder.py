"""Fans' lives with comet: paid in advance for three, six or twelve periods, and what happens when a renewal fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mvne import signup, workers
from mvne.bills import issue_due
from mvne.collecting import collect, collect_due, use_method
from mvne.signup import PaymentDeclined
from mvne.states import LineState
from mvne_billing.invoice.invoice import LineKind
from mvne_billing.states import PaymentState, SubscriptionState
from mvne_billing.tax import UnknownTaxRegion
from mvne_plans.errors import PlansError
from tests.mvne.house import GB, NEW_YORK_NUMBER, House
from tests.mvne.wholeness import faults

#: A card that can be kept, and is then declined whenever it is charged.
FAILING = "pm_card_chargeCustomerFail"


@pytest.fixture
def house(comet: House) -> Iterator[House]:
    """A house with comet; whatever the story, in the end everything is in order."""
    yield comet
    assert faults(comet.platform, "comet") == []


def total(house: House, line: str) -> list[str]:
    return [str(one.total) for one in house.documents(line, "comet")]


def change_card(house: House, name: str, card: str) -> None:
    """Let somebody give another card."""
    use_method(house.platform, "comet", name, card)


def pass_days(house: House, days: int) -> None:
    """Let days pass, each with its bill run."""
    for _ in range(days):
        house.after(days=1)
        house.bill("comet")


def test_three_months_at_the_first_price_then_at_the_full_one_with_fee_and_tax(house: House) -> None:
    line = house.join("zoe", "comet", "spark", periods=3).id
    [first] = house.documents(line, "comet")
    assert [(one.kind, str(one.amount)) for one in first.lines] == [
        (LineKind.RECURRING, "45.00 USD"),
        (LineKind.FEE, "0.90 USD"),
    ]
    assert not first.tax_included
    assert str(first.net) == "45.90 USD"
    assert first.total.minor == first.net.minor + sum(tax.amount.minor for tax in first.taxes)
    house.after(days=89)
    assert house.bill("comet").issued == 0
    house.after(days=1)
    assert house.bill("comet").issued == 1
    [_, renewal] = house.documents(line, "comet")
    assert str(renewal.lines[0].amount) == "60.00 USD"
    assert house.line(line, "comet").state is LineState.ACTIVE


def test_every_period_of_thirty_days_brings_a_fresh_allowance(house: House) -> None:
    line = house.join("zoe", "comet", "spark", periods=3).id
    for _ in range(2):
        house.use(line, "data", 3 * GB, brand="comet")
        house.use(line, "voice", 600, NEW_YORK_NUMBER, brand="comet")
        [loaded] = house.collect_usage("comet")
        assert (loaded.rated, loaded.charge_micro) == (2, 0)
        house.bill("comet")
        assert house.line(line, "comet").bits_per_second == 128_000
        house.after(days=30)
        house.bill("comet")
        assert house.line(line, "comet").bits_per_second is None
    assert len(total(house, line)) == 1, "the term is paid for"


def test_a_renewal_that_fails_is_tried_again_suspends_and_is_mended_by_another_card(house: House) -> None:
    line = house.join("zoe", "comet", "spark", periods=3).id
    change_card(house, "zoe", FAILING)
    pass_days(house, 90)
    assert [one.state for one in house.payments(line, "comet")] == [PaymentState.SUCCEEDED, PaymentState.FAILED]
    assert house.line(line, "comet").state is LineState.ACTIVE, "one failure is no reason"
    pass_days(house, 10)
    assert [one.attempt for one in house.payments(line, "comet")] == [1, 1, 2, 3]
    suspended = house.line(line, "comet")
    assert (suspended.state, suspended.cause) == (LineState.SUSPENDED, "invoice_unpaid")
    assert house.subscription(line, "comet").state is SubscriptionState.SUSPENDED

    house.after(hours=1)
    signup.sign_up(house.platform, "comet", house.wish("zoe", "comet", "spark", periods=3), house.now)
    house.bill("comet")
    assert house.line(line, "comet").state is LineState.ACTIVE
    assert house.told("comet", line).count("line.resumed") == 1
    assert len(total(house, line)) == 2


def test_a_renewal_that_is_never_paid_ends_the_line_and_is_credited(house: House) -> None:
    line = house.join("zoe", "comet", "spark", periods=3).id
    change_card(house, "zoe", FAILING)
    pass_days(house, 90 + 3 + 7 + 14)
    assert house.line(line, "comet").state is LineState.ENDED
    _, renewal, note = house.documents(line, "comet")
    assert (note.kind, note.corrects, note.total) == ("credit_note", renewal.id, -renewal.total)
    assert house.told("comet", line).count("line.suspended") == 1
    pass_days(house, 5)
    assert len(house.documents(line, "comet")) == 3


def test_a_stolen_card_is_not_tried_again(house: House) -> None:
    line = house.join("zoe", "comet", "spark", periods=3).id
    with house.platform.store.transact() as conn:
        conn.exec_driver_sql("UPDATE mvne_subscriber SET gateway_method = 'pm_card_chargeDeclinedStolenCard'")
    house.after(days=90)
    house.bill("comet")
    assert [one.code for one in house.payments(line, "comet")] == [None, "stolen_card"]
    assert house.line(line, "comet").state is LineState.SUSPENDED


def test_a_bill_that_is_paid_before_the_line_is_suspended_leaves_it_in_service(house: House) -> None:
    """The job to suspend was asked for; the money came before it was done."""
    line = house.join("zoe", "comet", "spark", periods=3).id
    change_card(house, "zoe", FAILING)
    for days in (90, 3, 7):
        house.after(days=days)
        list(issue_due(house.platform, "comet", house.now))
        list(collect_due(house.platform, "comet", house.now))
    change_card(house, "zoe", "pm_card_visa")
    collect(house.platform, "comet", house.documents(line, "comet")[-1].id, house.now)
    workers.work(house.platform, "comet", house.now)
    assert house.line(line, "comet").state is LineState.ACTIVE
    assert "line.suspended" not in house.told("comet")


def test_a_bill_that_is_paid_before_the_line_is_ended_keeps_it(house: House) -> None:
    """The job to end the line was asked for; the money came before it was done."""
    line = house.join("zoe", "comet", "spark", periods=3).id
    change_card(house, "zoe", FAILING)
    pass_days(house, 90 + 3 + 7)
    house.after(days=14)
    list(collect_due(house.platform, "comet", house.now))
    change_card(house, "zoe", "pm_card_visa")
    collect(house.platform, "comet", house.documents(line, "comet")[-1].id, house.now)
    workers.work(house.platform, "comet", house.now)
    assert house.line(line, "comet").state is LineState.ACTIVE
    assert len(house.documents(line, "comet")) == 2


def test_where_the_tax_is_not_known_nobody_is_signed_up(house: House) -> None:
    with pytest.raises(UnknownTaxRegion):
        signup.sign_up(
            house.platform, "comet", house.wish("zoe", "comet", "spark", periods=3, person={"region": "ZZ"}), house.now
        )


def test_a_number_of_periods_that_is_not_sold_is_refused(house: House) -> None:
    with pytest.raises(PlansError, match="spark"):
        signup.sign_up(house.platform, "comet", house.wish("zoe", "comet", "spark", periods=4), house.now)


def test_a_card_that_fails_at_once_leaves_an_order_that_waits(house: House) -> None:
    with pytest.raises(PaymentDeclined, match="line-zoe is not paid"):
        house.join("zoe", "comet", "spark", periods=3, method=FAILING)
    assert house.line("line-zoe", "comet").state is LineState.ORDERED
