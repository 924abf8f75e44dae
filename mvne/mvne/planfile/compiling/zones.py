"""Names of zones: which are known in a market and a file, and what was meant by one that is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mvne.markets.market import Market
from mvne.planfile.findings import DataPath, did_you_mean, listed
from mvne.planfile.scalars import PRICE_KEYS
from mvne.planfile.sheet import Sheet
from mvne_plans.tariff import DOMESTIC, INTERNATIONAL, ON_NET, OTHER

#: Names that mean something else wherever a zone is named.
_TAKEN = frozenset({DOMESTIC, INTERNATIONAL, OTHER, ON_NET, *PRICE_KEYS})


@dataclass(frozen=True)
class Zones:
    """The zones of one market, and those that the file adds (`own`), with their countries."""

    market: Market
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def countries(self) -> frozenset[str]:
        """ISO 3166 codes of every country the numbering plan knows."""
        return frozenset(one.country for one in self.market.numbering.destinations if one.country)

    @cached_property
    def named(self) -> dict[str, tuple[str, ...]]:
        """Every zone with its countries: the market's and the file's."""
        return {**{name: tuple(countries) for name, countries in self.market.zones.items()}, **self.own}

    @property
    def abroad(self) -> list[str]:
        """Named zones where a phone may roam."""
        return [name for name in self.named if name != DOMESTIC] + [OTHER]

    @property
    def called(self) -> list[str]:
        """Named zones that may be called."""
        return [DOMESTIC, INTERNATIONAL, *(name for name in self.named if name != DOMESTIC), ON_NET]

    @property
    def is_eu(self) -> bool:
        """Whether the market's law has roaming like at home."""
        return "eea" in self.market.zones

    def check(self, sheet: Sheet, path: DataPath, name: str, named: Iterable[str], *, key: bool = False) -> bool:
        """Say whether `name` is one of the `named` zones or a country; note it otherwise."""
        known = list(dict.fromkeys(named))
        if name in known or name in self.countries:
            return True
        if ("zones", name) in sheet.left_out or ("zones",) in sheet.left_out:
            return False
        hint = f"did you mean {name.upper()!r}?" if name.upper() in self.countries else did_you_mean(name, known)
        zones = f"zones here are {listed(known, 'and')}, and countries such as GB"
        sheet.note(path, "unknown_zone", f"unknown zone {name[:40]!r}", f"{hint} {zones}".strip(), key=key)
        return False

    def read(self, sheet: Sheet, path: DataPath, written: str | list[str] | None, named: list[str]) -> tuple[str, ...]:
        """Return the zones that a value names, one or a list; none when there is none."""
        if written is None:
            return ()
        if isinstance(written, str):
            self.check(sheet, path, written, named)
            return (written,)
        for position, zone in enumerate(written):
            self.check(sheet, (*path, position), zone, named)
        return tuple(dict.fromkeys(written))


def read_zones(sheet: Sheet, market: Market, written: Mapping[str, list[str]] | None) -> Zones:
    """Return the market's zones with those of the file: countries, and zones of the market as all of theirs."""
    plain = Zones(market)
    own: dict[str, tuple[str, ...]] = {}
    for name, members in (written or {}).items():
        path: DataPath = ("zones", name)
        if name in _TAKEN or name in market.zones:
            message = f"{name!r} has a meaning already; give the zone another name"
            sheet.note(path, "zone_taken", message, key=True)
            continue
        known = [one for one in market.zones if one != DOMESTIC]
        for position, member in enumerate(members):
            plain.check(sheet, (*path, position), member, known)
        if not members:
            sheet.absent(path, "empty_zone", "the zone has no country", "write it like [DZ, MA, TN]")
        countries = {country for member in members for country in market.zones.get(member, (member,))}
        own[name] = tuple(sorted(countries))
    return Zones(market, own)
