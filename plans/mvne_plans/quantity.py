"""Quantities of use as people write them: `60 min`, `5 GB`, `100 sms`, `128 kbit/s`, `unlimited`.

Inside, a quantity is a whole number of base units: seconds for voice, messages for SMS, bytes for data. Multiples are
decimal (1 GB = 1,000,000,000 bytes, IEC 80000-13); the binary ones are written GiB, MiB, KiB.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum

from mvne_plans.errors import PlansError


class QuantityError(PlansError):
    """This is not a quantity of that kind of use."""


class Kind(StrEnum):
    """A kind of use."""

    VOICE = "voice"
    SMS = "sms"
    DATA = "data"

    @property
    def base_unit(self) -> str:
        """What one unit of this kind is."""
        return {"voice": "second", "sms": "message", "data": "byte"}[self]


#: Base units in each written unit, by kind; the first of a kind is the example in messages.
UNITS: dict[Kind, dict[str, int]] = {
    Kind.VOICE: {"min": 60, "s": 1, "h": 3600},
    Kind.SMS: {"sms": 1},
    Kind.DATA: {
        "GB": 10**9,
        "MB": 10**6,
        "KB": 10**3,
        "TB": 10**12,
        "B": 1,
        "GiB": 2**30,
        "MiB": 2**20,
        "KiB": 2**10,
    },
}
UNLIMITED = "unlimited"

#: Nobody uses more than this of anything in a period: 64-bit arithmetic downstream relies on it.
MOST = 10**15

_QUANTITY = re.compile(r"(\d{1,16}(?:\.\d{1,6})?)\s*([A-Za-z]*)", re.ASCII)
_BIT_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([kMG]?)bit/s", re.ASCII)


def parse_amount(text: str, kind: Kind) -> int | None:
    """Read a quantity of `kind` as base units; `unlimited` is None.

    >>> parse_amount("60 min", Kind.VOICE), parse_amount("1.5 GB", Kind.DATA), parse_amount("unlimited", Kind.SMS)
    (3600, 1500000000, None)
    """
    return None if text.strip() == UNLIMITED else parse_units(text, kind)


def parse_units(text: str, kind: Kind) -> int:
    """Read a limited quantity of `kind` as a whole number of base units; raise `QuantityError` with an example."""
    match = _QUANTITY.fullmatch(text.strip())
    units = UNITS[kind]
    if not match or (match.group(2) or ("sms" if kind is Kind.SMS else "")) not in units:
        raise QuantityError(f"{text!r} is not a quantity of {kind}; write it like {EXAMPLES[kind]} or unlimited")
    amount = Decimal(match.group(1)) * units[match.group(2) or "sms"]
    if amount != int(amount) or not 0 < amount <= MOST:
        raise QuantityError(f"{text!r} is not between one {kind.base_unit} and {MOST:.0e} whole {kind.base_unit}s")
    return int(amount)


EXAMPLES: dict[Kind, str] = {Kind.VOICE: "60 min", Kind.SMS: "100 sms", Kind.DATA: "5 GB"}


def format_amount(amount: int | None, kind: Kind) -> str:
    """Write base units with the largest unit that keeps them whole or gives at most two decimals.

    >>> format_amount(3600, Kind.VOICE), format_amount(1_500_000_000, Kind.DATA), format_amount(None, Kind.SMS)
    ('60 min', '1.5 GB', 'unlimited')
    """
    if amount is None:
        return UNLIMITED
    written = {Kind.VOICE: ("min", "s"), Kind.SMS: ("sms",), Kind.DATA: ("GB", "MB", "KB", "B")}[kind]
    for unit in written:
        number = Decimal(amount) / UNITS[kind][unit]
        if number == round(number, 2) and (number >= 1 or unit == written[-1]):
            return f"{number.normalize():f} {unit}"
    return f"{amount} {written[-1]}"


def parse_bit_rate(text: str) -> int:
    """Read `128 kbit/s` as bits per second; raise `QuantityError` otherwise.

    >>> parse_bit_rate("128 kbit/s")
    128000
    """
    match = _BIT_RATE.fullmatch(text.strip())
    if not match:
        raise QuantityError(f"{text!r} is not a speed; write it like 128 kbit/s")
    rate = Decimal(match.group(1)) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[match.group(2)]
    if rate != int(rate) or rate <= 0:
        raise QuantityError(f"{text!r} is not a whole number of bits per second above 0")
    return int(rate)


def format_bit_rate(bits_per_second: int) -> str:
    """Write a speed, `128 kbit/s`."""
    for name, size in (("Gbit/s", 10**9), ("Mbit/s", 10**6), ("kbit/s", 10**3)):
        if bits_per_second % size == 0:
            return f"{bits_per_second // size} {name}"
    return f"{bits_per_second} bit/s"
