"""Counting: the units of a use from first to last, each under the rule of the tariff that takes it.

A number service takes its share first, then the open buckets in burn order, and what is left falls under the steps
beyond. Calls are cut where the time band changes, if the tariff says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mvne_billing.rating.buckets import Open, coverable
from mvne_billing.rating.result import Rule
from mvne_billing.rating.route import Route, Step
from mvne_plans.quantity import Kind
from mvne_plans.rate import FREE, Rate
from mvne_plans.tariff import ROAMING, RatingService

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Units in a row under one rule: `name` says which one of its kind, `band` the time band they began in."""

    rule: Rule
    name: str
    units: int
    rate: Rate = FREE
    band: str = ""

    @property
    def counter(self) -> str:
        """What its units are counted by: the bucket, or the rule and its name."""
        return self.name if self.rule is Rule.BUCKET else f"{self.rule}:{self.name}"


def walk(
    route: Route,
    before: Sequence[Stretch],
    units: int,
    since: datetime,
    buckets: Sequence[Open],
    spent: Mapping[str, int],
) -> tuple[Stretch, ...]:
    """Return the stretches of a session: those `before`, and `units` more that begin at `since`.

    `buckets` are in burn order. `spent` holds the period's counters of steps, without what this session took. Raises
    `Unrateable` when units remain that nothing prices.
    """
    session = _Session(route, list(before), buckets, spent)
    for part, band in spans(route, units, since):
        session.take(part, band)
    return tuple(session.stretches)


def spans(route: Route, units: int, since: datetime) -> Iterator[tuple[int, str]]:
    """Yield units with their time band: a call is cut where the band changes, a second lies where it begins."""
    calendar, left = route.tariff.calendar, units
    if not calendar.bands:
        yield units, ""
        return
    if route.kind is not Kind.VOICE or not route.tariff.splits_calls:
        yield units, calendar.band_at(since, route.timezone)
        return
    at = since
    while left > 0:
        change = calendar.change_after(at, route.timezone)
        part = left if change is None else min(left, -((at - change) // _SECOND))
        yield part, calendar.band_at(at, route.timezone)
        left, at = left - part, at + part * _SECOND


class _Session:
    """A session while it is walked."""

    def __init__(
        self, route: Route, stretches: list[Stretch], buckets: Sequence[Open], spent: Mapping[str, int]
    ) -> None:
        self.route = route
        self.stretches = stretches
        self.buckets = [one for one in buckets if route.fits(one.bucket)]
        self.spent = spent
        self.walked = sum(one.units for one in stretches)
        self.own: dict[str, int] = {}
        for one in stretches:
            self.own[one.counter] = self.own.get(one.counter, 0) + one.units

    def take(self, units: int, band: str) -> None:
        """Give `units` that begin in `band` to the rules that take them."""
        route = self.route
        if route.is_free:
            self._add(Rule.FREE, route.name, units, FREE, band)
            return
        service, to_service = route.service, 0
        if service is not None:
            to_service = units if service.limit is None else max(min(units, service.limit - self.walked), 0)
            if not service.from_allowance:
                self._serve(service, to_service, band)
                units, to_service = units - to_service, 0
        left, kept_out = self._burn(units, band)
        to_service = max(to_service - (units - left), 0)
        if service is not None and to_service:
            self._serve(service, to_service, band)
        self._go_beyond(left - to_service, band, kept_out)

    def _serve(self, service: RatingService, units: int, band: str) -> None:
        self._add(Rule.SERVICE, service.id, units, service.rate, band)

    def _burn(self, units: int, band: str) -> tuple[int, bool]:
        """Take what the buckets cover; return what they do not, and whether a roaming limit is the reason."""
        kept_out = False
        for one in self.buckets:
            if units <= 0:
                break
            if one.bucket.bands and band not in one.bucket.bands:
                continue
            already = self.own.get(one.id, 0)
            room = coverable(one.bucket, one.left, already, units)
            for limit in one.bucket.limits:
                if self.route.limited_by(limit.of):
                    within = coverable(one.bucket, one.limits.get(limit.of, limit.amount), already, units)
                    kept_out = kept_out or (limit.of == ROAMING and within < room)
                    room = min(room, within)
            self._add(Rule.BUCKET, one.id, room, one.bucket.rate or FREE, band)
            units -= room
            if one.bucket.blocks:
                break
        return units, kept_out

    def _go_beyond(self, units: int, band: str, kept_out: bool) -> None:
        if units <= 0:
            return
        surcharge = self.route.surcharge if kept_out else None
        steps: tuple[Step, ...] = (surcharge,) if surcharge else self.route.steps
        for step in steps:
            counter = f"{step.rule}:{step.name}"
            used = self.spent.get(counter, 0) + self.own.get(counter, 0)
            room = units if step.amount is None else max(min(units, step.amount - used), 0)
            self._add(step.rule, step.name, room, step.rate, band)
            units -= room
        # A chain that ends by amount has no word for what comes after it: the network was to stop.
        self._add(Rule.STOP, str(self.route.kind), units, FREE, band)

    def _add(self, rule: Rule, name: str, units: int, rate: Rate, band: str) -> None:
        if units <= 0:
            return
        last = self.stretches[-1] if self.stretches else None
        if last and (last.rule, last.name, last.band) == (rule, name, band):
            self.stretches[-1] = replace(last, units=last.units + units)
        else:
            self.stretches.append(Stretch(rule, name, units, rate, band))
        self.walked += units
        counter = self.stretches[-1].counter
        self.own[counter] = self.own.get(counter, 0) + units
