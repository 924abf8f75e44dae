"""Odd things about the tariffs of a plan file that can be sold and hardly be meant, or stand against EU law."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from mvne.brand import Brand
from mvne.planfile.compiling.fair_use import Paid
from mvne.planfile.findings import DataPath, Finding, Severity
from mvne.planfile.nodes import Document
from mvne.tariff_view import is_general
from mvne_plans.bands import Calendar
from mvne_plans.catalogue import Plan
from mvne_plans.fair_use import Caps, NoCap, caps_on, roaming_volume
from mvne_plans.money import MICRO
from mvne_plans.quantity import UNITS, Kind, format_amount
from mvne_plans.rate import PER_UNIT
from mvne_plans.tariff import ROAMING, Bucket

_ONE_DAY = timedelta(days=1)
#: A day that begins a stretch of time without dated bands, and how many days of a stretch show every weekday.
_SOME_DAY, _WEEKS = date(2027, 1, 1), 15
#: Years in which a holiday of every year is looked at.
_YEARS = 3


def odd_tariffs(brand: Brand, document: Document, on: date) -> Iterator[Finding]:
    """Yield a warning per oddity; `on` is the day whose roaming caps count."""
    calendar = next((plan.tariff.calendar for plan in brand.catalogue.plans if plan.tariff.calendar.bands), None)
    for name in idle_bands(calendar) if calendar is not None else ():
        message = f"the time band {name!r} never holds: bands before it do, or it begins on no day"
        yield _warning(document, ("bands", name), "idle_band", message, "bands are looked at in file order")
    if "eea" in brand.market.zones:
        for position, plan in enumerate(brand.catalogue.plans):
            yield from _roaming_in_the_eu(brand, document, position, plan, on)


def _warning(document: Document, path: DataPath, code: str, message: str, hint: str = "") -> Finding:
    return document.source.finding(document.place(path, key=True), path, code, message, hint, Severity.WARNING)


def idle_bands(calendar: Calendar) -> list[str]:
    """Return the names of the bands that are in force at no time.

    What decides is the sort of day, the dates between which bands hold, and the time of day: a fortnight at either end
    of each stretch between two such dates shows every sort of day there is.
    """
    left = [band.name for band in calendar.bands]
    clocks = sorted({time(0), *(clock for band in calendar.bands for clock in (band.start, band.end))})
    for day in sorted(_telling_days(calendar)):
        for clock in clocks:
            here = calendar.on_wall(datetime.combine(day, clock))
            left = [name for name in left if name != here]
        if not left:
            return []
    return left


def _telling_days(calendar: Calendar) -> set[date]:
    edges = {band.since for band in calendar.bands if band.since}
    edges |= {band.until + _ONE_DAY for band in calendar.bands if band.until}
    ordered = sorted(edges) or [_SOME_DAY]
    starts = [ordered[0] - _WEEKS * _ONE_DAY, *ordered]
    days = {edge + ahead * _ONE_DAY for edge in starts for ahead in range(-_WEEKS, _WEEKS)}
    years = {edge.year + ahead for edge in starts for ahead in range(_YEARS)}
    dated = {
        date(year, month, number) for year in years for month, number in calendar.yearly if (month, number) != (2, 29)
    }
    leap = {date(year, 2, 29) for year in years if (2, 29) in calendar.yearly and not year % 4}
    return days | {day + ahead * _ONE_DAY for day in (*calendar.holidays, *dated, *leap) for ahead in (0, 1)}


def _roaming_in_the_eu(brand: Brand, document: Document, position: int, plan: Plan, on: date) -> Iterator[Finding]:
    """Warn of a fair use below the EU's volume on the day, and of surcharges above the caps of the day."""
    try:
        caps = caps_on(on)
    except NoCap:
        return
    rules = [rule for rule in plan.tariff.roaming if rule.treatment == "domestic"]
    if brand.euro is None or not rules:
        return
    yield from _too_small(brand, document, position, plan, caps, brand.euro)
    own: DataPath = ("plans", position) if document.find(("plans", position, "roaming")) else ()
    for rule in rules:
        for kind, price in rule.prices.items():
            cap = caps.of(kind)
            most = None if cap is None else Fraction(cap) * MICRO * Fraction(brand.euro)
            unit = UNITS[kind][PER_UNIT[kind]]
            if most is not None and brand.market.before_tax(price.charge(unit)) > most:
                message = f"a surcharge of {price} is above the EU's cap of {cap} EUR per {PER_UNIT[kind]} before tax"
                hint = f"Regulation (EU) 2022/612, art. 8; the cap of {on}"
                yield _warning(document, (*own, "roaming", rule.zone, "then", str(kind)), "above_cap", message, hint)


def _too_small(
    brand: Brand, document: Document, position: int, plan: Plan, caps: Caps, euro: Decimal
) -> Iterator[Finding]:
    euros = Paid(brand.market, plan.every, plan.price, plan.terms, euro).euros
    if euros is None:
        return
    for bucket in plan.tariff.buckets:
        limit = _limit_abroad(bucket)
        volume = roaming_volume(euros, bucket.amount, caps.data)
        least = bucket.amount if volume is None else volume
        if limit is not None and (least is None or limit < least):
            shown = "all of it" if volume is None else format_amount(volume, Kind.DATA)
            message = f"{format_amount(limit, Kind.DATA)} of {bucket.id} work in the EU; by its price, {shown} have to"
            path: DataPath = ("plans", position, "includes", "data")
            yield _warning(document, path, "fair_use_below_law", message, f"{caps.data} EUR per GB, {_LAW}")


_LAW = "Implementing Regulation (EU) 2016/2286, art. 4"


def _limit_abroad(bucket: Bucket) -> int | None:
    """Return what a general data allowance gives abroad, None when nothing limits it there."""
    if bucket.kind is not Kind.DATA or not is_general(bucket):
        return None
    return next((limit.amount for limit in bucket.limits if limit.of == ROAMING), None)
