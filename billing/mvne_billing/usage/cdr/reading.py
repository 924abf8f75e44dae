"""Reading files of charging data records, one record at a time, with or without the headers of TS 32.297."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mvne_billing.usage.ber.decoding import decode
from mvne_billing.usage.ber.schema import part
from mvne_billing.usage.ber.stream import BerStream, TooLong
from mvne_billing.usage.ber.tags import BrokenBer, context, read_head
from mvne_billing.usage.cdr.circuit import call_record, message_record
from mvne_billing.usage.cdr.file_head import BER, TROUBLE, FileHead, read_record_head
from mvne_billing.usage.cdr.file_head import read_head as read_file_head
from mvne_billing.usage.cdr.packet import charging_records, gateway_records
from mvne_billing.usage.cdr.schema import TYPES, by_tag, records
from mvne_billing.usage.facts import PLAIN, Conventions, Format, Severity, UsageFile
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_billing.usage.rows import KEPT, BrokenRow, LeftOut, broken_octets

#: The most octets of a record, and of a file's header.
LONGEST_RECORD = 262_144
_LONGEST_HEAD = 70_000

#: Octets that fill up blocks between records.
_FILLER = (0x00, 0xFF)

_RECORD_TYPE = context(0)

Row = UsageRecord | BrokenRow


def open_records(path: Path, conventions: Conventions = PLAIN) -> UsageFile:
    """Return a file of charging data records as usage."""
    file = UsageFile(path.name, Format.CDR, iter(()))
    head = file_head(path)
    if head is not None:
        file.sender, file.sequence = head.node, head.sequence
        file.declared = None if head.records == 0xFFFFFFFF else head.records
        _check(head, path.stat().st_size, file)
    file.rows = _Reader(path, conventions, file, head).rows()
    return file


def file_head(path: Path) -> FileHead | None:
    """Return the header of a file of TS 32.297, None when it has none."""
    with path.open("rb") as stream:
        return read_file_head(stream.read(_LONGEST_HEAD), path.stat().st_size)


def _check(head: FileHead, size: int, file: UsageFile) -> None:
    if head.size not in (size, 0xFFFFFFFF):
        message = f"the header says {head.size} octets, the file has {size}"
        file.findings.add(Severity.FATAL, "fileLength.100", "header", message)
    if head.closed in TROUBLE:
        file.findings.add(Severity.WARNING, f"fileClosure.{head.closed}", "header", TROUBLE[head.closed])
    if head.lost:
        least = "at least " if head.lost_is_least else ""
        message = f"the node lost {least}{head.lost} records"
        file.findings.add(Severity.WARNING, "lostRecords.100", "header", message)


class _Reader:
    """One pass over a file."""

    def __init__(self, path: Path, conventions: Conventions, file: UsageFile, head: FileHead | None) -> None:
        self.path = path
        self.conventions = conventions
        self.file = file
        self.head = head
        self.count = 0

    def rows(self) -> Iterator[Row]:
        """Yield the usage records and broken rows of the file; at its end, compare with what it declares."""
        with self.path.open("rb") as opened:
            stream = BerStream(opened, self.path.stat().st_size)
            if self.head is None:
                yield from self._bare(stream)
            else:
                stream.seek(self.head.length)
                yield from self._headed(stream)
        if self.file.declared is not None and self.file.declared != self.count:
            message = f"the header says {self.file.declared} records, the file has {self.count}"
            self.file.findings.add(Severity.FATAL, "numberOfRecords.100", "header", message)

    def _headed(self, stream: BerStream) -> Iterator[Row]:
        while stream.position < stream.size:
            at = stream.position
            octets = stream.take(min(5, stream.size - at))
            said = read_record_head(octets) if len(octets) > 3 else None
            if said is None or at + said.length + said.size > stream.size:
                stream.seek(at)
                yield self._lost(stream, "the file ends in the middle of a record")
                return
            stream.seek(at + said.length)
            self.count += 1
            octets = stream.take(said.size)
            if said.encoding == BER:
                yield from self._record(octets)
            else:
                yield self._broken(octets, f"the record is in encoding {said.encoding}; only BER (1) is read")

    def _bare(self, stream: BerStream) -> Iterator[Row]:
        while (at := self._past_filler(stream)) < stream.size:
            self.count += 1
            try:
                head = stream.head()
                octets = stream.element(head, LONGEST_RECORD)
            except TooLong as error:
                yield self._lost(stream, str(error), at)
                try:
                    stream.seek(stream.after(head))
                except BrokenBer:
                    return
            except BrokenBer as error:
                yield self._lost(stream, str(error), at)
                return
            else:
                yield from self._record(octets)

    def _past_filler(self, stream: BerStream) -> int:
        while stream.position < stream.size:
            at = stream.position
            octets = stream.take(min(4096, stream.size - at))
            rest = octets.lstrip(bytes(_FILLER))
            if rest:
                stream.seek(at + len(octets) - len(rest))
                break
        return stream.position

    def _record(self, octets: bytes) -> Iterator[Row]:
        try:
            name, value = decoded(octets)
            yield from self._usage(name, value)
        except LeftOut as reason:
            self.file.left_out[str(reason)] += 1
        except (BrokenBer, InvalidUsage) as error:
            yield self._broken(octets, str(error))

    def _usage(self, name: str, value: dict[str, Any]) -> list[UsageRecord]:
        """Return the usage records of a record, all of them or an error."""
        source, conventions = self.path.name, self.conventions
        if name in conventions.left_out or name not in TYPES.values():
            raise LeftOut(name)
        if name in ("moCallRecord", "mtCallRecord"):
            return [call_record(name, value, source, conventions)]
        if name in ("moSMSRecord", "mtSMSRecord"):
            return [message_record(name, value, source, conventions)]
        if name == "chargingFunctionRecord":
            return charging_records(value, source, conventions)
        return gateway_records(name, value, source, conventions)

    def _broken(self, octets: bytes, message: str) -> BrokenRow:
        place = f"record[{self.count}]"
        self.file.findings.add(Severity.SEVERE, "record.10", place, message)
        return broken_octets(self.path.name, self.count, octets, message)

    def _lost(self, stream: BerStream, message: str, at: int | None = None) -> BrokenRow:
        """Return what is left at `at`, where no record can be delimited."""
        stream.seek(stream.position if at is None else at)
        octets = stream.take(min(KEPT, stream.size - stream.position))
        self.file.findings.add(Severity.FATAL, "record.10", f"record[{self.count}]", message)
        return broken_octets(self.path.name, f"{self.count}+", octets, message)


def decoded(octets: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name and the parts of a record; raise `BrokenBer` for one that is not known.

    Its record type decides, whatever tag opens it: nodes write bare sets, and both cores use the same tags.
    """
    tag, _, _, start, _ = read_head(octets, 0, len(octets))
    name = TYPES.get(_record_type(octets, start, len(octets)))
    known = records()[name] if name is not None else by_tag().get(tag)
    if known is None:
        raise BrokenBer(f"tag {tag >> 2} opens no known record", 0)
    value, _ = decode(part(known.name, 0, (tag,), known.type), octets)
    return known.name, value


def _record_type(octets: bytes, at: int, end: int) -> int:
    """Return the record type, the first part of every record; -1 where it is not."""
    tag, constructed, length, start, _ = read_head(octets, at, end)
    if tag != _RECORD_TYPE or constructed or not 0 < length <= 2 or start + length > end:
        return -1
    return int.from_bytes(octets[start : start + length], "big", signed=True)
