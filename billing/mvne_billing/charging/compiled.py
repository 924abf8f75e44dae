"""The same as `plain`, for the tariffs that most lines have, worked out once per route so that a step costs little.

A plan is compiled for a route and the allowances open to a line: places in the order in which units are taken (buckets,
then the steps beyond), each with its counter, and prices as whole numbers over one common denominator. What it cannot
express (`compiled` returns None) goes by the plain way; tests hold the two to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from math import lcm
from typing import NamedTuple, Protocol

from mvne_billing.mediation.counters import CounterKey, Counters
from mvne_billing.mediation.shelves import Shelf, Shelves, Slot
from mvne_billing.rating.buckets import Open, burn_order
from mvne_billing.rating.result import Part, Rule, Unrateable, parts_text
from mvne_billing.rating.route import Route, Step
from mvne_billing.rating.walk import Stretch
from mvne_plans.money import MICRO, Mode, Rounding
from mvne_plans.rate import FREE, Rate
from mvne_plans.tariff import ROAMING

#: Whose counter (a subscription), which, and since when.
Place = tuple[str, str, datetime]

#: Units in a row by place: which took them, and how many.
Walked = list[tuple[int, int]]

#: Rules whose units are counted whatever the tariff says of them.
_COUNTED = (Rule.SLOW, Rule.STOP, Rule.NEXT)


class Keeper(Protocol):
    """Who keeps counters: a line."""

    @property
    def counters(self) -> Counters:
        """Its own counters, of what is used."""
        ...

    @property
    def held(self) -> dict[CounterKey, int]:
        """What open sessions hold of them."""
        ...

    def of(self, holder: str) -> Keeper:
        """Return who keeps another holder's: the owner of its pool."""
        ...


class Walking(Protocol):
    """What was used so far."""

    @property
    def walked(self) -> Walked:
        """Units in a row by place."""
        ...

    @property
    def taken(self) -> dict[Place, int]:
        """What they took of which counter."""
        ...

    @property
    def paid(self) -> int:
        """What they cost, as it is rounded."""
        ...


class Charges(NamedTuple):
    """What a place charges, all over the plan's denominator: by unit, and once per session within its bounds."""

    unit: int
    setup: int
    least: int
    most: int | None
    first: int
    next: int
    stops: bool


#: Steps go by what was used alone: where the next one begins is known when it is used.
_NOT_HELD: dict[CounterKey, int] = {}


class Bound:
    """How much of a counter there is: what is used of it (`here[counter]`), what sessions hold (`held[key]`)."""

    __slots__ = ("amount", "counter", "held", "here", "key", "place", "slot")

    def __init__(self, account: Keeper, slot: Slot, amount: int | None, is_held: bool = True) -> None:
        holder = slot.counters.holder
        # The counter is there from now on, and so is the mapping that holds it: it is read with every step.
        slot.counters.add(slot.counter, slot.start, 0)
        self.here = slot.counters.since(slot.start)
        self.slot = slot
        self.counter = slot.counter
        self.key = (slot.counter, slot.start)
        self.held = account.of(holder).held if is_held else _NOT_HELD
        self.place: Place = (holder, slot.counter, slot.start)
        self.amount = amount

    def left(self) -> int:
        """Return what neither is used nor held."""
        gone = self.here[self.counter]
        return (self.amount or 0) - (gone + self.held.get(self.key, 0) if self.held else gone)


class Spot:
    """A place that takes units: its rule, what bounds it, the increments it counts by, what it charges.

    `by_one` says that a unit of use is a unit of the counter, whatever was used before; `said` is its rule and name
    as JSON.
    """

    __slots__ = (
        "bound",
        "by_one",
        "charges",
        "first",
        "is_bucket",
        "is_counted",
        "is_open",
        "is_stop",
        "limits",
        "name",
        "next",
        "rate",
        "rule",
        "said",
    )

    def __init__(self, rule: Rule, name: str, rate: Rate, over: int = 1) -> None:
        self.rule, self.name, self.rate = rule, name, rate
        self.charges = _charges(rate, over)
        self.said = f"{quoted(rule)},{quoted(name)}"
        self.bound: Bound | None = None
        self.limits: tuple[Bound, ...] = ()
        self.first = self.next = 1
        self.by_one = True
        self.is_counted = self.is_bucket = False
        self.is_stop = rule is Rule.STOP
        #: Whether it takes whatever comes.
        self.is_open = True


