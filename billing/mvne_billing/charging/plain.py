"""What more units of a session do, by the reference rating: slow, for every tariff, and the judge of `compiled`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from mvne_billing.charging.account import Account, Leg
from mvne_billing.mediation.shelves import ROLLED, Shelves, Slot
from mvne_billing.rating.buckets import Open, burn_order
from mvne_billing.rating.price import BILLABLE, price
from mvne_billing.rating.reference import charged, taken
from mvne_billing.rating.result import Part, Rule
from mvne_billing.rating.route import Route
from mvne_billing.rating.walk import Stretch, walk
from mvne_plans.quantity import Kind
from mvne_plans.rate import FREE, Rate

#: Ends the name of a rule under which a session counted before its allowance period turned.
TURNED = "@"


class More(NamedTuple):
    """What more units do: the leg's stretches with them, their charge (micro-units), what they take of each counter.

    `ends` says that among them are some that the network should have been told to stop.
    """

    stretches: tuple[Stretch, ...]
    charge: int
    taken: tuple[tuple[Slot, int], ...]
    ends: bool
    parts: tuple[Part, ...]


def more(account: Account, leg: Leg, units: int) -> More:
    """Return what `units` more of a leg do, of which nothing is held at the moment.

    Raises `Unrateable` when the tariff has no price for some of them.
    """
    route, before = leg.route, leg.stretches
    start = account.meter.opening(leg.since).start
    ordered = burn_order(_open(account, leg))
    spent = _spent(account, leg, start)
    after = walk(route, before, units, begins(leg), ordered, spent)
    rounding = route.tariff.rounding
    parts, charge = charged(after, before, spent, route.kind, rounding)
    already = taken(route, before, ordered)
    fresh = {name: count - already.get(name, 0) for name, count in taken(route, after, ordered).items()}
    counts = tuple((slot(account, leg.shelves, name, start), count) for name, count in fresh.items() if count)
    return More(after, charge, counts, _ends(after, before, spent), parts)


def again(account: Account, leg: Leg, stretches: tuple[Stretch, ...]) -> More:
    """Return what these of a leg's stretches do by themselves, as if nothing had come after them."""
    route = leg.route
    start = account.meter.opening(leg.since).start
    spent, ordered = _spent(account, leg, start), burn_order(_open(account, leg))
    parts, charge = charged(stretches, (), spent, route.kind, route.tariff.rounding)
    counts = taken(route, stretches, ordered).items()
    return More(
        stretches, charge, tuple((slot(account, leg.shelves, name, start), n) for name, n in counts), False, parts
    )


def where(account: Account, counter: str, start: datetime) -> Slot:
    """Return a counter of a line, for no mark to be passed by it."""
    return Slot(account.counters, counter, start)


def begins(leg: Leg) -> datetime:
    """Return when the next unit of a leg is used: the seconds of a call follow each other, data goes by its report."""
    return leg.start + timedelta(seconds=leg.units) if leg.route.kind is Kind.VOICE else leg.since


def slot(account: Account, shelves: Shelves, name: str, start: datetime) -> Slot:
    """Return where a name of `reference.taken` is counted; steps are counted by the period that begins at `start`."""
    return shelves.slots.get(name) or Slot(account.counters, name, start)


def others_hold(account: Account, slot_: Slot) -> int:
    """Return what is held of a counter."""
    return account.of(slot_.counters.holder).held.get((slot_.counter, slot_.start), 0)


def _open(account: Account, leg: Leg) -> Iterator[Open]:
    """Yield the allowances with what the leg may take of them in all: what others use and hold is gone."""
    for shelf in leg.shelves.by_kind.get(leg.route.kind, ()):
        one = shelf.open()
        left = None if one.left is None else one.left + _own(account, leg, shelf.slot)
        limits = {of: one.limits[of] + _own(account, leg, where) for of, _, where in shelf.limits}
        yield replace(one, left=left, limits=limits)


def _own(account: Account, leg: Leg, where: Slot) -> int:
    mine = leg.taken.get((where.counters.holder, where.counter, where.start), 0)
    return mine - others_hold(account, where)


def _spent(account: Account, leg: Leg, start: datetime) -> Mapping[str, int]:
    """Return the period's counters without what the leg took."""
    spent = dict(account.counters.since(start))
    for (holder, name, since), units in leg.taken.items():
        if holder == account.id and since == start:
            spent[name] = spent.get(name, 0) - units
    return spent


def _ends(after: Sequence[Stretch], before: Sequence[Stretch], spent: Mapping[str, int]) -> bool:
    """Say whether use is past a stop: one of the tariff, or the most that a rate charges before it stops."""
    stopped = [sum(one.units for one in stretches if one.rule is Rule.STOP) for stretches in (before, after)]
    if stopped[1] > stopped[0]:
        return True
    if not any(one.rate.maximum is not None and one.rate.at_maximum == "stop" for one in after):
        return False
    bare = [replace(one, rate=_unbounded(one.rate)) for one in after]
    return _through(bare, spent) > _through(after, spent)


def _unbounded(rate: Rate) -> Rate:
    return replace(rate, maximum=None) if rate.at_maximum == "stop" else rate


def _through(stretches: Sequence[Stretch], spent: Mapping[str, int]) -> Fraction:
    total = Fraction(0)
    for one in price(stretches, spent):
        total = one.through
    return total


def turned(account: Account, leg: Leg, shelves: Shelves) -> tuple[Stretch, ...]:
    """Return the stretches of a leg as they stand under other allowances: what was counted elsewhere bears its date.

    The set-up fee and the increments stay those of one session; allowances, steps and tiers are those of the period.
    """
    start = account.meter.opening(leg.since).start
    return tuple(_turned(account, leg, shelves, start, one) for one in leg.stretches)


def _turned(account: Account, leg: Leg, shelves: Shelves, start: datetime, one: Stretch) -> Stretch:
    where = slot(account, shelves, one.counter, start)
    names = (where.counter, where.counter + BILLABLE)
    since = {at for holder, name, at in leg.taken if holder == where.counters.holder and name in names}
    if TURNED in one.name or where.start in since or not since:
        return one
    return replace(one, name=f"{one.name}{TURNED}{max(since):%Y-%m-%d}")


def rate_of(route: Route, shelves: Shelves, rule: Rule, name: str) -> Rate:
    """Return the rate of a rule that a stretch was under; free where the tariff has no such rule any more."""
    bare = name.partition(TURNED)[0]
    if rule is Rule.BUCKET:
        found = (one.bucket.rate for one in shelves.by_kind.get(route.kind, ()) if _same(one.name, bare))
        return next(found, None) or FREE
    if rule is Rule.SERVICE:
        return route.service.rate if route.service else FREE
    surcharge = [route.surcharge] if route.surcharge else []
    if rule in (Rule.FREE, Rule.STOP, Rule.SLOW):
        return FREE
    steps = (one.rate for one in (*surcharge, *route.steps) if (one.rule, one.name) == (rule, bare))
    return next(steps, FREE)


def _same(shelf: str, name: str) -> bool:
    return shelf == name or shelf.partition(ROLLED)[0] == name.partition(ROLLED)[0]
