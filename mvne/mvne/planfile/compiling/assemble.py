"""The whole brand, put together from the parts of its plan file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mvne.brand import Brand, Support, Theme
from mvne.markets.market import Market
from mvne.planfile.compiling.allowances import read_thresholds
from mvne.planfile.compiling.bands import read_calendar
from mvne.planfile.compiling.common import Common
from mvne.planfile.compiling.decks import Decks
from mvne.planfile.compiling.guards import GuardReader, check_eu_limit
from mvne.planfile.compiling.host import read_agreements, read_host
from mvne.planfile.compiling.next_plan import link_next_plans
from mvne.planfile.compiling.numbers import read_group
from mvne.planfile.compiling.offers import read_addon, read_fees, read_promotion, read_taxes
from mvne.planfile.compiling.plans import Shared, read_plan
from mvne.planfile.compiling.prepaid import read_prepaid
from mvne.planfile.compiling.prices import Prices
from mvne.planfile.compiling.roaming import read_roaming
from mvne.planfile.compiling.rounding import read_rounding
from mvne.planfile.compiling.segments import DEFAULT_SEGMENT, read_expected_use
from mvne.planfile.compiling.services import read_service
from mvne.planfile.compiling.values import number, unique
from mvne.planfile.compiling.zones import read_zones
from mvne.planfile.models.brand import BrandSection
from mvne.planfile.models.file import PlanFile
from mvne.planfile.sheet import Sheet
from mvne.tariff_view import zones_named
from mvne_plans.catalogue import Catalogue, NumberGroup, Plan

_EURO = "EUR"
PRIMARY = "#1f4e79"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?", re.ASCII)


def assemble(sheet: Sheet, file: PlanFile, market: Market, source: Path) -> Brand:
    """Return the brand; `sheet` has the findings, with which it may not be good for a launch."""
    common = _common(sheet, file, market)
    decks = Decks(sheet, market, common.prices.bands or ())
    section = file.brand
    segment = section.segment or DEFAULT_SEGMENT
    if section.segment is None:
        sheet.default("brand.segment", segment, "default of the language")
    _check_ids(sheet, file)
    shared = _shared(sheet, file, common, decks, segment)
    plans = tuple(read_plan(sheet, shared, position, one) for position, one in enumerate(file.plans))
    plans = link_next_plans(sheet, plans, shared.next_at)
    host = read_host(sheet, market, file.host)
    catalogue = _catalogue(sheet, file, common, decks, plans)
    _check_pool(sheet, catalogue.groups, host.numbers)
    return Brand(
        id=section.id,
        name=section.name,
        market=market,
        languages=_languages(sheet, section, market),
        timezone=_timezone(sheet, section, market),
        support=_support(sheet, section, market),
        theme=_theme(sheet, section),
        minimum_age=section.audience.minimum_age if section.audience else None,
        segment=segment,
        host=host,
        catalogue=catalogue,
        tax_table=read_taxes(sheet, market, file.tax),
        expected_use={
            one.id: read_expected_use(sheet, segment, position, one, plan.every)
            for position, (one, plan) in enumerate(zip(file.plans, plans, strict=True))
        },
        source=source,
        euro=shared.euro,
        prepaid=read_prepaid(sheet, file.prepaid, market.currency, plans, [one.id for one in file.addons or ()]),
        defaults=tuple(sheet.defaults),
        settings=sheet.settings(),
    )


def _common(sheet: Sheet, file: PlanFile, market: Market) -> Common:
    calendar = read_calendar(sheet, file)
    return Common(
        zones=read_zones(sheet, market, file.zones),
        calendar=calendar,
        prices=Prices(sheet, tuple(band.name for band in calendar.bands)),
        groups=file.number_groups or {},
        thresholds=read_thresholds(sheet, ("thresholds",), file.thresholds or []),
    )


def _shared(sheet: Sheet, file: PlanFile, common: Common, decks: Decks, segment: str) -> Shared:
    market = common.zones.market
    if file.brand.currency not in (None, market.currency):
        message = f"{file.brand.currency!r} is not the currency of {market.name}"
        sheet.note(("brand", "currency"), "wrong_currency", message, f"use {market.currency}, or leave it out")
    services = {
        id: service
        for id, one in (file.services or {}).items()
        if (service := read_service(sheet, common, ("services", id), id, one))
    }
    if file.rates is not None:
        decks.read(("rates",), file.rates)
    euro = _euro(sheet, file.brand, market)
    reader = GuardReader(sheet, common.zones, euro)
    guards = reader.read(("guards",), file.guards)
    check_eu_limit(sheet, ("guards",), guards, reader.eu_limit)
    return Shared(
        file=file,
        common=common,
        decks=decks,
        segment=segment,
        services=services,
        roaming=read_roaming(sheet, common, ("roaming",), file.roaming),
        fees=read_fees(sheet, file.fees or []),
        guards=guards,
        rounding=read_rounding(sheet, ("rounding",), file.rounding, market.currency),
        euro=euro,
    )


def _euro(sheet: Sheet, section: BrandSection, market: Market) -> Decimal | None:
    """Return what a euro is worth in the market's currency, None when nobody says."""
    path = ("brand", "euro_rate")
    if section.euro_rate is None:
        return Decimal(1) if market.currency == _EURO else None
    if market.currency == _EURO:
        sheet.note(path, "idle_key", f"the currency of {market.name} is the euro", "remove it", key=True)
        return Decimal(1)
    found = number(sheet, path, section.euro_rate)
    if found is not None and not found:
        sheet.note(path, "bad_price", "a euro is worth more than nothing")
    return found or None


