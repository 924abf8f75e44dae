"""Telling a server that a download ends early, and why (GSMA SGP.22, sections 3.0.2 and 5.7.14)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone import es9
from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.codes import CancelReason
from mvne_provisioning.phone.es9 import BadAnswer, ServerRefused, ServerUnreachable, Transport
from mvne_provisioning.phone.giving_up import DownloadFailed


def tell_error(server: Transport, function: str, transaction: bytes, **fields: bytes) -> None:
    """Let the server know why the card refuses; what it says to that is of no interest."""
    with suppress(ServerRefused, ServerUnreachable, BadAnswer):
        es9.call(server, function, transactionId=transaction.hex().upper(), **fields)


@contextmanager
def cancelling(card: Card, server: Transport, transaction: bytes) -> Iterator[None]:
    """Cancel the session with the card's signature when what is done in it fails."""
    try:
        yield
    except (ProvisioningError, OSError, KeyboardInterrupt) as failure:
        response = card.cancel(transaction, _reason(failure))
        tell_error(server, "cancelSession", transaction, cancelSessionResponse=response)
        raise


def _reason(failure: BaseException) -> CancelReason:
    """Return what the server is told: whatever is not the profile's fault leaves the order as it is."""
    if isinstance(failure, DownloadFailed):
        return failure.reason
    if isinstance(failure, ServerUnreachable):
        return CancelReason.TIMEOUT
    return CancelReason.POSTPONED if isinstance(failure, ServerRefused | KeyboardInterrupt) else CancelReason.UNDEFINED
