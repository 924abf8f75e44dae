"""Signatures as eSIM writes them: ECDSA with SHA-256, the two numbers r and s side by side, 64 bytes.

>>> key = ec.derive_private_key(7, ec.SECP256R1())
>>> signature = sign(key, b"what is said")
>>> len(signature), is_signed(key.public_key(), signature, b"what is said")
(64, True)
>>> is_signed(key.public_key(), signature, b"something else"), is_signed(key.public_key(), b"short", b"what is said")
(False, False)
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

#: Bytes of one number: both curves are of 256 bits (SGP.22, after BSI TR-03111).
_SIZE = 32
_ECDSA = ec.ECDSA(SHA256())


def sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Return the signature of `data`: r, then s, 32 bytes each."""
    r, s = decode_dss_signature(key.sign(data, _ECDSA))
    return r.to_bytes(_SIZE, "big") + s.to_bytes(_SIZE, "big")


def is_signed(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Say whether `signature` is 64 bytes that the holder of `key` made over `data`."""
    if len(signature) != 2 * _SIZE:
        return False
    r, s = int.from_bytes(signature[:_SIZE], "big"), int.from_bytes(signature[_SIZE:], "big")
    try:
        key.verify(encode_dss_signature(r, s), data, _ECDSA)
    except InvalidSignature:
        return False
    return True
