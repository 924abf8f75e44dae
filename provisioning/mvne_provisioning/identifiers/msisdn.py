"""MSISDN: a telephone number in international form (ITU-T E.164): `+`, country code, national number.

Only the form is checked here; which ranges may be used is a matter of the market.

>>> msisdn = Msisdn.parse("+33 1 99 00 12 34")
>>> msisdn, msisdn.country_code
('+33199001234', '33')
>>> msisdn.format(), msisdn.masked()
('+33 199 001 234', '+*******1234')
>>> Msisdn.parse("0199001234")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidFormat: '0199001234' is not an MSISDN: write it like +33199001234
>>> Msisdn.parse("+0199001234")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidFormat: '+0199001234' is not an MSISDN: no country code begins with 0
>>> Msisdn.parse("+33199")
Traceback (most recent call last):
...
mvne_provisioning.identifiers.identifier.InvalidLength: '33199' is not an MSISDN: 5 digits instead of 7 to 15
"""

from __future__ import annotations

import re

from mvne_provisioning.identifiers.identifier import Identifier, InvalidFormat, groups_of

#: Country codes assigned by ITU-T E.164: one digit, two digits, and all others three.
_COUNTRY_CODE = re.compile("[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}")


class Msisdn(Identifier):
    """`+` and 7 to 15 digits."""

    __slots__ = ()
    NAME = "an MSISDN"
    LENGTHS = range(7, 16)

    @property
    def country_code(self) -> str:
        """The country code without `+`; North America and Kazakhstan share theirs with neighbours."""
        match = _COUNTRY_CODE.match(self, 1)
        assert match  # seven digits or more, the first not 0
        return match[0]

    def format(self, *args: object, **kwargs: object) -> str:
        """Return `+`, the country code, and the national number in threes from its end."""
        national = self[1 + len(self.country_code) :]
        head = len(national) % 3
        return " ".join(filter(None, (f"+{self.country_code}", national[:head], groups_of(3, national[head:]))))

    def masked(self) -> str:
        """Return it for logs: only the last four digits are kept."""
        return "+" + "*" * (len(self) - 5) + self[-4:]

    @classmethod
    def _compact(cls, text: str) -> str:
        if not text.startswith("+"):
            raise InvalidFormat(f"{text!r} is not an MSISDN: write it like +33199001234")
        return text[1:]

    @classmethod
    def _canonical(cls, digits: str) -> str:
        return "+" + digits

    @classmethod
    def _check(cls, digits: str) -> None:
        if digits.startswith("0"):
            raise InvalidFormat(f"{'+' + digits!r} is not an MSISDN: no country code begins with 0")
