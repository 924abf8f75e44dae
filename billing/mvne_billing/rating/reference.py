"""The exact price of one usage record: the plain reference that every faster engine is held against.

A record is walked from its first unit to its last. A number service takes its share first, then the allowances in order
(the plan's own, then add-ons), and what is left falls under the rule beyond, the rate deck or a roaming price.
Increments raise the record once, as a whole, and the overrun belongs to its last part, so that a split never costs more
than the same use unsplit. All arithmetic is in unbounded integers and fractions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from mvne_billing.rating.result import Part, Rated, Reason, Rule, Unrateable, World
from mvne_billing.rating.wholesale import cost
from mvne_billing.usage.record import UsageRecord
from mvne_plans.money import round_record
from mvne_plans.numbering import Destination, NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import FREE, Rate
from mvne_plans.tariff import DOMESTIC, Bucket, Priced, RatingService, Roaming, Slow, Tariff


@dataclass(frozen=True, slots=True)
class _Call:
    """A record with all that was found out about it before it is split."""

    record: UsageRecord
    tariff: Tariff
    number: str
    destination: Destination | None
    roaming: Roaming | None
    service: RatingService | None

    @property
    def at_home(self) -> bool:
        """Whether use here counts as use at home."""
        return self.roaming is None or self.roaming.treatment == "domestic"

    def calls(self, zone: str) -> bool:
        """Say whether the called number lies in `zone`.

        Where roaming is as at home, the visited zone's numbers are domestic too (Regulation (EU) 2022/612, art. 4).
        """
        if self.destination is None:
            return False
        if self.tariff.reaches(self.destination, zone):
            return True
        visited = self.roaming.zone if self.roaming is not None and self.at_home else None
        return zone == DOMESTIC and visited is not None and self.tariff.reaches(self.destination, visited)

    @property
    def carried(self) -> bool:
        """Whether a roaming price covers it: data, and numbers that cost nothing beyond being called."""
        covered = (NumberKind.ORDINARY, NumberKind.FREEPHONE)
        return self.record.kind is Kind.DATA or (self.destination is not None and self.destination.kind in covered)

    def fits(self, bucket: Bucket) -> bool:
        """Say whether `bucket` may pay for this use."""
        country = self.record.country
        here = any(self.tariff.in_zone(country, zone) for zone in bucket.within)
        here = here or (self.at_home and DOMESTIC in bucket.within)
        there = self.record.kind is Kind.DATA or any(self.calls(zone) for zone in bucket.to)
        return bucket.kind is self.record.kind and here and there


def rate(
    record: UsageRecord,
    tariff: Tariff,
    world: World,
    used: Mapping[str, int],
    addons: tuple[Bucket, ...] = (),
) -> Rated:
    """Price `record` under `tariff`, given what was `used` of each bucket before it (base units by bucket id).

    Returns the parts with their rules, retail and wholesale price in micro-units, and what was taken from each bucket.
    Raises `Unrateable` with the reason when the tariff or the agreement has no price for it.
    """
    number = world.numbering.normalise(record.to) if record.to is not None else ""
    destination = world.numbering.classify(number) if number else None
    roaming = tariff.roaming_in(record.country)
    service = next(
        (one for one in tariff.services if one.kind is record.kind and number in world.groups[one.group]), None
    )
    call = _Call(record, tariff, number, destination, roaming, service)
    if roaming is not None and roaming.treatment == "refuse" and not _free(call):
        raise Unrateable(Reason.ROAMING_REFUSED, f"the plan has no use in {record.country}")
    parts = tuple(_charged(_split(call, used, addons), record.kind, tariff.rounding_micro)) if record.amount else ()
    taken: dict[str, int] = {}
    for part in parts:
        if part.rule is Rule.BUCKET:
            taken[part.name] = taken.get(part.name, 0) + part.units
    cost_micro, cost_rule = cost(record, number, destination, tariff, world)
    name = destination.name if destination else number
    return Rated(parts, sum(part.charge_micro for part in parts), cost_micro, cost_rule, name, taken)


def _free(call: _Call) -> bool:
    """Emergency numbers are free everywhere, freephone numbers from the network of their own country."""
    if call.destination is None:
        return False
    freephone = call.destination.kind is NumberKind.FREEPHONE and call.destination.country == call.tariff.home
    return call.destination.kind is NumberKind.EMERGENCY or (freephone and call.at_home)


def _split(call: _Call, used: Mapping[str, int], addons: tuple[Bucket, ...]) -> Iterator[tuple[Part, Rate]]:
    """Yield the parts in order, each with the rate that prices it."""
    left = call.record.amount
    if _free(call) and call.destination:
        yield Part(Rule.FREE, call.destination.name, left), FREE
        return
    service, left_to_service = call.service, 0
    if service is not None:
        left_to_service = left if service.limit is None else min(left, service.limit)
        if not service.from_allowance:
            yield Part(Rule.SERVICE, service.id, left_to_service), service.rate
            left, left_to_service = left - left_to_service, 0
    for bucket in (*call.tariff.buckets, *addons):
        if left and call.fits(bucket):
            room = left if bucket.amount is None else min(left, bucket.amount - used.get(bucket.id, 0))
            if room > 0:
                yield Part(Rule.BUCKET, bucket.id, room), FREE
                left, left_to_service = left - room, max(left_to_service - room, 0)
    if service is not None and left_to_service:
        yield Part(Rule.SERVICE, service.id, left_to_service), service.rate
        left -= left_to_service
    if left:
        yield _beyond(call, left)


def _beyond(call: _Call, units: int) -> tuple[Part, Rate]:
    """Return the part that no allowance covers."""
    kind, tariff = call.record.kind, call.tariff
    if call.roaming is not None and call.roaming.treatment == "price" and call.carried:
        price = call.roaming.prices.get(kind)
        if price is None:
            raise Unrateable(Reason.NO_TARIFF, f"no {kind} price in {call.roaming.zone}")
        return Part(Rule.ROAMING, call.roaming.zone, units), price
    if kind is Kind.DATA or call.calls(DOMESTIC) or any(call.fits(bucket) for bucket in tariff.buckets):
        rule = tariff.beyond.get(kind)
        if rule is None:
            raise Unrateable(Reason.NO_TARIFF, f"the plan does not say what happens to {kind} beyond its allowance")
        if isinstance(rule, Priced):
            return Part(Rule.PRICE, kind, units), rule.rate
        return Part(Rule.SLOW if isinstance(rule, Slow) else Rule.STOP, kind, units), FREE
    row = tariff.deck.row_to(call.number, call.destination, kind)
    price = row.rate(kind) if row else None
    if row is None or price is None:
        if call.destination is None:
            raise Unrateable(Reason.UNKNOWN_DESTINATION, "no prefix of the numbering plan or of the rates matches")
        raise Unrateable(Reason.NO_TARIFF, f"the plan has no {kind} price for {call.destination.name}")
    return Part(Rule.DECK, row.prefix, units), price


def _charged(parts: Iterator[tuple[Part, Rate]], kind: Kind, rounding_micro: int) -> Iterator[Part]:
    """Price the parts: the last carries the overrun of increments; the record is rounded once, as a running total."""
    exact, walked = Fraction(0), 0
    ordered = list(parts)
    for place, (part, price) in enumerate(ordered):
        walked += part.units
        if price is FREE:
            yield part
            continue
        billable = part.units if price.amount else 0
        if billable and place == len(ordered) - 1:
            billable = price.increments.raise_to(walked) - (walked - part.units)
        before, exact = exact, exact + price.charge(billable)
        charge = round_record(exact, rounding_micro) - round_record(before, rounding_micro)
        yield replace(part, billable=billable, rate=price.text(kind), charge_micro=charge)
