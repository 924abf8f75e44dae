"""A price per unit of use, exact, with the increments it is counted in: `0.05/min 60/1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Self

from mvne_plans.errors import PlansError
from mvne_plans.money import MICRO
from mvne_plans.quantity import UNITS, Kind, QuantityError, parse_units


class RateError(PlansError):
    """This is not a price per unit of that kind of use."""


#: The unit a price is written for when it is written bare.
PER_UNIT: dict[Kind, str] = {Kind.VOICE: "min", Kind.SMS: "sms", Kind.DATA: "GB"}

_RATE = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?)(?:\s*/\s*([A-Za-z]+))?(?:\s+(\S.*))?", re.ASCII)
_PAIR = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Increments:
    """How use is counted: at least `first` units, then steps of `next`. `60/1` is a whole first minute, then seconds.

    >>> [Increments(60, 1).raise_to(units) for units in (0, 5, 60, 61)]
    [0, 60, 60, 61]
    """

    first: int = 1
    next: int = 1

    @classmethod
    def parse(cls, text: str, kind: Kind) -> Self:
        """Read `60/1` (base units) or one step written as a quantity, `10 KB`; raise `RateError` otherwise."""
        match = _PAIR.fullmatch(text.strip())
        if match and int(match.group(1)) and int(match.group(2)):
            return cls(int(match.group(1)), int(match.group(2)))
        try:
            step = parse_units(text, kind)
        except QuantityError:
            raise RateError(f"{text!r} are not increments; write 60/1 (first/next, in {kind.base_unit}s)") from None
        return cls(step, step)

    def raise_to(self, units: int) -> int:
        """Return `units` raised to what is charged for; none stays none."""
        if units <= 0:
            return 0
        return self.first + -(-max(units - self.first, 0) // self.next) * self.next

    def __str__(self) -> str:
        return f"{self.first}/{self.next}"


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` of the main currency unit for `per` base units, counted in `increments`."""

    amount: Decimal
    per: int
    increments: Increments = Increments()

    @classmethod
    def parse(cls, text: str, kind: Kind) -> Self:
        """Read `0.05/min`, `0.0035/min 60/1`, `0.85/GB` or, for messages, `0.002`; raise `RateError` otherwise.

        >>> Rate.parse("0.05/min 60/1", Kind.VOICE).charge(90)
        Fraction(75000, 1)
        """
        match = _RATE.fullmatch(text.strip())
        unit = (match.group(2) or PER_UNIT[kind]) if match else ""
        if not match or unit not in UNITS[kind] or (match.group(2) is None and kind is not Kind.SMS):
            raise RateError(f"{text!r} is not a price of {kind}; write it like {_EXAMPLES[kind]}")
        if "," in match.group(1):
            raise RateError(f"{match.group(1)!r} has a comma; use {match.group(1).replace(',', '.')}")
        increments = Increments.parse(match.group(3), kind) if match.group(3) else Increments()
        return cls(Decimal(match.group(1)).normalize() + 0, UNITS[kind][unit], increments)

    def charge(self, units: int) -> Fraction:
        """Return the exact price of `units` base units, in micro-units; increments are the caller's business."""
        return _per_unit(self) * units

    def text(self, kind: Kind) -> str:
        """Write the price as `parse` reads it.

        >>> Rate.parse("0.06", Kind.SMS).text(Kind.SMS), Rate.parse("0.05/min 60/1", Kind.VOICE).text(Kind.VOICE)
        ('0.06/sms', '0.05/min 60/1')
        """
        return _text(self, kind)

    def __str__(self) -> str:
        usual = (kind for kind, unit in PER_UNIT.items() if UNITS[kind][unit] == self.per)
        return self.text(next(usual, Kind.VOICE if self.per in UNITS[Kind.VOICE].values() else Kind.DATA))


_EXAMPLES = {Kind.VOICE: "0.05/min or 0.05/min 60/1", Kind.SMS: "0.06", Kind.DATA: "0.85/GB"}

FREE = Rate(Decimal(0), 1)


# The rates of a brand are few and its records many: what depends on a rate alone is worked out once.


@lru_cache(maxsize=65_536)
def _text(rate: Rate, kind: Kind) -> str:
    unit = next((name for name, size in UNITS[kind].items() if size == rate.per), f"{rate.per} {kind.base_unit}s")
    steps = "" if rate.increments == Increments() else f" {rate.increments}"
    return f"{rate.amount:f}/{unit}{steps}"


@lru_cache(maxsize=65_536)
def _per_unit(rate: Rate) -> Fraction:
    return Fraction(rate.amount) * MICRO / rate.per
