"""Credit for what was left of an allowance when its period closed: a line on the bill that opens the next term."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from mvne_billing.invoice.invoice import Line, LineKind
from mvne_billing.subscription.subscription import Subscription
from mvne_plans.catalogue import Plan
from mvne_plans.money import micro_per_minor, round_line, round_record
from mvne_plans.quantity import format_amount


def closed_periods(owner: Subscription, plan: Plan, at: datetime, ending: bool) -> list[int]:
    """Return the periods that close with the bill at `at`: those of the term that ended, or has run so far.

    A period that a subscription leaves before its end is not one of them.
    """
    number, term = owner.next_period, owner.term_periods
    if not ending and number % term:
        return []
    first = max((number - 1) // term * term, 0)
    return [one for one in range(first, number) if owner.starts_period(plan.every, one + 1) <= at]


def credit_lines(
    owner: Subscription, plan: Plan, periods: list[int], gone: Mapping[tuple[str, datetime], int], due_micro: int
) -> Iterator[Line]:
    """Yield a line per allowance that gives unused units back, together at most what is due without them.

    `gone` says what was used or is held of a bucket in the period that starts at a moment (UTC).
    """
    currency = plan.tariff.currency
    left = due_micro // micro_per_minor(currency) * micro_per_minor(currency)
    starts = [owner.starts_period(plan.every, one).astimezone(UTC) for one in periods]
    for bucket in plan.tariff.buckets:
        if bucket.credit is None or bucket.amount is None:
            continue
        unused = sum(max(bucket.amount - gone.get((bucket.id, start), 0), 0) for start in starts)
        micro = min(round_record(bucket.credit.charge(unused)), left)
        amount = round_line(micro, currency)
        if amount.minor > 0:
            left -= amount.micro
            quantity = format_amount(unused, bucket.kind)
            yield Line(LineKind.UNUSED, bucket.kind.value, -amount, -micro, quantity)
