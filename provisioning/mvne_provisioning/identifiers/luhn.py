"""The Luhn check digit (ISO/IEC 7812-1, annex B) that ends an ICCID and an IMEI."""

from __future__ import annotations

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # the digit sum of twice the digit


def luhn_digit(body: str) -> str:
    """Return the digit that makes `body` plus that digit valid.

    >>> luhn_digit("49015420323751")
    '8'
    """
    total = sum(map(int, body[-2::-2])) + sum(_DOUBLED[int(digit)] for digit in body[::-2])
    return str(-total % 10)


def has_luhn_digit(digits: str) -> bool:
    """Say whether the last digit is the Luhn digit of those before it.

    >>> has_luhn_digit("490154203237518"), has_luhn_digit("490154203237517")
    (True, False)
    """
    return luhn_digit(digits[:-1]) == digits[-1]
