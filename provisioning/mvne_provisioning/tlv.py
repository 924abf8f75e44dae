"""BER-TLV, the way cards and the standards around them write things down: a tag, a length, a value.

Only what those standards use: definite lengths, tags of up to three bytes. What is signed is never written again: a
`Tlv` that was read keeps the very bytes it was read from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mvne_provisioning.errors import ProvisioningError

#: The longest tag and the most bytes of a length that are read: nothing here is longer than 16 MB.
_MOST_TAG, _MOST_LENGTH = 3, 3

_MORE, _LOW = 0x80, 0x7F


class Malformed(ProvisioningError):
    """These bytes are no TLV, or not the one that is expected here; the message says where."""


class Tlv(NamedTuple):
    """One TLV: its tag as a number (`0xBF38`), its value, and all of its bytes as they were read."""

    tag: int
    value: bytes
    raw: bytes

    @property
    def children(self) -> tuple[Tlv, ...]:
        """The TLVs that its value consists of; raises `Malformed` when it is none."""
        return tuple(read_all(self.value))

    def child(self, tag: int) -> Tlv:
        """Return the first TLV in it with a tag; raise `Malformed` when there is none."""
        found = self.find(tag)
        if found is None:
            raise Malformed(f"{self.tag:X} has no {tag:02X}")
        return found

    def find(self, tag: int) -> Tlv | None:
        """Return the first TLV in it with a tag, None when there is none."""
        return next((one for one in read_all(self.value) if one.tag == tag), None)


def encode(tag: int, *values: bytes) -> bytes:
    """Return a TLV of these values, one after the other.

    >>> encode(0xBF38, encode(0x80, b"id"), encode(0x30)).hex()
    'bf3806800269643000'
    """
    value = b"".join(values)
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big") + length_of(len(value)) + value


def length_of(length: int) -> bytes:
    """Return a length as it is written, in as few bytes as possible.

    >>> length_of(127).hex(), length_of(200).hex(), length_of(1007).hex()
    ('7f', '81c8', '8203ef')
    """
    if length < _MORE:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([_MORE | size]) + length.to_bytes(size, "big")


def read(data: bytes, at: int = 0) -> tuple[Tlv, int]:
    """Read the TLV that begins at a place; return it, and where the next one begins. Raises `Malformed`."""
    tag, place = _tag(data, at)
    length, place = _length(data, place)
    end = place + length
    if end > len(data):
        raise Malformed(f"{tag:X} at {at} says {length} bytes, and there are {len(data) - place}")
    return Tlv(tag, data[place:end], data[at:end]), end


def read_all(data: bytes) -> Iterator[Tlv]:
    """Yield the TLVs that bytes consist of, to the last byte."""
    at = 0
    while at < len(data):
        one, at = read(data, at)
        yield one


def read_one(data: bytes, tag: int) -> Tlv:
    """Return the one TLV that bytes are, with the tag that it must have; raise `Malformed` otherwise."""
    one, end = read(data)
    if one.tag != tag:
        raise Malformed(f"{tag:X} is expected here, not {one.tag:X}")
    if end != len(data):
        raise Malformed(f"{len(data) - end} bytes follow after {tag:X}")
    return one


def _tag(data: bytes, at: int) -> tuple[int, int]:
    end = at + 1
    if at >= len(data):
        raise Malformed("a tag is missing at the end")
    if data[at] & 0x1F == 0x1F:
        while end < len(data) and data[end] & _MORE:
            end += 1
        end += 1
    if end > len(data) or end - at > _MOST_TAG:
        raise Malformed(f"the tag at {at} is cut off or too long")
    return int.from_bytes(data[at:end], "big"), end


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise Malformed("a length is missing at the end")
    first, size = data[at], data[at] & _LOW
    if first < _MORE:
        return first, at + 1
    if not 0 < size <= _MOST_LENGTH or at + 1 + size > len(data):
        raise Malformed(f"the length at {at} is indefinite, cut off or too long")
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


def integer(number: int) -> bytes:
    """Return a whole number from 0 as the value of an INTEGER.

    >>> integer(0).hex(), integer(127).hex(), integer(128).hex()
    ('00', '7f', '0080')
    """
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def oid(dotted: str) -> bytes:
    """Return an object identifier as the value of its TLV.

    >>> oid("2.999.10").hex(), oid("2.23.146.1.2.1.4").hex()
    ('88370a', '67811201020104')
    """
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return b"".join(_arc(arc) for arc in (first * 40 + second, *rest))


def _arc(arc: int) -> bytes:
    found = [arc & _LOW]
    while arc := arc >> 7:
        found.append(_MORE | arc & _LOW)
    return bytes(reversed(found))


def dotted(value: bytes) -> str:
    """Return the value of an object identifier's TLV as it is written with dots; raise `Malformed` for anything else.

    >>> dotted(bytes.fromhex("88370a"))
    '2.999.10'
    """
    arcs, arc = [], 0
    for byte in value:
        arc = arc << 7 | byte & _LOW
        if not byte & _MORE:
            arcs.append(arc)
            arc = 0
    if not value or value[-1] & _MORE:
        raise Malformed("an object identifier is cut off")
    first = min(arcs[0] // 40, 2)
    return ".".join(str(one) for one in (first, arcs[0] - first * 40, *arcs[1:]))
