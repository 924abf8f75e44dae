"""How the phone delivers what its card has to tell (GSMA SGP.22, section 3.5): in order, and kept until it is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.codes import Event
from mvne_provisioning.phone.es9 import Transport, tell

TransportFor = Callable[[str], Transport]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A notification that stays on the card, and why."""

    sequence: int
    event: Event
    address: str
    why: str


def deliver(card: Card, transport_for: TransportFor, after: int = 0) -> tuple[Undelivered, ...]:
    """Send the notifications with a number above `after`, in order, and return those that could not be delivered.

    A server that one did not reach gets none of the later ones: it is to hear things in the order they happened.
    """
    left: list[Undelivered] = []
    for one in card.notifications():
        if one.sequence <= after:
            continue
        why = next((earlier.why for earlier in left if earlier.address == one.address), None)
        why = why or _sent(transport_for, one.address, one.data)
        if why is None:
            card.remove(one.sequence)
        else:
            left.append(Undelivered(one.sequence, one.event, one.address, why))
    return tuple(left)


def _sent(transport_for: TransportFor, address: str, data: bytes) -> str | None:
    try:
        tell(transport_for(address), data)
    except ProvisioningError as fault:
        return str(fault)
    return None
