"""What each sort of subscriber is expected to use per month when a plan file does not say.

These are assumptions for planning, made up with round numbers, not measurements of anybody's subscribers.
"""

from __future__ import annotations

from mvne.brand import Expected
from mvne.planfile.compiling.values import quantity
from mvne.planfile.models.plans import PlanSection
from mvne.planfile.sheet import Sheet
from mvne_plans.period import Every, Unit
from mvne_plans.quantity import Kind, format_amount, parse_units

DEFAULT_SEGMENT = "general"

_WRITTEN: dict[str, dict[Kind, tuple[str, str]]] = {
    "seniors": {Kind.VOICE: ("120 min", "500 min"), Kind.SMS: ("20 sms", "80 sms"), Kind.DATA: ("0.5 GB", "3 GB")},
    "celebrity": {Kind.VOICE: ("150 min", "600 min"), Kind.SMS: ("80 sms", "400 sms"), Kind.DATA: ("5 GB", "20 GB")},
    "travel": {Kind.VOICE: ("10 min", "60 min"), Kind.SMS: ("5 sms", "20 sms"), Kind.DATA: ("3 GB", "12 GB")},
    "kids": {Kind.VOICE: ("60 min", "240 min"), Kind.SMS: ("50 sms", "300 sms"), Kind.DATA: ("2 GB", "8 GB")},
    "general": {Kind.VOICE: ("150 min", "600 min"), Kind.SMS: ("40 sms", "200 sms"), Kind.DATA: ("4 GB", "18 GB")},
}

#: Expected use by segment and kind, in base units per month.
SEGMENTS: dict[str, dict[Kind, Expected]] = {
    name: {kind: Expected(parse_units(mean, kind), parse_units(p95, kind)) for kind, (mean, p95) in uses.items()}
    for name, uses in _WRITTEN.items()
}


def read_expected_use(
    sheet: Sheet, segment: str, position: int, section: PlanSection, length: Every
) -> dict[Kind, Expected]:
    """Return the use a plan is expected to see per period; what the file does not say comes from the segment."""
    found: dict[Kind, Expected] = {}
    for kind in Kind:
        written = getattr(section.expected_use, kind, None)
        if written is None:
            found[kind] = use = _per_period(SEGMENTS[segment][kind], length)
            value = f"mean {format_amount(use.mean, kind)}, p95 {format_amount(use.p95, kind)}"
            reason = f"assumption for the segment {segment}"
            sheet.default(f"plans.{section.id}.expected_use.{kind}", value, reason)
            continue
        path = ("plans", position, "expected_use", str(kind))
        mean = quantity(sheet, (*path, "mean"), written.mean, kind, length)
        p95 = quantity(sheet, (*path, "p95"), written.p95, kind, length)
        if mean is None or p95 is None:
            sheet.note((*path, "mean"), "bad_quantity", "expected use is an amount; nobody uses unlimited", key=True)
            continue
        if p95 < mean:
            sheet.note((*path, "p95"), "bad_quantity", "the 95th percentile is not below the mean")
        found[kind] = Expected(mean, p95)
    return found


def _per_period(monthly: Expected, length: Every) -> Expected:
    """Stretch a month's use to a period; 30 days count as a month."""
    days = length.count * (30 if length.unit is Unit.MONTH else 1)
    return Expected(max(1, monthly.mean * days // 30), max(1, monthly.p95 * days // 30))
