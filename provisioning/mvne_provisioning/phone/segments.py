"""How a phone cuts a bound profile package for its card (GSMA SGP.22, section 2.5.5), as common clients cut it.

BF36's beginning with BF23; A0 whole; the beginning of A1, and each 88; A2 whole, if there is one; the beginning of A3,
and each 86.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvne_provisioning import tlv
from mvne_provisioning.phone.installing import (
    BOUND_PACKAGE,
    CONFIGURATION,
    ELEMENT,
    ELEMENTS,
    MAC_ONLY,
    METADATA,
    SESSION_KEYS,
)
from mvne_provisioning.tlv import Malformed, Tlv

_MAC = 8


def segments(package: bytes) -> Iterator[bytes]:
    """Yield the pieces of a package; raise `Malformed` when it has other parts, or they stand in another order."""
    whole = tlv.read_one(package, BOUND_PACKAGE)
    opening, configuration, described, *rest = _parts(whole)
    yield whole.raw[: len(whole.raw) - len(whole.value)] + opening.raw
    yield configuration.raw
    yield from _apart(described)
    if len(rest) > 1:
        yield rest[0].raw
    yield from _apart(rest[-1])


def metadata_in(package: bytes) -> bytes:
    """Return the StoreMetadata in a package, which is not encrypted; raise `Malformed`."""
    blocks = _parts(tlv.read_one(package, BOUND_PACKAGE))[2].children
    if any(one.tag != MAC_ONLY for one in blocks):
        raise Malformed("the metadata in the package are not in blocks 88")
    return b"".join(one.value[:-_MAC] for one in blocks)


def _parts(whole: Tlv) -> tuple[Tlv, ...]:
    parts = whole.children
    tags = [one.tag for one in parts if one.tag != SESSION_KEYS]
    has_keys_elsewhere = any(one.tag == SESSION_KEYS and place != 3 for place, one in enumerate(parts))
    if tags != [0xBF23, CONFIGURATION, METADATA, ELEMENTS] or has_keys_elsewhere:
        raise Malformed("a bound profile package consists of BF23, A0, A1, perhaps A2, and A3")
    return parts


def _apart(one: Tlv) -> Iterator[bytes]:
    inner = ELEMENT if one.tag == ELEMENTS else MAC_ONLY
    yield one.raw[: len(one.raw) - len(one.value)]
    for block in one.children:
        if block.tag != inner:
            raise Malformed(f"{one.tag:X} consists of blocks {inner:X}")
        yield block.raw
