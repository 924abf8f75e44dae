"""EID: the number of an eUICC, the chip that holds eSIM profiles (GSMA SGP.29): 30 digits and two check digits.

The check is ISO/IEC 7064 MOD 97-10: the whole number leaves 1 when divided by 97.

>>> eid = Eid.parse("8904 9032 1234 5123 4512 3456 7890 1235")
>>> eid
'89049032123451234512345678901235'
>>> eid.format(), eid.masked()
('8904 9032 1234 5123 4512 3456 7890 1235', '****************************1235')
>>> Eid.with_check_digits("890490321234512345123456789012")
'89049032123451234512345678901235'
>>> Eid.parse("89049032123451234512345678901236")  # doctest: +ELLIPSIS
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidChecksum: ... it should end in 35
>>> Eid.parse("8904903212345123451234567890123")  # doctest: +ELLIPSIS
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidLength: ... 31 digits instead of 32
>>> Eid.parse("not an EID")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidFormat: 'notanEID' is not an EID: it may hold digits only
"""

from __future__ import annotations

from typing import Self

from mvne_provisioning.identifiers.identifier import Identifier, InvalidChecksum


def _check_digits_of(body: str) -> str:
    return f"{98 - int(body + '00') % 97:02d}"


class Eid(Identifier):
    """32 digits."""

    __slots__ = ()
    NAME = "an EID"
    LENGTHS = range(32, 33)

    @classmethod
    def with_check_digits(cls, body30: str) -> Self:
        """Return the EID made of the 30 digits `body30` and its two check digits."""
        cls._check_digits(body30 + "00")
        return cls(body30 + _check_digits_of(body30))

    @classmethod
    def _check(cls, digits: str) -> None:
        if int(digits) % 97 != 1:
            wanted = _check_digits_of(digits[:30])
            raise InvalidChecksum(f"{digits!r} is not an EID: it should end in {wanted}")
