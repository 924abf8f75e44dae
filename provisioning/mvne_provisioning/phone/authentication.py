"""How a card and a server come to trust each other, and agree on a download or drop it (GSMA SGP.22, 5.7.13 to 5.7.14).

Functions over bytes: what the card has to remember between them is what they return. What was signed is verified and
signed over the bytes that came, never over bytes written again.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from mvne_provisioning import tlv
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone import certificates, fields
from mvne_provisioning.phone.certificates import BadCertificate, Issuers, NoOid, UnknownIssuer, UnsupportedCurve
from mvne_provisioning.phone.codes import AuthenticateError, CancelReason, DownloadError, words
from mvne_provisioning.phone.signatures import SIGNATURE, is_signed, one_time_key, public_key_tlv, sign
from mvne_provisioning.phone.state import Credential
from mvne_provisioning.tlv import Tlv

AUTHENTICATE, PREPARE, CANCEL = 0xBF38, 0xBF21, 0xBF41

_HASH = 32


class AuthenticationRefused(ProvisioningError):
    """The card does not believe that this is the server; `transaction_id` is the one it said."""

    def __init__(self, error: AuthenticateError, why: str, transaction_id: bytes) -> None:
        super().__init__(f"{words(error)}: {why}")
        self.error, self.transaction_id = error, transaction_id

    def answer(self) -> bytes:
        """Return AuthenticateServerResponse with the error."""
        return _error(AUTHENTICATE, self.transaction_id, self.error)


class PreparationRefused(ProvisioningError):
    """The card does not go on to a download."""

    def __init__(self, error: DownloadError, why: str, transaction_id: bytes) -> None:
        super().__init__(f"{words(error)}: {why}")
        self.error, self.transaction_id = error, transaction_id

    def answer(self) -> bytes:
        """Return PrepareDownloadResponse with the error."""
        return _error(PREPARE, self.transaction_id, self.error)


@dataclass(frozen=True, slots=True)
class ServerSays:
    """What the server sent to authenticate itself, each as the TLV or certificate that came."""

    signed: bytes
    signature: bytes
    key_id: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A session with a server that is the one it says: who it is, where, and our signature that it saw."""

    transaction_id: bytes
    oid: str
    issuer: bytes
    address: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A session that is ready for a package: the one-time key, and the key with which the server binds."""

    session: Authenticated
    one_time_key: ec.EllipticCurvePrivateKey
    server_key: ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Authenticator:
    """A card as it meets a server: who it is, the issuers that it trusts, and the one under which it signs."""

    credential: Credential
    issuers: Issuers
    signing: bytes

    def authenticate(
        self, challenge: bytes | None, says: ServerSays, address: str, info2: bytes, context: bytes, at: datetime
    ) -> tuple[Authenticated, bytes]:
        """Verify a server; return the session and AuthenticateServerResponse.

        `address` is the one that the phone called. Raises `AuthenticationRefused`, or `Malformed` for what cannot be
        read.
        """
        signed = tlv.read_one(says.signed, 0x30)
        transaction, its_challenge = signed.child(0x80).value, signed.child(0x84).value

        def refused(error: AuthenticateError, why: str) -> AuthenticationRefused:
            return AuthenticationRefused(error, why, transaction)

        if challenge is None:
            raise refused(AuthenticateError.NO_SESSION, "the card gave no challenge")
        if tlv.read_one(says.key_id, 0x04).value != self.signing:
            raise refused(
                AuthenticateError.CI_UNKNOWN, "the card has no certificate under the issuer that is asked for"
            )
        try:
            server = certificates.check(self.issuers, says.certificate, certificates.DP_AUTH, at)
        except BadCertificate as fault:
            raise refused(_authenticate_error(fault), f"the server's certificate: {fault}") from None
        if not is_signed(server.key, tlv.read_one(says.signature, SIGNATURE), says.signed):
            raise refused(AuthenticateError.INVALID_SIGNATURE, "the server did not sign this")
        if not hmac.compare_digest(signed.child(0x81).value, challenge):
            raise refused(AuthenticateError.CHALLENGE_MISMATCH, "the server answers another challenge")
        if fields.text(signed.child(0x83)).lower() != address.lower():
            raise refused(AuthenticateError.UNDEFINED, "the server says another address than the one that was called")
        if not 1 <= len(transaction) <= 16 or len(its_challenge) != 16:
            raise refused(AuthenticateError.UNDEFINED, "a transaction id has 1 to 16 bytes, a challenge 16")
        mine = (signed.child(0x80).raw, signed.child(0x83).raw, signed.child(0x84).raw, info2, context)
        euicc_signed = tlv.encode(0x30, *mine)
        signature = sign(self.credential.key, euicc_signed)
        answer = (euicc_signed, signature, self.credential.certificate, self.credential.eum)
        session = Authenticated(transaction, server.oid, server.issuer, address, signature)
        return session, tlv.encode(AUTHENTICATE, tlv.encode(0xA0, *answer))

    def prepare(
        self,
        session: Authenticated | None,
        signed: bytes,
        signature: bytes,
        certificate: bytes,
        hashed_code: bytes | None,
        random: bytes,
        at: datetime,
    ) -> tuple[Prepared, bytes]:
        """Verify what the server offers; return the session and PrepareDownloadResponse.

        `random` are 40 bytes for a one-time key. Raises `PreparationRefused`, or `Malformed`.
        """
        offered = tlv.read_one(signed, 0x30)
        transaction = offered.child(0x80).value

        def refused(error: DownloadError, why: str) -> PreparationRefused:
            return PreparationRefused(error, why, transaction)

        if session is None:
            raise refused(DownloadError.NO_SESSION, "no server has authenticated itself")
        try:
            server = certificates.check(self.issuers, certificate, certificates.DP_PB, at)
        except UnsupportedCurve as fault:
            raise refused(DownloadError.UNSUPPORTED_CURVE, str(fault)) from None
        except BadCertificate as fault:
            raise refused(DownloadError.INVALID_CERTIFICATE, f"the binding certificate: {fault}") from None
        if (server.oid, server.issuer) != (session.oid, session.issuer):
            raise refused(DownloadError.INVALID_CERTIFICATE, "the binding certificate is of another server or issuer")
        seal = tlv.read_one(signature, SIGNATURE)
        if not is_signed(server.key, seal, signed, session.signature):
            raise refused(DownloadError.INVALID_SIGNATURE, "the server did not sign this")
        if transaction != session.transaction_id:
            raise refused(DownloadError.INVALID_TRANSACTION_ID, "the offer is of another transaction")
        needs_code = asks_for_code(offered)
        if needs_code and (hashed_code is None or len(hashed_code) != _HASH):
            raise refused(DownloadError.UNDEFINED, "a confirmation code is needed")
        key = one_time_key(server.key.curve, random)
        code = tlv.encode(0x04, hashed_code) if needs_code and hashed_code else b""
        mine = tlv.encode(0x30, offered.child(0x80).raw, public_key_tlv(key.public_key()), code)
        answer = tlv.encode(0xA0, mine, sign(self.credential.key, mine, seal.raw))
        return Prepared(session, key, server.key), tlv.encode(PREPARE, answer)

    def cancel(self, session: Authenticated | None, transaction_id: bytes, reason: CancelReason) -> bytes:
        """Return CancelSessionResponse: signed, or the error 5 when there is no such session."""
        if session is None or session.transaction_id != transaction_id:
            return tlv.encode(CANCEL, tlv.encode(0x81, tlv.integer(DownloadError.INVALID_TRANSACTION_ID)))
        said = ((0x80, transaction_id), (0x81, tlv.oid(session.oid)), (0x82, tlv.integer(reason)))
        signed = tlv.encode(0x30, *(tlv.encode(tag, value) for tag, value in said))
        return tlv.encode(CANCEL, tlv.encode(0xA0, signed, sign(self.credential.key, signed)))


def asks_for_code(offered: Tlv) -> bool:
    """Say whether smdpSigned2 asks for a confirmation code; raise `Malformed`."""
    flag = offered.child(0x01).value
    if len(flag) != 1:
        raise tlv.Malformed("a BOOLEAN is one byte")
    return flag != b"\0"


def _authenticate_error(fault: BadCertificate) -> AuthenticateError:
    if isinstance(fault, UnknownIssuer):
        return AuthenticateError.CI_UNKNOWN
    if isinstance(fault, NoOid):
        return AuthenticateError.INVALID_OID
    is_curve = isinstance(fault, UnsupportedCurve)
    return AuthenticateError.UNSUPPORTED_CURVE if is_curve else AuthenticateError.INVALID_CERTIFICATE


def _error(tag: int, transaction_id: bytes, error: AuthenticateError | DownloadError) -> bytes:
    return tlv.encode(tag, tlv.encode(0xA1, tlv.encode(0x80, transaction_id), tlv.encode(0x02, tlv.integer(error))))
