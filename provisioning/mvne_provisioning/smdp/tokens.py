"""Where randomness comes from unless the caller says otherwise: the only one of this room, at its edge."""

from __future__ import annotations

import secrets


def unguessable_token() -> str:
    """Return a matching id of 128 random bits: whoever guesses one gets the profile."""
    return secrets.token_hex(16).upper()


def random_bytes(size: int) -> bytes:
    """Return so many bytes that nobody can foresee: challenges, transaction ids, keys."""
    return secrets.token_bytes(size)
