"""The card's end of SCP03t: the keys of a session, and the blocks that they close (GSMA SGP.22, section 2.5.3, annex).

Each block carries 8 bytes of a MAC; the whole 16 are chained into the next. The counter from which the initial vector
of a block is made also counts the blocks that are not encrypted.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.tlv import Malformed, Tlv

#: The most bytes of a block with its tag, its length and its MAC.
MOST_SEGMENT = 1020
#: Key type AES and key length 16, as the control reference template and the derivation name them.
KEY_TYPE, KEY_LENGTH = 0x88, 0x10

_MAC, _BLOCK = 8, 16
_MAC_ONLY = 0x88


class SecurityError(ProvisioningError):
    """The MAC of a block is not the one that it must have."""


def derive(secret: bytes, host_id: bytes, eid: str) -> bytes:
    """Return 48 bytes from the secret that both sides share (ANSI X9.63, SHA-256).

    >>> len(derive(bytes(32), b"host", "89049032123451234512345678901235"))
    48
    """
    card = bytes.fromhex(eid)
    info = bytes([KEY_TYPE, KEY_LENGTH, len(host_id)]) + host_id + bytes([len(card)]) + card
    rounds = (hashlib.sha256(secret + count.to_bytes(4, "big") + info).digest() for count in (1, 2))
    return b"".join(rounds)[: 3 * KEY_LENGTH]


class SecureChannel:
    """Keys, chain of MACs and counter of one session; they move on with every block that is opened."""

    def __init__(self, keys: bytes) -> None:
        self.replace(keys[:KEY_LENGTH], keys[KEY_LENGTH : 2 * KEY_LENGTH], keys[2 * KEY_LENGTH : 3 * KEY_LENGTH])

    def replace(self, chain: bytes, encryption: bytes, mac: bytes) -> None:
        """Take other keys and another first value of the chain, and count from the beginning."""
        if {len(chain), len(encryption), len(mac)} != {KEY_LENGTH}:
            raise Malformed("session keys have 16 bytes each")
        self._chain, self._encryption, self._mac, self._counter = chain, AES(encryption), AES(mac), 1

    def open(self, block: Tlv) -> bytes:
        """Return what is in a block; raise `SecurityError` for its MAC, `Malformed` for its size or its padding."""
        if len(block.raw) > MOST_SEGMENT:
            raise Malformed(f"a segment has {len(block.raw)} bytes; {MOST_SEGMENT} are allowed")
        data = block.value[:-_MAC]
        self._check_mac(block)
        counter = self._counter
        self._counter += 1
        return data if block.tag == _MAC_ONLY else self._decrypted(data, counter)

    def _check_mac(self, block: Tlv) -> None:
        if len(block.value) < _MAC:
            raise Malformed(f"a segment of {len(block.value)} bytes has no MAC")
        mac = CMAC(self._mac)
        mac.update(self._chain + block.raw[:-_MAC])
        self._chain = mac.finalize()
        if not hmac.compare_digest(self._chain[:_MAC], block.value[-_MAC:]):
            raise SecurityError("the MAC of a segment is wrong")

    def _decrypted(self, data: bytes, counter: int) -> bytes:
        if not data or len(data) % _BLOCK:
            raise Malformed(f"an encrypted segment has {len(data)} bytes, which are no whole blocks")
        counting = Cipher(self._encryption, ECB()).encryptor()
        vector = counting.update(counter.to_bytes(_BLOCK, "big")) + counting.finalize()
        opening = Cipher(self._encryption, CBC(vector)).decryptor()
        padded = opening.update(data) + opening.finalize()
        plain = padded.rstrip(b"\0")
        if not plain.endswith(b"\x80") or len(padded) - len(plain) >= _BLOCK:
            raise Malformed("an encrypted segment is not padded with 80 00 …")
        return plain[:-1]
