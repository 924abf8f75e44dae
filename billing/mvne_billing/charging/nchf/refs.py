"""The charging data reference: what a client calls the charging data it created, in the path of later requests.

It holds the line and the session, so that a later request, which need not name its subscriber, finds both without a
look into a table. Whoever makes one up meets charging's own check that the session is the line's.

>>> ref("ada-1", "7@smf")
'YWRhLTEfN0BzbWY'
>>> read_ref("YWRhLTEfN0BzbWY")
('ada-1', '7@smf')
"""

from __future__ import annotations

import base64
import binascii

_BETWEEN = "\x1f"


class NotARef(ValueError):
    """No charging data is called this."""


def ref(subscription: str, session: str) -> str:
    """Return the reference of a line's session."""
    told = f"{subscription}{_BETWEEN}{session}".encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def read_ref(text: str) -> tuple[str, str]:
    """Return the line and the session of a reference; raise `NotARef`."""
    try:
        told = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise NotARef("this is not a reference that was given here") from None
    subscription, between, session = told.partition(_BETWEEN)
    if not (subscription and between and session):
        raise NotARef("this is not a reference that was given here")
    return subscription, session
