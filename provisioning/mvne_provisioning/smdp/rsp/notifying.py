"""HandleNotification: what became of a profile on its card, signed by the card (SGP.22, sections 5.6.4 and 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from mvne_provisioning.package import digits
from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp.rsp.cancelling import check_oid
from mvne_provisioning.smdp.rsp.cards import known_card
from mvne_provisioning.smdp.rsp.fields import binary, check_inner, members, number, reading
from mvne_provisioning.smdp.rsp.refusal import Refused, no_session
from mvne_provisioning.smdp.rsp.session import Session
from mvne_provisioning.smdp.rsp.signing import SIGNATURE, card_key, check_signature
from mvne_provisioning.tlv import Malformed, Tlv, read, read_one

_FIELD = "pendingNotification"
_MOST_SEQUENCE = 2**31 - 1  # what every store can keep
_INSTALLATION, _OTHER, _RESULT, _METADATA = 0xBF37, 0x30, 0xBF27, 0xBF2F


class Event(Enum):
    """What was done with a profile; the values are the bits of a notification, the first bit first."""

    INSTALL = 0x80
    ENABLE = 0x40
    DISABLE = 0x20
    DELETE = 0x10


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an installation failed: `command` is the bppCommandId, `reason` the ErrorReason of SGP.22, section 2.5.6."""

    command: int
    reason: int


@dataclass(frozen=True, slots=True, repr=False)
class InstallationResult:
    """A card installed a profile, or says why it did not; `sequence` counts the notifications of the card."""

    transaction_id: bytes
    eid: str
    iccid: str | None
    sequence: int
    address: str
    failure: Failure | None = None

    @property
    def is_installed(self) -> bool:
        """Whether the profile is on the card now."""
        return self.failure is None


@dataclass(frozen=True, slots=True, repr=False)
class Other:
    """A card enabled, disabled or deleted a profile."""

    event: Event
    eid: str
    iccid: str | None
    sequence: int
    address: str


Notified = InstallationResult | Other


def notified_transaction(request: Mapping[str, object]) -> bytes | None:
    """Return the transaction that an installation result names, to find its session; None for any other notification.

    Nothing is verified yet. Raises `Refused` with 1.6 for what is malformed.
    """
    pending = _pending(request)
    if pending.tag == _OTHER:
        return None
    with reading(_FIELD):
        return pending.child(_RESULT).child(0x80).value


def notification(
    certificates: Certificates, request: Mapping[str, object], at: datetime, session: Session | None
) -> Notified:
    """Verify a notification and return what it says.

    An installation result is verified with the card's key in its `session` (found by `notified_transaction`), every
    other with the certificates that it brings. Raises `Refused`: 8.10.1/3.9 no such session, 8.1/6.1 signature, 8.1.2,
    8.1.3, 8.11.1 certificates, 8.8/3.10 said to another server, 8.2.1/3.10 another profile than was offered, 1.6
    anything malformed.
    """
    pending = _pending(request)
    if pending.tag == _OTHER:
        return _other(certificates, pending, at)
    if session is None:
        raise no_session("there is no session that this installation belongs to")
    return _installation(certificates, pending, session)


def _pending(request: Mapping[str, object]) -> Tlv:
    data = binary(request, _FIELD)
    with reading(_FIELD):
        tag = read(data)[0].tag
        return read_one(data, _OTHER if tag == _OTHER else _INSTALLATION)


def _installation(certificates: Certificates, pending: Tlv, session: Session) -> InstallationResult:
    with reading(_FIELD):
        signed, signature = members(pending, _RESULT, SIGNATURE)
    check_inner(signed, session.transaction_id, "profileInstallationResultData")
    check_signature(card_key(session), signature, signed.raw, "profileInstallationResultData")
    with reading(_FIELD):
        said = _read_metadata(signed.child(_METADATA))
        if said.event is not Event.INSTALL:
            raise Malformed("an installation result tells of an installation")
        if (oid := signed.find(0x06)) is not None:
            check_oid(certificates, session, oid)
        if said.iccid is not None and said.iccid != session.iccid:
            raise Refused("8.2.1", "3.10", "the card installed another profile than was offered")
        failure = _failure(signed.child(0xA2))
    eid = session.eid or ""
    return InstallationResult(session.transaction_id, eid, session.iccid, said.sequence, said.address, failure)


def _failure(result: Tlv) -> Failure | None:
    if result.find(0xA0) is not None:
        return None
    error = result.child(0xA1)
    return Failure(number(error.child(0x80).value), number(error.child(0x81).value))


def _other(certificates: Certificates, pending: Tlv, at: datetime) -> Other:
    with reading(_FIELD):
        signed, signature, euicc, eum = members(pending, _METADATA, SIGNATURE, 0x30, 0x30)
    eid, key = known_card(certificates.issuers, eum.raw, euicc.raw, at)
    check_signature(key, signature, signed.raw, "notificationMetadata")
    with reading(_FIELD):
        said = _read_metadata(signed)
    return Other(said.event, eid, said.iccid, said.sequence, said.address)


@dataclass(frozen=True, slots=True)
class _Metadata:
    sequence: int
    event: Event
    address: str
    iccid: str | None


def _read_metadata(one: Tlv) -> _Metadata:
    sequence, address, iccid = number(one.child(0x80).value), one.child(0x0C).value.decode(), one.find(0x5A)
    if sequence > _MOST_SEQUENCE or not address.isprintable():
        raise Malformed("a notification has a number and an address that cannot be kept")
    profile = digits.from_swapped(iccid.value) if iccid else None
    return _Metadata(sequence, _event(one.child(0x81).value), address, profile)


def _event(value: bytes) -> Event:
    """Return the one event that a BIT STRING names, whose first byte counts the bits that are unused."""
    if len(value) != 2 or value[1] not in _EVENTS:
        raise Malformed("a notification tells of one event")
    return _EVENTS[value[1]]


_EVENTS = {event.value: event for event in Event}
