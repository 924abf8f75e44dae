"""What a plan earns per line and period: revenue before tax, host cost and what is left, at three amounts of use.

`mean` and `p95` are the use that is counted on, all of it domestic and at home; `worst` is a subscriber who uses every
allowance up where the host charges most, and then goes on at the slow speed for the whole period. Increments,
promotions, payment costs and care are left out. A month has 30 days here, except for the host's price per line, which
counts a month as a twelfth of 365 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from mvne.brand import Brand
from mvne.wholesale import dearest, per_unit, sold, sold_by
from mvne_plans.agreement import Agreement, in_force
from mvne_plans.catalogue import Plan
from mvne_plans.money import Money, half_up, micro_per_minor
from mvne_plans.period import Every, Unit
from mvne_plans.quantity import Kind, format_amount, format_bit_rate
from mvne_plans.tariff import DOMESTIC, Bucket, Priced, Slow

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
        if all(dearest(agreement, brand.market, plan, one) for one in sold(plan))
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


def before_tax(brand: Brand, amount: Fraction) -> Fraction:
    """Return an amount as the plan file writes it without the tax it includes, if it includes any."""
    if not brand.market.prices_include_tax or brand.market.vat is None:
        return amount
    return amount * 100 / (100 + Fraction(brand.market.vat))


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
    revenue = before_tax(brand, price) * micro_per_minor(brand.currency) * fees
    return Margin(
        plan=plan.id,
        use=use,
        paid=paid,
        revenue=_rounded(revenue, brand.currency),
        charges=_rounded(cost.charges, brand.currency),
        host=_rounded(cost.host, brand.currency),
        unbounded=cost.unbounded,
        notes=cost.notes,
    )


def _rounded(micro: Fraction, currency: str) -> Money:
    return Money(half_up(micro / micro_per_minor(currency)), currency)


def _cost(brand: Brand, agreement: Agreement, plan: Plan, kind: Kind, use: Use) -> _Cost:
    if use is Use.WORST:
        return _worst(brand, agreement, plan, kind)
    expected = brand.expected_use[plan.id][kind]
    return _expected(brand, agreement, plan, kind, expected.mean if use is Use.MEAN else expected.p95)


def _expected(brand: Brand, agreement: Agreement, plan: Plan, kind: Kind, wanted: int) -> _Cost:
    """Price `wanted` units of domestic use at home."""
    included = _included(plan, kind)
    over = 0 if included is None else max(0, wanted - included)
    beyond = plan.tariff.beyond.get(kind)
    rate = agreement.rates.get(kind, {}).get(DOMESTIC)
    charges = Fraction(0)
    if isinstance(beyond, Priced):
        charges = before_tax(brand, beyond.rate.charge(over))
    elif isinstance(beyond, Slow):
        over = min(over, _slow_bytes(beyond, plan))
    else:
        over = 0
    used = wanted if included is None else min(wanted, included) + over
    return _Cost(charges, rate.charge(used) if rate else Fraction(0))


def _included(plan: Plan, kind: Kind) -> int | None:
    """Return the units of domestic use that a plan includes, None for unlimited."""
    amounts = [
        one.amount
        for one in plan.tariff.buckets
        if one.kind is kind and DOMESTIC in one.within and (kind is Kind.DATA or DOMESTIC in one.to)
    ]
    return None if None in amounts else sum(amount for amount in amounts if amount is not None)


def _worst(brand: Brand, agreement: Agreement, plan: Plan, kind: Kind) -> _Cost:
    """Use up every allowance of a kind where the host charges most, and go on at the slow speed."""
    buckets = [bucket for bucket in plan.tariff.buckets if bucket.kind is kind]
    total = sum((_used_up(brand, agreement, plan, bucket) for bucket in buckets), start=_Cost())
    beyond = plan.tariff.beyond.get(kind)
    if not isinstance(beyond, Slow) or _included(plan, kind) is None:
        return total
    units = _slow_bytes(beyond, plan)
    where = [one for bucket in buckets for one in sold_by(bucket, plan)]
    rates = [rate for one in where if (rate := dearest(agreement, brand.market, plan, one))]
    note = f"{kind} {format_amount(_tidy(units), kind)} more at {format_bit_rate(beyond.bits_per_second)}"
    highest = max(rates, key=per_unit, default=None) or agreement.rates[kind][DOMESTIC]
    return total + _Cost(host=highest.charge(units), notes=(note,))


def _used_up(brand: Brand, agreement: Agreement, plan: Plan, bucket: Bucket) -> _Cost:
    units = bucket.amount or bucket.fair_use
    unbounded = units is None
    units = PHYSICS[bucket.kind] * seconds(plan.every) if units is None else units
    rates = [rate for one in sold_by(bucket, plan) if (rate := dearest(agreement, brand.market, plan, one))]
    note = f"{bucket.kind} {format_amount(_tidy(units), bucket.kind)}"
    note += " (unbounded: nothing in the plan limits it)" if unbounded else ""
    note += " (fair use)" if bucket.amount is None and not unbounded else ""
    return _Cost(host=max(rates, key=per_unit).charge(units), unbounded=unbounded, notes=(note,))


def _slow_bytes(slow: Slow, plan: Plan) -> int:
    """Return what the slow speed carries in a whole period."""
    return slow.bits_per_second * seconds(plan.every) // 8


def _tidy(units: int) -> int:
    """Cut an amount for a note to four digits; nothing is computed with it."""
    step = int(10 ** max(0, len(str(units)) - 4))
    return units // step * step
