"""The structure of a TAP file on disk: its control parts, and where its list of events lies.

Both are found without reading the events: a list of definite length is stepped over, one of indefinite length walked
through. Nothing longer than one part or one event is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mvne_billing.usage.ber.decoding import decode
from mvne_billing.usage.ber.stream import BerStream, Head
from mvne_billing.usage.ber.tags import INDEFINITE, BrokenBer
from mvne_billing.usage.facts import Findings, Severity
from mvne_billing.usage.rows import UsageFileError
from mvne_billing.usage.tap.schema import schema

#: The most octets of a control part and of an event.
LONGEST_PART = 4_194_304
LONGEST_EVENT = 262_144


@dataclass
class Layout:
    """Where things lie: `events` is where the contents of the list begin and end (None: an end mark ends them)."""

    notification: bool = False
    parts: dict[str, Any] = field(default_factory=dict)
    events: tuple[int, int | None] | None = None
    odd: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)


def survey(path: Path, findings: Findings) -> Layout:
    """Return the layout of a TAP file; what is wrong with its structure is added to the findings.

    Raises `UsageFileError` when it does not even begin as one.
    """
    known = schema()
    with path.open("rb") as file:
        stream = BerStream(file, path.stat().st_size)
        layout = Layout()
        try:
            head = stream.head()
            if head.tag == known.notification.tags[0]:
                layout.notification = True
                _notification(stream, head, layout)
            elif head.tag == known.batch.tags[0]:
                _batch(stream, head, layout, findings)
            else:
                raise BrokenBer(f"tag {head.tag >> 2} opens neither a transfer batch nor a notification", 0)
        except BrokenBer as error:
            if not layout.parts and layout.events is None:
                raise UsageFileError(f"{path}: not a TAP file, or a damaged one ({error})") from None
            findings.add(Severity.FATAL, "transferBatch.10", f"octet {error.at}", str(error))
            return layout
        if stream.position < stream.size:
            stray = stream.size - stream.position
            layout.odd.append(f"{stray} stray octets after the end at octet {stream.position}")
    return layout


def _notification(stream: BerStream, head: Head, layout: Layout) -> None:
    value, odd = decode(schema().notification, stream.element(head, LONGEST_PART))
    layout.parts.update(value)
    layout.odd += odd


def _batch(stream: BerStream, head: Head, layout: Layout, findings: Findings) -> None:
    fields = schema().batch.type.by_tag
    end = _end(stream, head, layout, findings)
    while end is None or stream.position < end:
        part = stream.head(end)
        if end is None and part.is_end:
            return
        found = fields.get(part.tag)
        if found is schema().events:
            layout.order.append(found.name)
            _events(stream, part, layout, findings, end)
        elif found is None:
            layout.odd.append(f"unknown part with tag {part.tag >> 2} at octet {part.at}")
            findings.add(Severity.WARNING, "transferBatch.100", f"octet {part.at}", f"unknown part {part.tag >> 2}")
            stream.seek(stream.after(part, end))
        else:
            value, odd = decode(found, stream.element(part, LONGEST_PART, end))
            if found.name in layout.parts:
                findings.add(Severity.FATAL, f"{found.name}.100", f"octet {part.at}", f"{found.name} is there twice")
            layout.parts[found.name] = value
            layout.order.append(found.name)
            layout.odd += [f"{found.name}: {one}" for one in odd]


def _end(stream: BerStream, head: Head, layout: Layout, findings: Findings) -> int | None:
    if not head.minimal:
        layout.odd.append(_form(head, "the batch"))
    if head.length == INDEFINITE:
        return None
    end = head.start + head.length
    if end > stream.size:
        message = f"the file ends at octet {stream.size}, its batch at {end}"
        findings.add(Severity.FATAL, "transferBatch.10", "transferBatch", message)
    return min(end, stream.size)


def _events(stream: BerStream, head: Head, layout: Layout, findings: Findings, end: int | None) -> None:
    if not head.minimal:
        layout.odd.append(_form(head, "the list of events"))
    if layout.events is not None:
        findings.add(Severity.FATAL, "callEventDetails.100", f"octet {head.at}", "callEventDetails is there twice")
    limit = stream.size if end is None else end
    if head.length == INDEFINITE:
        layout.events = (head.start, None)
        stream.seek(stream.after(head, limit))
        return
    stop = head.start + head.length
    layout.events = (head.start, min(stop, limit))
    if stop > limit:
        raise BrokenBer(f"the list of events should end at octet {stop}, what holds it ends at {limit}", head.at)
    stream.seek(stop)


def _form(head: Head, what: str) -> str:
    form = "indefinite length" if head.length == INDEFINITE else "longer tag or length than needed"
    return f"{what}: {form} at octet {head.at}"
