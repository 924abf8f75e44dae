"""Milenage: how a SIM and its home network prove to each other that they hold the same key (3GPP TS 35.206, TS 33.102).

The functions f1 to f5* are those of TS 35.206 with its own constants; around them stand what the home network makes of
them (a vector with its AUTN, the reading of an AUTS) and what the SIM does (check MAC and sequence number, answer or
ask for resynchronisation). All is pure: the random challenge and both sequence numbers are arguments.

SQN is a whole number of 48 bits; which ones are good is said by `mvne_provisioning.sequence_numbers`.

>>> keys = Keys(bytes(16), opc_from_op(bytes(16), bytes(16)))
>>> vector = make_vector(keys, rand=bytes(range(16)), sqn=32, amf=USUAL_AMF)
>>> answer, seen = respond(keys, vector.rand, vector.autn, Seen())
>>> answer.res == vector.xres, seen.highest
(True, 32)
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.sequence_numbers import Seen, sqn_bytes

#: AMF with the separation bit set, which LTE and 5G need (TS 33.401 6.1.1); a 3G-only network uses 0000.
USUAL_AMF = b"\x80\x00"

#: AMF in the MAC of an AUTS is all zeros (TS 33.102 6.3.3).
_RESYNC_AMF = b"\x00\x00"


class MilenageError(ProvisioningError, ValueError):
    """An input has not the length that the algorithm asks for."""


class MacFailure(ProvisioningError):
    """The MAC does not fit: the other side has another key, or somebody in between changed something."""


class SynchronisationFailure(ProvisioningError):
    """The challenge is genuine, but its sequence number was used or is too far ahead; `auts` tells the network ours."""

    def __init__(self, auts: bytes) -> None:
        super().__init__("the sequence number of the challenge is not acceptable; resynchronise with the AUTS")
        self.auts = auts


@dataclass(frozen=True, slots=True)
class Keys:
    """The two secrets of a subscription, 16 bytes each: K, and OPc, which is made of K and the operator's OP."""

    k: bytes = field(repr=False)
    opc: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _need("K", self.k, 16)
        _need("OPc", self.opc, 16)


@dataclass(frozen=True, slots=True)
class Vector:
    """What the serving network gets to authenticate a SIM once (TS 33.102 6.3.2): RAND, XRES, CK, IK and AUTN."""

    rand: bytes
    xres: bytes = field(repr=False)
    ck: bytes = field(repr=False)
    ik: bytes = field(repr=False)
    autn: bytes


class Answer(NamedTuple):
    """What f2 to f5 give: RES (8 bytes), CK and IK (16 each), AK (6)."""

    res: bytes
    ck: bytes
    ik: bytes
    ak: bytes

    def __repr__(self) -> str:
        return "Answer(…)"


def opc_from_op(k: bytes, op: bytes) -> bytes:
    """Return OPc for a SIM's K and the operator's OP, 16 bytes each; raise `MilenageError`."""
    _need("K", k, 16)
    _need("OP", op, 16)
    return _xor(_encrypt(k, op), op)


def f1(keys: Keys, rand: bytes, sqn: int, amf: bytes) -> bytes:
    """Return MAC-A, 8 bytes: the network's proof towards the SIM."""
    return _out1(keys, rand, sqn, amf)[:8]


def f1_star(keys: Keys, rand: bytes, sqn: int, amf: bytes = _RESYNC_AMF) -> bytes:
    """Return MAC-S, 8 bytes: the SIM's proof in a resynchronisation."""
    return _out1(keys, rand, sqn, amf)[8:]


def f2345(keys: Keys, rand: bytes) -> Answer:
    """Return RES (f2), CK (f3), IK (f4) and AK (f5) for a challenge of 16 bytes."""
    temp = _temp(keys, rand)
    out2 = _out(keys, temp, 0, 1)
    return Answer(out2[8:], _out(keys, temp, 4, 2), _out(keys, temp, 8, 4), out2[:6])


def f5_star(keys: Keys, rand: bytes) -> bytes:
    """Return AK*, 6 bytes, which hides the SIM's sequence number in an AUTS."""
    return _out(keys, _temp(keys, rand), 12, 8)[:6]


def make_vector(keys: Keys, rand: bytes, sqn: int, amf: bytes) -> Vector:
    """Return the home network's vector; AUTN is SQN hidden by AK, AMF, MAC-A (TS 33.102 6.3.2).

    Raise `MilenageError` or `BadSequenceNumber`.
    """
    res, ck, ik, ak = f2345(keys, rand)
    autn = _xor(sqn_bytes(sqn), ak) + amf + f1(keys, rand, sqn, amf)
    return Vector(rand, res, ck, ik, autn)


def respond(keys: Keys, rand: bytes, autn: bytes, seen: Seen) -> tuple[Answer, Seen]:
    """Do the SIM's part (TS 33.102 6.3.3); return its answer and what it remembers from now on.

    Raise `MacFailure` for a challenge that is not of the home network, `SynchronisationFailure` for an old one.
    """
    _need("AUTN", autn, 16)
    answer = f2345(keys, rand)
    sqn = int.from_bytes(_xor(autn[:6], answer.ak))
    if not hmac.compare_digest(f1(keys, rand, sqn, autn[6:8]), autn[8:]):
        raise MacFailure("the MAC of the challenge does not fit: the network has another key for this SIM")
    if not seen.accepts(sqn):
        raise SynchronisationFailure(make_auts(keys, rand, seen.highest))
    return answer, seen.after(sqn)


def make_auts(keys: Keys, rand: bytes, sqn: int) -> bytes:
    """Return the SIM's 14 bytes for a resynchronisation: its SQN hidden by AK*, and MAC-S."""
    return _xor(sqn_bytes(sqn), f5_star(keys, rand)) + f1_star(keys, rand, sqn)


def read_auts(keys: Keys, rand: bytes, auts: bytes) -> int:
    """Return the SQN that a SIM reports for the challenge it refused; raise `MacFailure` or `MilenageError`."""
    _need("AUTS", auts, 14)
    sqn = int.from_bytes(_xor(auts[:6], f5_star(keys, rand)))
    if not hmac.compare_digest(f1_star(keys, rand, sqn), auts[6:]):
        raise MacFailure("the MAC of the resynchronisation does not fit: the SIM has another key, or it is no answer")
    return sqn


def _out1(keys: Keys, rand: bytes, sqn: int, amf: bytes) -> bytes:
    _need("AMF", amf, 2)
    turned = _rotate(_xor((sqn_bytes(sqn) + amf) * 2, keys.opc), 8)
    return _xor(_encrypt(keys.k, _xor(_temp(keys, rand), turned)), keys.opc)


def _out(keys: Keys, temp: bytes, rotation: int, constant: int) -> bytes:
    """OUT2 to OUT5: the rotation in bytes (r / 8), the constant as its last byte."""
    turned = _rotate(_xor(temp, keys.opc), rotation)
    return _xor(_encrypt(keys.k, _xor(turned, constant.to_bytes(16))), keys.opc)


def _temp(keys: Keys, rand: bytes) -> bytes:
    _need("RAND", rand, 16)
    return _encrypt(keys.k, _xor(rand, keys.opc))


def _encrypt(key: bytes, block: bytes) -> bytes:
    # ECB of one block is the bare cipher that TS 35.206 is built on.
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


def _rotate(block: bytes, count: int) -> bytes:
    return block[count:] + block[:count]


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))


def _need(name: str, value: bytes, size: int) -> None:
    if len(value) != size:
        raise MilenageError(f"{name} has {len(value)} bytes instead of {size}")
