"""What a use is before any unit of it is counted: whom it calls, where, and which rules of the tariff may price it.

A route is found once per session; counting units (`walk`) and pricing them (`price`) go by it alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from mvne_billing.rating.result import Reason, Rule, Unrateable, World
from mvne_billing.usage.record import UsageRecord
from mvne_plans.numbering import Destination, NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import FREE, Rate, Tier
from mvne_plans.tariff import (
    DOMESTIC,
    MEMBER,
    ON_NET,
    ROAMING,
    Beyond,
    Bucket,
    NextTier,
    Priced,
    RatingService,
    Roaming,
    Slow,
    Tariff,
    steps_beyond,
)


@dataclass(frozen=True, slots=True)
class Line:
    """What is the subscriber's own: the zone (IANA) of the time bands, and the number lists kept by the line itself.

    `groups` maps a number group's id to E.164 numbers, as the list stood when the use began.
    """

    timezone: str
    groups: Mapping[str, Container[str]] = field(default_factory=dict)


class Step(NamedTuple):
    """A rule that prices what no allowance covers: for `amount` units of the period, None for any."""

    rule: Rule
    name: str
    rate: Rate
    amount: int | None = None


@dataclass(frozen=True)
class Route:
    """What is known of a use: its tariff, the called `number` in E.164 with its destination, the rule where it roams.

    `on_net` says whether the number is of the same brand, `groups` which number groups hold it.
    """

    kind: Kind
    country: str
    label: str
    tariff: Tariff
    number: str
    destination: Destination | None
    roaming: Roaming | None
    service: RatingService | None
    on_net: bool
    groups: frozenset[str]
    timezone: str

    @property
    def at_home(self) -> bool:
        """Whether use here counts as use at home."""
        return self.roaming is None or self.roaming.treatment == "domestic"

    @cached_property
    def is_free(self) -> bool:
        """Emergency numbers are free everywhere, freephone numbers from the network of their own country."""
        if self.destination is None:
            return False
        freephone = self.destination.kind is NumberKind.FREEPHONE and self.destination.country == self.tariff.home
        return self.is_emergency or (freephone and self.at_home)

    @property
    def is_emergency(self) -> bool:
        """Whether it must go through whatever the balance or a bar says (EECC, directive (EU) 2018/1972, art. 109)."""
        return self.destination is not None and self.destination.kind is NumberKind.EMERGENCY

    @property
    def name(self) -> str:
        """What the destination is called; empty for data."""
        return self.destination.name if self.destination else self.number

    def calls(self, zone: str) -> bool:
        """Say whether the called number lies in `zone`.

        Where roaming is as at home, the visited zone's numbers are domestic too (Regulation (EU) 2022/612, art. 4).
        """
        if zone == ON_NET:
            return self.on_net
        if self.destination is None:
            return False
        if self.tariff.reaches(self.destination, zone):
            return True
        visited = self.roaming.zone if self.roaming is not None and self.at_home else None
        return zone == DOMESTIC and visited is not None and self.tariff.reaches(self.destination, visited)

    def fits(self, bucket: Bucket) -> bool:
        """Say whether `bucket` may pay for this use; time bands are looked at as the use goes on."""
        if bucket.kind is not self.kind or (bucket.labels and self.label not in bucket.labels):
            return False
        here = any(self.tariff.in_zone(self.country, zone) for zone in bucket.within)
        if not here and not (self.at_home and DOMESTIC in bucket.within):
            return False
        if self.kind is Kind.DATA:
            return True
        if bucket.groups:
            return not self.groups.isdisjoint(bucket.groups)
        return any(self.calls(zone) for zone in bucket.to)

    def limited_by(self, of: str) -> bool:
        """Say whether a bucket's limit `of` this sort of use counts it."""
        return of in (MEMBER, self.label) or (of == ROAMING and self.country != self.tariff.home)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What prices use that no allowance covers, step after step; raises `Unrateable` when nothing does."""
        if self.roaming is not None and self.roaming.treatment == "price" and self._carried:
            price = self.surcharge
            if price is None:
                raise Unrateable(Reason.NO_TARIFF, f"no {self.kind} price in {self.roaming.zone}")
            return (price,)
        if self.kind is Kind.DATA or self.calls(DOMESTIC):
            return self._chain
        row = self.tariff.deck.row_to(self.number, self.destination, self.kind)
        price_to = row.rate(self.kind) if row else None
        if row is not None and price_to is not None:
            return (Step(Rule.DECK, row.prefix, price_to),)
        if any(self.fits(bucket) for bucket in self.tariff.buckets):
            return self._chain
        if self.destination is None:
            raise Unrateable(Reason.UNKNOWN_DESTINATION, "no prefix of the numbering plan or of the rates matches")
        raise Unrateable(Reason.NO_TARIFF, f"the plan has no {self.kind} price for {self.destination.name}")

    @property
    def surcharge(self) -> Step | None:
        """The roaming price here: of all use, or of what a fair-use limit keeps out of the allowances."""
        price = self.roaming.prices.get(self.kind) if self.roaming else None
        return Step(Rule.ROAMING, self.roaming.zone, price) if self.roaming and price else None

    @property
    def _carried(self) -> bool:
        """Whether a roaming price covers it: data, and numbers that cost nothing beyond being called."""
        covered = (NumberKind.ORDINARY, NumberKind.FREEPHONE)
        return self.kind is Kind.DATA or (self.destination is not None and self.destination.kind in covered)

    @property
    def _chain(self) -> tuple[Step, ...]:
        found = chain(self.tariff, self.kind)
        if not found:
            message = f"the plan does not say what happens to {self.kind} beyond its allowance"
            raise Unrateable(Reason.NO_TARIFF, message)
        return found


def chain(tariff: Tariff, kind: Kind) -> tuple[Step, ...]:
    """Return what happens beyond the allowance of a kind, step after step; nothing when the plan does not say."""
    return tuple(_step(one, kind, place) for place, one in enumerate(steps_beyond(tariff.beyond.get(kind))))


def _step(one: Beyond, kind: Kind, place: int) -> Step:
    name = f"{kind}:{place}" if place else str(kind)
    if isinstance(one, Priced):
        return Step(Rule.PRICE, name, one.rate, one.amount)
    if isinstance(one, NextTier):
        fee = Rate(Decimal(0), 1, tiers=(Tier(None, Decimal(0), 1, one.fee),))
        return Step(Rule.NEXT, name, fee, one.amount)
    return Step(Rule.SLOW, name, FREE, one.amount) if isinstance(one, Slow) else Step(Rule.STOP, name, FREE)


def route(record: UsageRecord, tariff: Tariff, world: World, line: Line) -> Route:
    """Return the route of a record's use under a tariff; raise `Unrateable` when the plan refuses it where it is."""
    number = world.numbering.normalise(record.to) if record.to is not None else ""
    found = Route(
        kind=record.kind,
        country=record.country,
        label=record.label,
        tariff=tariff,
        number=number,
        destination=world.numbering.classify(number) if number else None,
        roaming=tariff.roaming_in(record.country),
        service=next(_services(record.kind, number, tariff, world, line), None),
        on_net=number in world.on_net,
        groups=frozenset(name for name in tariff.bucket_groups if number in _group(name, world, line)),
        timezone=line.timezone,
    )
    if found.roaming is not None and found.roaming.treatment == "refuse" and not found.is_free:
        raise Unrateable(Reason.ROAMING_REFUSED, f"the plan has no use in {record.country}")
    return found


def _services(kind: Kind, number: str, tariff: Tariff, world: World, line: Line) -> Iterator[RatingService]:
    for one in tariff.services:
        if one.kind is kind and number in _group(one.group, world, line):
            yield one


def _group(name: str, world: World, line: Line) -> Container[str]:
    """Return a number group: the line's own list, or the brand's."""
    return line.groups[name] if name in line.groups else world.groups.get(name, frozenset())
