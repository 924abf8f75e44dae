"""Units that hosts write amounts in, as exact multiples of ours: seconds, messages, bytes.

>>> amount_of("1.5", UNITS["min"]), amount_of("00:01:30", UNITS["clock"]), amount_of("2", UNITS["KiB"])
(Fraction(90, 1), 90, 2048)
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from mvne_billing.usage.record import InvalidUsage
from mvne_plans.quantity import Kind


class Unit(NamedTuple):
    """A unit: its name and how many base units it is; `kind` is what it can measure, None for anything."""

    name: str
    size: Fraction
    kind: Kind | None = None


#: No unit was said: the base unit of whatever was used.
PLAIN = Unit("", Fraction(1))

_SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "min": Fraction(60), "h": Fraction(3600), "clock": Fraction(1)}
_BYTES = {"B": 1} | {
    f"{letter}{ending}": base ** (power + 1)
    for power, letter in enumerate("KMGT")
    for ending, base in (("B", 1000), ("iB", 1024))
}

#: `clock` is a duration written `hh:mm:ss` or `mm:ss`; KB and the like are decimal, KiB and the like binary.
UNITS: dict[str, Unit] = (
    {name: Unit(name, size, Kind.VOICE) for name, size in _SECONDS.items()}
    | {name: Unit(name, Fraction(size), Kind.DATA) for name, size in _BYTES.items()}
    | {"message": Unit("message", Fraction(1), Kind.SMS)}
)

_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,12})?")
_CLOCK = re.compile(r"(?:([0-9]{1,6}):)?([0-9]{1,2}):([0-9]{2})")


def amount_of(text: str, unit: Unit) -> int | Fraction:
    """Return an amount in base units, exactly; raise `InvalidUsage` for what is no number of that unit, or negative."""
    if unit.name == "clock":
        parts = _CLOCK.fullmatch(text)
        if parts is None or int(parts[2]) > 59 or int(parts[3]) > 59:
            raise InvalidUsage(f"amount {text[:40]!r} is not a duration such as 01:02:03")
        return int(parts[1] or 0) * 3600 + int(parts[2]) * 60 + int(parts[3])
    if _NUMBER.fullmatch(text) is None:
        raise InvalidUsage(f"amount {text[:40]!r} is not a number such as 60 or 1.5")
    if "." not in text and unit.size.denominator == 1:
        return int(text) * unit.size.numerator
    return Fraction(text) * unit.size
