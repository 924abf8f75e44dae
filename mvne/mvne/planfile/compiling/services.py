"""Services of kind rating: calls or messages to a group of numbers at a price of their own."""

from __future__ import annotations

import re

from mvne.planfile.compiling.common import Common
from mvne.planfile.findings import DataPath
from mvne.planfile.models.offers import ServiceSection
from mvne.planfile.sheet import Sheet
from mvne_plans.quantity import Kind, parse_units
from mvne_plans.tariff import RatingService

_PER_CALL = re.compile(r"(.*?)\s+per\s+call", re.ASCII)


def read_service(sheet: Sheet, common: Common, path: DataPath, id: str, one: ServiceSection) -> RatingService | None:
    """Return one service, None when it says too little."""
    kind = Kind.SMS if one.sms_to is not None else Kind.VOICE
    group = one.sms_to or one.voice_to
    if group is None or (one.voice_to is not None and one.sms_to is not None):
        sheet.absent(path, "no_target", f"the service {id!r} needs one of the keys voice to and sms to, naming a group")
        return None
    place = (*path, f"{kind} to")
    common.known_group(sheet, place, group)
    if one.from_allowance is None:
        sheet.default(f"services.{id}.from_allowance", "no", "default of the language")
    price = common.prices.of_service((*path, "price"), one.price, kind)
    limit = _limit(sheet, (*path, "after"), one.after, kind) if one.after else None
    return RatingService(id, kind, group, price, bool(one.from_allowance), limit)


def _limit(sheet: Sheet, path: DataPath, after: dict[str, str], kind: Kind) -> int | None:
    if len(after) > 1:
        sheet.note(path, "too_many_limits", "one limit per service; keep one")
    text, then = next(iter(after.items()))
    place = (*path, text)
    if then != "plan":
        message = f"after the limit only plan is possible in this version, not {then[:40]!r}"
        sheet.note(place, "not_yet", message, "plan means that the plan prices the rest of the call")
    match = _PER_CALL.fullmatch(text.strip())
    if kind is not Kind.VOICE or not match:
        sheet.note(place, "bad_limit", f"{text[:40]!r} is not a limit; write it like 120 min per call", key=True)
        return None
    return sheet.read(place, lambda: parse_units(match.group(1), kind))
