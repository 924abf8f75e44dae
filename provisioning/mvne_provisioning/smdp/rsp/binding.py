"""GetBoundProfilePackage: one profile, sealed for one card and one session (SGP.22, sections 2.5 and 5.6.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mvne_provisioning.package import digits
from mvne_provisioning.package.reading import PackageUnreadable, iccid_of
from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.smdp.rsp.fields import base64
from mvne_provisioning.smdp.rsp.preparing import DOWNLOAD_ERRORS, Prepared, point
from mvne_provisioning.smdp.rsp.refusal import Refused, no_session, unverified
from mvne_provisioning.smdp.rsp.sealing import KEY_SIZE, KEY_TYPE, Channel, Keys, derive
from mvne_provisioning.smdp.rsp.session import Session
from mvne_provisioning.smdp.rsp.signing import own, signature_by
from mvne_provisioning.tlv import Malformed, encode, read_one

_HOST_ID_SIZE = 16
_INSTALL = encode(0x82, b"\x01")  # the remote operation of the secure channel: install a bound profile package
_CONFIGURE = encode(0xBF24)


@dataclass(frozen=True, slots=True, repr=False)
class Sealable:
    """A profile as the server keeps it: package and StoreMetadata in DER, and its own keys if it has some.

    With `protection` the package is sealed with these keys (ReplaceSessionKeys) and not with the session's.
    """

    package: bytes
    metadata: bytes
    protection: Keys | None = None

    @classmethod
    def checked(cls, package: bytes, metadata: bytes, protection: Keys | None = None) -> Sealable:
        """Return a profile whose package and metadata are of one ICCID; raise `PackageUnreadable`. For loading."""
        try:
            said = digits.from_swapped(read_one(metadata, 0xBF25).child(0x5A).value)
        except Malformed as wrong:
            raise PackageUnreadable(f"the profile's metadata cannot be read: {wrong}") from None
        if said != iccid_of(package):
            raise PackageUnreadable("the profile's package and metadata are of different ICCIDs")
        return cls(package, metadata, protection)


def bind(
    certificates: Certificates,
    session: Session,
    prepared: Prepared,
    profile: Sealable,
    keys: Callable[[ec.EllipticCurve], ec.EllipticCurvePrivateKey],
    token: Callable[[int], bytes],
) -> tuple[Session, dict[str, str]]:
    """Seal a profile for the card that prepared for it; return the session and the answer.

    `keys` makes a fresh private key on a curve (`ec.generate_private_key`), `token` so many random bytes. The key is
    used here and forgotten. The caller has looked at the confirmation code (`is_code`). Raises `Refused`: 8.1/6.1 when
    the card refused, 8.10.1/3.9 when no card was authenticated, 8.2/3.7 when the session has its package, 8.8.4/3.7.
    """
    if prepared.failure is not None:
        reason = DOWNLOAD_ERRORS.get(prepared.failure, "undefined error")
        raise unverified(f"the card does not accept the offer: {reason} ({prepared.failure})")
    if session.eid is None:
        raise no_session("no card has been authenticated in this session")
    if session.is_bound:
        raise Refused("8.2", "3.7", "the profile was bound in this session; begin a new one")
    dp_pb = own(certificates.dp_pb, session)
    curve = dp_pb.public_key.curve
    card, key, host_id = point(curve, prepared.ot_key), keys(curve), token(_HOST_ID_SIZE)
    channel = Channel(derive(key.exchange(ec.ECDH(), card), host_id, session.eid))
    opening = _opening(dp_pb, session.transaction_id, host_id, key, prepared.ot_key)
    return replace(session, is_bound=True), {
        "transactionId": session.transaction_id.hex().upper(),
        "boundProfilePackage": base64(encode(0xBF36, opening, *_sealed(channel, profile))),
    }


def _opening(
    dp_pb: Identity, transaction_id: bytes, host_id: bytes, key: ec.EllipticCurvePrivateKey, card: bytes
) -> bytes:
    """Return InitialiseSecureChannel: the server's one-time key, signed together with the card's."""
    crt = encode(0x80, bytes([KEY_TYPE])) + encode(0x81, bytes([KEY_SIZE])) + encode(0x84, host_id)
    ours = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    said = _INSTALL + encode(0x80, transaction_id) + encode(0xA6, crt) + encode(0x5F49, ours)
    return encode(0xBF23, said, signature_by(dp_pb, said + encode(0x5F49, card)))


def _sealed(channel: Channel, profile: Sealable) -> list[bytes]:
    """Return the parts of the bound package after its opening, in the order in which the card takes them."""
    parts = [
        encode(0xA0, channel.encrypted(0x87, _CONFIGURE)),
        encode(0xA1, channel.authenticated(0x88, profile.metadata)),
    ]
    own_keys = profile.protection
    if own_keys is not None:
        said = encode(0x80, own_keys.chain) + encode(0x81, own_keys.encrypting) + encode(0x82, own_keys.authenticating)
        parts.append(encode(0xA2, channel.encrypted(0x87, encode(0xBF26, said))))
        channel.replace_keys(own_keys)
    return [*parts, encode(0xA3, channel.encrypted(0x86, profile.package))]
