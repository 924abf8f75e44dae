"""What each sort of subscriber is expected to use per month when a plan file does not say.

These are assumptions for planning, made up with round numbers, not measurements of anybody's subscribers.
"""

from __future__ import annotations

from mvne.brand import Expected
from mvne_plans.quantity import Kind, parse_units

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
