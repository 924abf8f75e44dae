"""Values inside the TLVs of SGP.22: texts, whole numbers, sets of bits, ICCIDs."""

from __future__ import annotations

import re

from mvne_provisioning.tlv import Malformed, Tlv

_ICCID = re.compile("([0-9]{18,20})f{0,2}")
_ICCID_BYTES = 10
_KEPT = 4


def text(one: Tlv) -> str:
    """Return a UTF8String; raise `Malformed`."""
    try:
        return one.value.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{one.tag:X} is not text in UTF-8") from None


def number(one: Tlv) -> int:
    """Return an INTEGER from 0; raise `Malformed`."""
    if not one.value or one.value[0] & 0x80:
        raise Malformed(f"{one.tag:X} is not a whole number from 0")
    return int.from_bytes(one.value, "big")


def bits(one: Tlv) -> frozenset[int]:
    """Return the numbers of the bits that a BIT STRING has set; raise `Malformed`.

    >>> sorted(bits(Tlv(0x81, bytes.fromhex("0490"), b"")))
    [0, 3]
    """
    unused, *rest = one.value or b"\xff"
    if unused > 7 or (unused and not rest):
        raise Malformed(f"{one.tag:X} is not a set of bits")
    count = len(rest) * 8 - unused
    return frozenset(place for place in range(count) if rest[place // 8] & 0x80 >> place % 8)


def iccid(value: bytes) -> str:
    """Return the digits of an ICCID as metadata and EF.ICCID write it, with swapped nibbles; raise `Malformed`.

    >>> iccid(bytes.fromhex("989979000000000010f9"))
    '8999970000000000019'
    """
    return iccid_in_order(bytes(byte >> 4 | byte << 4 & 0xF0 for byte in value))


def iccid_in_order(value: bytes) -> str:
    """Return the digits of an ICCID as the header of a profile package writes it; raise `Malformed`.

    >>> iccid_in_order(bytes.fromhex("8999970000000000019f"))
    '8999970000000000019'
    """
    found = _ICCID.fullmatch(value.hex())
    if found is None or len(value) != _ICCID_BYTES:
        raise Malformed("an ICCID is 10 bytes: 18 to 20 digits, filled with F")
    return found[1]


def swapped(digits: str) -> bytes:
    """Return digits with swapped nibbles, filled with F to 10 bytes.

    >>> swapped("8999970000000000019").hex()
    '989979000000000010f9'
    """
    return bytes(byte >> 4 | byte << 4 & 0xF0 for byte in bytes.fromhex(digits.ljust(2 * _ICCID_BYTES, "f")))


def masked(digits: str) -> str:
    """Return an ICCID or EID for messages: only the last four digits are kept.

    >>> masked("8999970000000000019")
    '***************0019'
    """
    return "*" * (len(digits) - _KEPT) + digits[-_KEPT:]
