"""The phone's assistant (LPA): downloads a profile from an SM-DP+ to a card (GSMA SGP.22, sections 3.1 and 3.2).

It carries bytes between the two, which check each other; what is left to it, it checks itself: that the server is the
one of the activation code, and that the profile is the one that was shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from mvne_provisioning import tlv
from mvne_provisioning.activation import ActivationCode
from mvne_provisioning.phone import es9, metadata, scanning
from mvne_provisioning.phone.authentication import (
    AuthenticationRefused,
    PreparationRefused,
    ServerSays,
    asks_for_code,
)
from mvne_provisioning.phone.cancelling import cancelling, tell_error
from mvne_provisioning.phone.card import Card, Token
from mvne_provisioning.phone.codes import CancelReason
from mvne_provisioning.phone.es9 import Answer, BadAnswer, Transport
from mvne_provisioning.phone.giving_up import (
    BadPackage,
    CodeNeeded,
    Declined,
    InstallationFailed,
    MetadataMismatch,
    RulesNotAllowed,
    WrongServer,
)
from mvne_provisioning.phone.info import Device
from mvne_provisioning.phone.metadata import Metadata
from mvne_provisioning.phone.notifications import failure_in
from mvne_provisioning.phone.notifying import TransportFor, Undelivered, deliver
from mvne_provisioning.phone.segments import metadata_in, segments
from mvne_provisioning.tlv import Malformed


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile that is on the card now, disabled; and what the server could not yet be told."""

    iccid: str
    provider: str
    name: str
    undelivered: tuple[Undelivered, ...]


