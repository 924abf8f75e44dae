"""Names of zones: which are known in a market, and what was meant by one that is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from mvne.markets.market import Market
from mvne.planfile.findings import DataPath, did_you_mean, listed
from mvne.planfile.sheet import Sheet
from mvne_plans.tariff import DOMESTIC, INTERNATIONAL, OTHER


@dataclass(frozen=True)
class Zones:
    """The zones of one market."""

    market: Market

    @cached_property
    def countries(self) -> frozenset[str]:
        """ISO 3166 codes of every country the numbering plan knows."""
        return frozenset(one.country for one in self.market.numbering.destinations if one.country)

    @property
    def abroad(self) -> list[str]:
        """Named zones where a phone may roam."""
        return [name for name in self.market.zones if name != DOMESTIC] + [OTHER]

    @property
    def called(self) -> list[str]:
        """Named zones that may be called."""
        return [DOMESTIC, INTERNATIONAL, *(name for name in self.market.zones if name != DOMESTIC)]

    def check(self, sheet: Sheet, path: DataPath, name: str, named: Iterable[str], *, key: bool = False) -> bool:
        """Say whether `name` is one of the `named` zones or a country; note it otherwise."""
        known = list(dict.fromkeys(named))
        if name in known or name in self.countries:
            return True
        hint = f"did you mean {name.upper()!r}?" if name.upper() in self.countries else did_you_mean(name, known)
        zones = f"zones here are {listed(known, 'and')}, and countries such as GB"
        sheet.note(path, "unknown_zone", f"unknown zone {name[:40]!r}", f"{hint} {zones}".strip(), key=key)
        return False
