"""Money: a whole number of minor units and the currency they belong to.

The two roundings of the house live here and nowhere else:

* `round_record`: a usage record's exact charge, a fraction, becomes micro-units (1e-6 of the currency's main unit), by
  the tariff's own `Rounding`;
* `round_line`: a bill line's sum of micro-units becomes minor units.

Where nothing else is said both round half up (away from zero on a tie), the commercial rounding of EU Regulation
1103/97, art. 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Literal, Self

from mvne_plans.errors import PlansError

#: Micro-units in one main unit of any currency.
MICRO = 1_000_000

#: ISO 4217 currencies with their number of decimals; a currency that is not here is not known.
EXPONENTS: dict[str, int] = {
    code: places
    for places, codes in {
        0: "CLP ISK JPY KRW PYG RWF UGX VND XAF XOF",
        2: "AED AUD BDT BGN BRL CAD CHF CNY COP CZK DKK DOP EGP EUR GBP GEL GHS HKD HUF IDR ILS INR KES LKR MAD MDL "
        "MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD SAR SEK SGD THB TRY TWD TZS UAH USD UYU ZAR",
        3: "BHD IQD JOD KWD OMR TND",
    }.items()
    for code in codes.split()
}

_AMOUNT = re.compile(r"(-?)(\d{1,13})(?:\.(\d{1,9}))?", re.ASCII)


class MoneyError(PlansError):
    """This is not an amount of money."""


class CurrencyMismatch(MoneyError):
    """Amounts of different currencies never add."""


def exponent(currency: str) -> int:
    """Return the number of decimals of `currency` (ISO 4217); raise `MoneyError` if it is not known."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise MoneyError(f"{currency!r} is not a currency known here") from None


def micro_per_minor(currency: str) -> int:
    """Return how many micro-units one minor unit of `currency` holds: 10,000 for EUR."""
    places = exponent(currency)
    return MICRO // int(10**places)


def half_up(value: Fraction) -> int:
    """Round to the nearest whole number, a tie away from zero.

    >>> [half_up(Fraction(n, 2)) for n in (-3, -1, 1, 2, 3)]
    [-2, -1, 1, 1, 2]
    """
    magnitude = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return magnitude if value >= 0 else -magnitude


class Mode(StrEnum):
    """How a number between two steps is rounded: away from zero, towards it, or to the nearer with a rule for ties."""

    UP = "up"
    DOWN = "down"
    HALF_UP = "half-up"
    HALF_EVEN = "half-even"


@dataclass(frozen=True, slots=True)
class Rounding:
    """How a tariff rounds a charge: to a multiple of `unit_micro` micro-units (10,000 is a whole cent), by `mode`.

    `per` says what is rounded: a `session` as a running total, so that its partial reports add up to the rounded price
    of the whole, or every `record` by itself.
    """

    unit_micro: int = 1
    mode: Mode = Mode.HALF_UP
    per: Literal["session", "record"] = "session"


#: Every micro-unit is kept.
EXACT = Rounding()


def round_record(charge: Fraction, rounding: Rounding = EXACT) -> int:
    """Round an exact charge, in micro-units, as the tariff says.

    >>> round_record(Fraction(1, 3)), round_record(Fraction(5000), Rounding(10_000))
    (0, 10000)
    >>> [round_record(Fraction(5, 2), Rounding(1, mode)) for mode in Mode]
    [3, 2, 3, 2]
    """
    steps = charge if rounding.unit_micro == 1 else charge / rounding.unit_micro
    return _WHOLE[rounding.mode](steps) * rounding.unit_micro


