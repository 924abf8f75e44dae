"""Reading a host's CSV by its mapping: the mapping becomes functions once, each row goes through them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

from mvne_billing.usage.columns import checked_country
from mvne_billing.usage.countries import country_of_mcc, country_of_network
from mvne_billing.usage.facts import Conventions, Format, Severity, UsageFile
from mvne_billing.usage.lines import LongLine, lines, text_of
from mvne_billing.usage.mapping.functions import Cells, Columns, cell
from mvne_billing.usage.mapping.model import CsvMapping
from mvne_billing.usage.mapping.moments import moments
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_billing.usage.rows import BrokenRow, UsageFileError, broken
from mvne_plans.quantity import Kind

_TRAILER = "trailer"
_KINDS = {kind.value: kind for kind in Kind}


def open_mapped(path: Path, mapping: CsvMapping, conventions: Conventions) -> UsageFile:
    """Return a host's CSV file; its sequence number is in its name, where the mapping says so.

    Going through its rows raises `UsageFileError` when columns are missing.
    """
    file = UsageFile(path.name, Format.CSV, iter(()), sender=mapping.sender)
    _name(file, mapping)
    file.rows = _rows(path, mapping, conventions, file)
    return file


def _name(file: UsageFile, mapping: CsvMapping) -> None:
    if mapping.file_name is None:
        return
    found = mapping.file_name.fullmatch(file.source)
    said = found.groupdict() if found else {}
    number = said.get("sequence") or ""
    file.sender = said.get("sender") or file.sender
    if number.isascii() and number.isdigit() and len(number) < 16:
        file.sequence = int(number)
    else:
        file.findings.add(Severity.WARNING, "file_name.10", file.source, "the file's name holds no sequence number")


def _rows(
    path: Path, mapping: CsvMapping, conventions: Conventions, file: UsageFile
) -> Iterator[UsageRecord | BrokenRow]:
    with text_of(path, mapping.encoding) as stream:
        every = enumerate(lines(stream), start=1)
        for _, _ in zip(range(mapping.skip_lines), every, strict=False):
            pass
        header = _header(path, mapping, next(every, (0, ""))[1]) if mapping.header else None
        reading = _Reader(path, mapping, conventions, header)
        ended = None
        for place, text in every:
            if not text.strip():
                continue
            row = reading.row(text, place, file)
            if isinstance(row, str):
                ended = place
            elif ended is not None:
                yield broken(path.name, place, text, f"the row comes after the trailer in line {ended}")
            elif row is not None:
                yield row
        reading.check_end(file, ended)


def _header(path: Path, mapping: CsvMapping, text: str) -> list[str]:
    try:
        return _split(mapping, text)
    except InvalidUsage as error:
        raise UsageFileError(f"{path}: no header: {error}") from None


def _split(mapping: CsvMapping, text: str) -> list[str]:
    if isinstance(text, LongLine):
        raise InvalidUsage("the line is too long")
    try:
        if mapping.quote is None:
            rows = csv.reader([text], delimiter=mapping.delimiter, quoting=csv.QUOTE_NONE, strict=True)
        else:
            rows = csv.reader([text], delimiter=mapping.delimiter, quotechar=mapping.quote, strict=True)
        cells = next(rows, [])
    except csv.Error as error:
        raise InvalidUsage(f"the row does not fit: {error}") from None
    return [cell.strip() for cell in cells]


class _Reader:
    """A mapping made into functions for one file, and the count of its rows."""

    def __init__(self, path: Path, mapping: CsvMapping, conventions: Conventions, header: list[str] | None) -> None:
        self.source = path.name
        self.mapping = mapping
        self.conventions = conventions
        self.width = len(header) if header is not None else None
        self.records = 0
        columns = Columns(header)
        self.texts = {
            name: columns.text(text)
            for name in ("id", "msisdn", "kind", "country", "to", "session", "label", "corrects")
            if (text := getattr(mapping, name)) is not None
        }
        self.start = moments(columns.text(mapping.start.text), mapping.start)
        self.amounts = {kind: columns.amount(one, mapping.decimal) for kind, one in mapping.amounts.items()}
        self.skip = [(columns.at(one.column), one) for one in mapping.skip]
        self.trailer = columns.at(mapping.trailer.when.column) if mapping.trailer else 0
        self.count_at = columns.at(mapping.trailer.records) if mapping.trailer else 0
        self.least = columns.last + 1
        columns.check(path)

    def row(self, text: str, place: int, file: UsageFile) -> UsageRecord | BrokenRow | str | None:
        """Return the record of a line, a broken row, the trailer's mark, or None for a row that is passed over."""
        self.records += 1
        try:
            cells = _split(self.mapping, text)
            if self.mapping.trailer and self.mapping.trailer.when.holds(cell(cells, self.trailer)):
                self.records -= 1
                file.declared = _whole(cell(cells, self.count_at))
                return _TRAILER
            for at, condition in self.skip:
                if condition.holds(cell(cells, at)):
                    file.left_out[condition.because] += 1
                    return None
            return self.record(cells, text)
        except InvalidUsage as error:
            return broken(self.source, place, text, str(error))

    def record(self, cells: Cells, text: str) -> UsageRecord:
        """Return the record of a row; raise `InvalidUsage` saying what is wrong with it."""
        if len(cells) != self.width if self.width is not None else len(cells) < self.least:
            raise InvalidUsage(
                f"the row does not fit the columns: {len(cells)} cells, {self.width or self.least} columns"
            )
        said = {name: of(cells) for name, of in self.texts.items()}
        kind = _KINDS.get(said["kind"])
        if kind is None:
            raise InvalidUsage(f"kind {said['kind'][:40]!r} is none of voice, sms, data")
        return UsageRecord(
            id=said["id"] if "id" in said else f"row-{hashlib.sha256(text.encode()).hexdigest()[:32]}",
            msisdn=said["msisdn"],
            kind=kind,
            start=self.start(cells),
            amount=self.amount(kind, cells),
            country=self.country(said["country"]),
            # What a host writes beside data use is an access point, not a number.
            to=None if kind is Kind.DATA else said.get("to") or None,
            source=self.source,
            session=said.get("session") or None,
            label=said.get("label", ""),
            corrects=said.get("corrects") or None,
        )

    def amount(self, kind: Kind, cells: Cells) -> int:
        """Return the amount of a row in base units."""
        if kind not in self.amounts:
            raise InvalidUsage(f"the mapping has no amount for {kind}")
        return self.amounts[kind](cells)

    def country(self, code: str) -> str:
        """Return the country of a row by the sort of code that the mapping names."""
        if self.mapping.country_code == "iso":
            return checked_country(code)
        if self.mapping.country_code == "tadig":
            found = country_of_network(code, self.conventions.countries)
        else:
            found = country_of_mcc(code[:3], self.conventions.countries)
        if found is None:
            raise InvalidUsage(f"network {code[:40]!r} is in no known country")
        return found

    def check_end(self, file: UsageFile, ended: int | None) -> None:
        """Compare the rows that were read with what the trailer says."""
        if self.mapping.trailer is None:
            return
        if ended is None:
            file.findings.add(Severity.FATAL, "trailer.30", self.source, "no trailer: the file may be cut off")
        elif file.declared != self.records:
            message = f"the trailer says {file.declared} rows, the file has {self.records}"
            file.findings.add(Severity.FATAL, "trailer.100", f"{self.source}:{ended}", message)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
