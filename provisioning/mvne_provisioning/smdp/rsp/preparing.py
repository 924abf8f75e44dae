"""The request of GetBoundProfilePackage: the card's one-time key and the user's code, signed (SGP.22, 5.6.2)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp.rsp.fields import check_inner, check_transaction, members, number, reading, structure
from mvne_provisioning.smdp.rsp.refusal import Refused, invalid, no_session
from mvne_provisioning.smdp.rsp.session import Session
from mvne_provisioning.smdp.rsp.signing import SIGNATURE, card_key, check_signature, own
from mvne_provisioning.tlv import Tlv

_FIELD = "prepareDownloadResponse"
_HASH_SIZE, _POINT_SIZE = 32, 65

#: DownloadErrorCode: why a card does not accept an offer.
DOWNLOAD_ERRORS = {1: "certificate", 2: "signature", 3: "curve", 4: "no session on the card", 5: "transaction id"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A card's answer to an offer: its one-time public key (a point, 65 bytes) and the hash of the code, if any.

    When the card refused, `failure` is its DownloadErrorCode and the key is empty: nothing can be bound.
    """

    ot_key: bytes
    code_hash: bytes | None = None
    failure: int | None = None


def prepare(certificates: Certificates, session: Session, request: Mapping[str, object]) -> Prepared:
    """Verify what the card answered to the offer.

    Raises `Refused`: 8.10.1/3.9 another transaction, inside or outside, or a session where nothing was offered; 8.2/3.7
    one that has its bound package already; 8.1/6.1 signature; 8.2.7/2.2 a code is needed and none came; 1.6 anything
    malformed, a key that is no point of the curve among it.
    """
    check_transaction(request, session.transaction_id)
    if session.smdp_signature2 is None:
        raise no_session("nothing was offered in this session")
    if session.is_bound:
        raise Refused("8.2", "3.7", "the profile was bound in this session; begin a new one")
    response = structure(request, _FIELD, 0xBF21)
    with reading(_FIELD):
        error = response.find(0xA1)
        if error is not None:
            check_inner(error, session.transaction_id, _FIELD)
            return Prepared(b"", failure=number(error.child(0x02).value))
        signed, signature = members(response.child(0xA0), 0x30, SIGNATURE)
    check_signature(card_key(session), signature, signed.raw + session.smdp_signature2, "euiccSigned2")
    check_inner(signed, session.transaction_id, "euiccSigned2")
    with reading(_FIELD):
        prepared = Prepared(signed.child(0x5F49).value, _code_hash(signed))
    point(own(certificates.dp_pb, session).public_key.curve, prepared.ot_key)
    if session.needs_code and prepared.code_hash is None:
        raise Refused("8.2.7", "2.2", "this profile needs a confirmation code")
    return prepared


def _code_hash(signed: Tlv) -> bytes | None:
    found = signed.find(0x04)
    if found and len(found.value) != _HASH_SIZE:
        raise invalid("hashCc", f"{_HASH_SIZE} bytes are expected")
    return found.value if found else None


def point(curve: ec.EllipticCurve, encoded: bytes) -> ec.EllipticCurvePublicKey:
    """Return a card's one-time key, which lies on the curve of the certificate that binds; refuse any other."""
    wrong = invalid("euiccOtpk", "it is no uncompressed point of the curve of the server's certificate")
    if len(encoded) != _POINT_SIZE:
        raise wrong
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, encoded)
    except ValueError:
        raise wrong from None


def is_code(session: Session, prepared: Prepared, kept_hash: bytes) -> bool:
    """Say whether the user typed the right code; `kept_hash` is SHA-256 of it, all that the server keeps.

    False, too, when none came.
    """
    expected = sha256(kept_hash + session.transaction_id).digest()
    return prepared.code_hash is not None and hmac.compare_digest(prepared.code_hash, expected)
