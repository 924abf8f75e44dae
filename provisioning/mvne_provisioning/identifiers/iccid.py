"""ICCID: the number of a SIM card or eSIM profile (ITU-T E.118): 89, country, issuer, account, Luhn digit.

>>> iccid = Iccid.parse("8999 9700 0000 0000 019")
>>> iccid
'8999970000000000019'
>>> iccid.format(), iccid.masked()
('8999 9700 0000 0000 019', '***************0019')
>>> Iccid.parse("8999970000000000019F")          # the filler of the chip's own coding
'8999970000000000019'
>>> Iccid.with_check_digit("899997000000000001")
'8999970000000000019'
>>> Iccid.parse("8999970000000000018")  # doctest: +ELLIPSIS
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidChecksum: ... its last digit should be 9
>>> Iccid.parse("89999700")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidLength: '89999700' is not an ICCID: 8 digits instead of 18 to 20
>>> Iccid.parse("9899790000000000107")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidFormat: '9899790000000000107' is not an ICCID: it begins with 89
"""

from __future__ import annotations

from typing import Self

from mvne_provisioning.identifiers.identifier import Identifier, InvalidChecksum, InvalidFormat
from mvne_provisioning.identifiers.luhn import luhn_digit


class Iccid(Identifier):
    """18 to 20 digits; a 19-digit one may come with the filler `F` at its end."""

    __slots__ = ()
    NAME = "an ICCID"
    LENGTHS = range(18, 21)

    @classmethod
    def with_check_digit(cls, body: str) -> Self:
        """Return the ICCID made of `body` (17 to 19 digits) and its Luhn digit."""
        cls._check_digits(body + "0")
        return cls(body + luhn_digit(body))

    @classmethod
    def _compact(cls, text: str) -> str:
        return text.removesuffix("F").removesuffix("f") if len(text) == 20 else text

    @classmethod
    def _check(cls, digits: str) -> None:
        if not digits.startswith("89"):
            raise InvalidFormat(f"{digits!r} is not an ICCID: it begins with 89")
        wanted = luhn_digit(digits[:-1])
        if digits[-1] != wanted:
            raise InvalidChecksum(f"{digits!r} is not an ICCID: its last digit should be {wanted}")
