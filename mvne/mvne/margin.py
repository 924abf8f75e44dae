"""What a plan earns per line and period: revenue before tax, host cost and what is left, at three amounts of use.

`mean` and `p95` are the use that is counted on, all of it domestic, at home and outside the time bands; it burns the
allowances that any such use may take, then follows the steps beyond. `worst` is a subscriber who uses every allowance
up where the host charges most, and goes on for the whole period as long as that is free. Increments, set-up fees,
bounds of a session's price, rollover, promotions, payment costs and care are left out; a host's price with steps counts
at its dearest, and what is bought as a whole does not count by the line. A month has 30 days here, except for the
host's price per line, which counts a month as a twelfth of 365 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from mvne.brand import Brand
from mvne.tariff_view import chain, included, is_general
from mvne.wholesale import dearest, per_unit, sold, sold_by
from mvne_plans.agreement import Agreement, in_force
from mvne_plans.catalogue import Plan
from mvne_plans.money import MICRO, Money, half_up, micro_per_minor
from mvne_plans.period import Every, Unit
from mvne_plans.quantity import Kind, format_amount, format_bit_rate
from mvne_plans.rate import FREE, Rate
from mvne_plans.tariff import DOMESTIC, ROAMING, Bucket, NextTier, Priced, Slow, Stop

_DAY = 86_400
#: The most a line can use per second when nothing limits it: base units of voice (s), SMS and data (100 Mbit/s).
PHYSICS = {Kind.VOICE: 1, Kind.SMS: 1, Kind.DATA: 12_500_000}


class Use(StrEnum):
    """How much a subscriber uses."""

    MEAN = "mean"
    P95 = "p95"
    WORST = "worst"


@dataclass(frozen=True, slots=True)
class Margin:
    """One plan at one use, per line and period: `paid` says how it is bought; all amounts are before tax.

    `contribution` is `revenue` + `charges` - `host`, `percent` its share of what comes in (None when nothing does).
    `notes` say what the worst use consists of; `unbounded` that nothing in the plan limits it.
    """

    plan: str
    use: Use
    paid: str
    revenue: Money
    charges: Money
    host: Money
    unbounded: bool = False
    notes: tuple[str, ...] = ()

    @property
    def contribution(self) -> Money:
        """What is left."""
        return self.revenue + self.charges - self.host

    @property
    def percent(self) -> Decimal | None:
        """The contribution in percent of what comes in, with one decimal."""
        income = self.revenue + self.charges
        return Decimal(half_up(Fraction(1000 * self.contribution.minor, income.minor))) / 10 if income else None


@dataclass(frozen=True, slots=True)
class _Cost:
    """Charges to the subscriber, before tax, and by the host, in exact micro-units."""

    charges: Fraction = Fraction(0)
    host: Fraction = Fraction(0)
    unbounded: bool = False
    notes: tuple[str, ...] = ()

    def __add__(self, other: _Cost) -> _Cost:
        return _Cost(
            self.charges + other.charges,
            self.host + other.host,
            self.unbounded or other.unbounded,
            self.notes + other.notes,
        )


def agreement_on(brand: Brand, on: date) -> Agreement | None:
    """Return the wholesale agreement in force on a day, or the first to come."""
    versions = brand.catalogue.agreements
    return in_force(versions, on) or min(versions, key=lambda one: one.starts, default=None)


def margins(brand: Brand, on: date) -> list[Margin]:
    """Return the margins of every plan whose every use the host has a price for, by plan, way of paying and use."""
    agreement = agreement_on(brand, on)
    if agreement is None:
        return []
    return [
        _margin(brand, agreement, plan, use, paid, price)
        for plan in brand.catalogue.plans
        if all(dearest(agreement, plan, one) for one in sold(plan))
        for paid, price in ways_to_pay(plan)
        for use in Use
    ]


def ways_to_pay(plan: Plan) -> list[tuple[str, Fraction]]:
    """Return the usual price of one period and the cheapest, in minor units, with how each is paid."""
    ways = [("per period", Fraction(plan.price.minor))] if plan.price is not None else []
    ways += [(f"{term.periods} periods", Fraction(term.price.minor, term.periods)) for term in plan.terms]
    first = [
        (f"first {one.periods} periods", Fraction(one.first.minor, one.periods)) for one in plan.terms if one.first
    ]
    usual = ways[0] if plan.price is not None else max(ways, key=lambda way: way[1])
    cheapest = min([*ways, *first], key=lambda way: way[1])
    return [usual] if cheapest[1] == usual[1] else [usual, cheapest]


def seconds(every: Every) -> int:
    """Return the length of a period in seconds, with months of 30 days."""
    return every.count * (30 if every.unit is Unit.MONTH else 1) * _DAY


def per_period(micro: int, every: Every, period: Every) -> Fraction:
    """Return what an amount per `every` comes to in one `period`, with 365 days to 12 months."""
    return micro * _days(period) / _days(every)


def _days(every: Every) -> Fraction:
    return Fraction(every.count) * (Fraction(365, 12) if every.unit is Unit.MONTH else 1)


def _margin(brand: Brand, agreement: Agreement, plan: Plan, use: Use, paid: str, price: Fraction) -> Margin:
    line = _Cost(host=per_period(agreement.line_micro, agreement.line_every, plan.every))
    cost = sum((_cost(brand, agreement, plan, kind, use) for kind in Kind), start=line)
    fees = 1 + sum((Fraction(percent) / 100 for _, percent in plan.fees), start=Fraction(0))
    price_micro = price * micro_per_minor(brand.currency)
    revenue = brand.market.before_tax(price_micro) * fees
    host = cost.host
    if agreement.retail_minus is not None:
        # Percentages on top of the price are the brand's own.
        income = brand.market.before_tax(price_micro) + cost.charges
        host += income * (1 - Fraction(agreement.retail_minus) / 100)
    return Margin(
        plan=plan.id,
        use=use,
        paid=paid,
        revenue=_rounded(revenue, brand.currency),
        charges=_rounded(cost.charges, brand.currency),
        host=_rounded(host, brand.currency),
        unbounded=cost.unbounded,
        notes=cost.notes,
    )


def _rounded(micro: Fraction, currency: str) -> Money:
    return Money(half_up(micro / micro_per_minor(currency)), currency)


def _cost(brand: Brand, agreement: Agreement, plan: Plan, kind: Kind, use: Use) -> _Cost:
    if use is Use.WORST:
        return _worst(agreement, plan, kind)
    expected = brand.expected_use[plan.id][kind]
    found = _expected(plan, kind, expected.mean if use is Use.MEAN else expected.p95)
    return _Cost(brand.market.before_tax(found.charges), found.units * per_unit(_at_home(agreement, kind)))


def _at_home(agreement: Agreement, kind: Kind) -> Rate:
    free = agreement.retail_minus is not None or kind in agreement.capacity
    return FREE if free else agreement.rates.get(kind, {}).get(DOMESTIC, FREE)


@dataclass
class _Taken:
    """Units of use that went through, and what they cost the subscriber in micro-units, tax included."""

    units: int = 0
    charges: Fraction = Fraction(0)

    def take(self, units: int, rate: Rate | None = None) -> int:
        """Let units through at a price; return how many."""
        self.units += units
        self.charges += rate.charge(units) if rate is not None else 0
        return units


def _expected(plan: Plan, kind: Kind, wanted: int) -> _Taken:
    """Follow `wanted` units of domestic use at home through the allowances and the steps beyond."""
    taken, left = _Taken(), wanted
    general = [one for one in plan.tariff.buckets if one.kind is kind and is_general(one)]
    for bucket in sorted(general, key=lambda one: one.priority):
        left -= taken.take(left if bucket.amount is None else min(left, _covers(bucket)), bucket.rate)
    time = Fraction(seconds(plan.every))
    for step in chain(plan.tariff, kind):
        if isinstance(step, Stop):
            break
        room = left if step.amount is None else min(left, step.amount)
        if isinstance(step, Slow):
            room = min(room, int(time * step.bits_per_second / 8))
            time -= Fraction(room * 8, step.bits_per_second)
        if isinstance(step, NextTier) and room:
            taken.charges += Fraction(step.fee) * MICRO
        left -= taken.take(room, step.rate if isinstance(step, Priced) else None)
    return taken


def _covers(bucket: Bucket) -> int:
    """Return the units of use that a limited bucket covers."""
    return int(Fraction(bucket.amount or 0) / Fraction(bucket.factor))


def _worst(agreement: Agreement, plan: Plan, kind: Kind) -> _Cost:
    """Use up every allowance of a kind where the host charges most, and go on as long as it is free."""
    buckets = [bucket for bucket in plan.tariff.buckets if bucket.kind is kind]
    total = sum((_used_up(agreement, plan, bucket) for bucket in buckets), start=_Cost())
    if kind in agreement.capacity and buckets:
        total += _Cost(notes=(f"{kind} is bought as a whole, which is in no line's cost",))
    if included(plan.tariff, kind) is None:
        return total
    where = [one for bucket in buckets for one in sold_by(bucket, plan)]
    rates = [rate for one in where if (rate := dearest(agreement, plan, one))]
    highest = max(map(per_unit, rates), default=per_unit(_at_home(agreement, kind)))
    time = Fraction(seconds(plan.every))
    for step in chain(plan.tariff, kind):
        if not isinstance(step, Slow):
            break
        carried = int(time * step.bits_per_second / 8)
        units = carried if step.amount is None else min(carried, step.amount)
        time -= Fraction(units * 8, step.bits_per_second)
        note = f"{kind} {format_amount(_tidy(units), kind)} more at {format_bit_rate(step.bits_per_second)}"
        total += _Cost(host=highest * units, notes=(note,))
    return total


def _used_up(agreement: Agreement, plan: Plan, bucket: Bucket) -> _Cost:
    units = bucket.fair_use if bucket.amount is None else _covers(bucket)
    unbounded = units is None
    units = PHYSICS[bucket.kind] * seconds(plan.every) if units is None else units
    note = f"{bucket.kind} {format_amount(_tidy(units), bucket.kind)}"
    note += " (unbounded: nothing in the plan limits it)" if unbounded else ""
    note += " (fair use)" if bucket.amount is None and not unbounded else ""
    return _Cost(host=_dearest_of(agreement, plan, bucket, units), unbounded=unbounded, notes=(note,))


def _dearest_of(agreement: Agreement, plan: Plan, bucket: Bucket, units: int) -> Fraction:
    """Return what `units` of a bucket cost where the host charges most; abroad, no more than its limit there."""
    places = list(sold_by(bucket, plan))
    prices = {one: per_unit(rate) for one in places if (rate := dearest(agreement, plan, one))}
    highest = max(prices.values())
    at_home = max((price for one, price in prices.items() if not one.abroad), default=highest)
    limit = next((one.amount for one in bucket.limits if one.of == ROAMING), units)
    outside = min(limit, units)
    return highest * outside + at_home * (units - outside)


def _tidy(units: int) -> int:
    """Cut an amount for a note to four digits; nothing is computed with it."""
    step = int(10 ** max(0, len(str(units)) - 4))
    return units // step * step
