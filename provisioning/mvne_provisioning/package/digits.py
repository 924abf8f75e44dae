"""How a card writes digits: two in a byte, in the order of reading or swapped, `F` where one is missing."""

from __future__ import annotations

from mvne_provisioning.tlv import Malformed

_FILLER = "f"


def plain(digits: str, size: int) -> bytes:
    """Return digits in `size` bytes in the order of reading, as the header of a package holds an ICCID.

    >>> plain("8999970000000000019", 10).hex()
    '8999970000000000019f'
    """
    return bytes.fromhex(digits.ljust(2 * size, _FILLER))


def swapped(digits: str, size: int) -> bytes:
    """Return digits in `size` bytes with the first of two in the low half (3GPP TS 31.102: ICCID, IMSI, numbers).

    >>> swapped("8999970000000000019", 10).hex()
    '989979000000000010f9'
    """
    return _swap(plain(digits, size))


def from_plain(value: bytes) -> str:
    """Return the digits before the filler; raise `Malformed` when anything else stands there.

    >>> from_plain(bytes.fromhex("8999970000000000019f"))
    '8999970000000000019'
    """
    digits = value.hex().rstrip(_FILLER)
    if not digits.isdecimal():
        raise Malformed("digits are expected here")
    return digits


def from_swapped(value: bytes) -> str:
    """Return the digits of swapped halves before the filler; raise `Malformed` when anything else stands there.

    >>> from_swapped(bytes.fromhex("989979000000000010f9"))
    '8999970000000000019'
    """
    return from_plain(_swap(value))


def _swap(value: bytes) -> bytes:
    return bytes((byte & 0x0F) << 4 | byte >> 4 for byte in value)
