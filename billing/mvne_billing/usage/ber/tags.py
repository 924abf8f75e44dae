"""Tags and lengths of BER: reading the head of an element, and writing one in its shortest form.

A tag is kept as one number: its own number times four plus its class, so that `application(9)` and `context(9)` differ.

>>> read_head(bytes.fromhex("7f8113055f"), 0, 5)
(589, True, 5, 4, True)
>>> application(147), write_head(application(147), True, 5).hex()
(589, '7f811305')
"""

from __future__ import annotations

from functools import lru_cache

#: The length of an element that ends with an end-of-contents mark.
INDEFINITE = -1

#: The tag of that mark.
END = 0

#: Tag numbers and lengths of more octets than these are nothing that a host sends.
_MOST_TAG_OCTETS = 4
_MOST_LENGTH_OCTETS = 8


class BrokenBer(ValueError):
    """These octets are not BER: what is wrong, and the octet (from 0) where it shows."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(f"{message} (octet {at})")
        self.message = message
        self.at = at


def application(number: int) -> int:
    """Return the tag `[APPLICATION number]`."""
    return number << 2 | 1


def context(number: int) -> int:
    """Return the context-specific tag `[number]`."""
    return number << 2 | 2


def universal(number: int) -> int:
    """Return the tag of one of ASN.1's own types."""
    return number << 2


def read_head(octets: bytes, at: int, end: int) -> tuple[int, bool, int, int, bool]:
    """Read the head of an element: its tag, whether it is constructed, its length, where its contents begin, and
    whether the head is written in its shortest form.

    The length is `INDEFINITE` where it is not said. Raises `BrokenBer` when the head is cut off at `end` or malformed;
    whether the contents fit is for the caller to see.
    """
    if at >= end:
        raise BrokenBer("an element is cut off", at)
    first = octets[at]
    if first & 0x1F != 0x1F:
        tag, start, minimal = (first & 0x1F) << 2 | first >> 6, at + 1, True
    else:
        tag, size, minimal = _long_tag(octets[at : at + 3])
        if not size:
            tag, size, minimal = _longer_tag(octets, at, end)
        start = at + size
    if start >= end:
        raise BrokenBer("the length of an element is cut off", start)
    length = octets[start]
    start += 1
    if length > 0x7F:
        length, start, short = _long_length(octets, length & 0x7F, start, end)
        minimal = minimal and short
    return tag, first & 0x20 == 0x20, length, start, minimal


@lru_cache(maxsize=4096)
def _long_tag(octets: bytes) -> tuple[int, int, bool]:
    """Return the tag of identifier octets, their count, and whether it is shortest; a count of 0 for a longer one.

    Nearly all tags of TAP are of two or three octets, and a file has few different ones.
    """
    kind = octets[0] >> 6
    if len(octets) > 1 and octets[1] < 0x80:
        return octets[1] << 2 | kind, 2, octets[1] > 30
    if len(octets) > 2 and octets[2] < 0x80:
        return ((octets[1] & 0x7F) << 7 | octets[2]) << 2 | kind, 3, octets[1] != 0x80
    return 0, 0, False


def _longer_tag(octets: bytes, at: int, end: int) -> tuple[int, int, bool]:
    number = 0
    for place in range(at + 1, min(end, at + 1 + _MOST_TAG_OCTETS)):
        number = number << 7 | octets[place] & 0x7F
        if octets[place] < 0x80:
            return number << 2 | octets[at] >> 6, place + 1 - at, octets[at + 1] != 0x80
    raise BrokenBer("a tag is cut off or has too many octets", at)


def _long_length(octets: bytes, count: int, at: int, end: int) -> tuple[int, int, bool]:
    if count == 0:
        return INDEFINITE, at, False
    if count > _MOST_LENGTH_OCTETS or at + count > end:
        raise BrokenBer("a length is cut off or has too many octets", at - 1)
    length = int.from_bytes(octets[at : at + count], "big")
    return length, at + count, octets[at] != 0 and length > 0x7F


def write_head(tag: int, constructed: bool, length: int) -> bytes:
    """Return the shortest head of an element of `length` octets."""
    if length < 0x80:
        return identifier(tag, constructed) + bytes((length,))
    size = (length.bit_length() + 7) // 8
    return identifier(tag, constructed) + bytes((0x80 | size,)) + length.to_bytes(size, "big")


@lru_cache(maxsize=1024)
def identifier(tag: int, constructed: bool) -> bytes:
    """Return the shortest identifier octets of a tag."""
    number, first = tag >> 2, (tag & 3) << 6 | constructed << 5
    if number < 0x1F:
        return bytes((first | number,))
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes((first | 0x1F, *reversed(groups)))
