"""IMSI: the identity of a subscription towards the network (ITU-T E.212): MCC, MNC, MSIN; at most 15 digits.

>>> imsi = Imsi.parse("999 70 0000000001")
>>> imsi, imsi.mcc, imsi.plmn(mnc_length=2)
('999700000000001', '999', '99970')
>>> imsi.format(), imsi.masked()
('999 700 000 000 001', '***********0001')
>>> Imsi.parse("9997000000000012")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidLength: '9997000000000012' is not an IMSI: 16 digits instead of 6 to 15
>>> Imsi.parse("99970x0000000012")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidFormat: '99970x0000000012' is not an IMSI: it may hold digits only
"""

from __future__ import annotations

from mvne_provisioning.identifiers.identifier import Identifier, groups_of
from mvne_provisioning.identifiers.plmn import Plmn


class Imsi(Identifier):
    """6 to 15 digits; it has no check digit."""

    __slots__ = ()
    NAME = "an IMSI"
    LENGTHS = range(6, 16)

    @property
    def mcc(self) -> str:
        """The mobile country code, 3 digits."""
        return self[:3]

    def plmn(self, mnc_length: int) -> Plmn:
        """Return the home network; its MNC has 2 or 3 digits by country, which the IMSI itself does not tell."""
        return Plmn(self[: 3 + mnc_length])

    def format(self, *args: object, **kwargs: object) -> str:
        """Return groups of three: `999 700 000 000 001`."""
        return groups_of(3, self)
