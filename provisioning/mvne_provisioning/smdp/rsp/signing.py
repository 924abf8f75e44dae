"""Signatures as they travel, in a TLV 5F37, and the server's own certificate for a root."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.signing import is_signed, sign
from mvne_provisioning.smdp.rsp.refusal import Refused, no_session, unverified
from mvne_provisioning.smdp.rsp.session import Session
from mvne_provisioning.tlv import Tlv, encode

SIGNATURE = 0x5F37


def signature_by(identity: Identity, data: bytes) -> bytes:
    """Return the signature of data by one of the server's own certificates, as a TLV."""
    if identity.key is None:
        raise Refused("8.8.4", "3.7", f"the server does not hold the key of its {identity.role} certificate")
    return encode(SIGNATURE, sign(identity.key, data))


def check_signature(key: ec.EllipticCurvePublicKey, signature: Tlv, data: bytes, name: str) -> None:
    """Refuse what the card did not sign."""
    if not is_signed(key, signature.value, data):
        raise unverified(f"the card's signature of {name} does not verify")


def card_key(session: Session) -> ec.EllipticCurvePublicKey:
    """Return the key of the card that the session authenticated; refuse when it has not come to that."""
    if session.euicc_certificate is None:
        raise no_session("no card has been authenticated in this session")
    # Checked when the card was authenticated, so only its key is read, which saves a fifth of a millisecond.
    key = x509.load_der_x509_certificate(session.euicc_certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)  # a card with any other key was refused
    return key


def issued_by(identities: Sequence[Identity], key_id: bytes) -> Identity | None:
    """Return the server's own certificate that a root issued, None when there is none with its key."""
    return next((one for one in identities if one.key is not None and one.authority_key_id == key_id), None)


def own(identities: Sequence[Identity], session: Session) -> Identity:
    """Return the server's own certificate of a session; refuse when it was taken away meanwhile."""
    found = issued_by(identities, session.server_issuer_key_id)
    if found is None:
        raise Refused("8.8.4", "3.7", "the server has no certificate for this session's issuer any more")
    return found
