"""The places of a compiled plan: what takes units, within which bounds, and what it charges for them."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import NamedTuple, Protocol

from mvne_billing.mediation.counters import CounterKey, Counters
from mvne_billing.mediation.shelves import Slot
from mvne_billing.rating.result import Rule
from mvne_plans.money import MICRO
from mvne_plans.rate import Rate

#: Whose counter (a subscription), which, and since when.
Place = tuple[str, str, datetime]

#: Units in a row by place: which took them, and how many.
Walked = list[tuple[int, int]]


class Keeper(Protocol):
    """Who keeps counters: a line."""

    @property
    def counters(self) -> Counters:
        """Its own counters, of what is used."""

    @property
    def held(self) -> dict[CounterKey, int]:
        """What open sessions hold of them."""

    def of(self, holder: str) -> Keeper:
        """Return who keeps another holder's: the owner of its pool."""


class Walking(Protocol):
    """What was used so far."""

    @property
    def walked(self) -> Walked:
        """Units in a row by place."""

    @property
    def taken(self) -> dict[Place, int]:
        """What they took of which counter."""

    @property
    def paid(self) -> int:
        """What they cost, as it is rounded."""


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
        self.charges = charges_of(rate, over)
        self.said = f"{quoted(rule)},{quoted(name)}"
        self.bound: Bound | None = None
        self.limits: tuple[Bound, ...] = ()
        self.first = self.next = 1
        self.by_one = True
        self.is_counted = self.is_bucket = False
        self.is_stop = rule is Rule.STOP
        #: Whether it takes whatever comes.
        self.is_open = True


@lru_cache(maxsize=4096)  # a brand's rates are few, and its legs many
def exact(rate: Rate) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Return a rate's unit price, set-up fee, minimum and maximum in micro-units, its percentage on top of each."""
    on_top = 1 + Fraction(rate.percent) / 100
    most = Fraction(rate.maximum if rate.maximum is not None else 0)
    once = (Fraction(rate.setup), Fraction(rate.minimum), most)
    unit = Fraction(rate.amount) * MICRO / rate.per * on_top
    setup, least, largest = (amount * MICRO * on_top for amount in once)
    return unit, setup, least, largest


@lru_cache(maxsize=4096)
def charges_of(rate: Rate, over: int) -> Charges | None:
    """Return what a rate charges, over a plan's denominator; None for a free one."""
    if rate.is_free:
        return None
    unit, setup, least, most = (int(part * over) for part in exact(rate))
    steps = rate.increments
    bound = None if rate.maximum is None else most
    return Charges(unit, setup, least, bound, steps.first, steps.next, rate.at_maximum == "stop")


def room_of(spot: Spot, leg: Walking, place: int, units: int) -> int:
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


def count(spot: Spot, leg: Walking, place: int, room: int, counts: list[tuple[Slot, int]]) -> None:
    """Note what a place's counters gain: a bucket counts in whole increments."""
    bound = spot.bound
    if bound is None:
        return
    gained = room if spot.by_one else raised(spot, _already(leg, place) + room) - raised(spot, _already(leg, place))
    if gained:
        counts.append((bound.slot, gained))
        for limit in spot.limits:
            counts.append((limit.slot, gained))


def raised(spot: Spot, units: int) -> int:
    """Return what a place counts for `units` of use."""
    if not units:
        return 0
    first, step = spot.first, spot.next
    return first + -(-(units - first) // step) * step if units > first else first
