"""The answer to AuthenticateClient: the profile's metadata, and what the card must sign to get it (SGP.22, 5.6.3)."""

from __future__ import annotations

from dataclasses import replace

from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp.rsp.fields import base64
from mvne_provisioning.smdp.rsp.refusal import no_session
from mvne_provisioning.smdp.rsp.session import Session
from mvne_provisioning.smdp.rsp.signing import own, signature_by
from mvne_provisioning.tlv import encode


def offer(
    certificates: Certificates, session: Session, metadata: bytes, iccid: str, needs_code: bool
) -> tuple[Session, dict[str, str]]:
    """Offer a profile to the card that was authenticated; return the session and the answer.

    `metadata` is the profile's StoreMetadata (BF25), `needs_code` whether the user must type a confirmation code.
    Raises `Refused`: 8.10.1/3.9 when no card was authenticated or something was offered already, 8.8.4/3.7 when the
    server's certificate is gone.
    """
    if session.euicc_signature1 is None or session.smdp_signed2 is not None:
        raise no_session("nothing can be offered at this point of the session")
    dp_pb = own(certificates.dp_pb, session)
    signed = encode(0x30, encode(0x80, session.transaction_id), encode(0x01, b"\xff" if needs_code else b"\x00"))
    signature = signature_by(dp_pb, signed + session.euicc_signature1)
    offered = replace(session, smdp_signed2=signed, smdp_signature2=signature, needs_code=needs_code, iccid=iccid)
    return offered, {
        "transactionId": session.transaction_id.hex().upper(),
        "profileMetadata": base64(metadata),
        "smdpSigned2": base64(signed),
        "smdpSignature2": base64(signature),
        "smdpCertificate": base64(dp_pb.der),
    }
