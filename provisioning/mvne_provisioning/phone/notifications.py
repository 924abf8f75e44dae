"""What a card tells servers about its profiles, signed (GSMA SGP.22, sections 2.5.6, 3.5 and 5.7.9 to 5.7.11)."""

from __future__ import annotations

from dataclasses import replace

from mvne_provisioning import tlv
from mvne_provisioning.phone import fields
from mvne_provisioning.phone.authentication import Authenticated
from mvne_provisioning.phone.binding import InstallFailed
from mvne_provisioning.phone.codes import Command, Event, InstallError
from mvne_provisioning.phone.metadata import Metadata
from mvne_provisioning.phone.signatures import sign
from mvne_provisioning.phone.state import CardState, Credential, Pending

RESULT, OTHER = 0xBF37, 0x30

_RESULT_DATA, _METADATA = 0xBF27, 0xBF2F
#: EUICCResponse of a package of which every element was taken.
_ALL_TAKEN = bytes.fromhex("3007a0053003800100")


def result(state: CardState, session: Authenticated, iccid: str | None, outcome: InstallFailed | bytes) -> CardState:
    """Return the state with a ProfileInstallationResult more; `outcome` is a failure, or the AID of the profile."""
    sequence = state.sequence + 1
    about = _about(sequence, Event.INSTALL, session.address, iccid)
    final = tlv.encode(0xA2, _failure(outcome) if isinstance(outcome, InstallFailed) else _success(outcome))
    oid = tlv.encode(0x06, tlv.oid(session.oid))
    signed = tlv.encode(_RESULT_DATA, tlv.encode(0x80, session.transaction_id), about, oid, final)
    data = tlv.encode(RESULT, signed, sign(state.credential.key, signed))
    return _more(state, Pending(sequence, Event.INSTALL, session.address, iccid, data))


def told(state: CardState, event: Event, metadata: Metadata) -> CardState:
    """Return the state with a notification more for everyone who wants to be told about this event of a profile."""
    for address in metadata.told(event):
        sequence = state.sequence + 1
        about = _about(sequence, event, address, metadata.iccid)
        data = _signed(state.credential, about)
        state = _more(state, Pending(sequence, event, address, metadata.iccid, data))
    return state


def failure_in(data: bytes) -> tuple[Command, InstallError] | None:
    """Return at what and why a card failed that gave this ProfileInstallationResult, None when it did not fail."""
    failed = tlv.read_one(data, RESULT).child(_RESULT_DATA).child(0xA2).find(0xA1)
    if failed is None:
        return None
    command, error = (fields.number(failed.child(tag)) for tag in (0x80, 0x81))
    return Command(command), InstallError(error)


def without(state: CardState, sequence: int) -> CardState:
    """Return the state without a notification."""
    return replace(state, pending=tuple(one for one in state.pending if one.sequence != sequence))


def _more(state: CardState, pending: Pending) -> CardState:
    return replace(state, sequence=pending.sequence, pending=(*state.pending, pending))


def _signed(credential: Credential, about: bytes) -> bytes:
    return tlv.encode(OTHER, about, sign(credential.key, about), credential.certificate, credential.eum)


def _about(sequence: int, event: Event, address: str, iccid: str | None) -> bytes:
    said = [(0x80, tlv.integer(sequence)), (0x81, event.bits), (0x0C, address.encode())]
    if iccid is not None:
        said.append((0x5A, fields.swapped(iccid)))
    return tlv.encode(_METADATA, *(tlv.encode(tag, value) for tag, value in said))


def _success(aid: bytes) -> bytes:
    return tlv.encode(0xA0, tlv.encode(0x4F, aid), tlv.encode(0x04, _ALL_TAKEN))


def _failure(failed: InstallFailed) -> bytes:
    said = ((0x80, failed.command), (0x81, failed.error))
    return tlv.encode(0xA1, *(tlv.encode(tag, tlv.integer(number)) for tag, number in said))
