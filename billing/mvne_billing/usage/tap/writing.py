"""Writing a TAP file back: from what was decoded, in the shortest form with definite lengths.

A file that came in that form goes out the same, octet for octet. Where it does not, the reasons are told: a file may be
legal BER and still be written in many ways.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile

from mvne_billing.usage.ber.encoding import encode
from mvne_billing.usage.ber.tags import write_head
from mvne_billing.usage.facts import Findings, Severity
from mvne_billing.usage.tap.head import TapHead
from mvne_billing.usage.tap.reading import TapEvent, TapFile
from mvne_billing.usage.tap.schema import schema

_CHUNK = 65_536


def rewrite_tap(source: Path, target: Path) -> Findings:
    """Decode a TAP file and write it again; the findings say where the octets differ and why. None: all are the same.

    An event that cannot be decoded goes out as it came. Raises `UsageFileError` when the source is not TAP at all.
    """
    tap, findings = TapFile(source), Findings()
    has_list = tap.layout.events is not None
    _write(target, tap.head, _watched(tap, findings) if has_list else None)
    for one in tap.layout.odd:
        findings.add(Severity.WARNING, "encoding.100", source.name, one)
    names = [field.name for field in schema().batch.type.fields]
    if tap.layout.order != sorted(tap.layout.order, key=names.index):
        findings.add(Severity.WARNING, "encoding.101", source.name, "the parts of the batch are out of order")
    if not findings.kept and not _same(source, target):
        findings.add(Severity.WARNING, "encoding.102", source.name, "the file is damaged: it cannot be written back")
    return findings


def write_tap(target: Path, head: TapHead, events: Iterable[TapEvent] | None) -> None:
    """Write a TAP file of control parts and events (None: it has no list of them).

    Memory holds one event; the list waits in a temporary file until its length is known.
    """
    _write(target, head, None if events is None else map(written, events))


def _write(target: Path, head: TapHead, events: Iterable[bytes] | None) -> None:
    with target.open("wb") as out, TemporaryFile() as waiting:
        if head.notification:
            out.write(encode(schema().notification, head.parts))
            return
        before, after = _control(head)
        for event in events or ():
            waiting.write(event)
        length = waiting.tell()
        opening = b"" if events is None else write_head(schema().events.tags[0], True, length)
        whole = len(before) + len(opening) + length + len(after)
        out.write(write_head(schema().batch.tags[0], True, whole) + before + opening)
        waiting.seek(0)
        shutil.copyfileobj(waiting, out, _CHUNK)
        out.write(after)


def written(event: TapEvent) -> bytes:
    """Return the octets of an event as it is written; one that could not be decoded stays as it came."""
    return encode(schema().event, (event.name, event.value)) if event.name else event.octets


def _control(head: TapHead) -> tuple[bytes, bytes]:
    """Return the parts before the list of events and those after it."""
    before: list[bytes] = []
    after: list[bytes] = []
    place = schema().events.order
    for field in schema().batch.type.fields:
        if field.name in head.parts:
            (before if field.order < place else after).append(encode(field, head.parts[field.name]))
    return b"".join(before), b"".join(after)


def _watched(tap: TapFile, findings: Findings) -> Iterator[bytes]:
    """Yield the octets of the events of a file, noting those that are written otherwise than they came."""
    for event in tap.events():
        octets = written(event)
        if octets != event.octets:
            where = f"callEventDetails[{event.place}]"
            for one in event.odd or ("written in another way",):
                findings.add(Severity.WARNING, "encoding.100", where, one)
        yield octets


def _same(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while chunk := left.read(_CHUNK):
            if chunk != right.read(_CHUNK):
                return False
    return True
