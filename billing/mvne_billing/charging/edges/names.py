"""Names of sessions: what a network calls a session, in the length that is kept."""

from __future__ import annotations

import hashlib

from mvne_billing.charging.session import MOST_SESSION


def short(name: str) -> str:
    """Return a session's name, cut to what is kept: the end of a longer one, or of odd characters, becomes a hash.

    >>> short("smf.example;1;7"), len(short("x" * 500))
    ('smf.example;1;7', 100)
    """
    if len(name) <= MOST_SESSION and name.isprintable():
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    kept = "".join(one for one in name if one.isprintable())[: MOST_SESSION - 33]
    return f"{kept}#{digest}"


def invocation(*said: object) -> str:
    """Return a name made of what identifies an invocation, where the network has none for it."""
    return hashlib.sha256("\x1f".join(str(one) for one in said).encode("utf-8", "surrogatepass")).hexdigest()[:32]
