"""How a tariff rounds, as a plan file says it."""

from __future__ import annotations

from decimal import Decimal

from mvne.planfile.compiling.values import is_number
from mvne.planfile.findings import DataPath
from mvne.planfile.models.rules import RoundingSection
from mvne.planfile.sheet import Sheet
from mvne_plans.money import EXACT, MICRO, Mode, Rounding, exponent, micro_per_minor

_CENT = "cent"


def read_rounding(sheet: Sheet, path: DataPath, section: RoundingSection | None, currency: str) -> Rounding:
    """Return the rounding of a section, to a micro-unit where it says nothing."""
    if section is None:
        return EXACT
    return Rounding(
        unit_micro=_unit(sheet, (*path, "unit"), section.unit, currency) if section.unit is not None else 1,
        mode=Mode(section.mode or Mode.HALF_UP),
        per=section.per or "session",
    )


def _unit(sheet: Sheet, path: DataPath, text: str, currency: str) -> int:
    if text.strip() == _CENT and exponent(currency) == 2:
        return micro_per_minor(currency)
    micro = Decimal(text.strip()) * MICRO if is_number(text) else Decimal(0)
    if micro != int(micro) or not 0 < micro <= MICRO:
        cent = "cent, " if exponent(currency) == 2 else ""
        sheet.note(path, "bad_rounding", f"{text[:20]!r} is not a unit to round to; write {cent}1, 0.01 or 0.000001")
        return 1
    return int(micro)
