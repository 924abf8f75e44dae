"""Why things are as they are: each setting of a plan with the line, the market pack or the default it comes from."""

from __future__ import annotations

from collections.abc import Iterator

from mvne.brand import Brand, Explained
from mvne.errors import MvneError
from mvne_plans.catalogue import Pay, Plan


class UnknownPlan(MvneError):
    """The brand has no such plan."""


def explain_plan(brand: Brand, plan_id: str) -> list[Explained]:
    """Return every effective setting of a plan with its reason, its own first; raise `UnknownPlan`."""
    plan = next((one for one in brand.catalogue.plans if one.id == plan_id), None)
    if plan is None:
        known = ", ".join(one.id for one in brand.catalogue.plans)
        raise UnknownPlan(f"there is no plan {plan_id!r} in {brand.source}; plans are {known}")
    own = f"plans.{plan.id}."
    both = (*brand.settings, *brand.defaults)
    return [
        *(one for one in both if one.path.startswith(own)),
        *_shared(brand, plan),
        *_from_market(brand),
    ]


def _shared(brand: Brand, plan: Plan) -> Iterator[Explained]:
    """Yield what the file says for all plans and holds for this one."""
    tariff = plan.tariff
    sections = [f"services.{service.id}." for service in tariff.services]
    groups = {service.group for service in tariff.services} | tariff.bucket_groups
    sections += [f"number_groups.{group}." for group in sorted(groups)]
    sections += [f"zones.{zone}[" for zone in tariff.zones]
    sections += ["bands.", "holidays[", "calls_split_at_bands"] if tariff.calendar.bands else []
    sections += [f"guards.{guard.id}." for guard in tariff.guards if not _own(brand, plan, f"guards.{guard.id}.")]
    sections += [] if _own(brand, plan, "rounding.") else ["rounding."]
    sections += ["thresholds[", "brand.euro_rate"]
    sections += ["prepaid."] if plan.pay is Pay.PREPAID else []
    sections += [f"addons.{addon.id}." for addon in brand.catalogue.addons if not addon.plans or plan.id in addon.plans]
    sections += [f"promotions.{one.id}." for one in brand.catalogue.promotions if not one.plans or plan.id in one.plans]
    sections += ["fees."]
    sections += [] if _own(brand, plan, "roaming.") else ["roaming."]
    for one in (*brand.settings, *brand.defaults):
        if one.path.startswith(tuple(sections)):
            yield one


def _own(brand: Brand, plan: Plan, key: str) -> bool:
    """Say whether the file sets something for this plan alone."""
    return any(one.path.startswith(f"plans.{plan.id}.{key}") for one in brand.settings)


def _from_market(brand: Brand) -> Iterator[Explained]:
    market = brand.market
    pack = f"market pack {market.code}"
    yield Explained("currency", market.currency, pack)
    rate = "by the customer's address" if market.vat is None else f"{market.vat:f} percent"
    yield Explained("tax.rate", rate, pack)
    yield Explained("tax.shown", "included in prices" if market.prices_include_tax else "added to prices", pack)
    yield Explained("zones.domestic", f"ordinary numbers of {market.name}", pack)
    for name, countries in market.zones.items():
        if name != "domestic":
            yield Explained(f"zones.{name}", ", ".join(countries), pack)
