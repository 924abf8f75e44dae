"""SCP03t: the blocks in which a profile travels to one card, encrypted and chained (SGP.22, section 2.5)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

from mvne_provisioning.tlv import length_of

KEY_TYPE, KEY_SIZE = 0x88, 16  # AES; bytes of a key and of a chaining value

#: A block has at most 1020 bytes; tag, three bytes of length and the MAC take twelve of them, padding at least one.
MOST_ENCRYPTED, MOST_PLAIN = 1007, 1008

_BLOCK, _MAC_SIZE = 16, 8
_PADDING = b"\x80" + bytes(_BLOCK)


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Keys of SCP03t: the first chaining value, the key that encrypts, the key that authenticates; 16 bytes each."""

    chain: bytes
    encrypting: bytes
    authenticating: bytes

    @classmethod
    def of(cls, data: bytes) -> Keys:
        """Return the keys in 48 bytes."""
        return cls(data[:KEY_SIZE], data[KEY_SIZE : 2 * KEY_SIZE], data[2 * KEY_SIZE : 3 * KEY_SIZE])


def derive(secret: bytes, host_id: bytes, eid: str) -> Keys:
    """Return the keys that both ends make of what they agreed on (X9.63 with SHA-256), the host's id and the EID."""
    card = bytes.fromhex(eid)
    shared = bytes([KEY_TYPE, KEY_SIZE, len(host_id)]) + host_id + bytes([len(card)]) + card
    return Keys.of(X963KDF(SHA256(), 3 * KEY_SIZE, shared).derive(secret))


class Channel:
    """Seals blocks one after the other: each depends on all before it, and on its number, which begins at 1."""

    def __init__(self, keys: Keys) -> None:
        self.replace_keys(keys)

    def replace_keys(self, keys: Keys) -> None:
        """Go on with other keys; the numbers begin anew (ReplaceSessionKeys)."""
        self._chain, self._key, self._number = keys.chain, AES128(keys.encrypting), 0
        self._numbers = Cipher(self._key, ECB()).encryptor()
        self._mac = CMAC(AES128(keys.authenticating))

    def encrypted(self, tag: int, data: bytes) -> bytes:
        """Return data in encrypted blocks with a tag (86 or 87)."""
        return b"".join(
            self._encrypted(tag, data[at : at + MOST_ENCRYPTED]) for at in range(0, len(data), MOST_ENCRYPTED)
        )

    def authenticated(self, tag: int, data: bytes) -> bytes:
        """Return data in blocks with a tag (88) that everybody can read and nobody can change."""
        return b"".join(self._plain(tag, data[at : at + MOST_PLAIN]) for at in range(0, len(data), MOST_PLAIN))

    def _encrypted(self, tag: int, piece: bytes) -> bytes:
        self._number += 1
        first = self._numbers.update(self._number.to_bytes(_BLOCK, "big"))
        encryptor = Cipher(self._key, CBC(first)).encryptor()
        return self._block(tag, encryptor.update(piece + _PADDING[: _BLOCK - len(piece) % _BLOCK]))

    def _plain(self, tag: int, piece: bytes) -> bytes:
        self._number += 1  # these blocks count as well
        return self._block(tag, piece)

    def _block(self, tag: int, data: bytes) -> bytes:
        block = bytes([tag]) + length_of(len(data) + _MAC_SIZE) + data
        mac = self._mac.copy()
        mac.update(self._chain + block)
        self._chain = mac.finalize()
        return block + self._chain[:_MAC_SIZE]
