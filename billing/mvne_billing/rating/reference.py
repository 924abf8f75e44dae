"""The exact price of one usage record: the plain reference that every faster engine is held against.

Three steps, each pure: what the use is (`route`), which rule takes which of its units (`walk`), and what they cost
(`price`). A partial record of a session costs what the session costs with it, less what it cost without. All arithmetic
is in unbounded integers and fractions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from mvne_billing.rating.buckets import Open, burn_order, counted
from mvne_billing.rating.guarding import measured
from mvne_billing.rating.price import BILLABLE, price
from mvne_billing.rating.result import Part, Rated, Rule, World
from mvne_billing.rating.route import Line, Route, route
from mvne_billing.rating.walk import Stretch, walk
from mvne_billing.rating.wholesale import cost
from mvne_billing.usage.record import UsageRecord
from mvne_plans.money import Rounding, round_record
from mvne_plans.quantity import Kind
from mvne_plans.rate import FREE
from mvne_plans.tariff import Tariff


def rate(
    record: UsageRecord,
    tariff: Tariff,
    world: World,
    buckets: Sequence[Open] = (),
    spent: Mapping[str, int] | None = None,
    line: Line | None = None,
    before: Sequence[Stretch] = (),
) -> Rated:
    """Price `record` under `tariff` and return its parts with their rules, its price and cost, and what it took.

    `buckets` are those open when it begins, `spent` the period's counters (see `Rated.taken`), `before` the stretches
    of the same session's earlier records; what these took is still in `left` and not yet in `spent`. Without a `line`
    the brand's time zone counts. Raises `Unrateable` with the reason when the tariff or the agreement has no price.
    """
    counters = spent or {}
    found = route(record, tariff, world, line or Line(world.timezone))
    ordered = burn_order(buckets)
    stretches = walk(found, before, record.amount, record.start, ordered, counters)
    parts, charge = charged(stretches, before, counters, found.kind, tariff.rounding)
    wholesale = cost(found, record.amount, record.start, world, charge, counters)
    fresh = taken(found, stretches, ordered)
    for name, units in taken(found, before, ordered).items() if before else ():
        fresh[name] -= units
    fresh |= dict(measured(found, record.amount, charge, not before))
    return Rated(
        parts=parts,
        charge_micro=charge,
        cost_micro=wholesale.micro,
        cost_rule=wholesale.rule,
        destination=found.name,
        taken={name: units for name, units in (fresh | dict(wholesale.taken)).items() if units},
    )


def charged(
    stretches: Sequence[Stretch], before: Sequence[Stretch], spent: Mapping[str, int], kind: Kind, rounding: Rounding
) -> tuple[tuple[Part, ...], int]:
    """Return the parts of a record and its charge in micro-units: the session's `stretches` less those `before`.

    The one place where a session's exact price is rounded.
    """
    earlier = list(price(before, spent)) if before else []
    paid = earlier[-1].through if earlier else Fraction(0)
    base = Fraction(0) if rounding.per == "session" else paid
    rounded = first = round_record(paid - base, rounding)
    parts = []
    for place, one in enumerate(price(stretches, spent)):
        stretch, units, billable = one.stretch, one.stretch.units, one.billable
        if place < len(earlier):
            units, billable = units - earlier[place].stretch.units, max(billable - earlier[place].billable, 0)
        if units <= 0:
            continue
        now = round_record(one.through - base, rounding)
        text = "" if stretch.rate is FREE else one.rate.text(kind)
        parts.append(Part(stretch.rule, stretch.name, units, billable, text, now - rounded, stretch.band))
        rounded = now
    return tuple(parts), rounded - first


def taken(found: Route, stretches: Sequence[Stretch], buckets: Sequence[Open]) -> dict[str, int]:
    """Return what a session's stretches take of every counter, see `Rated.taken`."""
    used: dict[str, int] = {}
    for stretch in stretches:
        used[stretch.counter] = used.get(stretch.counter, 0) + stretch.units
    counters: dict[str, int] = {}
    for one in buckets:
        if units := used.get(one.id, 0):
            counters[one.id] = counted(one.bucket, units)
            for limit in one.bucket.limits:
                if found.limited_by(limit.of):
                    counters[f"{one.id}/{limit.of}"] = counters[one.id]
    counters |= {name: units for name, units in used.items() if _is_counted(found, name)}
    if any(stretch.rate.tiers for stretch in stretches):
        for priced in price(stretches, {}):
            if priced.stretch.rate.tiers:
                name = priced.stretch.counter + BILLABLE
                counters[name] = counters.get(name, 0) + priced.billable
    return counters


def _is_counted(found: Route, counter: str) -> bool:
    """Say whether units under a rule are counted: where they mark a line, or where a step has an end."""
    rule, _, name = counter.partition(":")
    if rule in (Rule.SLOW, Rule.STOP, Rule.NEXT):
        return True
    return rule == Rule.PRICE and any(step.name == name and step.amount is not None for step in found.steps)
