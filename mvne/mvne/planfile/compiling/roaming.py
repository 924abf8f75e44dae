"""Roaming rules: by where the phone is, use as at home, refused, or at prices of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mvne.planfile.compiling.common import Common
from mvne.planfile.findings import DataPath, did_you_mean
from mvne.planfile.models.prices import RoamingSection
from mvne.planfile.sheet import Sheet
from mvne_plans.quantity import Kind
from mvne_plans.tariff import OTHER, Roaming

Written = Mapping[str, "str | RoamingSection"]


@dataclass(frozen=True)
class RoamingRules:
    """The rules in file order, and the fair use that zones as at home have: where it is written, and how much."""

    rules: tuple[Roaming, ...]
    fair_use: Mapping[str, tuple[DataPath, str]] = field(default_factory=dict)


def read_roaming(sheet: Sheet, common: Common, path: DataPath, written: Written | None) -> RoamingRules:
    """Return the rules; where nothing is said, roaming is refused."""
    reader = _Reader(sheet, common)
    rules = [
        rule
        for zone, treatment in (written or {}).items()
        if common.zones.check(sheet, (*path, zone), zone, common.zones.abroad, key=True)
        and (rule := reader.rule((*path, zone), zone, treatment))
    ]
    if OTHER not in (written or {}):
        setting = ".".join(map(str, (*path, OTHER)))
        sheet.default(setting, "refuse", "default of the language: what is not said is refused")
        rules.append(Roaming(OTHER, "refuse"))
    return RoamingRules(tuple(rules), reader.fair_use)


@dataclass(frozen=True)
class _Reader:
    sheet: Sheet
    common: Common
    fair_use: dict[str, tuple[DataPath, str]] = field(default_factory=dict)

    def rule(self, path: DataPath, zone: str, treatment: str | RoamingSection) -> Roaming | None:
        if zone == self.common.zones.market.code:
            self.sheet.note(path, "home_zone", f"{zone} is home; roaming is about being abroad", key=True)
            return None
        if isinstance(treatment, RoamingSection):
            return self._of_keys(path, zone, treatment)
        if treatment == "domestic":
            return Roaming(zone, "domestic")
        if treatment == "refuse":
            return Roaming(zone, "refuse")
        message = f"expected domestic, refuse or a map of prices, found {treatment[:40]!r}"
        self.sheet.note(path, "bad_value", message, did_you_mean(treatment, ("domestic", "refuse")))
        return None

    def _of_keys(self, path: DataPath, zone: str, section: RoamingSection) -> Roaming:
        if section.treatment is not None or (*path, "as") in self.sheet.left_out:
            return self._as_at_home(path, zone, section)
        for key in ("fair_use", "then"):
            if getattr(section, key) is not None:
                message = f"{key} belongs to a zone that is as at home"
                self.sheet.note((*path, key), "idle_key", message, "write as: domestic too", key=True)
        for kind in Kind:
            if getattr(section, kind) is None:
                message, hint = f"there is no price of {kind}", "write all of voice, sms and data, or refuse the zone"
                self.sheet.absent((*path, str(kind)), "no_price", message, hint)
        return Roaming(zone, "price", self.common.prices.by_kind(path, section))

    def _as_at_home(self, path: DataPath, zone: str, section: RoamingSection) -> Roaming:
        for kind in Kind:
            if getattr(section, kind) is not None:
                message = f"{kind} in a zone as at home is priced beyond the fair use only"
                self.sheet.note((*path, str(kind)), "idle_key", message, "write it under then", key=True)
        if section.fair_use is not None:
            self.fair_use[zone] = ((*path, "fair_use"), section.fair_use)
            if len(self.fair_use) > 1:
                message = "use abroad has one fair use, wherever it is; write it once"
                self.sheet.note((*path, "fair_use"), "two_fair_uses", message, key=True)
        prices = self.common.prices.by_kind((*path, "then"), section.then) if section.then is not None else {}
        return Roaming(zone, "domestic", prices)
