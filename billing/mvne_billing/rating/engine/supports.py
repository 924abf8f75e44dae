"""What an engine cannot express of a tariff; whoever has such a plan is rated by the reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from mvne_billing.rating.engine.gates import MOST_LEVELS
from mvne_billing.rating.engine.numbers import groups_asked, listed
from mvne_billing.rating.result import World
from mvne_plans.bands import Calendar
from mvne_plans.quantity import Kind
from mvne_plans.rate import BY_UNIT, Rate
from mvne_plans.tariff import Bucket, NextTier, Priced, Tariff, steps_beyond


def engine_supports(tariff: Tariff, world: World) -> tuple[str, ...]:
    """Return the reasons why an engine cannot rate all use of a tariff; none when it can.

    What depends on a line or a record (add-ons, own number lists, partial records, a call over three time bands) is
    found out while rating, and leaves that subscriber to the reference too.
    """
    found = (
        *(reason for bucket in tariff.buckets for reason in _bucket(bucket, tariff)),
        *_tiers(tariff),
        *_beyond(tariff),
        *_calendar(tariff.calendar),
        *_endless(tariff),
        *_numbers(tariff, world),
        *_wholesale(world),
    )
    return tuple(dict.fromkeys(found))


def _bucket(bucket: Bucket, tariff: Tariff) -> Iterator[str]:
    if bucket.rollover is not None:
        yield f"bucket {bucket.id} rolls over: what it holds depends on what an earlier period left"
    if bucket.increments.first < bucket.increments.next:
        yield f"bucket {bucket.id} may pass over a long use and still cover a shorter one after it"
    if bucket.factor <= 0:
        yield f"bucket {bucket.id} has no factor above 0"
    if len(bucket.limits) > 1:
        yield f"bucket {bucket.id} has two limits that one use may count against at once"
    if bucket.amount is not None and bucket.amount < 0:
        yield f"bucket {bucket.id} holds less than nothing"
    if bucket.amount is None and not bucket.limits and (bucket.factor != 1 or bucket.increments != BY_UNIT):
        yield f"unlimited bucket {bucket.id} counts its use in other units"
    if bucket.rate is not None and bucket.rate.tiers:
        yield f"bucket {bucket.id} has a price by tiers"
    if bucket.kind is Kind.VOICE and tariff.calendar.bands and Fraction(bucket.factor).denominator > 1:
        yield f"bucket {bucket.id} has a factor that is not whole, for calls that time bands may cut"


def _rates(tariff: Tariff) -> Iterator[tuple[str, Rate]]:
    """Yield the rates of a tariff that are no steps beyond, each with where it stands."""
    yield from ((f"service {one.id}", one.rate) for one in tariff.services)
    yield from ((f"roaming in {one.zone}", rate) for one in tariff.roaming for rate in one.prices.values())
    for row in tariff.deck.rows:
        yield from ((f"the rate to {row.prefix}", rate) for rate in (row.voice, row.sms) if rate is not None)


def _tiers(tariff: Tariff) -> Iterator[str]:
    yield from (
        f"{place} has tiers, which are counted beyond an allowance only" for place, rate in _rates(tariff) if rate.tiers
    )
    for kind in Kind:
        for step in steps_beyond(tariff.beyond.get(kind)):
            if isinstance(step, Priced) and step.rate.tiers and step.rate.bands:
                yield f"{kind} beyond its allowance has tiers and other prices by time band"


def _beyond(tariff: Tariff) -> Iterator[str]:
    for kind in Kind:
        if sum(1 + bool(one.limits) for one in tariff.buckets if one.kind is kind) > MOST_LEVELS:
            yield f"more than {MOST_LEVELS} buckets of {kind} in a row, limits counted as buckets"
        finite = [one.id for one in tariff.buckets if one.kind is kind and (one.amount is not None or one.limits)]
        steps = list(steps_beyond(tariff.beyond.get(kind)))
        if finite and not steps:
            yield f"bucket {finite[0]} may run out and nothing is said beyond it"
        if any(isinstance(step, NextTier) and step.amount is None and step.fee < 0 for step in steps):
            yield f"{kind} goes on at a next tier for less than nothing"


def _calendar(calendar: Calendar) -> Iterator[str]:
    for band in calendar.bands:
        if any(clock.second or clock.microsecond for clock in (band.start, band.end)):
            yield f"time band {band.name} does not begin and end on whole minutes"


def _endless(tariff: Tariff) -> Iterator[str]:
    endless = [one for one in tariff.buckets if one.amount is None]
    for bucket in endless:
        if bucket.rate is not None and any(one.bands for one in endless if one.kind is bucket.kind):
            yield f"unlimited bucket {bucket.id} has a price, and another one holds in some time bands"


def _numbers(tariff: Tariff, world: World) -> Iterator[str]:
    for name in sorted(groups_asked([tariff])):
        try:
            listed(name, world)
        except TypeError:
            yield f"the numbers of {name} cannot be listed"


def _wholesale(world: World) -> Iterator[str]:
    for agreement in world.agreements:
        rates: Iterable[Rate | None] = [rate for zones in agreement.rates.values() for rate in zones.values()]
        decks = [rate for row in agreement.deck.rows for rate in (row.voice, row.sms)]
        if any(rate is not None and rate.tiers for rate in (*rates, *decks)):
            yield "the host's agreement has tiers, which count the use of the whole brand in order"
            return
