"""The lines as PyHSS has them: cards and subscribers, looked up and read.

A line is active or suspended while it has a subscriber. When it is terminated the subscriber goes and its card stays;
a note on the card (`misc1`) then says which ICCID and number the line had. A card without subscriber or note was only
loaded: there is no line yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.network import pyhss
from mvne_provisioning.network.port import HostLine, HostRefused, HostState, HostUnavailable, Refusal
from mvne_provisioning.network.pyhss import Request
from mvne_provisioning.network.subscription import FULL_SPEED

T = TypeVar("T")

#: Sends a request; None is the answer for what PyHSS does not have.
Send = Callable[[Request], dict[str, Any] | list[Any] | None]

_NOTE = re.compile(r"ended (\d{18,20}) (\+\d{7,15})")
NO_NOTE = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A card: PyHSS's number for it, and the ICCID and MSISDN of the line that ended on it, if one did."""

    id: int
    imsi: Imsi | None
    iccid: Iccid | None
    ended: tuple[Iccid, Msisdn] | None


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A line that lives: PyHSS's number for it, whether it gets service, and its speed in bits per second."""

    id: int
    imsi: Imsi
    msisdn: Msisdn
    enabled: bool
    downlink: int

    @property
    def state(self) -> HostState:
        """Active or suspended."""
        return HostState.ACTIVE if self.enabled else HostState.SUSPENDED


def note_of(iccid: Iccid, msisdn: Msisdn) -> str:
    """Return the note on the card of a line that ended."""
    return f"ended {iccid} {msisdn}"


def card(send: Send, request: Request) -> Card | None:
    """Return the card that was asked for; None if PyHSS has none. Raise `HostUnavailable`."""
    return _read(send(request), _card)


def subscriber(send: Send, request: Request) -> Subscriber | None:
    """Return the subscriber that was asked for; None if PyHSS has none. Raise `HostUnavailable`."""
    return _read(send(request), _subscriber)


def number_of(send: Send, request: Request, name: str) -> int | None:
    """Return PyHSS's number of what a request finds, makes or changes; None if it has none."""
    return _read(send(request), lambda found: int(found[name]))


def imsi_of(send: Send, request: Request) -> Imsi | None:
    """Return the IMSI of what a request finds; None if PyHSS has none."""
    return _read(send(request), lambda found: Imsi(found["imsi"]))


def need_line(send: Send, imsi: Imsi) -> Subscriber:
    """Return the living line of an IMSI; refuse when it ended or never was."""
    found = subscriber(send, pyhss.find_subscriber(imsi))
    if found is None:
        kept = card(send, pyhss.find_card(imsi))
        if kept is not None and kept.ended:
            raise HostRefused(Refusal.WRONG_STATE, f"the line {imsi.masked()} is {HostState.TERMINATED}")
        raise HostRefused(Refusal.UNKNOWN_LINE, f"there is no line {imsi.masked()}")
    return found


def line(send: Send, imsi: Imsi) -> HostLine | None:
    """Return the line of an IMSI, a terminated one too; None when there never was one. Raise `HostUnavailable`."""
    living = subscriber(send, pyhss.find_subscriber(imsi))
    kept = card(send, pyhss.find_card(imsi))
    if living is not None:
        if kept is None or kept.iccid is None:
            raise HostUnavailable(f"PyHSS has no ICCID for the line {imsi.masked()}; add it to its AuC, then retry")
        speed = None if living.downlink >= FULL_SPEED else living.downlink
        return HostLine(imsi, kept.iccid, living.msisdn, living.state, frozenset(), speed)
    if kept is None or kept.ended is None:
        return None
    return HostLine(imsi, *kept.ended, HostState.TERMINATED, frozenset(), None)


def _read(answer: dict[str, Any] | list[Any] | None, reader: Callable[[dict[str, Any]], T]) -> T | None:
    if answer is None:
        return None
    try:
        if isinstance(answer, dict):
            return reader(answer)
    except (KeyError, TypeError, ValueError, ProvisioningError):
        pass
    # What was read may be personal, so it is not quoted, nor is the error that would quote it.
    raise HostUnavailable("PyHSS has a card or line that cannot be read: a field is missing or wrong; correct it there")


def _card(found: dict[str, Any]) -> Card:
    ended, imsi, iccid = _NOTE.fullmatch(found.get("misc1") or ""), found["imsi"], found["iccid"]
    return Card(
        int(found["auc_id"]),
        Imsi(imsi) if imsi else None,
        Iccid(iccid) if iccid else None,
        (Iccid(ended[1]), Msisdn(ended[2])) if ended else None,
    )


def _subscriber(found: dict[str, Any]) -> Subscriber:
    number = Msisdn("+" + found["msisdn"])
    return Subscriber(
        int(found["subscriber_id"]), Imsi(found["imsi"]), number, bool(found["enabled"]), int(found["ue_ambr_dl"])
    )
