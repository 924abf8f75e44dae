"""The beginning of a TLV, its tag and length, apart from its value: a package goes to the card in such pieces."""

from __future__ import annotations

from mvne_provisioning.tlv import Malformed

_MORE, _MOST_LENGTH = 0x80, 3


def beginning(data: bytes, tag: int) -> tuple[int, int]:
    """Return how long the value is that follows, and where it begins; raise `Malformed` for another tag.

    >>> beginning(bytes.fromhex("bf36820401"), 0xBF36)
    (1025, 5)
    >>> beginning(bytes.fromhex("a005"), 0xA1)
    Traceback (most recent call last):
    ...
    mvne_provisioning.tlv.Malformed: A1 is expected here
    """
    name = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
    if not data.startswith(name):
        raise Malformed(f"{tag:X} is expected here")
    first, *rest = data[len(name) : len(name) + 1 + _MOST_LENGTH] or bytes([_MORE])
    if first < _MORE:
        return first, len(name) + 1
    size = first & ~_MORE
    if not 0 < size <= _MOST_LENGTH or len(rest) < size:
        raise Malformed(f"the length of {tag:X} is indefinite, cut off or too long")
    return int.from_bytes(bytes(rest[:size]), "big"), len(name) + 1 + size
