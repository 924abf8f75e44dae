"""Compiling a plan for a route: its places, and prices as whole numbers over one common denominator."""

from __future__ import annotations

from datetime import datetime
from math import lcm

from mvne_billing.charging.compiled import Compiled
from mvne_billing.charging.spots import Bound, Keeper, Spot, exact
from mvne_billing.mediation.shelves import Shelf, Shelves, Slot
from mvne_billing.rating.buckets import Open, burn_order
from mvne_billing.rating.result import Rule, Unrateable
from mvne_billing.rating.route import Route, Step
from mvne_plans.rate import FREE
from mvne_plans.tariff import ROAMING

#: Rules whose units are counted whatever the tariff says of them.
_COUNTED = (Rule.SLOW, Rule.STOP, Rule.NEXT)


def compiled(account: Keeper, route: Route, shelves: Shelves, start: datetime) -> Compiled | None:
    """Compile a plan for a route and open allowances, steps counted by the period from `start`; None when it cannot."""
    tariff = route.tariff
    if route.service is not None or tariff.calendar.bands or tariff.rounding.per != "session":
        return None
    if route.is_free:
        return Compiled([Spot(Rule.FREE, route.name, FREE)], 1, tariff.rounding, None)
    fitting = _fitting(route, shelves)
    if any(_is_beyond_us(route, shelf) for shelf, _ in fitting):
        return None
    steps, missing = _steps(route)
    if any(step.rate.tiers or step.rate.bands for step in steps):
        return None
    rates = [shelf.bucket.rate or FREE for shelf, _ in fitting] + [step.rate for step in steps]
    over = lcm(*(part.denominator for rate in rates for part in exact(rate)))
    spots = [_bucket(account, route, shelf, one, over) for shelf, one in fitting]
    spots += [_step(account, step, start, over) for step in steps]
    if missing is None and not any(step.rule is Rule.STOP for step in steps):
        spots.append(_step(account, Step(Rule.STOP, str(route.kind), FREE), start, over))
    return Compiled(spots, over, tariff.rounding, missing)


def _fitting(route: Route, shelves: Shelves) -> list[tuple[Shelf, Open]]:
    """Return the allowances that fit a route in burn order, up to one that blocks."""
    named = {shelf.name: shelf for shelf in shelves.by_kind.get(route.kind, ())}
    found = []
    for one in burn_order(shelf.open() for shelf in named.values()):
        if route.fits(one.bucket):
            found.append((named[one.id], one))
            if one.bucket.blocks:
                break
    return found


def _is_beyond_us(route: Route, shelf: Shelf) -> bool:
    bucket = shelf.bucket
    roams = route.surcharge is not None and any(one.of == ROAMING for one in bucket.limits)
    priced = bucket.rate is not None and bool(bucket.rate.tiers or bucket.rate.bands)
    return bucket.factor != 1 or bool(bucket.bands) or priced or roams


def _steps(route: Route) -> tuple[tuple[Step, ...], Unrateable | None]:
    try:
        return route.steps, None
    except Unrateable as problem:
        return (), problem


def _bucket(account: Keeper, route: Route, shelf: Shelf, one: Open, over: int) -> Spot:
    spot = Spot(Rule.BUCKET, shelf.name, shelf.bucket.rate or FREE, over)
    spot.bound = Bound(account, shelf.slot, None if one.left is None else one.left + shelf.slot.gone)
    spot.limits = tuple([Bound(account, slot, most) for of, most, slot in shelf.limits if route.limited_by(of)])
    spot.first, spot.next = shelf.bucket.increments.first, shelf.bucket.increments.next
    spot.by_one = spot.first == spot.next == 1
    spot.is_counted = spot.is_bucket = True
    spot.is_open = spot.bound.amount is None and not spot.limits
    return spot


def _step(account: Keeper, step: Step, start: datetime, over: int) -> Spot:
    """Return the place of a step beyond: what the leg took of its counter is used, and nothing of it is held."""
    spot = Spot(step.rule, step.name, step.rate, over)
    spot.is_counted = step.rule in _COUNTED or (step.rule is Rule.PRICE and step.amount is not None)
    if spot.is_counted:
        slot = Slot(account.counters, f"{step.rule}:{step.name}", start)
        spot.bound = Bound(account, slot, step.amount, is_held=False)
        spot.is_open = step.amount is None
    return spot
