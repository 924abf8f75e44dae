"""The same as `plain`, for the tariffs that most lines have, worked out once per route so that a step costs little.

A plan is compiled for a route and the allowances open to a line: places in the order in which units are taken (buckets,
then the steps beyond), each with its counter, and prices as whole numbers over one common denominator. What it cannot
express (`compiled` returns None) goes by the plain way; tests hold the two to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

from mvne_billing.charging.spots import Spot, Walked, Walking, count, raised, room_of
from mvne_billing.mediation.shelves import Slot
from mvne_billing.rating.result import Part, Unrateable, parts_text
from mvne_billing.rating.route import Route
from mvne_billing.rating.walk import Stretch
from mvne_plans.money import Mode, Rounding
from mvne_plans.rate import FREE


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
        found = self._at_one_place(leg, units) if self._is_plain and units > 0 else None
        if found is not None:
            return found
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

    def _at_one_place(self, leg: Walking, units: int) -> More | None:
        """Return what `more` says where a whole leg is at one place, as most are; None where it is not."""
        place, walked = self._taker(units), leg.walked
        if place is None or (walked and (len(walked) > 1 or walked[0][0] != place)):
            return None
        spot, already = self.spots[place], walked[0][1] if walked else 0
        total, bound, charges = already + units, spot.bound, spot.charges
        counts: Sequence[tuple[Slot, int]] = ()
        if bound is not None:
            gained = units if spot.by_one else raised(spot, total) - raised(spot, already)
            counts = ((bound.slot, gained),) if gained else ()
        if charges is None:
            return More([(place, total)], -leg.paid, counts, spot.is_stop, 0, 0)
        first, step = charges.first, charges.next
        through = (first + -(-(total - first) // step) * step if total > first else first) * charges.unit
        paid = (2 * through + self._over) // (2 * self._over) * self._unit
        return More([(place, total)], paid - leg.paid, counts, spot.is_stop, through, paid)

    def _taker(self, units: int) -> int | None:
        """Return the place that takes all of `units`; None where they are shared, or it is not that simple."""
        for place, spot in enumerate(self.spots):
            if spot.is_open:
                return place
            bound = spot.bound
            if bound is None or spot.limits or not spot.by_one:
                return None
            left = bound.left()
            if left > 0:
                return place if left >= units else None
        return None

    def _walk(self, leg: Walking, units: int, after: Walked, counts: list[tuple[Slot, int]]) -> bool:
        """Give units to the places that take them, and note what that counts; return whether some go to a stop."""
        for place, spot in enumerate(self.spots):
            room = units if spot.is_open else room_of(spot, leg, place, units)
            if room <= 0:
                continue
            if spot.is_counted:
                count(spot, leg, place, room, counts)
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
                    whole = first + -(-(before - first) // step) * step if before > first else first
                    units += whole - before
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
                whole = first + -(-(before - first) // step) * step if before > first else first
                units += whole - before
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
