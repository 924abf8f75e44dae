"""Single values of a plan file read into types, each mistake noted at its place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from mvne.planfile.findings import DataPath
from mvne.planfile.sheet import Sheet
from mvne_plans.money import MICRO, Money, MoneyError
from mvne_plans.period import MONTH, Every, Unit
from mvne_plans.quantity import Kind, parse_amount
from mvne_plans.rate import BY_UNIT, Increments, Rate, plain

_PER = re.compile(r"(.*?)\s+per\s+(period|month)", re.ASCII)
_PRICE_PER = re.compile(r"(\d{1,13}(?:[.,]\d{1,9})?)\s*/\s*(\S.*)", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%?", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def price(sheet: Sheet, path: DataPath, text: str, currency: str) -> Money | None:
    """Read an amount of at least 0 in the brand's currency."""
    amount = sheet.read(path, lambda: _money(text, currency))
    if amount is not None and amount.minor < 0:
        sheet.note(path, "negative_price", f"{text!r} is below 0; a price is at least 0")
        return None
    return amount


def _money(text: str, currency: str) -> Money:
    try:
        return Money.parse(text, currency)
    except MoneyError as error:
        digits = re.sub(r"[^0-9.,-]", "", text)
        if digits not in ("", text) and not set(text) & set("%/"):
            raise MoneyError(f"{error}; the currency is the market's, {currency}: write only the number") from None
        raise


def is_number(text: str) -> bool:
    """Say whether a text is a plain number of at least 0, `0.10`."""
    return bool(_NUMBER.fullmatch(text.strip()))


def number(sheet: Sheet, path: DataPath, text: str) -> Decimal | None:
    """Read an amount of at least 0 that may have more decimals than the currency, `0.005`."""
    if is_number(text):
        return plain(text.strip())
    if text.lstrip().startswith("-"):
        sheet.note(path, "negative_price", f"{text!r} is below 0; a price is at least 0")
    else:
        shown = text.strip().replace(",", ".")
        hint = f"use {shown}" if "," in text and is_number(shown) else "write it like 0.10"
        sheet.note(path, "bad_price", f"{text!r} is not an amount; {hint}")
    return None


def rate(sheet: Sheet, path: DataPath, text: str, kind: Kind, increments: Increments = BY_UNIT) -> Rate | None:
    """Read a price per unit of use; `increments` count where the text names none."""
    if text.lstrip().startswith("-"):
        sheet.note(path, "negative_price", f"{text!r} is below 0; a price is at least 0")
        return None
    return sheet.read(path, lambda: Rate.parse(text, kind, increments))


def price_per(sheet: Sheet, path: DataPath, text: str) -> tuple[int, Every]:
    """Read `0.60/month` as micro-units and the period; (0, month) after noting a mistake."""
    return sheet.read(path, lambda: _price_per(text)) or (0, MONTH)


def _price_per(text: str) -> tuple[int, Every]:
    match = _PRICE_PER.fullmatch(text.strip())
    if not match:
        raise MoneyError(f"{text!r} is not a price per period; write it like 0.60/month")
    amount, every = match.groups()
    if "," in amount:
        raise MoneyError(f"{amount!r} has a comma; use {amount.replace(',', '.')}")
    micro = Decimal(amount) * MICRO
    if micro != int(micro):
        raise MoneyError(f"{amount!r} has more than 6 decimals")
    return int(micro), Every.parse(every)


def quantity(sheet: Sheet, path: DataPath, text: str, kind: Kind, every: Every) -> int | None:
    """Read `5 GB` or `5 GB per period` as base units; None for unlimited. A mistake is noted and reads as 1."""
    match = _PER.fullmatch(text.strip())
    if match and match.group(2) == "month" and every != MONTH:
        message = f"{text!r} is per month and the plan's period is {every}; write per period"
        sheet.note(path, "bad_quantity", message)
    written = match.group(1) if match else text
    found = sheet.read(path, lambda: (parse_amount(written, kind),))
    return found[0] if found else 1


def percent(sheet: Sheet, path: DataPath, text: str) -> Decimal | None:
    """Read `50%` or `2`, above 0 and at most 100."""
    match = _PERCENT.fullmatch(text.strip())
    if match and 0 < (value := Decimal(match.group(1))) <= 100:
        return value.normalize()
    sheet.note(path, "bad_percent", f"{text!r} is not a percentage above 0 and up to 100; write it like 2.5%")
    return None


def day(sheet: Sheet, path: DataPath, text: str) -> date | None:
    """Read a date, `2027-01-31`."""
    try:
        if _DAY.fullmatch(text.strip()):
            return date.fromisoformat(text.strip())
    except ValueError:
        pass  # 2027-02-30 has the form of a date and is none; the message below says so.
    sheet.note(path, "bad_date", f"{text!r} is not a date; write it like 2027-01-31")
    return None


def every(sheet: Sheet, path: DataPath, text: str | None) -> Every:
    """Read the length of a period; month when there is none or it is wrong."""
    found = sheet.read(path, lambda: Every.parse(text or "month")) or MONTH
    if found.count > (366 if found.unit is Unit.DAY else 12):
        sheet.note(path, "bad_period", f"{text!r} is longer than a year; sell several periods at once with terms")
    return found


def unique(sheet: Sheet, path: DataPath, ids: Iterable[str]) -> None:
    """Note every id of a list that an earlier item has."""
    seen: dict[str, int] = {}
    for position, one in enumerate(ids):
        if one in seen:
            place = (*path, position, "id")
            sheet.note(place, "duplicate_id", f"the id {one!r} is taken by {path[0]}[{seen[one]}]; ids are unique")
        seen.setdefault(one, position)