def _away(value: Fraction) -> int:
    magnitude = -(-abs(value.numerator) // value.denominator)
    return magnitude if value >= 0 else -magnitude


_WHOLE: dict[Mode, Callable[[Fraction], int]] = {
    Mode.UP: _away,
    Mode.DOWN: int,
    Mode.HALF_UP: half_up,
    Mode.HALF_EVEN: round,
}


def round_line(micro: int, currency: str) -> Money:
    """Round the sum of a bill line from micro-units to minor units.

    >>> round_line(2_345_000, "EUR")
    Money(minor=235, currency='EUR')
    """
    return Money(half_up(Fraction(micro, micro_per_minor(currency))), currency)


def micro_text(micro: int, currency: str) -> str:
    """Write an amount in micro-units with as many decimals as it needs, at least the currency's own.

    >>> micro_text(4_125, "EUR"), micro_text(-12_900_000, "EUR")
    ('0.004125 EUR', '-12.90 EUR')
    """
    places = exponent(currency)
    whole, decimals = divmod(abs(micro), MICRO)
    shown = f"{decimals:06d}"[:places] + f"{decimals:06d}"[places:].rstrip("0")
    return f"{'-' if micro < 0 else ''}{whole}{'.' + shown if shown else ''} {currency}"


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents) of one ISO 4217 currency.

    >>> Money.parse("4.90", "EUR") + Money(10, "EUR")
    Money(minor=500, currency='EUR')
    >>> Money(1, "EUR") + Money(1, "USD")
    Traceback (most recent call last):
    ...
    mvne_plans.money.CurrencyMismatch: EUR and USD do not add
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise MoneyError(f"money is a whole number of minor units, not {self.minor!r}")
        exponent(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read `9.90` as 990 minor units; raise `MoneyError` with what to write instead."""
        match = _AMOUNT.fullmatch(text.strip())
        if not match:
            hint = text.strip().replace(",", ".")
            if "," in text and _AMOUNT.fullmatch(hint):
                raise MoneyError(f"{text!r} has a comma; use {hint}")
            raise MoneyError(f"{text!r} is not an amount; write it like 9.90")
        sign, whole, decimals = match.group(1), match.group(2), (match.group(3) or "")
        places = exponent(currency)
        if len(decimals.rstrip("0")) > places:
            raise MoneyError(f"{text!r} has more decimals than {currency} has ({places})")
        minor = int(whole) * 10**places + int(decimals[:places].ljust(places, "0") or "0")
        return cls(-minor if sign else minor, currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Return no money, in `currency`."""
        return cls(0, currency)

    @property
    def micro(self) -> int:
        """The same amount in micro-units."""
        return self.minor * micro_per_minor(self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> str:
        """Return the amount as plain text, `-4.90`."""
        places = exponent(self.currency)
        digits = str(abs(self.minor)).rjust(places + 1, "0")
        whole, decimals = (digits[:-places], digits[-places:]) if places else (digits, "")
        return f"{'-' if self.minor < 0 else ''}{whole}{'.' + decimals if decimals else ''}"

    def share(self, fraction: Fraction) -> Money:
        """Return this fraction of the amount, rounded as a bill line is."""
        return Money(half_up(self.minor * fraction), self.currency)

    def allocate(self, weights: list[int]) -> list[Money]:
        """Split into parts in proportion to `weights` that add up to exactly this amount (largest remainder first).

        >>> [part.minor for part in Money(100, "EUR").allocate([1, 1, 1])]
        [34, 33, 33]
        """
        total = sum(weights)
        if not weights or total <= 0 or min(weights) < 0:
            raise MoneyError("weights are whole numbers of at least 0, not all 0")
        shares = [divmod(abs(self.minor) * weight, total) for weight in weights]
        missing = abs(self.minor) - sum(whole for whole, _ in shares)
        richest = sorted(range(len(weights)), key=lambda place: (-shares[place][1], place))[:missing]
        sign = -1 if self.minor < 0 else 1
        return [Money(sign * (whole + (place in richest)), self.currency) for place, (whole, _) in enumerate(shares)]

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add")
        return other


def total(amounts: list[Money], currency: str) -> Money:
    """Add up `amounts`, all of `currency`; nothing adds up to zero."""
    return sum(amounts, Money.zero(currency))
