"""Looking at a tariff as a whole: what it includes for any use at home, every price in it, every zone it names."""

from __future__ import annotations

from collections.abc import Iterator

from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import DOMESTIC, Beyond, Bucket, NextTier, Priced, Tariff, steps_beyond


def is_general(bucket: Bucket) -> bool:
    """Say whether a bucket pays for any use at home of its kind: to all ordinary numbers, at all times."""
    narrowed = bucket.groups or bucket.bands or bucket.labels
    return not narrowed and DOMESTIC in bucket.within and (bucket.kind is Kind.DATA or DOMESTIC in bucket.to)


def included(tariff: Tariff, kind: Kind) -> int | None:
    """Return the units of any use at home that a tariff includes, None for unlimited."""
    amounts = [
        None if one.amount is None else int(one.amount / one.factor)
        for one in tariff.buckets
        if one.kind is kind and is_general(one)
    ]
    return None if None in amounts else sum(amount for amount in amounts if amount is not None)


def chain(tariff: Tariff, kind: Kind) -> list[Beyond]:
    """Return what happens beyond the allowances of a kind, step after step."""
    return list(steps_beyond(tariff.beyond.get(kind)))


def rates(tariff: Tariff) -> Iterator[tuple[str, Rate]]:
    """Yield every price of use, each with where it stands."""
    for bucket in tariff.buckets:
        if bucket.rate is not None:
            yield f"includes.{bucket.id}", bucket.rate
    for kind in tariff.beyond:
        yield from ((f"then.{kind}", one.rate) for one in chain(tariff, kind) if isinstance(one, Priced))
    for row in tariff.deck.rows:
        yield from ((f"rates {row.prefix}", rate) for kind in Kind if (rate := row.rate(kind)))
    for rule in tariff.roaming:
        yield from ((f"roaming.{rule.zone}.{kind}", rate) for kind, rate in rule.prices.items())
    for service in tariff.services:
        yield f"services.{service.id}", service.rate


def uses_bands(tariff: Tariff) -> bool:
    """Say whether anything depends on the time band."""
    return any(bucket.bands for bucket in tariff.buckets) or any(rate.bands for _, rate in rates(tariff))


def zones_named(tariff: Tariff) -> set[str]:
    """Return every zone that a tariff names."""
    named = {zone for bucket in tariff.buckets for zone in (*bucket.to, *bucket.within)}
    named |= {rule.zone for rule in tariff.roaming}
    return named | {zone for guard in tariff.guards for zone in guard.within}


def next_plans(tariff: Tariff) -> list[str]:
    """Return the plans at which a period may go on, each once."""
    found = [one.plan for kind in tariff.beyond for one in chain(tariff, kind) if isinstance(one, NextTier)]
    return list(dict.fromkeys(found))
