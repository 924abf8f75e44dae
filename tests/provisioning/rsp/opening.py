"""Opens a bound profile package as a card would, step by step, sharing nothing with what seals it but AES itself."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC


@dataclass
class Opened:
    """What a card finds: the opening's parts, the commands in clear, the package, the sizes of all blocks."""

    opening: dict[str, bytes]
    configure: bytes
    metadata: bytes
    replaced: bytes
    package: bytes
    sizes: list[int]


class _Receiver:
    def __init__(self, chain: bytes, encrypting: bytes, authenticating: bytes) -> None:
        self.chain, self.encrypting, self.authenticating, self.counter = chain, encrypting, authenticating, 0

    def take(self, block: bytes, value: bytes, is_encrypted: bool) -> bytes:
        self.counter += 1
        mac = CMAC(algorithms.AES(self.authenticating))
        mac.update(self.chain + block[:-8])
        self.chain = mac.finalize()
        assert self.chain[:8] == block[-8:], f"the MAC of block {self.counter} is wrong"
        return self._decrypted(value[:-8]) if is_encrypted else value[:-8]

    def _decrypted(self, data: bytes) -> bytes:
        ecb = Cipher(algorithms.AES(self.encrypting), modes.ECB()).encryptor()
        vector = ecb.update(self.counter.to_bytes(16, "big")) + ecb.finalize()
        cbc = Cipher(algorithms.AES(self.encrypting), modes.CBC(vector)).decryptor()
        padded = cbc.update(data) + cbc.finalize()
        plain, mark, zeros = padded.rpartition(b"\x80")
        assert mark
        assert not zeros.strip(b"\x00")
        assert len(zeros) < 16
        return plain


def split(data: bytes) -> list[tuple[str, bytes, bytes]]:
    """Return the TLVs in bytes: tag in hex, value, the whole."""
    found, at = [], 0
    while at < len(data):
        start, size = at, 2 if data[at] & 0x1F == 0x1F else 1
        tag, at = data[at : at + size].hex().upper(), at + size
        length, at = data[at], at + 1
        if length > 0x80:
            count = length - 0x80
            length, at = int.from_bytes(data[at : at + count], "big"), at + count
        found.append((tag, data[at : at + length], data[start : at + length]))
        at += length
    assert at == len(data)
    return found


def x963(secret: bytes, shared: bytes, size: int) -> bytes:
    blocks = (sha256(secret + number.to_bytes(4, "big") + shared).digest() for number in range(1, 9))
    return b"".join(blocks)[:size]


def open_bpp(bpp: bytes, ot_key: ec.EllipticCurvePrivateKey, eid: str) -> Opened:
    """Open a bound profile package; fail on any MAC, counter, padding or order that is wrong."""
    [(tag, body, _)] = split(bpp)
    assert tag == "BF36"
    parts = split(body)
    assert [name for name, _, _ in parts] in (["BF23", "A0", "A1", "A3"], ["BF23", "A0", "A1", "A2", "A3"])
    opening = {name: value for name, value, _ in split(parts[0][1])}
    template = {name: value for name, value, _ in split(opening["A6"])}
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ot_key.curve, opening["5F49"])
    shared = b"\x88\x10" + bytes([len(template["84"])]) + template["84"] + b"\x10" + bytes.fromhex(eid)
    stream = x963(ot_key.exchange(ec.ECDH(), theirs), shared, 48)
    receiver = _Receiver(stream[:16], stream[16:32], stream[32:])
    clear, sizes = {"A2": b""}, []
    for name, value, _ in parts[1:]:
        expected = {"A0": "87", "A1": "88", "A2": "87", "A3": "86"}[name]
        blocks = split(value)
        assert {one for one, _, _ in blocks} == {expected}
        sizes += [len(whole) for _, _, whole in blocks]
        clear[name] = b"".join(receiver.take(whole, inside, expected != "88") for _, inside, whole in blocks)
        if name == "A2":
            [(_, keys, _)] = split(clear["A2"])
            receiver = _Receiver(*(key for _, key, _ in split(keys)))
    return Opened(opening, clear["A0"], clear["A1"], clear["A2"], clear["A3"], sizes)
