"""What is sold beside plans: add-ons, promotions, fees; and taxes by address."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal

from mvne.brand import TaxRow
from mvne.markets.market import Market
from mvne.planfile.compiling.allowances import Allowances
from mvne.planfile.compiling.common import Common
from mvne.planfile.compiling.values import day, every, percent, price
from mvne.planfile.findings import DataPath, did_you_mean
from mvne.planfile.models.offers import AddonSection, FeeSection, PromotionSection, TaxSection
from mvne.planfile.sheet import Sheet
from mvne.planfile.table import Row, open_table
from mvne_plans.catalogue import Addon, Promotion
from mvne_plans.money import Money, MoneyError
from mvne_plans.period import MONTH

_REGION = re.compile(r"[A-Z0-9][A-Z0-9 -]{0,19}", re.ASCII)
_TAX_PERCENT = re.compile(r"\d{1,2}(?:\.\d{1,6})?", re.ASCII)


def read_addon(
    sheet: Sheet, common: Common, position: int, section: AddonSection, plans: Collection[str]
) -> Addon | None:
    """Return an add-on; `plans` are the ids of the file's plans."""
    path: DataPath = ("addons", position)
    _known_plans(sheet, (*path, "plans"), section.plans, plans)
    until_period_ends = section.valid in (None, "period")
    lasts = None if until_period_ends else every(sheet, (*path, "valid"), section.valid)
    if section.valid is None:
        sheet.default(f"addons.{section.id}.valid", "period", "default of the language: until the plan's period ends")
    buckets = Allowances(sheet, common, path, lasts or MONTH, addon=section.id).buckets(section.includes)
    if not buckets:
        sheet.absent((*path, "includes"), "adds_nothing", "the add-on includes nothing")
    amount = price(sheet, (*path, "price"), section.price, common.zones.market.currency)
    name = section.name or section.id.replace("-", " ").replace("_", " ").capitalize()
    return Addon(section.id, name, amount, buckets, lasts, tuple(section.plans or ())) if amount is not None else None


def read_promotion(
    sheet: Sheet, market: Market, position: int, section: PromotionSection, plans: Collection[str]
) -> Promotion:
    """Return a promotion; `plans` are the ids of the file's plans."""
    path: DataPath = ("promotions", position)
    _known_plans(sheet, (*path, "plans"), section.plans, plans)
    share, amount = _reduction(sheet, (*path, "off"), section.off, market.currency)
    starts = day(sheet, (*path, "from"), section.starts) if section.starts else None
    ends = day(sheet, (*path, "until"), section.ends) if section.ends else None
    if starts and ends and ends < starts:
        sheet.note((*path, "until"), "bad_date", f"until {ends} is before from {starts}")
    if section.audience is None:
        sheet.default(f"promotions.{section.id}.for", "all", "default of the language")
    return Promotion(
        id=section.id,
        periods=section.periods,
        percent=share,
        amount=amount,
        code=section.code,
        new_only=section.audience == "new",
        starts=starts,
        ends=ends,
        plans=tuple(section.plans or ()),
    )


def _reduction(sheet: Sheet, path: DataPath, text: str, currency: str) -> tuple[Decimal | None, Money | None]:
    if text.strip().endswith("%"):
        return percent(sheet, path, text), None
    amount = price(sheet, path, text, currency)
    if amount is not None and not amount:
        sheet.note(path, "bad_price", "a reduction of nothing; write 50% or an amount above 0")
    return None, amount


def _known_plans(sheet: Sheet, path: DataPath, named: list[str] | None, plans: Collection[str]) -> None:
    for position, name in enumerate(named or ()):
        if name not in plans and not any(len(one) < 4 and one[:1] == ("plans",) for one in sheet.left_out):
            hint = did_you_mean(name, plans) or f"plans here are {', '.join(plans)}"
            sheet.note((*path, position), "unknown_plan", f"unknown plan {name!r}", hint)


def read_fees(sheet: Sheet, sections: list[FeeSection]) -> tuple[tuple[str, Decimal], ...]:
    """Return the percentages on top of the recurring price, by name."""
    fees = []
    for position, one in enumerate(sections):
        share = percent(sheet, ("fees", position, "percent"), one.percent)
        if share is not None:
            fees.append((one.name or one.id.replace("-", " ").replace("_", " ").capitalize(), share))
    return tuple(fees)


def read_taxes(sheet: Sheet, market: Market, section: TaxSection | None) -> tuple[TaxRow, ...]:
    """Return the tax table, which a market whose tax depends on the address needs and no other takes."""
    if market.vat is not None:
        if section is not None:
            message = f"{market.name} has one rate, {market.vat:f} percent, from its market pack"
            sheet.note(("tax",), "tax_of_market", message, "remove tax", key=True)
        return ()
    if section is None:
        message = f"in {market.name} tax depends on the customer's address, so the file needs tax: {{table: taxes.csv}}"
        sheet.absent(("tax",), "no_tax_table", message, "columns region,name,percent and, if there is one, per_line")
        return ()
    table = open_table(sheet, ("tax", "table"), section.table, ("region", "name", "percent"), ("per_line",))
    rows: dict[tuple[str, str], TaxRow] = {}
    for row in table.rows() if table else ():
        one = _tax_row(row, market.currency)
        if one is not None and (one.region, one.name) in rows:
            row.note("name", "duplicate_tax", f"{one.region} has a tax {one.name!r} already")
        elif one is not None:
            rows[one.region, one.name] = one
    return tuple(rows.values())


def _tax_row(row: Row, currency: str) -> TaxRow | None:
    region, name, share = row.text("region"), row.text("name"), row.text("percent")
    if not _REGION.fullmatch(region):
        row.note("region", "bad_region", f"{region[:40]!r} is not a region; write it like NY, in capitals")
        return None
    if not name:
        row.note("name", "bad_name", "the tax has no name; a bill needs one")
    if not _TAX_PERCENT.fullmatch(share):
        row.note("percent", "bad_percent", f"{share[:40]!r} is not a percentage; write it like 8.875")
        return None
    per_line = row.read("per_line", "bad_price", lambda: _per_line(row.text("per_line"), currency))
    return TaxRow(region, name, Decimal(share), per_line)


def _per_line(text: str, currency: str) -> Money | None:
    if not text:
        return None
    amount = Money.parse(text, currency)
    if amount.minor < 0:
        raise MoneyError(f"{text!r} is below 0")
    return amount
