"""The service provider's name as EF.SPN holds it: 16 bytes, GSM letters or UCS-2 (3GPP TS 31.102, annex A; TS 23.038).

>>> encode("Café Mobile").hex(), decode(encode("Café Mobile"))
('43616605204d6f62696c65ffffffffff', 'Café Mobile')
>>> encode("手机").hex(), decode(encode("手机"))
('80624b673affffffffffffffffffffff', '手机')
>>> fits("Tilleul Mobile"), fits("Tilleul Mobile for Seniors"), shortened("Tilleul Mobile for Seniors")
(True, False, 'Tilleul Mobile f')
"""

from __future__ import annotations

from mvne_provisioning.tlv import Malformed

#: The bytes of a name in EF.SPN.
SIZE = 16

#: The default alphabet of TS 23.038, clause 6.2.1, in the order of its codes.
_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_CODES = {letter: code for code, letter in enumerate(_ALPHABET) if letter not in "\n\r\x1b"}
_UCS2, _FILLER, _LAST_OF_BMP = 0x80, 0xFF, "\uffff"


def fits(name: str) -> bool:
    """Say whether a name has a place in EF.SPN: 1 to 16 GSM letters, or 1 to 7 of which some are others."""
    return bool(name) and all(map(_is_letter, name)) and len(_coded(name)) <= SIZE


def shortened(name: str) -> str:
    """Return as much of a name as EF.SPN has place for, for a brand whose full name is longer; may be empty."""
    letters = "".join(filter(_is_letter, name))
    return next((letters[:size].rstrip() for size in range(len(letters), 0, -1) if fits(letters[:size])), "")


def encode(name: str) -> bytes:
    """Return the 16 bytes of a name that fits."""
    return _coded(name).ljust(SIZE, bytes([_FILLER]))


def decode(value: bytes) -> str:
    """Return the name in these bytes; raise `Malformed` when they are none.

    >>> decode(bytes.fromhex("ff" * 16))
    ''
    """
    if value[:1] == bytes([_UCS2]):
        return _from_ucs2(value[1:])
    letters = value.rstrip(bytes([_FILLER]))
    if any(code >= len(_ALPHABET) for code in letters):
        raise Malformed("the service provider's name has bytes that are no GSM letters")
    return "".join(_ALPHABET[code] for code in letters)


def _is_letter(letter: str) -> bool:
    return letter in _CODES or (letter.isprintable() and letter <= _LAST_OF_BMP)


def _coded(name: str) -> bytes:
    if all(letter in _CODES for letter in name):
        return bytes(_CODES[letter] for letter in name)
    return bytes([_UCS2]) + name.encode("utf-16-be")


def _from_ucs2(value: bytes) -> str:
    pairs = [value[at : at + 2] for at in range(0, len(value) - 1, 2)]
    letters = b"".join(pair for pair in pairs if pair != bytes([_FILLER, _FILLER]))
    try:
        return letters.decode("utf-16-be")
    except UnicodeDecodeError:
        raise Malformed("the service provider's name is no UCS-2") from None
