"""PLMN: a mobile network (ITU-T E.212): three digits of country (MCC) and two or three of network (MNC).

Leading zeros count: 208-01 and 208-001 are different networks.

>>> Plmn.parse("208-01"), Plmn.parse("001 01").mcc, Plmn.parse("310260").mnc
('20801', '001', '260')
>>> Plmn.parse("99970").format()
'999-70'
>>> Plmn.parse("208")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidLength: '208' is not a PLMN: 3 digits instead of 5 to 6
>>> Plmn.parse("208-O1")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidFormat: '208O1' is not a PLMN: it may hold digits only
"""

from __future__ import annotations

from mvne_provisioning.identifiers.identifier import Identifier


class Plmn(Identifier):
    """5 or 6 digits, MCC and MNC."""

    __slots__ = ()
    NAME = "a PLMN"
    LENGTHS = range(5, 7)

    @property
    def mcc(self) -> str:
        """The mobile country code, 3 digits."""
        return self[:3]

    @property
    def mnc(self) -> str:
        """The mobile network code, 2 or 3 digits."""
        return self[3:]

    def format(self, *args: object, **kwargs: object) -> str:
        """Return `999-70`."""
        return f"{self.mcc}-{self.mnc}"

    def masked(self) -> str:
        """Return it unmasked: a network is not a person."""
        return str(self)
