"""What is due at the opening of a period: pure, from a subscription, its plan and what it used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mvne_billing.invoice.invoice import Line, LineKind
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.subscription import Subscription
from mvne_plans.canonical import loads
from mvne_plans.catalogue import Plan, Promotion
from mvne_plans.money import Money, round_line
from mvne_plans.period import Period
from mvne_plans.quantity import Kind, format_amount


@dataclass(frozen=True, slots=True)
class Used:
    """What a subscription used of a kind since it was last billed: base units and price in micro-units."""

    units: int
    micro: int


def draft(
    owner: Subscription, plan: Plan, used: Mapping[Kind, Used], purchases: Sequence[Purchase], ending: bool
) -> list[Line]:
    """Return the lines due when `owner.next_period` opens, or, `ending`, when the subscription ends.

    In advance: the price of the coming term, if one starts, less the promotion, plus percentage fees. In arrears:
    priced use, and add-ons that were not paid when bought. An empty list means that nothing is due.
    """
    lines = [] if ending else list(_recurring(owner, plan))
    lines += [addon_line(purchase) for purchase in purchases]
    lines += [_usage(plan, kind, used[kind]) for kind in Kind if kind in used and used[kind].micro]
    return lines


def _recurring(owner: Subscription, plan: Plan) -> Iterator[Line]:
    number = owner.next_period
    if number % owner.term_periods:
        return
    term = plan.term(owner.term_periods)
    price = term.first if number == 0 and term.first is not None else term.price
    start, end = (owner.starts_period(plan.every, number + ahead) for ahead in (0, owner.term_periods))
    period = Period(start, end)
    yield Line(LineKind.RECURRING, plan.name, price, price.micro, str(plan.every.times(owner.term_periods)), period)
    off = _promotion(owner, price)
    if off is not None and off.amount:
        yield off
    due = price + (off.amount if off else Money.zero(price.currency))
    for name, percent in plan.fees:
        fee = due.share(Fraction(percent) / 100)
        if fee:
            yield Line(LineKind.FEE, name, fee, fee.micro, f"{percent:f} %")


def _promotion(owner: Subscription, price: Money) -> Line | None:
    if owner.promotion is None:
        return None
    promotion = loads(Promotion, owner.promotion)
    off = -promotion.reduction(price, before=owner.next_period, paid=owner.term_periods)
    return Line(LineKind.PROMOTION, promotion.id, off, off.micro)


def addon_line(purchase: Purchase) -> Line:
    """Return the line of an add-on that was bought."""
    price = purchase.addon.price
    return Line(LineKind.ADDON, purchase.addon.name, price, price.micro, period=purchase.valid)


def _usage(plan: Plan, kind: Kind, used: Used) -> Line:
    amount = round_line(used.micro, plan.tariff.currency)
    return Line(LineKind.USAGE, kind.value, amount, used.micro, format_amount(used.units, kind))
