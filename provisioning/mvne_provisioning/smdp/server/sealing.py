"""How the SM-DP+ keeps secrets at rest: through a vault that seals what is written and opens what is read."""

from __future__ import annotations

from typing import Protocol


class Vault(Protocol):
    """Seals bytes before they are stored and opens them again, for a context that is not secret, such as an ICCID."""

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return what may be stored."""

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed for this context; raises for anything else."""


class ClearVault:
    """Seals nothing: what is stored can be read by anybody who has the store. For tests and throw-away labs only."""

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return the same bytes."""
        return plain

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the same bytes."""
        return sealed


def package_of(iccid: str) -> bytes:
    """Return the context of a profile's package."""
    return b"smdp package " + iccid.encode()


def session_of(transaction_id: str) -> bytes:
    """Return the context of a session."""
    return b"smdp session " + transaction_id.encode()
