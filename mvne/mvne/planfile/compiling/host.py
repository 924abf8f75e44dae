"""The host network: its wholesale agreement in dated versions, and what it gives the brand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mvne.brand import Host
from mvne.markets.market import Market
from mvne.planfile.compiling.decks import Decks
from mvne.planfile.compiling.numbers import read_pool
from mvne.planfile.compiling.prices import Prices
from mvne.planfile.compiling.values import day, percent, price_per
from mvne.planfile.compiling.zones import Zones
from mvne.planfile.findings import DataPath
from mvne.planfile.models.host import AgreementSection, CapacitySection, HostSection
from mvne.planfile.models.prices import PriceSection
from mvne.planfile.sheet import Sheet
from mvne_plans.agreement import Agreement
from mvne_plans.period import MONTH, Every
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import DOMESTIC, INTERNATIONAL, OTHER, RateDeck

PROFILES = 1_000
PROFILE_TYPE = "standard"
_EARLIEST = date(1970, 1, 1)


@dataclass(frozen=True)
class _Agreements:
    sheet: Sheet
    zones: Zones
    decks: Decks

    def read(self, path: DataPath, section: AgreementSection) -> Agreement:
        line, line_every = self._per((*path, "line"), section.line)
        minimum, minimum_every = self._per((*path, "minimum"), section.minimum)
        capacity, capacity_every = (0, MONTH)
        if section.capacity is not None:
            capacity, capacity_every = self._per((*path, "capacity", "price"), section.capacity.price)
        kinds = _kinds(section.capacity)
        written = {Kind.VOICE: section.voice, Kind.SMS: section.sms, Kind.DATA: section.data}
        share = self._retail_minus(path, section)
        self._idle(path, section, kinds)
        return Agreement(
            starts=day(self.sheet, (*path, "from"), section.starts) or _EARLIEST,
            currency=self.zones.market.currency,
            line_micro=line,
            line_every=line_every,
            rates={
                kind: self._by_zone((*path, str(kind)), kind, one) for kind, one in written.items() if one is not None
            },
            deck=self.decks.read((*path, "rates"), section.rates, wholesale=True) if section.rates else RateDeck(),
            minimum_micro=minimum,
            minimum_every=minimum_every,
            capacity=kinds,
            capacity_micro=capacity,
            capacity_every=capacity_every,
            retail_minus=share,
            retail_tax=self._tax() if share is not None else Decimal(0),
        )

    def _per(self, path: DataPath, text: str | None) -> tuple[int, Every]:
        return price_per(self.sheet, path, text) if text is not None else (0, MONTH)

    def _retail_minus(self, path: DataPath, section: AgreementSection) -> Decimal | None:
        if section.retail_minus is None:
            return None
        return percent(self.sheet, (*path, "retail_minus"), section.retail_minus)

    def _tax(self) -> Decimal:
        """Return the percentage of tax that prices as written include."""
        market = self.zones.market
        return market.vat if market.prices_include_tax and market.vat is not None else Decimal(0)

    def _idle(self, path: DataPath, section: AgreementSection, bought: tuple[Kind, ...]) -> None:
        """Note prices that never count: beside a share of the retail price, or of kinds bought as a whole."""
        if section.retail_minus is not None:
            for key in (*Kind, "rates", "capacity"):
                if getattr(section, key) is not None:
                    message = f"the host takes a share of the retail price, so that {key} never counts"
                    self.sheet.note((*path, str(key)), "idle_key", message, "keep one of the two", key=True)
            return
        for kind in bought:
            if getattr(section, kind) is not None:
                message = f"the capacity pays for all {kind}, so that its price never counts"
                self.sheet.note((*path, str(kind)), "idle_key", message, "keep one of the two", key=True)

    def _by_zone(
        self, path: DataPath, kind: Kind, written: str | PriceSection | Mapping[str, str | PriceSection]
    ) -> dict[str, Rate]:
        prices = Prices(self.sheet, bands=None)
        if isinstance(written, str | PriceSection):
            return self._for_all(path, kind, prices.read(path, written, kind))
        named = [DOMESTIC, *([INTERNATIONAL] if kind is not Kind.DATA else []), *self.zones.abroad]
        found: dict[str, Rate] = {}
        for zone, one in written.items():
            if self.zones.check(self.sheet, (*path, zone), zone, named, key=True):
                price = prices.read((*path, zone), one, kind)
                found |= {zone: price} if price else {}
        return found

    def _for_all(self, path: DataPath, kind: Kind, price: Rate | None) -> dict[str, Rate]:
        if price is None:
            return {}
        zones = [DOMESTIC, OTHER] if kind is Kind.DATA else [DOMESTIC, INTERNATIONAL, OTHER]
        for zone in zones[1:]:
            self.sheet.default(f"host.agreement.{kind}.{zone}", price, "the one price written for all zones")
        return dict.fromkeys(zones, price)


def _kinds(section: CapacitySection | None) -> tuple[Kind, ...]:
    if section is None:
        return ()
    return tuple(map(Kind, dict.fromkeys([section.of] if isinstance(section.of, str) else section.of)))


def read_agreements(sheet: Sheet, zones: Zones, decks: Decks, section: HostSection) -> tuple[Agreement, ...]:
    """Return the agreement's versions, earliest first."""
    reader = _Agreements(sheet, zones, decks)
    path: DataPath = ("host", "agreement")
    if isinstance(section.agreement, AgreementSection):
        return (reader.read(path, section.agreement),)
    versions: list[Agreement] = []
    for position, one in enumerate(section.agreement):
        version = reader.read((*path, position), one)
        if any(other.starts == version.starts for other in versions):
            message = f"two versions of the agreement start on {version.starts}; give each its own date"
            sheet.note((*path, position, "from"), "duplicate_date", message)
        versions.append(version)
    if not versions:
        sheet.absent(path, "no_agreement", "the list is empty; write at least one version", key=False)
    return tuple(sorted(versions, key=lambda one: one.starts))


def read_host(sheet: Sheet, market: Market, section: HostSection) -> Host:
    """Return what the host gives: numbers and profiles."""
    if section.profiles is None:
        sheet.default("host.profiles", PROFILES, "default of the language")
    if section.profile_type is None:
        sheet.default("host.profile_type", PROFILE_TYPE, "default of the language")
    return Host(
        network=section.network,
        numbers=read_pool(sheet, market, section),
        profiles=section.profiles or PROFILES,
        profile_type=section.profile_type or PROFILE_TYPE,
    )
