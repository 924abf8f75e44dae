"""What a brand sells now, and the rules it sells by, as read from the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from mvne import versions
from mvne.errors import MvneError
from mvne.markets.market import Market, load_market
from mvne.tables import brand as brand_table
from mvne.versions import BrandSettings, NotSold, Stored
from mvne_billing.rating.result import World
from mvne_billing.tax import TaxPolicy, TaxRule
from mvne_plans.agreement import Agreement
from mvne_plans.catalogue import Addon, Plan, Promotion
from mvne_plans.prepaid import PrepaidRules


class UnknownBrand(MvneError):
    """No brand of this name has been launched into the store."""


@dataclass(frozen=True)
class Selling:
    """A brand's current versions. Lookups raise `NotSold` with what is sold."""

    brand: str
    settings: BrandSettings
    stored: Mapping[versions.Name, Stored]

    @property
    def market(self) -> Market:
        """The market it sells in."""
        return load_market(self.settings.market)

    def plan(self, plan_id: str) -> tuple[int, Plan]:
        """Return a plan on sale with its version."""
        found: Plan = self._one("plan", plan_id)
        return self.stored["plan", plan_id].version, found

    def addon(self, addon_id: str, plan_id: str) -> Addon:
        """Return an add-on on sale for subscribers of a plan."""
        found: Addon = self._one("addon", addon_id)
        if found.plans and plan_id not in found.plans:
            raise NotSold(f"add-on {addon_id} is for {', '.join(found.plans)}, not for plan {plan_id}")
        return found

    def promotion(self, code: str, plan_id: str, day: date) -> Promotion:
        """Return the promotion that a code stands for, if it can be taken up on `day` with this plan."""
        for one in self._all("promotion"):
            if one.code == code and one.open_on(day) and (not one.plans or plan_id in one.plans):
                found: Promotion = one
                return found
        raise NotSold(f"the code {code!r} is not known, or not open on {day} for plan {plan_id}")

    def plans(self) -> list[Plan]:
        """Return the plans on sale, by id."""
        return self._all("plan")

    def agreements(self) -> tuple[Agreement, ...]:
        """Return the versions of the wholesale agreement, by date."""
        return tuple(sorted(self._all("agreement"), key=lambda one: one.starts))

    def world(self) -> World:
        """Return what rating needs to know apart from the plan."""
        groups = {one.id: frozenset(one.numbers) for one in self._all("group")}
        return World(self.market.numbering, groups, self.agreements(), self.settings.timezone)

    def tax_policy(self) -> TaxPolicy:
        """Return how invoices are taxed: the market's VAT, or the brand's table by region."""
        market = self.market
        if market.vat is not None:
            rules: dict[str | None, tuple[TaxRule, ...]] = {None: (TaxRule(_tax_name(market), market.vat),)}
        else:
            rules = {}
            for row in self.settings.tax_table:
                rules[row.region] = (*rules.get(row.region, ()), TaxRule(row.name, row.percent, row.per_line))
        return TaxPolicy(market.prices_include_tax, rules)

    def prepaid(self) -> PrepaidRules:
        """Return the rules of prepaid money; without any, it lasts for ever and cannot be sent on."""
        return self._one("prepaid", self.brand) if ("prepaid", self.brand) in self.stored else PrepaidRules()

    def _all(self, kind: str) -> list[Any]:
        return [one.load() for (its_kind, _), one in self.stored.items() if its_kind == kind]

    def _one(self, kind: str, id_: str) -> Any:
        if (kind, id_) not in self.stored:
            sold = ", ".join(its_id for its_kind, its_id in self.stored if its_kind == kind) or "none"
            raise NotSold(f"{self.brand} sells no {kind} {id_!r}; it sells: {sold}")
        return self.stored[kind, id_].load()


def brands(conn: Connection) -> list[str]:
    """Return the ids of the brands of a store, in order."""
    return list(conn.execute(select(brand_table.c.brand).order_by(brand_table.c.brand)).scalars())


def selling(conn: Connection, brand: str) -> Selling:
    """Return what a brand sells; raise `UnknownBrand` when it was never launched here."""
    stored = versions.current(conn, brand)
    if ("brand", brand) not in stored:
        raise UnknownBrand(f"there is no brand {brand!r} in this store; launch it first: mvne launch plan.yaml")
    return Selling(brand, stored["brand", brand].load(), stored)


#: What the tax is called where it has a name of its own; VAT elsewhere.
_TAX_NAMES = {"FR": "TVA", "LU": "TVA", "DE": "USt", "IT": "IVA", "CO": "IVA", "SE": "Moms", "IN": "GST"}


def _tax_name(market: Market) -> str:
    return _TAX_NAMES.get(market.code, "VAT")
