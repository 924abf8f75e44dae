"""A simulated life goes through everything, ends in order, and says what the books say."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from mvne.sandbox import closing
from mvne.sandbox.closing import prove
from mvne.sandbox.simulation import Failure, Result, SandboxError
from mvne_billing.ledger import accounts
from mvne_billing.ledger.books import balance
from mvne_billing.states import PaymentState
from mvne_billing.subscription.subscription import from_row
from mvne_billing.tables import invoice, payment, suspense, usage
from mvne_billing.tables import subscription as subscription_table
from mvne_plans.money import micro_per_minor
from tests.mvne.sandbox.lives import Lived
from tests.mvne.wholeness import faults

#: What needs a day or more to be made good, so that the end may come first.
_TAKES_TIME = {
    Failure.HOST_SILENT,
    Failure.HOST_ANSWER_LOST,
    Failure.PAYMENT_DECLINED,
    Failure.GATEWAY_SILENT,
    Failure.GATEWAY_ANSWER_LOST,
    Failure.GATEWAY_FAILURE_KEPT,
}


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_happens_and_is_made_good(seniors: Lived, failure: Failure) -> None:
    found = {one.failure: one for one in seniors.simulation.failures}[failure]
    assert found.happened > 0
    assert found.handled > 0
    assert 0 <= found.under_way <= (2 if failure in _TAKES_TIME else 0)


@pytest.mark.parametrize("life", ["seniors", "fans"])
def test_the_whole_house_is_in_order_at_the_end(life: str, request: pytest.FixtureRequest) -> None:
    """Books, references, pools, lines, host network and Stripe all tell the same story."""
    lived: Lived = request.getfixturevalue(life)
    assert faults(lived.platform, lived.brand.id) == []


@pytest.mark.parametrize("life", ["seniors", "fans"])
def test_the_books_of_every_currency_add_up_to_nothing(life: str, request: pytest.FixtureRequest) -> None:
    books = request.getfixturevalue(life).simulation.books
    assert books
    assert {currency: sum(held.values()) for currency, held in books.items()} == dict.fromkeys(books, 0)


@pytest.mark.parametrize("life", ["seniors", "fans"])
def test_plans_minimum_and_test_journey_are_the_total(life: str, request: pytest.FixtureRequest) -> None:
    done = request.getfixturevalue(life).simulation
    by_plan = sum((plan.result for plan in done.plans), start=done.trial)
    assert by_plan + Result(minimum=done.total.minimum) == done.total
    assert sum(done.earned.values()) == done.total.revenue
    assert sum(done.spent.values()) == done.total.host + done.total.minimum
    assert sum(plan.owed for plan in done.plans) == done.owed


@pytest.mark.parametrize("life", ["seniors", "fans"])
def test_revenue_is_what_was_billed_before_tax(life: str, request: pytest.FixtureRequest) -> None:
    lived: Lived = request.getfixturevalue(life)
    query = select(func.sum(invoice.c.net_minor)).where(invoice.c.brand == lived.brand.id)
    with lived.platform.store.read() as conn:
        billed = conn.execute(query).scalar_one()
    assert lived.simulation.total.revenue == billed * micro_per_minor(lived.brand.currency)


def test_host_cost_is_that_of_the_priced_records_and_of_the_lines(seniors: Lived) -> None:
    with seniors.platform.store.read() as conn:
        use = conn.execute(select(func.sum(usage.c.cost_micro)).where(usage.c.brand == "tilleul")).scalar_one()
        lines = balance(conn, "tilleul", accounts.LINE_COST)
    assert seniors.simulation.total.host == use + lines


def test_the_host_gets_its_minimum_every_month(seniors: Lived) -> None:
    """500 EUR a month, which sixty seniors do not use up."""
    for month in seniors.simulation.months:
        assert month.result.minimum > 0
        assert month.result.host + month.result.minimum == 500_000_000


def test_cash_is_what_the_payments_brought(seniors: Lived) -> None:
    paid = (payment.c.brand == "tilleul", payment.c.state == PaymentState.SUCCEEDED)
    with seniors.platform.store.read() as conn:
        minor = conn.execute(select(func.sum(payment.c.amount_minor)).where(*paid)).scalar_one()
        given_back = conn.execute(select(invoice.c.total_minor).where(invoice.c.kind == "credit_note")).scalars()
        assert seniors.simulation.cash == (minor + sum(given_back)) * 10_000


def test_everybody_signs_up_once_and_lines_are_counted_by_day(seniors: Lived) -> None:
    done = seniors.simulation
    assert sum(month.sold for month in done.months) == sum(plan.sold for plan in done.plans) == 60
    assert [day.day for day in done.days][:: len(done.days) - 1] == [date(2027, 1, 1), date(2027, 3, 31)]
    last, ended = done.days[-1], sum(month.ended for month in done.months)
    assert last.active + last.suspended + last.waiting + ended == 60
    assert sum(plan.lines for plan in done.plans) == last.active + last.suspended


def test_the_watcher_is_told_of_every_day(seniors: Lived) -> None:
    assert seniors.watched == [(day, 90) for day in range(1, 91)]


def test_what_the_network_refused_was_not_priced(seniors: Lived) -> None:
    done = seniors.simulation
    assert set(done.refused) == {"barred", "not_active"}
    early = 1  # came by file, not over the network
    assert done.priced == done.tried - sum(done.refused.values()) + early


def test_only_records_that_are_wrong_stay_in_suspense(seniors: Lived) -> None:
    assert set(seniors.simulation.suspense) == {"conflict", "malformed", "unknown_subscriber"}


def test_calls_to_care_homes_abroad_and_to_emergency_numbers_are_made(seniors: Lived) -> None:
    rules = select(usage.c.parts, usage.c.to, usage.c.country).where(usage.c.brand == "tilleul")
    with seniors.platform.store.read() as conn:
        rows = conn.execute(rules).all()
    assert any('"service"' in row.parts for row in rows)
    assert any('"deck"' in row.parts for row in rows)
    assert any(row.country != "FR" for row in rows)
    assert {row.to for row in rows} >= {"112"}


def test_fans_pay_in_advance_for_terms_that_are_sold_in_states_that_are_taxed(fans: Lived) -> None:
    query = select(subscription_table).where(subscription_table.c.brand == "comet")
    with fans.platform.store.read() as conn:
        owners = [one for one in map(from_row, conn.execute(query)) if one.id.startswith("sandbox-")]
    assert len(owners) == 12
    assert {one.term_periods for one in owners} <= {3, 6, 12}
    assert {one.tax_region for one in owners} <= {row.region for row in fans.brand.tax_table}
    assert len({one.tax_region for one in owners}) > 3


def test_books_that_do_not_agree_are_not_reported(seniors: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "orphans", lambda conn, brand: ["line.subscriber names ghost"])
    run = type("Run", (), {"name": "tilleul"})()
    with seniors.platform.store.read() as conn, pytest.raises(SandboxError, match=r"do not agree: .*ghost"):
        prove(conn, run)


def test_a_record_that_came_before_its_sign_up_is_priced_the_same_day(seniors: Lived) -> None:
    mine = (usage.c.brand == "tilleul", usage.c.id.startswith("early-"))
    waited = (suspense.c.brand == "tilleul", suspense.c.id.startswith("early-"))
    with seniors.platform.store.read() as conn:
        priced = conn.execute(select(usage.c.start).where(*mine)).scalars().all()
        resolved = conn.execute(select(suspense.c.resolved_at).where(*waited)).scalars().all()
    assert priced
    assert sorted(moment.date() for moment in priced) == sorted(moment.date() for moment in resolved if moment)
