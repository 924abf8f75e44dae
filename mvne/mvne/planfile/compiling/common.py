"""What the parts of a file that are compiled after the first know of the whole: zones, bands, groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mvne.planfile.compiling.prices import Prices
from mvne.planfile.compiling.zones import Zones
from mvne.planfile.findings import DataPath, did_you_mean
from mvne.planfile.models.offers import GroupSection
from mvne.planfile.sheet import Sheet
from mvne_plans.bands import Calendar


@dataclass(frozen=True)
class Common:
    """The zones, the calendar, the prices' reader, the number groups and the usual thresholds of a file."""

    zones: Zones
    calendar: Calendar
    prices: Prices
    groups: Mapping[str, GroupSection]
    thresholds: tuple[int, ...] = ()

    def known_group(self, sheet: Sheet, path: DataPath, name: str) -> None:
        """Note a number group that the file does not have."""
        if name in self.groups or ("number_groups", name) in sheet.left_out or ("number_groups",) in sheet.left_out:
            return
        hint = did_you_mean(name, self.groups) or "write it under number_groups"
        sheet.note(path, "unknown_group", f"unknown number group {name!r}", hint)
