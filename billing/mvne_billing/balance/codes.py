"""Voucher codes: 80 random bits in 16 characters that cannot be mistaken for one another. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from mvne_billing.balance.account import BalanceError

#: Crockford's alphabet for base 32: no I, L, O or U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: What people write for one of its letters.
_MEANT = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None})
_LENGTH = 16
_BITS = 5 * _LENGTH

#: Gives a text of at least 80 random bits in hexadecimal, never the same twice: the caller's source of chance.
Token = Callable[[], str]


class WeakChance(BalanceError):
    """The source of chance gives too few bits, or repeats itself: codes made of it could be guessed."""


def code_from(token: str) -> str:
    """Return the code that a random token stands for, in groups of four.

    >>> code_from("00" * 16), code_from("FF" * 10)
    ('0000-0000-0000-0000', 'ZZZZ-ZZZZ-ZZZZ-ZZZZ')
    """
    if 4 * len(token) < _BITS:
        raise WeakChance(f"a voucher code takes {_BITS} random bits; the source gave {4 * len(token)}")
    number = int(token, 16) % 2**_BITS
    digits = [ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH))]
    return "-".join("".join(digits[start : start + 4]) for start in range(0, _LENGTH, 4))


def compact(code: str) -> str:
    """Return a code as it is hashed, whatever way somebody typed it; what is no code stays what it is.

    >>> compact("oo1l-abcd 0000-zzzz")
    '0011ABCD0000ZZZZ'
    """
    return "".join(code.split()).upper().translate(_MEANT)


def code_hash(brand: str, code: str) -> str:
    """Return the hash under which a brand keeps a code: one way, and another for every brand."""
    return hashlib.sha256(f"{brand}\x1f{compact(code)}".encode()).hexdigest()


def masked(code: str) -> str:
    """Return what may be said of a code in a message or a log: its end."""
    return f"…{compact(code)[-4:]}"
