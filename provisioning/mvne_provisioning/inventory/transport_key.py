"""Transport keys: what a vendor encrypts a card's keys with on their way to us, agreed beforehand and kept apart.

Each key of a card is one or two blocks in ECB mode, as is the vendors' custom; nothing tells a wrong transport key but
the check value, the first three bytes of a block of zeros encrypted, which both sides compare.

>>> transport = TransportKey(bytes(range(16)), TransportCipher.AES)
>>> transport, transport.check_value
(TransportKey(cipher=<TransportCipher.AES: 'aes'>), 'C6A13B')
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mvne_provisioning.errors import ProvisioningError


class BadTransportKey(ProvisioningError, ValueError):
    """This is no key for the cipher."""


class TransportCipher(StrEnum):
    """With which cipher keys travel."""

    AES = "aes"  #: keys of 16, 24 or 32 bytes
    TRIPLE_DES = "3des"  #: keys of 16 or 24 bytes


_SIZES = {TransportCipher.AES: (16, 24, 32), TransportCipher.TRIPLE_DES: (16, 24)}


@dataclass(frozen=True, slots=True)
class TransportKey:
    """A transport key and its cipher; raise `BadTransportKey`."""

    key: bytes = field(repr=False)
    cipher: TransportCipher

    def __post_init__(self) -> None:
        if len(self.key) not in _SIZES[self.cipher]:
            sizes = " or ".join(map(str, _SIZES[self.cipher]))
            raise BadTransportKey(f"a transport key for {self.cipher} has {sizes} bytes, not {len(self.key)}")

    @property
    def check_value(self) -> str:
        """The key check value (KCV), six hexadecimal digits: safe to show."""
        block = bytes(16 if self.cipher is TransportCipher.AES else 8)
        return self._cipher().encryptor().update(block)[:3].hex().upper()

    def opener(self) -> Callable[[bytes], bytes]:
        """Return what opens one key of 16 bytes after another that travelled under this one."""
        # ECB has no memory from block to block, so one cipher does for a whole file.
        return self._cipher().decryptor().update

    def _cipher(self) -> Cipher[modes.ECB]:
        if self.cipher is TransportCipher.AES:
            return Cipher(algorithms.AES(self.key), modes.ECB())
        # Two keys of 8 bytes stand for three, the first also last (NIST SP 800-67, keying option 2).
        return Cipher(TripleDES((self.key + self.key[:8])[:24]), modes.ECB())
