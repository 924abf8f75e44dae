"""A mobile brand as its plan file describes it, checked and typed: what every use case of the platform starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from mvne.markets.market import Market
from mvne_plans.catalogue import Catalogue
from mvne_plans.money import Money
from mvne_plans.prepaid import PrepaidRules
from mvne_plans.quantity import Kind


@dataclass(frozen=True, slots=True)
class Explained:
    """One effective setting: where (`plans.serenite.price`), its value, and the reason why it holds."""

    path: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Theme:
    """How the brand looks: colours as `#rrggbb`."""

    primary: str


@dataclass(frozen=True, slots=True)
class Support:
    """Where subscribers find help."""

    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """What the host network gives: MSISDNs in E.164, how many eSIM profiles, and of which type."""

    network: str
    numbers: tuple[str, ...]
    profiles: int
    profile_type: str


@dataclass(frozen=True, slots=True)
class TaxRow:
    """One tax of one region, in percent of the price before tax, and an amount per line and period if there is one."""

    region: str
    name: str
    percent: Decimal
    per_line: Money | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """Use per subscriber and period that is counted on, in base units: the mean, and what 95 of 100 stay below."""

    mean: int
    p95: int


@dataclass(frozen=True, slots=True)
class Brand:
    """One brand. `settings` says for everything the file sets where it does, `defaults` why the rest is as it is.

    `euro` is what a euro is worth in the brand's currency, for the limits of EU law; None when nobody said. `prepaid`
    are the rules of prepaid money, None where the file has none.
    """

    id: str
    name: str
    market: Market
    languages: tuple[str, ...]
    timezone: str
    support: Support
    theme: Theme
    minimum_age: int | None
    segment: str
    host: Host
    catalogue: Catalogue
    tax_table: tuple[TaxRow, ...]
    expected_use: Mapping[str, Mapping[Kind, Expected]]
    source: Path
    euro: Decimal | None = None
    prepaid: PrepaidRules | None = None
    defaults: tuple[Explained, ...] = field(default=(), repr=False)
    settings: tuple[Explained, ...] = field(default=(), repr=False)

    @property
    def currency(self) -> str:
        """The ISO 4217 currency of every price."""
        return self.catalogue.currency
