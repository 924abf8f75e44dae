"""What a card remembers when it is switched off, as JSON: who it is, its profiles, its unsent notifications."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone.codes import Event

_FORMAT = 1


class BrokenState(ProvisioningError):
    """What is kept of a card is not whole."""


class ProfileState(StrEnum):
    """Where a profile on a card stands."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    DELETED = "deleted"


#: What a person may do to a profile on a card (GSMA SGP.22, section 3.2): an enabled one cannot be deleted.
PROFILE_ON_CARD_MOVES: Mapping[ProfileState, frozenset[ProfileState]] = {
    ProfileState.DISABLED: frozenset({ProfileState.ENABLED, ProfileState.DELETED}),
    ProfileState.ENABLED: frozenset({ProfileState.DISABLED}),
    ProfileState.DELETED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Credential:
    """Who a card is: its EID, its key, and the certificates (DER) of itself, its maker (EUM) and issuers (CI)."""

    eid: str
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: bytes
    eum: bytes
    issuers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class KeptProfile:
    """A profile on a card: its metadata as it came, and its elements, which hold the keys of the subscription."""

    iccid: str
    state: ProfileState
    aid: bytes
    metadata: bytes
    package: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pending:
    """A notification that waits to be sent: its number, what it is about, to whom, and its bytes, signed."""

    sequence: int
    event: Event
    address: str
    iccid: str | None
    data: bytes


@dataclass(frozen=True, slots=True)
class CardState:
    """All of a card; `room` in bytes is for profiles."""

    credential: Credential
    room: int
    sequence: int = 0
    profiles: tuple[KeptProfile, ...] = ()
    pending: tuple[Pending, ...] = ()


def to_text(state: CardState) -> str:
    """Return a card's state as JSON; it holds keys in clear."""
    mine = state.credential
    key = mine.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    content = {
        "format": _FORMAT,
        "eid": mine.eid,
        "key": _text(key),
        "certificate": _text(mine.certificate),
        "eum": _text(mine.eum),
        "issuers": [_text(one) for one in mine.issuers],
        "room": state.room,
        "sequence": state.sequence,
        "profiles": [_profile_as_json(one) for one in state.profiles],
        "pending": [_pending_as_json(one) for one in state.pending],
    }
    return json.dumps(content, indent=1)


def from_text(text: str) -> CardState:
    """Read a card's state; raise `BrokenState`."""
    try:
        return _read(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError, UnsupportedAlgorithm):
        raise BrokenState("it is torn or was written by something else") from None


def _read(content: Mapping[str, Any]) -> CardState:
    if content["format"] != _FORMAT:
        raise BrokenState(f"it has format {content['format']!r}; this version reads format {_FORMAT}")
    key = load_der_private_key(_bytes(content["key"]), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BrokenState("the card's key is of another kind")
    issuers = tuple(_bytes(one) for one in content["issuers"])
    mine = Credential(str(content["eid"]), key, _bytes(content["certificate"]), _bytes(content["eum"]), issuers)
    profiles = tuple(_profile(one) for one in content["profiles"])
    pending = tuple(_pending(one) for one in content["pending"])
    return CardState(mine, int(content["room"]), int(content["sequence"]), profiles, pending)


def _profile(one: Mapping[str, Any]) -> KeptProfile:
    state = ProfileState(one["state"])
    return KeptProfile(str(one["iccid"]), state, *(_bytes(one[name]) for name in ("aid", "metadata", "package")))


def _profile_as_json(one: KeptProfile) -> dict[str, object]:
    texts = {"aid": _text(one.aid), "metadata": _text(one.metadata), "package": _text(one.package)}
    return {"iccid": one.iccid, "state": one.state, **texts}


def _pending(one: Mapping[str, Any]) -> Pending:
    iccid = None if one["iccid"] is None else str(one["iccid"])
    return Pending(int(one["sequence"]), Event(one["event"]), str(one["address"]), iccid, _bytes(one["data"]))


def _pending_as_json(one: Pending) -> dict[str, object]:
    named = {"sequence": one.sequence, "event": int(one.event), "address": one.address, "iccid": one.iccid}
    return {**named, "data": _text(one.data)}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
