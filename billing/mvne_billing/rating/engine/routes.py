"""The table of routes: for every sort of use on some terms, its names, its gates, its prices at retail and wholesale.

The reference itself finds each route, once, for a number that stands for all of its sort; the engine only looks it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import prod
from typing import NamedTuple

from mvne_billing.rating.engine.bounds import Volume, fits, safe_units
from mvne_billing.rating.engine.gates import levels_of
from mvne_billing.rating.engine.leaves import NOBODY, Leaves
from mvne_billing.rating.engine.numbers import Members
from mvne_billing.rating.engine.places import Places
from mvne_billing.rating.engine.prices import Layout, band_row, shape_row, step_counters, step_names
from mvne_billing.rating.engine.shapes import Shape, shape_of
from mvne_billing.rating.engine.tallies import Tallies
from mvne_billing.rating.engine.terms import Terms, Use, in_band, uses_of
from mvne_billing.rating.engine.wholesale import Wholesale, wholesale_of
from mvne_billing.rating.result import Reason, Unrateable, World
from mvne_billing.rating.route import Line, route
from mvne_billing.usage.record import UsageRecord
from mvne_plans.agreement import Agreement
from mvne_plans.money import EXACT
from mvne_plans.quantity import MOST, Kind
from mvne_plans.tariff import Tariff

KINDS = tuple(Kind)
REASONS = tuple(Reason)

#: Lanes of a record: finished, on its way to gate 1 and so on, left to the reference, held for a reason.
DONE, BY_REFERENCE, HELD = 0, 99, 100

#: Added to the lane of a record whose id comes more than once, until it is known which of them counts.
TWIN = 1000

_ANY_TIME = datetime(2027, 1, 1, tzinfo=UTC)


class Key(NamedTuple):
    """What decides over a route; each is a small number. `agreement` is -1 where none is in force."""

    terms: int
    agreement: int
    kind: int
    leaf: int
    place: int
    label: int
    member: int


@dataclass(frozen=True)
class Market:
    """All that keys stand for."""

    tariffs: Mapping[str, Tariff]
    world: World
    terms: tuple[Terms, ...]
    agreements: tuple[Agreement | None, ...]
    leaves: Leaves
    places: Places
    labels: Mapping[str, int]
    members: Members
    bands: tuple[str, ...]
    volume: Volume

    @cached_property
    def sizes(self) -> Key:
        """How many values each part of a key has."""
        known = (self.terms, self.agreements, KINDS, self.leaves.names, self.places.examples)
        terms, agreements, kinds, leaves, places = map(len, known)
        return Key(terms, agreements, kinds, leaves, places, len(self.labels) + 1, len(self.members.sets))

    def keys(self) -> Iterator[Key]:
        """Yield every key that a well-formed record can have."""
        size = self.sizes
        nobody = self.leaves.numbers[NOBODY]
        for terms in range(size.terms):
            for agreement in range(size.agreement):
                for kind in range(size.kind):
                    is_data = KINDS[kind] is Kind.DATA
                    leaves = [nobody] if is_data else [leaf for leaf in range(size.leaf) if leaf != nobody]
                    for leaf in leaves:
                        for place in range(size.place):
                            for label in range(size.label):
                                for member in range(1 if is_data else size.member):
                                    yield Key(terms, agreement, kind, leaf, place, label, member)

    @property
    def space(self) -> int:
        """How many keys there are, those that no record can have included."""
        return prod(self.sizes)

    def is_sound(self, key: Key) -> bool:
        """Say whether a well-formed record can have a key: data, and nothing else, calls nobody."""
        is_data = KINDS[key.kind] is Kind.DATA
        return is_data == (key.leaf == self.leaves.numbers[NOBODY]) and not (is_data and key.member)

    @property
    def possible(self) -> int:
        """How many keys a well-formed record can have."""
        size = self.sizes
        spoken = 2 * (size.leaf - 1) * size.member
        return size.terms * size.agreement * size.place * size.label * (spoken + 1)

    def packed(self, key: Key) -> int:
        """Return a key as one number."""
        number = 0
        for part, size in zip(key, self.sizes, strict=True):
            number = number * size + part
        return number

    def unpacked(self, number: int) -> Key:
        """Return the key that `packed` made a number of."""
        parts = []
        for size in reversed(self.sizes):
            number, part = divmod(number, size)
            parts.append(part)
        return Key(*reversed(parts))


@dataclass(frozen=True)
class Found:
    """What was found for a key: a shape with names and cost, or the reason why the use has no price.

    `destination` is empty where the numbering plan knows none: the number has no other name than itself.
    """

    key: Key
    reason: Reason | None
    shape: Shape | None = None
    destination: str = ""
    steps: tuple[str, ...] = ()
    cost: Wholesale | None = None
    is_too_fine: bool = False  #: whether its prices need more digits than an engine has


#: The first of all routes: what is not looked up has it, and no use for it.
NO_ROUTE = Found(Key(0, 0, 0, 0, 0, 0, 0), None)


def find(market: Market, keys: Iterable[Key]) -> list[Found]:
    """Return what the reference finds for each key."""
    worlds: dict[tuple[int, int], World] = {}
    uses: dict[int, tuple[Use, ...]] = {}
    found = []
    for key in keys:
        terms, agreement = market.terms[key.terms], market.agreements[key.agreement]
        version = () if agreement is None else (agreement,)
        pair = (key.agreement, key.member)
        if pair not in worlds:
            worlds[pair] = market.members.world(market.world, key.member, version)
        if key.terms not in uses:
            uses[key.terms] = uses_of(terms, market.tariffs)
        try:
            one = route(_example(market, key), market.tariffs[terms.plan], worlds[pair], Line(terms.timezone))
        except Unrateable as problem:
            found.append(Found(key, problem.reason))
            continue
        shape, steps = shape_of(one, uses[key.terms], market.bands)
        name, cost = one.destination.name if one.destination is not None else "", wholesale_of(one, agreement)
        if fits(shape, cost.rate, market.volume):
            found.append(Found(key, None, shape, name, steps, cost))
        else:
            found.append(Found(key, None, is_too_fine=True))
    return found


def _example(market: Market, key: Key) -> UsageRecord:
    """Return a record that has this key."""
    names = {number: label for label, number in market.labels.items()}
    return UsageRecord(
        id="example",
        msisdn="+0",
        kind=KINDS[key.kind],
        start=_ANY_TIME,
        amount=0,
        country=market.places.examples[key.place],
        to=market.leaves.names[key.leaf] or None,
        label=names.get(key.label, ""),
    )


def layout_of(market: Market, found: Sequence[Found]) -> Layout:
    """Return how wide the tables have to be for what was found."""
    shapes = list({one.shape: None for one in found if one.shape is not None})
    steps = max((len(one.steps) for one in shapes), default=0)
    tiers = max((len(rate.tiers) for one in shapes for rate in one.rates()), default=0)
    return Layout(levels_of(shapes, step_counters(shapes)), max(steps, 1), tiers, market.bands)


Rows = list[dict[str, object]]


def route_rows(market: Market, layout: Layout, found: Sequence[Found]) -> tuple[Rows, list[Shape], Tallies]:
    """Return a row per route, the shapes and the tallies that they number; without bands a row has its prices too."""
    shapes: dict[Shape, int] = {}
    fixed: dict[Shape, dict[str, object]] = {}
    tallies = Tallies()
    rows = []
    for number, one in enumerate(found):
        shape, cost = one.shape or _NOTHING, one.cost or Wholesale()
        if shape not in shapes:
            shapes[shape] = len(shapes)
            fixed[shape] = shape_row(shape, layout) | {"tally": tallies.number(shape, layout)}
            if len(market.bands) == 1:
                fixed[shape] |= band_row(shape, layout, "") | {"next": next_gate(shape, layout, "")}
        rows.append(
            {
                "route": number,
                "shape": shapes[shape],
                "kind": str(KINDS[one.key.kind]),
                "destination": one.destination,
                "cost_rule": cost.rule,
                "lane_unused": BY_REFERENCE if one.is_too_fine else _held(one.reason or cost.reason),
                "lane_used": _lane(one, shape, cost),
                "safe": MOST if one.shape is None else safe_units(shape, cost.rate, market.volume),
                "y_name": f"roaming:{_zone(one, market)}" if shape.surcharge else "",
                **step_names(one.steps, layout.steps),
                **fixed[shape],
                **cost.row(),
            }
        )
    return rows, list(shapes), tallies


def _zone(found: Found, market: Market) -> str:
    tariff = market.tariffs[market.terms[found.key.terms].plan]
    rule = tariff.roaming_in(market.places.examples[found.key.place])
    return rule.zone if rule is not None else ""


def _held(reason: Reason | None) -> int:
    return DONE if reason is None else HELD + REASONS.index(reason)


def _lane(found: Found, shape: Shape, cost: Wholesale) -> int:
    """Return the lane of a use of at least one unit, `DONE` where only its gates and its amount decide."""
    if found.reason is not None or found.is_too_fine:
        return BY_REFERENCE if found.is_too_fine else _held(found.reason)
    if shape.missing is not None:
        # A record that finds its bucket empty waits and takes nothing, so that others of the line may: nothing to sum.
        return BY_REFERENCE if shape.uses or shape.service else _held(shape.missing)
    if cost.reason is None and any(len(use.limits) > 1 for use in shape.uses):
        return BY_REFERENCE
    return _held(cost.reason)


def next_gate(shape: Shape, layout: Layout, band: str) -> int:
    """Return the first gate or counter that units in a time band come to, `DONE` for none."""
    reached = dict(zip((use.node for use in shape.uses), in_band(shape.uses, band), strict=True))
    gates = [gate.level for gate in layout.levels.gates(shape) if reached[gate.use.node]]
    if gates:
        return min(gates)
    if shape.is_counted:
        return layout.levels.count + 1
    tiered = [place for place, step in enumerate(shape.steps, start=1) if step.rate.tiers]
    return layout.levels.count + 1 + tiered[0] if tiered else DONE


_NOTHING = Shape(Kind.DATA, EXACT, False, None, (), (), None, None)