def always(_: Metadata) -> CancelReason | None:
    """Agree to every profile."""
    return None


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone around a card: how it reaches servers, where chance comes from, and what its user says.

    `agree` is asked before the download: None is yes, otherwise the reason to cancel. `confirmation_code` is asked only
    when the server wants one; None is that there is none.
    """

    card: Card
    transport_for: TransportFor
    token: Token
    agree: Callable[[Metadata], CancelReason | None] = always
    confirmation_code: Callable[[], str | None] = field(default=lambda: None)
    device: Device = field(default_factory=Device)


def download(
    card: Card,
    transport_for: TransportFor,
    code: str,
    at: datetime,
    token: Token,
    confirmation_code: str | Callable[[], str | None] | None = None,
    agree: Callable[[Metadata], CancelReason | None] = always,
    device: Device | None = None,
) -> Installed:
    """Download the profile of an activation code and install it, disabled; return what is on the card now.

    Raises `InvalidActivationCode`; `ServerRefused`, `ServerUnreachable`, `BadAnswer`; `AuthenticationRefused`,
    `PreparationRefused`, `InstallationFailed` when the card refuses; a `DownloadFailed` when the phone gives up. The
    server is told of each, as far as it can be.
    """
    asked = confirmation_code if callable(confirmation_code) else lambda: confirmation_code
    phone = Phone(card, transport_for, token, agree, asked, device or Device())
    return _download(phone, scanning.read(code), at)


def _download(phone: Phone, code: ActivationCode, at: datetime) -> Installed:
    server, card = phone.transport_for(code.address), phone.card
    transaction, says = _initiated(phone, server, code)
    authenticated = _authenticated(phone, server, code, transaction, says, at)
    with cancelling(card, server, transaction):
        _check_server(card, code)
        offer = _called(server, "authenticateClient", transaction, authenticateServerResponse=authenticated)
        shown = _agreed(phone, offer)
        prepared = _prepared(phone, server, transaction, offer, at)
        answer = _called(server, "getBoundProfilePackage", transaction, prepareDownloadResponse=prepared)
        pieces = _pieces(answer, shown)
        before = card.last_sequence
        result = _loaded(card, pieces)
    undelivered = deliver(card, phone.transport_for, before)
    failure = failure_in(result)
    if failure:
        raise InstallationFailed(*failure, undelivered)
    return Installed(shown.iccid, shown.provider, shown.name, undelivered)


def _initiated(phone: Phone, server: Transport, code: ActivationCode) -> tuple[bytes, ServerSays]:
    challenge, info1 = phone.card.challenge(phone.token), phone.card.info1()
    function = "initiateAuthentication"
    answer = es9.call(server, function, smdpAddress=code.address, euiccChallenge=challenge, euiccInfo1=info1)
    names = ("serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed", "serverCertificate")
    return es9.transaction(answer), ServerSays(*(es9.binary(answer, name) for name in names))


def _authenticated(
    phone: Phone, server: Transport, code: ActivationCode, transaction: bytes, says: ServerSays, at: datetime
) -> bytes:
    try:
        if tlv.read_one(says.signed, 0x30).child(0x80).value != transaction:
            raise BadAnswer("the transaction id that the server signed is another than the one it says")
        return phone.card.authenticate(says, code.address, code.matching_id, at, phone.device)
    except AuthenticationRefused as refused:
        tell_error(server, "authenticateClient", transaction, authenticateServerResponse=refused.answer())
        raise
    except Malformed as fault:
        raise BadAnswer(f"the server's answer to initiateAuthentication cannot be read: {fault}") from None


def _check_server(card: Card, code: ActivationCode) -> None:
    if code.oid is not None and code.oid != card.server_oid:
        raise WrongServer(f"the server has the OID {card.server_oid}; the activation code says {code.oid}")


def _called(server: Transport, function: str, transaction: bytes, **fields: bytes) -> Answer:
    """Call a function in a session; return the answer, which has to be of the same session."""
    answer = es9.call(server, function, transactionId=transaction.hex().upper(), **fields)
    if es9.transaction(answer) != transaction:
        raise BadAnswer(f"the answer to {function} is of another transaction")
    return answer


def _agreed(phone: Phone, offer: Answer) -> Metadata:
    """Return what the profile says about itself, if card and user want it."""
    try:
        shown = metadata.read(es9.binary(offer, "profileMetadata"))
    except Malformed as fault:
        raise BadAnswer(f"the metadata of the profile cannot be read: {fault}") from None
    if shown.has_rules:
        raise RulesNotAllowed("the profile comes with policy rules, which this card does not allow")
    reason = phone.agree(shown)
    if reason is not None:
        raise Declined(reason)
    return shown


def _prepared(phone: Phone, server: Transport, transaction: bytes, offer: Answer, at: datetime) -> bytes:
    names = ("smdpSigned2", "smdpSignature2", "smdpCertificate")
    signed, signature, certificate = (es9.binary(offer, name) for name in names)
    try:
        needs_code = asks_for_code(tlv.read_one(signed, 0x30))
        hashed = _hashed(phone.confirmation_code(), transaction) if needs_code else None
        return phone.card.prepare(signed, signature, certificate, hashed, phone.token, at)
    except PreparationRefused as refused:
        tell_error(server, "getBoundProfilePackage", transaction, prepareDownloadResponse=refused.answer())
        raise
    except Malformed as fault:
        raise BadAnswer(f"the server's answer to authenticateClient cannot be read: {fault}") from None


def _hashed(code: str | None, transaction: bytes) -> bytes:
    """Return what proves that the user knows the confirmation code, without showing it."""
    if not code:
        raise CodeNeeded("this profile needs a confirmation code: ask the operator for it, then try again")
    return hashlib.sha256(hashlib.sha256(code.encode()).digest() + transaction).digest()


def _pieces(answer: Answer, shown: Metadata) -> list[bytes]:
    package = es9.binary(answer, "boundProfilePackage")
    try:
        pieces, said = [*segments(package)], metadata_in(package)
    except Malformed as fault:
        raise BadPackage(f"the bound profile package cannot be read: {fault}") from None
    if said != shown.raw:
        raise MetadataMismatch("the profile that came describes itself otherwise than the one that was shown")
    return pieces


def _loaded(card: Card, pieces: list[bytes]) -> bytes:
    for piece in pieces:
        result = card.load(piece)
        if result is not None:
            return result
    raise BadPackage("the bound profile package ends too early")
