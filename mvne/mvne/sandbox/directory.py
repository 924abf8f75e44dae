"""Whom the people of a simulated life call, and where they travel: only what their plan sells and the host prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mvne.brand import Brand
from mvne.markets.fictional import NoFictionalNumbers
from mvne.markets.market import load_market
from mvne_billing.rating.reference import rate
from mvne_billing.rating.result import Unrateable, World
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import Plan
from mvne_plans.numbering import NumberKind
from mvne_plans.quantity import Kind

#: Markets whose numbers reserved for fiction are called from elsewhere.
ABROAD = ("GB", "US", "DE", "FR")
_EACH = 20


@dataclass(frozen=True, slots=True)
class Directory:
    """What one plan's subscribers can reach: kinds of use, numbers at home, of groups, abroad; countries to visit.

    `premium` is a number that a barred line cannot call, None where the market has none; `emergency` a short code.
    """

    kinds: tuple[Kind, ...]
    home: tuple[str, ...]
    groups: tuple[str, ...]
    abroad: Mapping[Kind, tuple[str, ...]]
    countries: tuple[str, ...]
    emergency: str
    premium: str | None


def directories(brand: Brand, world: World, at: datetime) -> dict[str, Directory]:
    """Return the directory of each plan; `at` is a moment at which prices are in force."""
    home, foreign = _home(brand), _foreign(brand)
    return {plan.id: _directory(brand, plan, world, at, home, foreign) for plan in brand.catalogue.plans}


def _directory(
    brand: Brand, plan: Plan, world: World, at: datetime, home: tuple[str, ...], foreign: tuple[str, ...]
) -> Directory:
    tariff = plan.tariff
    kinds = tuple(kind for kind in Kind if kind in {bucket.kind for bucket in tariff.buckets} | set(tariff.beyond))
    groups = {service.group for service in tariff.services if service.kind is Kind.VOICE}
    calls = [kind for kind in kinds if kind is not Kind.DATA]

    def priced(kinds: Iterable[Kind], country: str, to: str) -> bool:
        records = (
            UsageRecord("trial", home[0], kind, at, 1, country, None if kind is Kind.DATA else to) for kind in kinds
        )
        return all(_has_price(record, plan, world) for record in records)

    countries = [
        country
        for rule in tariff.roaming
        if rule.treatment != "refuse"
        for country in tariff.zones.get(rule.zone, (rule.zone,))
        if country != tariff.home and len(country) == 2
    ]
    return Directory(
        kinds=kinds,
        home=home,
        groups=tuple(number for group in brand.catalogue.groups if group.id in groups for number in group.numbers),
        abroad={kind: tuple(to for to in foreign if priced([kind], tariff.home, to)) for kind in calls},
        countries=tuple(country for country in sorted(set(countries)) if priced(kinds, country, home[0])),
        emergency=brand.market.emergency[0],
        premium=_premium(brand),
    )


def _has_price(record: UsageRecord, plan: Plan, world: World) -> bool:
    try:
        rate(record, plan.tariff, world)
    except Unrateable:
        return False
    return True


def _home(brand: Brand) -> tuple[str, ...]:
    """Return numbers at home: fixed ones reserved for fiction where there are any, else the brand's own."""
    try:
        return tuple(brand.market.fictional.first(_EACH, "fixed"))
    except NoFictionalNumbers:
        return brand.host.numbers[:_EACH]


def _foreign(brand: Brand) -> tuple[str, ...]:
    markets = [load_market(code) for code in ABROAD if code != brand.market.code]
    return tuple(number for market in markets for number in market.fictional.first(3))


def _premium(brand: Brand) -> str | None:
    prefixes = [one.prefix for one in brand.market.numbering.destinations if one.kind is NumberKind.PREMIUM]
    return next((f"{prefix}0000" for prefix in prefixes if prefix.startswith("+")), None)
