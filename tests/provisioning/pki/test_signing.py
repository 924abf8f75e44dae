"""Signatures of 64 bytes, as cards write them, held against a published example and against tampering."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from mvne_provisioning.pki.roles import Curve
from mvne_provisioning.pki.signing import is_signed, sign

KEYS = {curve: ec.generate_private_key(curve.parameters) for curve in Curve}
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# RFC 6979, appendix A.2.5: the key on P-256, and what it says of "sample" with SHA-256.
PUBLISHED = ec.EllipticCurvePublicNumbers(
    0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
    0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
    ec.SECP256R1(),
).public_key()
SIGNATURE = bytes.fromhex(
    "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
)


def test_a_published_signature_is_believed() -> None:
    assert is_signed(PUBLISHED, SIGNATURE, b"sample")
    assert not is_signed(PUBLISHED, SIGNATURE, b"Sample")


@given(st.sampled_from(Curve), st.binary(max_size=300))
def test_what_is_signed_is_64_bytes_and_believed_by_the_same_key_only(curve: Curve, data: bytes) -> None:
    signature = sign(KEYS[curve], data)
    assert len(signature) == 64
    assert is_signed(KEYS[curve].public_key(), signature, data)
    other = next(key for one, key in KEYS.items() if one is not curve)
    assert not is_signed(other.public_key(), signature, data)
    assert not is_signed(KEYS[curve].public_key(), signature, data + b"\0")


@given(st.integers(0, 63), st.integers(1, 255))
def test_a_signature_with_any_byte_changed_is_not_believed(place: int, change: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[place] ^= change
    assert not is_signed(PUBLISHED, bytes(changed), b"sample")


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        SIGNATURE[:-1],
        SIGNATURE + b"\0",
        SIGNATURE[:32] + b"\0" + SIGNATURE[32:],
        bytes(64),
        bytes(32) + SIGNATURE[32:],
        SIGNATURE[:32] + bytes(32),
        b"\xff" * 64,
        SIGNATURE[:32] + ORDER.to_bytes(32, "big"),
    ],
)
def test_what_is_no_signature_is_not_believed_and_never_an_error(signature: bytes) -> None:
    assert not is_signed(PUBLISHED, signature, b"sample")
