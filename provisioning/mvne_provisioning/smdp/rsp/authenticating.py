"""AuthenticateClient: which card this is, what it signed, and which order it comes for (SGP.22, 5.6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from mvne_provisioning.activation import is_matching_id
from mvne_provisioning.identifiers.imei import Imei
from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp.rsp.cards import known_card
from mvne_provisioning.smdp.rsp.fields import check_inner, check_transaction, members, number, reading, structure
from mvne_provisioning.smdp.rsp.initiating import is_same_address
from mvne_provisioning.smdp.rsp.refusal import Refused, no_session, unverified
from mvne_provisioning.smdp.rsp.session import Session
from mvne_provisioning.smdp.rsp.signing import SIGNATURE, check_signature
from mvne_provisioning.tlv import Malformed, Tlv

_FIELD = "authenticateServerResponse"
_MOST_SIZE = 8  # bytes of a number of bytes

#: AuthenticateErrorCode: why a card does not believe the server.
_CARD_ERRORS = {
    1: "certificate",
    2: "signature",
    3: "curve",
    4: "no session on the card",
    5: "object identifier",
    6: "challenge",
    7: "certificate issuer unknown to it",
}


def authenticate(certificates: Certificates, session: Session, request: Mapping[str, object], at: datetime) -> Session:
    """Verify everything that the card signed; return the session with its EID, matching id and phone.

    The caller now finds the order: by `matching_id`, or by `eid` when the card named none. Raises `Refused`: 8.10.1/3.9
    another transaction, inside or outside, or a session that has come further; 8.1.2, 8.1.3, 8.11.1 the certificates
    (see `known_card`); 8.1/6.1 signature, challenge or address, or the card's own error; 8.2.6/3.8 what is no matching
    id; 1.6 anything malformed.
    """
    check_transaction(request, session.transaction_id)
    if session.eid is not None:
        raise no_session("a card has been authenticated in this session already")
    signed, signature, euicc, eum = _parts(session, structure(request, _FIELD, 0xBF38))
    issuers = {key: one for key, one in certificates.issuers.items() if key == session.issuer_key_id}
    eid, key = known_card(issuers, eum.raw, euicc.raw, at)
    check_signature(key, signature, signed.raw, "euiccSigned1")
    check_inner(signed, session.transaction_id, "euiccSigned1")
    with reading(_FIELD):
        info = _check_said(session, signed)
        matching_id, imei = _context(signed.child(0xA0))
    return replace(
        session,
        eid=eid,
        euicc_certificate=euicc.raw,
        eum_certificate=eum.raw,
        euicc_signature1=signature.raw,
        matching_id=matching_id,
        imei=imei,
        free_memory=_free_memory(info),
    )


def _parts(session: Session, response: Tlv) -> tuple[Tlv, Tlv, Tlv, Tlv]:
    with reading(_FIELD):
        error = response.find(0xA1)
        if error is None:
            signed, signature, euicc, eum = members(response.child(0xA0), 0x30, SIGNATURE, 0x30, 0x30)
            return signed, signature, euicc, eum
        check_inner(error, session.transaction_id, _FIELD)
        code = number(error.child(0x02).value)
    raise unverified(f"the card does not accept the server: {_CARD_ERRORS.get(code, 'undefined error')} ({code})")


def _check_said(session: Session, signed: Tlv) -> Tlv:
    """Return EUICCInfo2 of what a card signed, when it is about this session and this server."""
    if signed.child(0x84).value != session.server_challenge:
        raise unverified("the card signed another challenge")
    if not is_same_address(signed.child(0x83).value.decode(), session.address):
        raise unverified("the card signed another server's address")
    return signed.child(0xBF22)


def _free_memory(info: Tlv) -> int | None:
    """Return how many bytes a card has free for profiles, when it says so readably (ETSI TS 102 226)."""
    try:
        return int.from_bytes(info.child(0x84).child(0x82).value[:_MOST_SIZE], "big")
    except Malformed:
        return None


def _context(context: Tlv) -> tuple[str | None, str | None]:
    """Return the matching id and the phone's IMEI, each None when it is not said."""
    found = context.find(0x80)
    matching_id = found.value.decode() if found else ""
    if not is_matching_id(matching_id):
        raise Refused("8.2.6", "3.8", "a matching id holds A-Z, 0-9 and - only")
    device = context.child(0xA1)
    device.child(0x80)
    imei = device.find(0x82)
    return matching_id or None, _imei(imei.value) if imei else None


def _imei(value: bytes) -> str | None:
    """Return the IMEI, however its digits are laid out: phones swap halves, or not, or all but the last two.

    Nobody vouches for it, so what is no IMEI in any of these ways is forgotten and not refused.
    """
    plain, swapped = value.hex(), "".join(f"{byte & 0x0F:x}{byte >> 4:x}" for byte in value)
    layouts = (swapped[:-2] + plain[-2:], swapped, plain)
    return next((digits[:15] for digits in layouts if len(digits) == 16 and Imei.is_valid(digits[:15])), None)
