"""What the host charges for each kind of use a plan sells, zone by zone, and what it has no price for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from mvne.tariff_view import chain
from mvne_plans.agreement import Agreement
from mvne_plans.catalogue import Plan
from mvne_plans.money import MICRO
from mvne_plans.quantity import Kind
from mvne_plans.rate import FREE, Rate
from mvne_plans.tariff import DOMESTIC, INTERNATIONAL, ON_NET, OTHER, Bucket, Stop, Tariff


@dataclass(frozen=True, slots=True)
class Sold:
    """A kind of use that a plan sells in a zone: at home to `domestic` or `international`, or abroad in a zone."""

    kind: Kind
    zone: str
    abroad: bool = False


def sold(plan: Plan) -> list[Sold]:
    """Return everything a plan sells, each once."""
    return list(dict.fromkeys(_sold(plan)))


def _sold(plan: Plan) -> Iterator[Sold]:
    tariff = plan.tariff
    at_home = {bucket.kind for bucket in tariff.buckets}
    at_home |= {kind for kind in Kind if any(not isinstance(one, Stop) for one in chain(tariff, kind))}
    for kind in Kind:
        if kind in at_home or any(service.kind is kind for service in tariff.services):
            yield Sold(kind, DOMESTIC)
        if any(row.rate(kind) for row in tariff.deck.rows):
            yield Sold(kind, INTERNATIONAL)
    for bucket in tariff.buckets:
        yield from sold_by(bucket, plan)
    for rule in tariff.roaming:
        kinds = at_home if rule.treatment == "domestic" else set(rule.prices)
        yield from (Sold(kind, rule.zone, abroad=True) for kind in Kind if kind in kinds)


def sold_by(bucket: Bucket, plan: Plan) -> Iterator[Sold]:
    """Yield where an allowance may be used; a zone treated as home counts."""
    for place in bucket.within:
        if place != DOMESTIC:
            yield Sold(bucket.kind, place, abroad=True)
            continue
        for called in bucket.to if bucket.kind is not Kind.DATA else (DOMESTIC,):
            yield Sold(bucket.kind, DOMESTIC if called in (DOMESTIC, ON_NET) else INTERNATIONAL)
        for rule in plan.tariff.roaming:
            if rule.treatment == "domestic":
                yield Sold(bucket.kind, rule.zone, abroad=True)


def dearest(agreement: Agreement, plan: Plan, one: Sold) -> Rate | None:
    """Return the highest wholesale price of what is sold, None when some of it has no price.

    What is bought as a whole, or for a share of the retail price, costs nothing by the unit.
    """
    if agreement.retail_minus is not None or one.kind in agreement.capacity:
        return FREE
    prices = agreement.rates.get(one.kind, {})
    if not one.abroad and one.zone == INTERNATIONAL:
        return _international(agreement, plan, one.kind)
    if not one.abroad:
        return prices.get(DOMESTIC)
    if one.zone == OTHER:
        return prices.get(OTHER)
    tariff = plan.tariff
    visited = [country for country in tariff.zones.get(one.zone, (one.zone,)) if country != tariff.home]
    found = [abroad(agreement, tariff, one.kind, country) for country in visited]
    return None if None in found else max((rate for rate in found if rate), key=per_unit, default=None)


def abroad(agreement: Agreement, tariff: Tariff, kind: Kind, country: str) -> Rate | None:
    """Return the price of use in a visited country: its own, its zone's, or that of `other`."""
    prices = agreement.rates.get(kind, {})
    zones = [zone for zone in prices if country in tariff.zones.get(zone, ()) and zone != DOMESTIC]
    return next((prices[zone] for zone in (country, *zones, OTHER) if zone in prices), None)


def _international(agreement: Agreement, plan: Plan, kind: Kind) -> Rate | None:
    flat = agreement.rates.get(kind, {}).get(INTERNATIONAL)
    included = any(bucket.kind is kind and set(bucket.to) - {DOMESTIC, ON_NET} for bucket in plan.tariff.buckets)
    rows = [row.prefix for row in plan.tariff.deck.rows if row.rate(kind)]
    hosts = [agreement.deck.find(prefix, kind) for prefix in rows]
    rates = [row.rate(kind) if row else flat for row in hosts] + ([flat] if included else [])
    return None if None in rates else max((rate for rate in rates if rate), key=per_unit, default=flat)


def per_unit(rate: Rate) -> Fraction:
    """Return the exact price of one base unit, in micro-units, at the dearest step: how costs are ordered."""
    return max(_per_unit(rate))


def least_per_unit(rate: Rate) -> Fraction:
    """Return the exact price of one base unit at the cheapest step and in the cheapest time band."""
    return min([*_per_unit(rate), *(least_per_unit(one) for _, one in rate.bands)])


def _per_unit(rate: Rate) -> list[Fraction]:
    if not rate.tiers:
        return [rate.charge(1)]
    return [Fraction(tier.amount) * MICRO / tier.per for tier in rate.tiers]
