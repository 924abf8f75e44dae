"""InitiateAuthentication: the phone names the server it wants and the roots its card knows (SGP.22, 5.6.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.smdp.rsp.fields import base64, binary, reading, structure, text
from mvne_provisioning.smdp.rsp.refusal import Refused, invalid
from mvne_provisioning.smdp.rsp.session import Session
from mvne_provisioning.smdp.rsp.signing import issued_by, signature_by
from mvne_provisioning.tlv import Malformed, Tlv, encode

CHALLENGE_SIZE = 16

#: The one major version of SGP.22 that this server speaks.
_MAJOR = 2


def initiate(
    certificates: Certificates,
    address: str,
    request: Mapping[str, object],
    transaction_id: bytes,
    challenge: bytes,
) -> tuple[Session, dict[str, str]]:
    """Begin a session; return it and the answer: what the server signed about both challenges, and with what.

    `address` is the server's own, perhaps with a port; `transaction_id` and `challenge` are 16 fresh random bytes each.
    Raises `Refused`: 8.8.1/3.8 another server's address, 8.8.3/3.1 a version other than 2, 8.8.4/3.7 no certificate of
    ours that the card could verify, 8.8.2/3.1 no root of ours that the card could sign under.
    """
    asked = _check_address(text(request, "smdpAddress"), address)
    euicc_challenge = binary(request, "euiccChallenge")
    if len(euicc_challenge) != CHALLENGE_SIZE:
        raise invalid("euiccChallenge", f"{CHALLENGE_SIZE} bytes are expected")
    info = structure(request, "euiccInfo1", 0xBF20)
    with reading("euiccInfo1"):
        _check_version(info.child(0x82).value)
        verifying, signing = _key_ids(info.child(0xA9)), _key_ids(info.child(0xAA))
    dp_auth = _dp_auth(certificates, verifying)
    issuer = _issuer(certificates, signing)
    session = Session(transaction_id, asked, euicc_challenge, challenge, issuer, dp_auth.authority_key_id)
    return session, _answer(session, dp_auth)


def _check_address(asked: str, own: str) -> str:
    """Return the address as the client wrote it, for it to find again; the case of letters does not matter."""
    if not is_same_address(asked, own):
        raise Refused("8.8.1", "3.8", f"this server is {own}")
    return asked


def is_same_address(asked: str, own: str) -> bool:
    """Say whether two addresses are the same but for the case of their letters.

    >>> is_same_address("SMDP.example.com:9443", "smdp.example.com:9443"), is_same_address("smdp.example", "smdp")
    (True, False)
    """
    return asked.isascii() and asked.lower() == own.lower()


def _check_version(value: bytes) -> None:
    if len(value) != 3:
        raise Malformed("the version has three bytes")
    if value[0] != _MAJOR:
        raise Refused("8.8.3", "3.1", f"the card speaks version {value[0]}.{value[1]}.{value[2]}, the server {_MAJOR}")


def _key_ids(listed: Tlv) -> list[bytes]:
    return [one.value for one in listed.children if one.tag == 0x04]


def _dp_auth(certificates: Certificates, wanted: Iterable[bytes]) -> Identity:
    """Return our certificate for the first root on the card's list for which we can authenticate and bind."""
    for key_id in wanted:
        found = issued_by(certificates.dp_auth, key_id)
        if found and issued_by(certificates.dp_pb, key_id):
            return found
    raise Refused("8.8.4", "3.7", "the server has no certificate from an issuer that the card verifies")


def _issuer(certificates: Certificates, wanted: Iterable[bytes]) -> bytes:
    for key_id in wanted:
        if key_id in certificates.issuers:
            return key_id
    raise Refused("8.8.2", "3.1", "the server knows none of the issuers under which the card signs")


def _answer(session: Session, dp_auth: Identity) -> dict[str, str]:
    signed = encode(
        0x30,
        encode(0x80, session.transaction_id),
        encode(0x81, session.euicc_challenge),
        encode(0x83, session.address.encode()),
        encode(0x84, session.server_challenge),
    )
    return {
        "transactionId": session.transaction_id.hex().upper(),
        "serverSigned1": base64(signed),
        "serverSignature1": base64(signature_by(dp_auth, signed)),
        "euiccCiPKIdToBeUsed": base64(encode(0x04, session.issuer_key_id)),
        "serverCertificate": base64(dp_auth.der),
    }
