"""Keys at rest: secrets are sealed before they are stored and opened only where they are used.

Sealed with AES-256-GCM (NIST SP 800-38D) and bound to a context, for example the IMSI they belong to: what was sealed
for one SIM does not open for another. The name of the key stands beside the sealed bytes, so keys are changed without
downtime: give every process the new key beside the old, then make it the current one, reseal what is not current, and
only then take the old one away.

>>> import secrets
>>> vault = Vault(parse_keys("2027:" + "A" * 43 + "="), "2027", secrets.token_bytes)
>>> sealed = vault.seal(b"secret", b"imsi 999700000000001")
>>> vault.open(sealed, b"imsi 999700000000001"), vault.is_current(sealed)
(b'secret', True)
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mvne_provisioning.errors import ProvisioningError

#: The first byte of what is sealed: the layout, in case there will be another. Then: length and name of the key,
#: nonce, ciphertext with its tag of 16 bytes.
_LAYOUT = 1
_NONCE, _TAG, _KEY = 12, 16, 32
_NAME = re.compile("[A-Za-z0-9._-]{1,32}")


class VaultError(ProvisioningError):
    """The vault cannot do this; no message of it holds a secret."""


class BadKeys(VaultError, ValueError):
    """The vault's keys are not usable; the message says each problem."""


class UnknownKey(VaultError):
    """It was sealed with a key that is not in the settings; put that key back until everything is resealed."""


class NotOpened(VaultError):
    """It was not sealed like this: other context, other key of the same name, or changed bytes."""


class Vault:
    """Seals with the key named `current`, opens with any of `keys` (name to 32 bytes); raise `BadKeys`.

    `token` gives random bytes, outside of tests `secrets.token_bytes`: a nonce must never come twice with one key. A
    key seals safely up to 2**32 times (NIST SP 800-38D 8.3).
    """

    def __init__(self, keys: Mapping[str, bytes], current: str, token: Callable[[int], bytes]) -> None:
        problems = [problem for name, key in keys.items() if (problem := _problem(name, key))]
        if current not in keys:
            problems.append(f"the current key {current!r} is not among them")
        if problems:
            raise BadKeys("the vault's keys are not usable: " + "; ".join(problems))
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._current = current
        self._token = token

    def __repr__(self) -> str:
        return "Vault(…)"

    def __reduce__(self) -> str:
        raise VaultError("a vault is not written down: it holds keys")

    @property
    def current(self) -> str:
        """The name of the key that seals."""
        return self._current

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return `plain` sealed for `context`; twice the same gives different bytes."""
        name = self._current.encode()
        head = bytes([_LAYOUT, len(name)]) + name
        nonce = self._token(_NONCE)
        return head + nonce + self._ciphers[self._current].encrypt(nonce, plain, head + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed for `context`; raise `UnknownKey` or `NotOpened`."""
        name = key_name(sealed)
        if name not in self._ciphers:
            raise UnknownKey(f"it was sealed with the key {name!r}, which is not in the settings; put it back")
        start = 2 + len(name)
        nonce, body = sealed[start : start + _NONCE], sealed[start + _NONCE :]
        try:
            return self._ciphers[name].decrypt(nonce, body, sealed[:start] + context)
        except InvalidTag:
            raise NotOpened(f"it was not sealed with this key {name!r} for this context, or was changed") from None

    def is_current(self, sealed: bytes) -> bool:
        """Say whether it was sealed with the current key; raise `NotOpened` for what was never sealed."""
        return key_name(sealed) == self._current

    def reseal(self, sealed: bytes, context: bytes) -> bytes:
        """Return it sealed with the current key; unchanged if it is already. Raise `UnknownKey` or `NotOpened`."""
        return sealed if self.is_current(sealed) else self.seal(self.open(sealed, context), context)


def key_name(sealed: bytes) -> str:
    """Return the name of the key that sealed it; raise `NotOpened` for what was never sealed."""
    size = sealed[1] if len(sealed) > 1 and sealed[0] == _LAYOUT else 0
    name = sealed[2 : 2 + size].decode("ascii", "replace")
    if not _NAME.fullmatch(name) or len(sealed) < 2 + size + _NONCE + _TAG:
        raise NotOpened("these bytes were not sealed by a vault, or are cut off")
    return name


def parse_keys(text: str) -> dict[str, bytes]:
    """Read keys from a setting: `NAME:BASE64` of 32 bytes each, apart by spaces or commas; raise `BadKeys`.

    All problems are said at once, by the key's name; what stands behind the name is never shown.

    >>> list(parse_keys("2027:" + "A" * 43 + "=, 2026:" + "B" * 43 + "="))
    ['2027', '2026']
    >>> parse_keys("2027:secret 2027:secret")
    Traceback (most recent call last):
    ...
    mvne_provisioning.vault.BadKeys: 2027 is no base64 of 32 bytes (make one: openssl rand -base64 32); 2027 comes twice
    """
    keys: dict[str, bytes] = {}
    problems: list[str] = []
    for place, entry in enumerate(re.findall(r"[^\s,]+", text), 1):
        name, colon, encoded = entry.partition(":")
        if not colon or not _NAME.fullmatch(name):
            problems.append(f"entry {place} is not written NAME:BASE64 with a name of letters, digits and . _ -")
        elif name in keys:
            problems.append(f"{name} comes twice")
        else:
            keys[name] = _decoded(encoded)
            problems += [problem for problem in [_problem(name, keys[name])] if problem]
    if not keys and not problems:
        problems.append("no key is given; write NAME:BASE64 with 32 random bytes (openssl rand -base64 32)")
    if problems:
        raise BadKeys("; ".join(problems))
    return keys


def _problem(name: str, key: bytes) -> str | None:
    if not _NAME.fullmatch(name):
        return "a name is not 1 to 32 letters, digits and . _ -"
    if len(key) != _KEY:
        return f"{name} is no base64 of 32 bytes (make one: openssl rand -base64 32)"
    return None


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return b""
