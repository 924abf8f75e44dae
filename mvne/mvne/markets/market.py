"""A market: what one country's pack says, read into types that the rest of the platform uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from fractions import Fraction
from functools import cache
from types import MappingProxyType

from mvne.markets.destinations import emergency_numbers, numbering_plan
from mvne.markets.fictional import FictionalNumbers, fictional_numbers
from mvne.markets.packfile import WORLD, MarketError, Pack, at, pack_names, read_pack
from mvne_plans.numbering import NumberingPlan

#: What people write for a market whose ISO 3166 code is another.
_ALIASES = {"uk": "GB", "usa": "US", "britain": "GB", "deutschland": "DE", "italia": "IT", "sverige": "SE"}


class TaxRules(StrEnum):
    """How a market taxes telecommunications; billing has one table or port for each."""

    VAT = "vat"  #: one rate of value added tax
    GST = "gst"  #: Indian GST, split by whether the customer lives in the seller's state
    VAT_AND_CONSUMPTION = "vat_and_consumption"  #: Colombia: IVA and the consumption tax
    BY_PROVINCE = "by_province"  #: Canada: the customer's province says
    BY_ADDRESS = "by_address"  #: United States: state, county and city say


#: Where a pack keeps the one rate of its tax, in percent; the other rules have none.
_RATE_PATHS = {
    TaxRules.VAT: "tax.vat.standard",
    TaxRules.GST: "tax.gst.rate",
    TaxRules.VAT_AND_CONSUMPTION: "tax.iva.rate",
}


class UnknownMarket(MarketError):
    """There is no pack for the market named."""


@dataclass(frozen=True, slots=True)
class HostNetwork:
    """A network operator of the market that could carry a brand, with its PLMN codes (MCC and MNC) where known."""

    name: str
    plmns: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """One market. `load_market` returns the same object each time, so markets are compared by identity.

    `vat` is the percentage of the standard rate (`Decimal("20.0")`), None where the customer's address decides; for
    Colombia it is the IVA alone. `zones` maps a zone's name to ISO 3166 codes, ascending: `domestic`; in the EU also
    `eea` (roaming, and calls from home) and `eu_roaming` (with the countries that joined for roaming only). Both hold
    the home country too. `mobile_pattern` is a regular expression for a mobile number in international form. `pack` is
    the whole merged pack, read-only, for the rules of law and the documents.
    """

    code: str
    name: str
    currency: str
    minor_units: int
    languages: tuple[str, ...]
    timezones: tuple[str, ...]
    prices_include_tax: bool
    tax_rules_kind: TaxRules
    vat: Decimal | None
    numbering: NumberingPlan
    mobile_pattern: str
    zones: Mapping[str, tuple[str, ...]]
    emergency: tuple[str, ...]
    fictional: FictionalNumbers
    mcc: tuple[str, ...]
    hosts: tuple[HostNetwork, ...]
    as_of: date
    pack: Pack = field(repr=False)

    @property
    def tax_included(self) -> Fraction:
        """The share of tax on top of what is before it that prices as written hold: 1/5 of 20 percent, or 0."""
        return Fraction(self.vat) / 100 if self.prices_include_tax and self.vat is not None else Fraction(0)

    def before_tax(self, amount: Fraction) -> Fraction:
        """Return an amount as prices are written without the tax they include, if they include any."""
        return amount / (1 + self.tax_included)


def known_markets() -> tuple[str, ...]:
    """Return the ISO 3166 codes of all markets that have a pack, ascending.

    >>> known_markets()
    ('CA', 'CO', 'DE', 'FR', 'GB', 'IN', 'IT', 'LU', 'SE', 'US')
    """
    return pack_names()


def load_market(code: str) -> Market:
    """Return the market of an ISO 3166 code in either case; raise `UnknownMarket` with the nearest one.

    >>> load_market("fr").currency
    'EUR'
    """
    wanted = code.upper()
    if wanted not in known_markets():
        raise UnknownMarket(_unknown(code))
    return _load(wanted)


@cache
def _load(code: str) -> Market:
    pack = read_pack(code)
    rules = TaxRules(at(pack, "tax.rules"))
    return Market(
        code=code,
        name=at(pack, "countries.names")[code],
        currency=at(pack, "currency.code"),
        minor_units=int(at(pack, "currency.minor_units")),
        languages=at(pack, "languages"),
        timezones=_one_or_more(at(pack, "timezone")),
        prices_include_tax=at(pack, "prices_shown").startswith("tax_inclusive"),
        tax_rules_kind=rules,
        vat=Decimal(at(pack, _RATE_PATHS[rules])) if rules in _RATE_PATHS else None,
        numbering=numbering_plan(pack, code),
        mobile_pattern=at(pack, "numbering.mobile.e164"),
        zones=MappingProxyType(_zones(pack, code)),
        emergency=emergency_numbers(pack),
        fictional=fictional_numbers(pack, code),
        mcc=at(pack, "networks.mcc"),
        hosts=tuple(HostNetwork(host["name"], host.get("plmn", ())) for host in at(pack, "networks.hosts")),
        as_of=date.fromisoformat(at(pack, "as_of")),
        pack=pack,
    )


def _one_or_more(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _zones(pack: Pack, code: str) -> dict[str, tuple[str, ...]]:
    zones: dict[str, tuple[str, ...]] = {"domestic": (code,)}
    table = pack.get("tables", {}).get("roaming_zone")
    if table:
        eea = {*table["members"], *_members(table["parts"])}
        zones["eea"] = tuple(sorted(eea))
        zones["eu_roaming"] = tuple(sorted(eea | _members(table["joined"])))
    return zones


def _members(rows: tuple[Mapping[str, tuple[str, ...]], ...]) -> set[str]:
    return {country for row in rows for country in row["members"]}


def _unknown(code: str) -> str:
    names = at(read_pack(WORLD), "countries.names")
    spellings = _ALIASES | {names[known].lower(): known for known in known_markets()}
    spellings |= {known.lower(): known for known in known_markets()}
    near = get_close_matches(code.lower(), spellings, n=1)
    hint = f" did you mean '{spellings[near[0]]}'?" if near else ""
    return f"there is no market '{code}':{hint} markets are {', '.join(known_markets())}"
