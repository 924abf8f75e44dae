"""IMEI: the number of a phone (3GPP TS 23.003, clause 6): TAC of 8 digits, serial of 6, Luhn digit.

>>> imei = Imei.parse("49-015420-323751-8")
>>> imei, imei.tac
('490154203237518', '49015420')
>>> imei.format(), imei.masked()
('49 015420 323751 8', '***********7518')
>>> Imei.parse("490154203237519")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidChecksum: '490154203237519' is not an IMEI: its last digit should be 8
>>> Imei.parse("49015420323751")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidLength: '49015420323751' is not an IMEI: 14 digits instead of 15
>>> Imei.parse("49/015420/323751/8")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidFormat: '49/015420/323751/8' is not an IMEI: it may hold digits only
"""

from __future__ import annotations

from mvne_provisioning.identifiers.identifier import Identifier, InvalidChecksum
from mvne_provisioning.identifiers.luhn import luhn_digit


class Imei(Identifier):
    """15 digits."""

    __slots__ = ()
    NAME = "an IMEI"
    LENGTHS = range(15, 16)

    @property
    def tac(self) -> str:
        """The type allocation code, 8 digits: which model of phone this is."""
        return self[:8]

    def format(self, *args: object, **kwargs: object) -> str:
        """Return it as on the phone's label: `49 015420 323751 8`."""
        return f"{self[:2]} {self[2:8]} {self[8:14]} {self[14:]}"

    @classmethod
    def _check(cls, digits: str) -> None:
        wanted = luhn_digit(digits[:-1])
        if digits[-1] != wanted:
            raise InvalidChecksum(f"{digits!r} is not an IMEI: its last digit should be {wanted}")
