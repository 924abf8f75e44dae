"""Reading a TAP file: one event at a time, each made into a record, the whole held against what the file declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mvne_billing.usage.ber.decoding import decode
from mvne_billing.usage.ber.stream import BerStream, TooLong
from mvne_billing.usage.ber.tags import BrokenBer
from mvne_billing.usage.facts import PLAIN, Conventions, Findings, Format, Severity, UsageFile
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_billing.usage.rows import KEPT, BrokenRow, LeftOut, broken_octets
from mvne_billing.usage.tap.charges import Charges, charges_of
from mvne_billing.usage.tap.checking import Audit, check_head
from mvne_billing.usage.tap.events import EventReader
from mvne_billing.usage.tap.fault import Fault
from mvne_billing.usage.tap.file import LONGEST_EVENT, Layout, survey
from mvne_billing.usage.tap.head import TapHead, head_of
from mvne_billing.usage.tap.schema import schema
from mvne_billing.usage.tap.times import when


@dataclass(frozen=True, slots=True)
class TapEvent:
    """One event of a file: its place in the list from 1, its name and decoded value, its octets, what they cost.

    `row` is its usage record, or the broken row that it is; None where it is left out (`left_out` says why).
    `charges` are in the file's own units. `odd` says how its encoding is not the shortest.
    """

    place: int
    at: int
    name: str
    value: Any
    octets: bytes
    charges: Charges
    row: UsageRecord | BrokenRow | None
    left_out: str = ""
    odd: tuple[str, ...] = ()


class TapFile:
    """A TAP file whose control parts are read; `events` goes through the rest, as often as wanted.

    `findings` holds what is wrong with its structure and its control parts. Raises `UsageFileError` for what does not
    begin as a TAP file.
    """

    def __init__(self, path: Path, conventions: Conventions = PLAIN) -> None:
        self.path = path
        self.findings = Findings()
        self.layout: Layout = survey(path, self.findings)
        self.head: TapHead = head_of(self.layout.parts, self.layout.notification)
        check_head(self.head, self.findings)
        if not self.head.notification and self.layout.events is None:
            self.findings.add(Severity.FATAL, "callEventDetails.30", "transferBatch", "callEventDetails is missing")
        self._reader = EventReader(self.head, path.name, conventions)

    def events(self, findings: Findings | None = None) -> Iterator[TapEvent]:
        """Yield the events in order; what is wrong with them, and with the totals, is added to `findings`."""
        findings = Findings() if findings is None else findings
        audit = Audit()
        for event in self._events(findings):
            audit.add(event.charges, self._start(event))
            yield event
        audit.finish(self.head, findings)

    def _events(self, findings: Findings) -> Iterator[TapEvent]:
        if self.layout.events is None:
            return
        start, end = self.layout.events
        with self.path.open("rb") as file:
            stream = BerStream(file, self.path.stat().st_size)
            stream.seek(start)
            place = 0
            while end is None or stream.position < end:
                place += 1
                at = stream.position
                try:
                    head = stream.head(end)
                    if end is None and head.is_end:
                        return
                    octets = stream.element(head, LONGEST_EVENT, end)
                except TooLong as error:
                    yield self._lost(stream, place, at, error, findings)
                    try:
                        stream.seek(stream.after(head, end))
                    except BrokenBer:
                        return
                    continue
                except BrokenBer as error:
                    yield self._lost(stream, place, at, error, findings)
                    return
                yield self._event(place, at, octets, findings)

    def _lost(self, stream: BerStream, place: int, at: int, error: BrokenBer, findings: Findings) -> TapEvent:
        """Return the event at `at` that cannot be delimited, with as much of it as is kept."""
        stream.seek(at)
        octets = stream.take(min(KEPT, stream.size - at))
        severity = Severity.SEVERE if isinstance(error, TooLong) else Severity.FATAL
        findings.add(
            severity, "callEventDetails.10", f"callEventDetails[{place}]", f"{error.message} (octet {error.at})"
        )
        row = broken_octets(self.path.name, place, octets, str(error))
        return TapEvent(place, at, "", None, octets, Charges(), row)

    def _event(self, place: int, at: int, octets: bytes, findings: Findings) -> TapEvent:
        where = f"callEventDetails[{place}]"
        try:
            (name, value), odd = decode(schema().event, octets)
        except BrokenBer as error:
            findings.add(Severity.SEVERE, "callEventDetails.10", where, f"{error.message} (octet {at + error.at})")
            lost = broken_octets(self.path.name, place, octets, str(error))
            return TapEvent(place, at, "", None, octets, Charges(), lost)
        for one in odd:
            if one.startswith("unknown part"):
                findings.add(Severity.WARNING, f"{name}.100", where, one)
        charges = charges_of(name, value)
        if charges.lowest < 0:
            findings.add(Severity.SEVERE, "charge.20", where, f"a charge, tax or discount is {charges.lowest}")
        row, left_out = self._row(name, value, place, octets, where, findings)
        return TapEvent(place, at, name, value, octets, charges, row, left_out, tuple(odd))

    def _row(
        self, name: str, value: Any, place: int, octets: bytes, where: str, findings: Findings
    ) -> tuple[UsageRecord | BrokenRow | None, str]:
        try:
            return self._reader.record(name, value, place), ""
        except LeftOut as reason:
            return None, str(reason)
        except InvalidUsage as error:
            code = error.code if isinstance(error, Fault) else f"{name}.20"
            findings.add(Severity.SEVERE, code, f"{where}.{name}", str(error))
            return broken_octets(self.path.name, place, octets, f"{name}: {error}"), ""

    def _start(self, event: TapEvent) -> datetime | None:
        if isinstance(event.row, UsageRecord):
            return event.row.start
        stamp = _stamp(event.value)
        try:
            return when(stamp, self.head.offsets) if stamp else None
        except Fault:
            return None


def _stamp(value: Any) -> Any:
    """Return the start of an event that is no record, wherever its kind of event has it."""
    if not isinstance(value, dict):
        return None
    for name in ("callEventStartTimeStamp", "serviceStartTimestamp"):
        if name in value:
            return value[name]
    for name in ("basicCallInformation", "gprsBasicCallInformation"):
        if name in value:
            return value[name].get("callEventStartTimeStamp")
    return value.get("supplServiceUsed", {}).get("chargingTimeStamp")


def open_tap(path: Path, conventions: Conventions = PLAIN) -> UsageFile:
    """Return a TAP file as usage; a notification has no rows. Raises `UsageFileError` when it is not TAP at all."""
    tap = TapFile(path, conventions)
    file = UsageFile(
        source=path.name,
        format=Format.TAP,
        rows=iter(()),
        sender=tap.head.sender,
        recipient=tap.head.recipient,
        sequence=tap.head.sequence,
        created=tap.head.available,
        declared=0 if tap.head.notification else (tap.head.audit or {}).get("callEventDetailsCount"),
        findings=tap.findings,
    )
    file.rows = _rows(tap, file)
    return file


def _rows(tap: TapFile, file: UsageFile) -> Iterator[UsageRecord | BrokenRow]:
    for event in tap.events(file.findings):
        if event.row is not None:
            yield event.row
        else:
            file.left_out[event.left_out] += 1
