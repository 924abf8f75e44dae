"""Prices of use: a line of text, or key by key with steps over the period and other prices by time band."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

from mvne.planfile.compiling.values import is_number, number, percent, rate
from mvne.planfile.findings import DataPath, Severity, did_you_mean, listed
from mvne.planfile.models.prices import KindPrices, PriceSection, TierSection
from mvne.planfile.sheet import Sheet
from mvne_plans.quantity import Kind, parse_units
from mvne_plans.rate import BY_UNIT, PER_UNIT, Increments, Rate, Scheme, Tier

#: What a price may say once per session, in the order in which it counts.
SESSION_AMOUNTS = ("setup", "minimum", "maximum")


@dataclass(frozen=True)
class Prices:
    """Reads prices of use; `bands` are the names of the file's time bands, None where a price has none (wholesale)."""

    sheet: Sheet
    bands: Collection[str] | None = ()

    def read(self, path: DataPath, written: str | PriceSection, kind: Kind) -> Rate | None:
        """Return a price, None after noting why it is none."""
        if isinstance(written, str):
            found = rate(self.sheet, path, written, kind)
            if found is not None:
                self._sane(path, found)
            return found
        return self._from_keys(path, written, kind)

    def of_service(self, path: DataPath, written: str | PriceSection, kind: Kind) -> Rate:
        """Return the price of a service: a bare 0 is free, whatever the unit, and so is what has no price."""
        free = Rate.parse(f"0/{PER_UNIT[kind]}", kind)
        if isinstance(written, str) and is_number(written) and not Decimal(written.strip()):
            return free
        return self.read(path, written, kind) or free

    def by_kind(self, path: DataPath, section: KindPrices) -> dict[Kind, Rate]:
        """Return the prices that a section has, by kind of use."""
        written = {Kind.VOICE: section.voice, Kind.SMS: section.sms, Kind.DATA: section.data}
        read = {kind: self.read((*path, str(kind)), one, kind) for kind, one in written.items() if one is not None}
        return {kind: found for kind, found in read.items() if found is not None}

    def _from_keys(self, path: DataPath, section: PriceSection, kind: Kind) -> Rate | None:
        if (section.price is None) == (section.tiers is None):
            self._one_of_price_and_tiers(path, section)
            return None
        increments = self._increments(path, section, kind)
        if section.tiers is not None:
            found = self._tiered(path, section.tiers, kind, increments)
        else:
            found = self._plain(path, section, kind, increments)
        if found is None:
            return None
        found = replace(found, **self._session_terms(path, section, found))
        found = replace(found, bands=self._bands(path, section, kind, found))
        self._sane((*path, "maximum") if section.maximum is not None else path, found)
        return found

    def _one_of_price_and_tiers(self, path: DataPath, section: PriceSection) -> None:
        if section.price is None:
            if not {(*path, "price"), (*path, "tiers")} & self.sheet.left_out:
                self.sheet.note(path, "no_price", "there is no price; write price, or tiers")
        else:
            message = "tiers replace the price of a unit; keep one of price and tiers"
            self.sheet.note((*path, "tiers"), "two_prices", message, key=True)

    def _plain(self, path: DataPath, section: PriceSection, kind: Kind, increments: Increments) -> Rate | None:
        text = section.price or ""
        found = rate(self.sheet, (*path, "price"), text, kind, increments)
        if found is None:
            return None
        if section.increments is not None and found.increments is not increments:
            message = f"{text!r} names increments already; keep one of the two"
            self.sheet.note((*path, "increments"), "said_twice", message, key=True)
        scheme = Scheme(section.tiers_are or Scheme.GRADUATED)
        if scheme is Scheme.PACKAGE:
            return replace(found, tiers=(Tier(None, found.amount, found.per),), scheme=scheme)
        if section.tiers_are is not None:
            message = f"one price has no steps to be {scheme}; write tiers, or package for started blocks"
            self.sheet.note((*path, "tiers_are"), "no_tiers", message)
        return found

    def _tiered(self, path: DataPath, sections: list[TierSection], kind: Kind, increments: Increments) -> Rate | None:
        tiers = [self._tier((*path, "tiers", place), one, kind) for place, one in enumerate(sections)]
        known = [one for one in tiers if one is not None]
        if len(known) < len(tiers):
            return None
        for place, (before, one) in enumerate(pairwise(known), start=1):
            here = (*path, "tiers", place)
            if before.up_to is None:
                message = "the step before this one has no end, so that none comes after it; write its up_to"
                self.sheet.note(here, "unreachable_tier", message)
                return None
            if one.up_to is not None and one.up_to <= before.up_to:
                message = "a step ends above where the one before it does"
                self.sheet.note((*here, "up_to"), "bad_tiers", message)
                return None
        if known[-1].up_to is not None:
            message = "beyond the last step use would be free; leave out its up_to, or write one more"
            self.sheet.note((*path, "tiers", len(known) - 1, "up_to"), "open_tiers", message)
            return None
        first = known[0]
        return Rate(first.amount, first.per, increments, tiers=tuple(known))

    def _tier(self, path: DataPath, section: TierSection, kind: Kind) -> Tier | None:
        found = rate(self.sheet, (*path, "price"), section.price, kind)
        up_to = section.up_to
        end = self.sheet.read((*path, "up_to"), lambda: parse_units(up_to, kind)) if up_to is not None else None
        flat = number(self.sheet, (*path, "flat"), section.flat) if section.flat is not None else Decimal(0)
        if found is None or flat is None or (up_to is not None and end is None):
            return None
        if not found.by_unit_alone or found.increments != BY_UNIT:
            message = "a step has a price per unit; increments, setup, minimum and maximum are the whole price's"
            self.sheet.note((*path, "price"), "bad_tiers", message)
        return Tier(end, found.amount, found.per, flat)

    def _increments(self, path: DataPath, section: PriceSection, kind: Kind) -> Increments:
        written = section.increments
        if written is None:
            return BY_UNIT
        return self.sheet.read((*path, "increments"), lambda: Increments.parse(written, kind)) or BY_UNIT

    def _session_terms(self, path: DataPath, section: PriceSection, found: Rate) -> dict[str, Any]:
        """Return what the keys say that counts once per session; what the text says too is a mistake."""
        terms: dict[str, Any] = {}
        for name in (*SESSION_AMOUNTS, "percent"):
            written = getattr(section, name)
            if written is None:
                continue
            if getattr(found, name):
                message = f"{section.price!r} names the {name} already; keep one of the two"
                self.sheet.note((*path, name), "said_twice", message, key=True)
            parse = percent if name == "percent" else number
            value = parse(self.sheet, (*path, name), written)
            terms |= {} if value is None else {name: value}
        if section.tiers_are is not None and section.tiers is not None:
            terms["scheme"] = Scheme(section.tiers_are)
        if section.at_maximum is not None:
            if section.maximum is None and found.maximum is None:
                message = "there is no maximum to go on after"
                self.sheet.note((*path, "at_maximum"), "no_maximum", message, "write maximum too", key=True)
            terms["at_maximum"] = section.at_maximum
        return terms

    def _bands(self, path: DataPath, section: PriceSection, kind: Kind, usual: Rate) -> tuple[tuple[str, Rate], ...]:
        prices: list[tuple[str, Rate]] = []
        for name, text in (section.bands or {}).items():
            place = (*path, "bands", name)
            if not self.known_band(place, name, key=True):
                continue
            found = rate(self.sheet, place, text, kind, usual.increments)
            if found is None:
                continue
            if not found.by_unit_alone:
                message = "setup, minimum, maximum and percent are the whole price's, not those of a band"
                self.sheet.note(place, "bad_band_price", message)
            prices.append((name, found))
        if prices and usual.tiers:
            message = "in a band with a price of its own the steps do not count, though its units move them"
            self.sheet.note((*path, "bands"), "tiers_with_bands", message, severity=Severity.WARNING, key=True)
        return tuple(prices)

    def known_band(self, path: DataPath, name: str, *, key: bool = False) -> bool:
        """Say whether `name` is a time band of the file; note it otherwise."""
        if self.bands is None:
            message = "the host charges the same at all times here; leave the time bands out"
            self.sheet.note(path[:-1], "no_bands_here", message, key=True)
            return False
        if name in self.bands or ("bands", name) in self.sheet.left_out or ("bands",) in self.sheet.left_out:
            return True
        hint = did_you_mean(name, self.bands) or (
            f"bands here are {listed(self.bands, 'and')}" if self.bands else "write it under bands"
        )
        self.sheet.note(path, "unknown_band", f"unknown time band {name[:40]!r}", hint, key=key)
        return False

    def _sane(self, path: DataPath, found: Rate) -> None:
        if found.maximum is not None and found.maximum < max(found.minimum, found.setup):
            least = "set-up" if found.setup > found.minimum else "minimum"
            message = f"the maximum of {found.maximum:f} is below the {least} of {max(found.minimum, found.setup):f}"
            self.sheet.note(path, "bad_maximum", message)
