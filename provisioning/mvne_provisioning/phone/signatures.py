"""ECDSA with SHA-256 as SGP.22 writes it: 64 raw bytes r|s in the TLV 5F37, and keys as uncompressed points."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mvne_provisioning import tlv

SIGNATURE, PUBLIC_KEY = 0x5F37, 0x5F49
_HALF = 32
_ALGORITHM = ec.ECDSA(SHA256())


def sign(key: ec.EllipticCurvePrivateKey, *signed: bytes) -> bytes:
    """Return the signature over bytes that follow each other, as its whole TLV."""
    r, s = decode_dss_signature(key.sign(b"".join(signed), _ALGORITHM))
    return tlv.encode(SIGNATURE, r.to_bytes(_HALF, "big"), s.to_bytes(_HALF, "big"))


def is_signed(key: ec.EllipticCurvePublicKey, signature: tlv.Tlv, *signed: bytes) -> bool:
    """Say whether a TLV 5F37 is the key's signature over bytes that follow each other."""
    raw = signature.value
    if signature.tag != SIGNATURE or len(raw) != 2 * _HALF:
        return False
    found = encode_dss_signature(int.from_bytes(raw[:_HALF], "big"), int.from_bytes(raw[_HALF:], "big"))
    try:
        key.verify(found, b"".join(signed), _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def public_key_tlv(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as its TLV 5F49: 04, x, y."""
    return tlv.encode(PUBLIC_KEY, key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def shared_secret(key: ec.EllipticCurvePrivateKey, other: bytes) -> bytes:
    """Return what ECDH with the other side's point gives; raise `tlv.Malformed` when it is no point of the curve."""
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, other)
    except ValueError:
        raise tlv.Malformed("the server's one-time key is no point of the curve") from None
    return key.exchange(ec.ECDH(), public)


def one_time_key(curve: ec.EllipticCurve, random: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the private key that 40 random bytes stand for (FIPS 186-5, appendix A.2.1)."""
    return ec.derive_private_key(int.from_bytes(random, "big") % (curve.group_order - 1) + 1, curve)
