"""Called numbers out of the addresses that signalling uses: tel: and sip: URIs, and plain digits.

>>> called("tel:+33-1-99-00-99-99;phone-context=ims"), called("sip:+33199009999@ims.example;user=phone"), called("112")
('+33199009999', '+33199009999', '112')
>>> called("urn:service:sos.fire")
'112'
"""

from __future__ import annotations

import re

#: RFC 5031: emergency services have a name instead of a number; the tariff knows them by 112 (ITU-T E.161.1).
_EMERGENCY = "urn:service:sos"
_SEPARATORS = re.compile(r"[-.() ]", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9*#]{1,20}", re.ASCII)


class NotANumber(ValueError):
    """This address names no telephone number."""


def called(address: str) -> str:
    """Return the number of an address as dialled; raise `NotANumber`."""
    if address.lower().startswith(_EMERGENCY):
        return "112"
    scheme, has_scheme, rest = address.partition(":")
    text = rest if has_scheme and scheme.lower() in ("tel", "sip", "sips") else address
    number = _SEPARATORS.sub("", text.partition(";")[0].partition("@")[0])
    if not _NUMBER.fullmatch(number):
        raise NotANumber("the called party's address has no telephone number")
    return number