def _catalogue(sheet: Sheet, file: PlanFile, common: Common, decks: Decks, plans: tuple[Plan, ...]) -> Catalogue:
    market, ids = common.zones.market, [plan.id for plan in plans]
    addons = [read_addon(sheet, common, number, one, ids) for number, one in enumerate(file.addons or ())]
    agreements = read_agreements(sheet, common.zones, decks, file.host)
    named = {zone for one in agreements for prices in one.rates.values() for zone in prices}
    return Catalogue(
        currency=market.currency,
        plans=tuple(_with_zones(plan, market, named) for plan in plans),
        addons=tuple(addon for addon in addons if addon),
        promotions=tuple(
            read_promotion(sheet, market, number, one, ids) for number, one in enumerate(file.promotions or ())
        ),
        groups=tuple(
            read_group(sheet, market, ("number_groups", id), id, one) for id, one in (file.number_groups or {}).items()
        ),
        agreements=agreements,
    )


def _with_zones(plan: Plan, market: Market, named: Collection[str]) -> Plan:
    """Keep of the file's own zones those that the plan or the agreement names: another one changes no plan."""
    needed = zones_named(plan.tariff).union(named, market.zones)
    zones = {name: countries for name, countries in plan.tariff.zones.items() if name in needed}
    return replace(plan, tariff=replace(plan.tariff, zones=zones))


def _check_ids(sheet: Sheet, file: PlanFile) -> None:
    unique(sheet, ("plans",), (one.id for one in file.plans))
    unique(sheet, ("addons",), (one.id for one in file.addons or ()))
    unique(sheet, ("promotions",), (one.id for one in file.promotions or ()))
    unique(sheet, ("fees",), (one.id for one in file.fees or ()))
    codes: set[str] = set()
    for position, one in enumerate(file.promotions or ()):
        if one.code in codes:
            sheet.note(("promotions", position, "code"), "duplicate_code", f"the code {one.code!r} is taken already")
        codes |= {one.code} if one.code else set()


def _check_pool(sheet: Sheet, groups: Iterable[NumberGroup], pool: Iterable[str]) -> None:
    given = frozenset(pool)
    for group in groups:
        if both := given.intersection(group.numbers):
            message = f"{min(both)} is also a number that the host gives to subscribers"
            sheet.note(
                ("number_groups", group.id), "number_in_pool", message, "use other numbers for the group", key=True
            )


def _languages(sheet: Sheet, section: BrandSection, market: Market) -> tuple[str, ...]:
    if section.languages is None:
        sheet.default("brand.languages", ", ".join(market.languages), f"market pack {market.code}")
        return tuple(market.languages)
    written = [section.languages] if isinstance(section.languages, str) else section.languages
    for position, language in enumerate(written):
        if not _LANGUAGE.fullmatch(language):
            place = ("brand", "languages") if isinstance(section.languages, str) else ("brand", "languages", position)
            sheet.note(place, "bad_language", f"{language[:40]!r} is not a language; write it like fr or en-GB")
    if not written:
        sheet.absent(("brand", "languages"), "bad_language", "the list is empty; write one, or leave the key out")
    return tuple(dict.fromkeys(written))


def _timezone(sheet: Sheet, section: BrandSection, market: Market) -> str:
    if section.timezone is None:
        sheet.default("brand.timezone", market.timezones[0], f"market pack {market.code}")
        return market.timezones[0]
    try:
        ZoneInfo(section.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{section.timezone[:60]!r} is not a time zone; write it like {market.timezones[0]}"
        sheet.note(("brand", "timezone"), "bad_timezone", message)
    return section.timezone


def _support(sheet: Sheet, section: BrandSection, market: Market) -> Support:
    if section.support is None:
        return Support()
    phone = section.support.phone
    number = market.numbering.normalise(phone) if phone else None
    if number is not None and market.numbering.classify(number) is None:
        sheet.note(("brand", "support", "phone"), "bad_number", f"{phone!r} is not a telephone number")
    return Support(section.support.email, number)


def _theme(sheet: Sheet, section: BrandSection) -> Theme:
    if section.theme is None:
        sheet.default("brand.theme.primary", PRIMARY, "default of the language")
    return Theme(section.theme.primary if section.theme else PRIMARY)
