"""The files of 3GPP TS 32.297: a header that counts what is in the file, and a header before each record."""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

#: The header up to the routeing filter, whose length follows it (TS 32.297, 6.1.1).
_FIXED = struct.Struct(">II2B4s4sII B20sBH")
_LEAST = _FIXED.size + 2

#: Headers longer than this (octets) are none.
_MOST = 70_000

#: Release numbers from this on stand in an octet of their own.
_BEYOND = 7

#: Why files are closed that lost something (TS 32.297, 6.1.1.9): abnormal, file system error or full, broken integrity.
TROUBLE = {128: "abnormal closure", 129: "file system error", 130: "file system full", 131: "file integrity error"}

#: The only encoding that is read (TS 32.297, 6.1.2.4).
BER = 1


class FileHead(NamedTuple):
    """What the header of a file says: lengths in octets, number of records, the node's own count of files."""

    size: int
    length: int
    records: int
    sequence: int
    closed: int
    node: str
    lost: int
    lost_is_least: bool


class RecordHead(NamedTuple):
    """What the header of a record says: the octets of the record, its encoding, and the octets of this header."""

    size: int
    encoding: int
    length: int


def read_head(octets: bytes, size: int) -> FileHead | None:
    """Return the header at the beginning of a file of `size` octets, None when there is none.

    A number of all ones (TS 32.297 writes it where a file was never closed) is kept as it is.
    """
    if len(octets) < _LEAST:
        return None
    whole, length, high, low, _, _, records, sequence, closed, node, lost, filtered = _FIXED.unpack_from(octets)
    extensions = (high >> 5 == _BEYOND) + (low >> 5 == _BEYOND)
    if not (_LEAST + filtered <= length <= min(_MOST, size) and closed in (*range(6), *TROUBLE)):
        return None
    if whole not in (size, 0xFFFFFFFF) and not length <= whole <= 2 * size + 1024:
        return None
    place = _FIXED.size + filtered
    private = int.from_bytes(octets[place : place + 2], "big")
    if len(octets) >= place + 2 and place + 2 + private + extensions != length:
        return None
    return FileHead(whole, length, records, sequence, closed, _node(node), lost & 0x7F, lost > 0x7F)


def _node(octets: bytes) -> str:
    """Return the address of the node: its IPv6 form stands in the last sixteen octets, or in the first."""
    if not octets.strip(b"\x00\xff"):
        return ""
    last = octets[4:] if octets[:4] in (bytes(4), b"\xff" * 4) else octets[:16]
    address = ipaddress.IPv6Address(last)
    return str(address.ipv4_mapped or address)


def read_record_head(octets: bytes) -> RecordHead:
    """Return the header of a record; five octets must be there unless the file ends (it is four octets before
    release 10)."""
    beyond = octets[2] >> 5 == _BEYOND
    return RecordHead(int.from_bytes(octets[:2], "big"), octets[3] >> 5, 4 + beyond)