class More(NamedTuple):
    """What more units do, as `plain.More` says, with the units by place and the price through their end.

    That price is exact over the plan's denominator; `paid` is what it is rounded to.
    """

    walked: Walked
    charge: int
    taken: Sequence[tuple[Slot, int]]
    ends: bool
    through: int
    paid: int


class Compiled:
    """A plan for one route and one set of open allowances."""

    __slots__ = ("_is_plain", "_missing", "_mode", "_over", "_unit", "spots")

    def __init__(self, spots: Sequence[Spot], over: int, rounding: Rounding, missing: Unrateable | None) -> None:
        self.spots = tuple(spots)
        self._over = over * rounding.unit_micro
        self._unit = rounding.unit_micro
        self._mode = rounding.mode
        self._missing = missing
        charges = [spot.charges for spot in spots if spot.charges is not None]
        #: Nothing but units and increments makes the price, and it is rounded half up.
        self._is_plain = rounding.mode is Mode.HALF_UP and not any(
            one.setup or one.least or one.most is not None for one in charges
        )

    def more(self, leg: Walking, units: int) -> More:
        """Return what `units` more of a leg do, of which nothing is held at the moment.

        Raises `Unrateable` when the tariff has no price for some of them.
        """
        counts: list[tuple[Slot, int]] = []
        after = leg.walked.copy()
        ends = self._walk(leg, units, after, counts)
        if self._is_plain:
            through = self._plain_price(after)
            paid = (2 * through + self._over) // (2 * self._over) * self._unit
        else:
            through, stopped = self.price(after)
            paid, ends = self.rounded(through), ends or stopped
        return More(after, paid - leg.paid, counts, ends, through, paid)

    def _walk(self, leg: Walking, units: int, after: Walked, counts: list[tuple[Slot, int]]) -> bool:
        """Give units to the places that take them, and note what that counts; return whether some go to a stop."""
        for place, spot in enumerate(self.spots):
            room = units if spot.is_open else _room(spot, leg, place, units)
            if room <= 0:
                continue
            if spot.is_counted:
                _count(spot, leg, place, room, counts)
            if after and after[-1][0] == place:
                after[-1] = (place, after[-1][1] + room)
            else:
                after.append((place, room))
            units -= room
            if units <= 0:
                return spot.is_stop
        if units > 0 and self._missing is not None:
            raise self._missing
        return False

    def _plain_price(self, walked: Walked) -> int:
        """Return what `price` says where there is nothing but units and increments."""
        total, before, last = 0, 0, len(walked) - 1
        for row, (place, units) in enumerate(walked):
            before += units
            charges = self.spots[place].charges
            if charges is not None:
                if row == last:
                    first, step = charges.first, charges.next
                    raised = first + -(-(before - first) // step) * step if before > first else first
                    units += raised - before
                total += units * charges.unit
        return total

    def price(self, walked: Walked, raises: bool = True) -> tuple[int, bool]:
        """Return the exact price of walked units over the denominator, and whether a maximum says that they stop.

        `raises` is False for the beginning of a session that goes on: the increments are those of its last units.
        """
        sums: dict[int, int] = {}
        total, before, stops, last = 0, 0, False, len(walked) - 1 if raises else -1
        for row, (place, units) in enumerate(walked):
            before += units
            charges = self.spots[place].charges
            if charges is None:
                continue
            unit, setup, least, most, first, step, stopping = charges
            if row == last:
                raised = first + -(-(before - first) // step) * step if before > first else first
                units += raised - before
            known = sums.get(place)
            if known is None:
                now = (0 if sums else setup) + units * unit
            else:
                now = known + units * unit
                total -= _bounded(known, least, most)
            sums[place] = now
            total += _bounded(now, least, most)
            if most is not None and stopping and max(now, least) > most:
                stops = True
        return total, stops

    def rounded(self, through: int) -> int:
        """Return an exact price in micro-units, rounded as the tariff says: what `money.round_record` does."""
        over, mode = self._over, self._mode
        size = -through if through < 0 else through
        whole, rest = divmod(size, over)
        if rest and (
            mode is Mode.UP
            or (mode is Mode.HALF_UP and 2 * rest >= over)
            or (mode is Mode.HALF_EVEN and (2 * rest > over or (2 * rest == over and whole & 1)))
        ):
            whole += 1
        return -whole * self._unit if through < 0 else whole * self._unit

    def stretches(self, walked: Walked) -> tuple[Stretch, ...]:
        """Return walked units as rating has them."""
        spots = self.spots
        return tuple(Stretch(spots[place].rule, spots[place].name, units, spots[place].rate) for place, units in walked)

    def parts(self, route: Route, walked: Walked) -> Iterator[Part]:
        """Yield walked units with the price of each row, as `reference.charged` splits it."""
        before, rounded = 0, 0
        for row, (place, units) in enumerate(walked):
            spot = self.spots[place]
            before += units
            billable = 0
            if spot.charges is not None:
                billable = units
                if row == len(walked) - 1:
                    billable += spot.rate.increments.raise_to(before) - before
            now = self.rounded(self.price(walked[: row + 1], raises=row == len(walked) - 1)[0])
            text = "" if spot.rate is FREE else spot.rate.text(route.kind)
            yield Part(spot.rule, spot.name, units, billable, text, now - rounded)
            rounded = now

    def parts_text(self, route: Route, walked: Walked) -> str:
        """Return `parts` as the JSON that they are stored in; most uses are under one rule."""
        if len(walked) != 1:
            return parts_text(tuple(self.parts(route, walked)))
        place, units = walked[0]
        spot = self.spots[place]
        billable = spot.rate.increments.raise_to(units) if spot.charges is not None else 0
        text = "" if spot.rate is FREE else spot.rate.text(route.kind)
        return f'[[{spot.said},{units},{billable},{quoted(text)},{self.rounded(self.price(walked)[0])},""]]'

    def walked(self, stretches: Sequence[Stretch]) -> Walked | None:
        """Return stretches by place, None when some were under rules that are not in this plan."""
        places = {(spot.rule, spot.name): place for place, spot in enumerate(self.spots)}
        found = [(places.get((one.rule, one.name), -1), one.units) for one in stretches]
        return None if any(place < 0 for place, _ in found) or any(one.band for one in stretches) else found


def _bounded(charged: int, least: int, most: int | None) -> int:
    at_least = charged if charged > least else least
    return at_least if most is None or at_least < most else most


def _room(spot: Spot, leg: Walking, place: int, units: int) -> int:
    """Return how many of `units` a place takes within its bounds."""
    bound, room = spot.bound, units
    if bound is not None and bound.amount is not None:
        room = bound.left() if spot.by_one else _covers(spot, bound, leg, place, units)
        room = units if room > units else room
    for limit in spot.limits:
        within = _covers(spot, limit, leg, place, units)
        room = within if within < room else room
    return room


def _covers(spot: Spot, bound: Bound, leg: Walking, place: int, units: int) -> int:
    """Return how many of `units` more a place covers; what the leg took of it is still its own: `buckets.coverable`."""
    left = bound.left() + leg.taken.get(bound.place, 0)
    already, first, step = _already(leg, place), spot.first, spot.next
    wanted = already + units
    raised = first + -(-(wanted - first) // step) * step if wanted > first else first
    if raised <= left:
        return units
    whole = first + (left - first) // step * step if left >= first else 0
    return whole - already if whole > already else 0


def _already(leg: Walking, place: int) -> int:
    return sum(units for one, units in leg.walked if one == place)


def _count(spot: Spot, leg: Walking, place: int, room: int, counts: list[tuple[Slot, int]]) -> None:
    """Note what a place's counters gain: a bucket counts in whole increments."""
    bound = spot.bound
    if bound is None:
        return
    gained = room if spot.by_one else _raised(spot, _already(leg, place) + room) - _raised(spot, _already(leg, place))
    if gained:
        counts.append((bound.slot, gained))
        for limit in spot.limits:
            counts.append((limit.slot, gained))


def _raised(spot: Spot, units: int) -> int:
    if not units:
        return 0
    first, step = spot.first, spot.next
    return first + -(-(units - first) // step) * step if units > first else first


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
    over = lcm(*(part.denominator for rate in rates for part in _exact(rate)))
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


@lru_cache(maxsize=4096)  # a brand's rates are few, and its legs many
def _exact(rate: Rate) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Return a rate's unit price, set-up fee, minimum and maximum in micro-units, its percentage on top of each."""
    on_top = 1 + Fraction(rate.percent) / 100
    most = Fraction(rate.maximum if rate.maximum is not None else 0)
    once = (Fraction(rate.setup), Fraction(rate.minimum), most)
    unit = Fraction(rate.amount) * MICRO / rate.per * on_top
    setup, least, largest = (amount * MICRO * on_top for amount in once)
    return unit, setup, least, largest


def _charges(rate: Rate, over: int) -> Charges | None:
    if rate.is_free:
        return None
    unit, setup, least, most = (int(part * over) for part in _exact(rate))
    steps = rate.increments
    bound = None if rate.maximum is None else most
    return Charges(unit, setup, least, bound, steps.first, steps.next, rate.at_maximum == "stop")


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
