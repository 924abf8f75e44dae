"""More units of a leg: what they would do, what they did, and how many of them money and allowances allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mvne_billing.charging import compiled, plain
from mvne_billing.charging.account import Account, Leg
from mvne_billing.mediation.shelves import Slot
from mvne_billing.rating.guarding import GUARD, window_start
from mvne_billing.rating.result import Unrateable
from mvne_plans.tariff import Guard

#: What more units do, either way it is worked out.
More = compiled.More | plain.More


class Grant(NamedTuple):
    """Units that may be used: what they cost at most, what they take of each counter; fewer than wanted if `is_last`.

    `why` says in words what there is no more of.
    """

    units: int
    charge: int
    taken: Sequence[tuple[Slot, int]]
    is_last: bool
    why: str


def more(account: Account, leg: Leg, units: int) -> More:
    """Return what `units` more of a leg do; raise `Unrateable` when the tariff has no price for some of them."""
    return leg.plan.more(leg, units) if leg.plan is not None else plain.more(account, leg, units)


def rateable(account: Account, leg: Leg, units: int) -> int:
    """Return how many of `units` the tariff has a price for: the rest is no use that it knows."""
    return _most(units, lambda some: _has_price(account, leg, some))


def _has_price(account: Account, leg: Leg, units: int) -> bool:
    try:
        more(account, leg, units)
    except Unrateable:
        return False
    return True


def grant(account: Account, leg: Leg, wanted: int, money: int | None) -> Grant:
    """Return the most units up to `wanted` that cost at most `money` (micro-units, None: any), by tariff and guards.

    The price never falls by more than rounding as units are added, so that the most is found by halving; where a tier
    makes more units cheaper than fewer, what is found is allowed, if not the most.
    """
    limit, why = wanted, ""
    for guard, slot in guards(account, leg):
        if guard.then != "stop":
            continue
        left = guard.amount - slot.gone - plain.others_hold(account, slot)
        if guard.measure == "spend":
            if money is None or left < money:
                money, why = left, guard.id
        elif guard.measure == "units":
            if left < limit:
                limit, why = left, guard.id
        elif left < 1 and not leg.units:
            limit, why = 0, guard.id
    found = allowed(account, leg, limit, money) if limit > 0 else None
    units = limit
    if found is None:
        units = _most(limit - 1, lambda some: allowed(account, leg, some, money) is not None)
        found = allowed(account, leg, units, money) if units else None
    if found is None:
        return Grant(0, 0, (), True, why)
    return Grant(units, max(found.charge, 0), found.taken, units < wanted, why)


def allowed(account: Account, leg: Leg, units: int, money: int | None) -> More | None:
    """Return what units do if they are allowed, else None."""
    try:
        found = more(account, leg, units)
    except Unrateable:
        return None
    return None if found.ends or (money is not None and found.charge > money) else found


def _most(limit: int, is_allowed: Callable[[int], bool]) -> int:
    """Return the largest number up to `limit` that is allowed, if every smaller one is: by halving."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_allowed(middle) else (low, middle - 1)
    return max(low, 0)


def guards(account: Account, leg: Leg) -> Iterator[tuple[Guard, Slot]]:
    """Yield the guards that watch a leg, each with its counter of the window that holds its next use."""
    if not leg.guards:
        return
    meter = account.meter
    start = meter.opening(leg.since).start
    for guard in leg.guards:
        since = window_start(guard, leg.since, meter.subscription.timezone, start)
        yield guard, Slot(account.counters, GUARD + guard.id, since, guard=guard)


def measured(account: Account, leg: Leg, units: int, charge: int) -> Iterator[tuple[Slot, int]]:
    """Yield what a use adds to the counters of the guards that watch it: see `guarding.measured`."""
    adds = {"spend": charge, "count": int(not leg.units), "units": units}
    for guard, slot in guards(account, leg):
        if adds[guard.measure]:
            yield slot, adds[guard.measure]
