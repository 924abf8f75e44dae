"""Roaming rules: by where the phone is, calls as at home, refused, or at prices of their own."""

from __future__ import annotations

from mvne.planfile.compiling.values import rate
from mvne.planfile.compiling.zones import Zones
from mvne.planfile.findings import DataPath, did_you_mean
from mvne.planfile.models import KindPrices
from mvne.planfile.sheet import Sheet
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import OTHER, Roaming

Written = dict[str, "str | KindPrices"]


def read_roaming(sheet: Sheet, zones: Zones, path: DataPath, written: Written | None) -> tuple[Roaming, ...]:
    """Return the rules in file order; where nothing is said, roaming is refused."""
    rules = [
        rule
        for zone, treatment in (written or {}).items()
        if zones.check(sheet, (*path, zone), zone, zones.abroad, key=True)
        and (rule := _rule(sheet, zones, (*path, zone), zone, treatment))
    ]
    if OTHER not in (written or {}):
        sheet.default(
            ".".join(map(str, (*path, OTHER))), "refuse", "default of the language: what is not said is refused"
        )
        rules.append(Roaming(OTHER, "refuse"))
    return tuple(rules)


def _rule(sheet: Sheet, zones: Zones, path: DataPath, zone: str, treatment: str | KindPrices) -> Roaming | None:
    if zone == zones.market.code:
        sheet.note(path, "home_zone", f"{zone} is home; roaming is about being abroad", key=True)
        return None
    if isinstance(treatment, KindPrices):
        return Roaming(zone, "price", _prices(sheet, path, treatment))
    if treatment == "domestic":
        return Roaming(zone, "domestic")
    if treatment == "refuse":
        return Roaming(zone, "refuse")
    message = f"expected domestic, refuse or a map of prices, found {treatment[:40]!r}"
    sheet.note(path, "bad_value", message, did_you_mean(treatment, ("domestic", "refuse")))
    return None


def _prices(sheet: Sheet, path: DataPath, section: KindPrices) -> dict[Kind, Rate]:
    written = {Kind.VOICE: section.voice, Kind.SMS: section.sms, Kind.DATA: section.data}
    prices: dict[Kind, Rate] = {}
    for kind, text in written.items():
        if text is None:
            message = f"there is no price of {kind}"
            sheet.absent(
                (*path, str(kind)), "no_price", message, "write all of voice, sms and data, or refuse the zone"
            )
        elif price := rate(sheet, (*path, str(kind)), text, kind):
            prices[kind] = price
    return prices
