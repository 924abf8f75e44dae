"""What all identifiers share: digits that were checked once, grouped for people, masked for logs.

An identifier *is* its text (`str`), in canonical form: digits only, and a `+` in front of an MSISDN. It cannot be made
without passing its check, so whoever holds one need not check again.
"""

from __future__ import annotations

import re
from typing import ClassVar, Self

from mvne_provisioning.errors import ProvisioningError

_SEPARATORS = re.compile("[\\s\u2010-\u2015-]")
_DIGITS = re.compile("[0-9]+")


class IdentifierError(ProvisioningError, ValueError):
    """This is not such an identifier."""


class InvalidFormat(IdentifierError):
    """It has characters or a beginning that this identifier cannot have."""


class InvalidLength(IdentifierError):
    """It has too few or too many digits."""


class InvalidChecksum(IdentifierError):
    """Its check digits do not fit the rest: probably a typing error."""


def groups_of(size: int, digits: str) -> str:
    """Return `digits` in groups of `size`, the last one perhaps shorter: `8999 970`."""
    return " ".join(digits[start : start + size] for start in range(0, len(digits), size))


class Identifier(str):
    """Base of the identifiers: `NAME` with its article, `LENGTHS` in digits, `_check` for what is special."""

    __slots__ = ()
    NAME: ClassVar[str]
    LENGTHS: ClassVar[range]

    def __new__(cls, text: str) -> Self:
        """Check and make one; the same as `parse`."""
        digits = cls._compact(_SEPARATORS.sub("", text))
        cls._check_digits(digits)
        cls._check(digits)
        return super().__new__(cls, cls._canonical(digits))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text`, spaces and dashes allowed; raise `InvalidFormat`, `InvalidLength` or `InvalidChecksum`."""
        return cls(text)

    @classmethod
    def is_valid(cls, text: str) -> bool:
        """Say whether `parse` would accept `text`."""
        try:
            cls(text)
        except IdentifierError:
            return False
        return True

    def format(self, *args: object, **kwargs: object) -> str:
        """Return it grouped for people. (`str.format` takes arguments; here they have no meaning.)"""
        return groups_of(4, self)

    def masked(self) -> str:
        """Return it for logs: only the last four digits are kept."""
        return "*" * (len(self) - 4) + self[-4:]

    @classmethod
    def _compact(cls, text: str) -> str:
        """Drop what may surround the digits in writing."""
        return text

    @classmethod
    def _canonical(cls, digits: str) -> str:
        """Return the stored form of checked `digits`."""
        return digits

    @classmethod
    def _check(cls, digits: str) -> None:
        """Raise what is wrong beyond digits and length."""

    @classmethod
    def _check_digits(cls, digits: str) -> None:
        if not _DIGITS.fullmatch(digits):
            raise InvalidFormat(f"{digits!r} is not {cls.NAME}: it may hold digits only")
        if len(digits) not in cls.LENGTHS:
            least, most = cls.LENGTHS[0], cls.LENGTHS[-1]
            wanted = f"{least} to {most}" if least < most else f"{least}"
            raise InvalidLength(f"{digits!r} is not {cls.NAME}: {len(digits)} digits instead of {wanted}")
