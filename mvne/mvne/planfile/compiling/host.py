"""The host network: its wholesale agreement in dated versions, and what it gives the brand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mvne.brand import Host
from mvne.planfile.compiling.decks import Decks
from mvne.planfile.compiling.numbers import read_pool
from mvne.planfile.compiling.values import day, price_per, rate
from mvne.planfile.compiling.zones import Zones
from mvne.planfile.findings import DataPath
from mvne.planfile.models import AgreementSection, HostSection
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
        written = ((Kind.VOICE, section.voice), (Kind.SMS, section.sms), (Kind.DATA, section.data))
        return Agreement(
            starts=day(self.sheet, (*path, "from"), section.starts) or _EARLIEST,
            currency=self.zones.market.currency,
            line_micro=line,
            line_every=line_every,
            rates={kind: self._by_zone((*path, str(kind)), kind, one) for kind, one in written if one is not None},
            deck=self.decks.read((*path, "rates"), section.rates) if section.rates else RateDeck(),
            minimum_micro=minimum,
            minimum_every=minimum_every,
        )

    def _per(self, path: DataPath, text: str | None) -> tuple[int, Every]:
        return price_per(self.sheet, path, text) if text is not None else (0, MONTH)

    def _by_zone(self, path: DataPath, kind: Kind, written: str | dict[str, str]) -> dict[str, Rate]:
        if isinstance(written, str):
            return self._for_all(path, kind, rate(self.sheet, path, written, kind))
        named = [DOMESTIC, *([INTERNATIONAL] if kind is not Kind.DATA else []), *self.zones.abroad]
        prices: dict[str, Rate] = {}
        for zone, text in written.items():
            if self.zones.check(self.sheet, (*path, zone), zone, named, key=True):
                found = rate(self.sheet, (*path, zone), text, kind)
                prices |= {zone: found} if found else {}
        return prices

    def _for_all(self, path: DataPath, kind: Kind, price: Rate | None) -> dict[str, Rate]:
        if price is None:
            return {}
        zones = [DOMESTIC, OTHER] if kind is Kind.DATA else [DOMESTIC, INTERNATIONAL, OTHER]
        for zone in zones[1:]:
            self.sheet.default(f"host.agreement.{kind}.{zone}", price, "the one price written for all zones")
        return dict.fromkeys(zones, price)


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


def read_host(sheet: Sheet, zones: Zones, section: HostSection) -> Host:
    """Return what the host gives: numbers and profiles."""
    if section.profiles is None:
        sheet.default("host.profiles", PROFILES, "default of the language")
    if section.profile_type is None:
        sheet.default("host.profile_type", PROFILE_TYPE, "default of the language")
    return Host(
        network=section.network,
        numbers=read_pool(sheet, zones.market, section),
        profiles=section.profiles or PROFILES,
        profile_type=section.profile_type or PROFILE_TYPE,
    )
