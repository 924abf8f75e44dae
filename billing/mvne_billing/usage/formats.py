"""Which format a usage file has: its content says so; its name only where the content says nothing."""

from __future__ import annotations

import re
from pathlib import Path

from mvne_billing.usage.ber.tags import BrokenBer, application, context, read_head, universal
from mvne_billing.usage.cdr.file_head import read_head as read_file_head
from mvne_billing.usage.facts import Format

#: Octets that no text has.
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")

_LOOKED_AT = 4096
_TRANSFER_BATCH, _NOTIFICATION = application(1), application(2)

#: Parts of a transfer batch and of a notification that can stand first: batch control and the like, the sender.
_TAP_PARTS = frozenset(application(number) for number in (3, 4, 5, 6, 8, 15, 196))
_RECORD_TYPE, _SET, _CHARGING_FUNCTION = context(0), universal(17), context(200)


def format_of(path: Path) -> Format:
    """Return the format of a file; what is none of the binary ones is taken for CSV."""
    with path.open("rb") as stream:
        octets = stream.read(_LOOKED_AT)
    if octets.startswith(b"PAR1") or path.suffix == ".parquet":
        return Format.PARQUET
    if _CONTROL.search(octets) is None:
        return Format.CSV
    if read_file_head(octets, path.stat().st_size) is not None:
        return Format.CDR
    return _by_tags(octets.lstrip(b"\x00\xff")) or Format.CSV


def _by_tags(octets: bytes) -> Format | None:
    """Return the format that the first two tags tell: what it is, and its first part."""
    try:
        tag, constructed, _, start, _ = read_head(octets, 0, len(octets))
        inner, _, length, _, _ = read_head(octets, start, len(octets))
    except BrokenBer:
        return None
    if not constructed:
        return None
    if tag in (_TRANSFER_BATCH, _NOTIFICATION) and inner in _TAP_PARTS:
        return Format.TAP
    is_record = tag in (_SET, _CHARGING_FUNCTION) or (tag & 3 == 2 and tag >> 2 < 128)
    return Format.CDR if is_record and inner == _RECORD_TYPE and length in (1, 2) else None
