"""Reading usage files: CSV and Parquet, with the columns of the normalised record.

Columns: `id, msisdn, kind, start, amount, country, to`. `kind` is voice, sms or data; `start` is ISO 8601 with a zone;
`amount` is in seconds, messages or bytes. A row that cannot be read is returned as such, with its place and its text:
it goes to suspense, it is never dropped.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mvne_billing.errors import BillingError
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_plans.quantity import Kind

if TYPE_CHECKING:
    from pyarrow import RecordBatch

COLUMNS = ("id", "msisdn", "kind", "start", "amount", "country", "to")


class UsageFileError(BillingError):
    """The file as a whole cannot be read as usage."""


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is not a usage record: its place, its text, what is wrong with it."""

    id: str
    source: str
    text: str
    message: str


def read_usage(path: Path) -> Iterator[UsageRecord | BrokenRow]:
    """Yield the records of a `.csv` or `.parquet` file in order; raise `UsageFileError` when it is neither."""
    if not path.is_file():
        raise UsageFileError(f"{path}: there is no such file")
    if path.suffix == ".parquet":
        return _parse(path.name, _parquet_rows(path))
    return _parse(path.name, _csv_rows(path))


def file_id(path: Path) -> str:
    """Return an id of a file by its content: the same file loaded twice is the same batch."""
    if not path.is_file():
        raise UsageFileError(f"{path}: there is no such file")
    with path.open("rb") as stream:
        return f"file-{hashlib.file_digest(stream, 'sha256').hexdigest()[:24]}"


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, object], str]]:
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as stream:
        columns = _header(stream.readline())
        _check_columns(path, columns)
        for place, line in enumerate(stream, start=2):
            # What no database keeps as text is kept as its escape.
            text = line.rstrip("\r\n").replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
            if text.strip():
                yield place, _cells(columns, text), text


def _header(line: str) -> list[str]:
    """Return the names of the columns; a first line that holds none, as in a binary file, is no column."""
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]


def _cells(columns: list[str], text: str) -> Mapping[str, object]:
    try:
        cells = next(csv.reader([text], strict=True))
    except csv.Error as error:
        return {"": str(error)}
    if len(cells) != len(columns):
        return {"": f"{len(cells)} cells, {len(columns)} columns"}
    return {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, object], str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names)
            place = 0
            for batch in file.iter_batches(batch_size=10_000, columns=list(COLUMNS)):
                for row in _whole_microseconds(batch).to_pylist():
                    place += 1
                    yield place, {name: "" if cell is None else cell for name, cell in row.items()}, repr(row)
    except (pa.ArrowException, OSError) as error:
        raise UsageFileError(f"{path}: not a Parquet file, or a damaged one ({error})") from None


def _whole_microseconds(batch: RecordBatch) -> RecordBatch:
    """Return the batch with a `start` of nanoseconds cut to the microseconds that Python's clocks keep."""
    import pyarrow as pa

    place = batch.schema.get_field_index("start")
    kind = batch.schema.field(place).type
    if not pa.types.is_timestamp(kind) or kind.unit != "ns":
        return batch
    starts = batch.column(place).cast(pa.timestamp("us", kind.tz), safe=False)
    return batch.set_column(place, "start", starts)


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise UsageFileError(f"{path}: no column {', '.join(missing)}; a usage file has {','.join(COLUMNS)}")
    twice = [column for column in COLUMNS if columns.count(column) > 1]
    if twice:
        raise UsageFileError(f"{path}: column {', '.join(twice)} is there more than once; keep one of each")


def _parse(source: str, rows: Iterable[tuple[int, Mapping[str, object], str]]) -> Iterator[UsageRecord | BrokenRow]:
    for place, cells, text in rows:
        try:
            yield record_from(cells, source)
        except InvalidUsage as error:
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            yield BrokenRow(f"row-{source}-{place}-{digest}"[-150:], f"{source}:{place}", text, str(error))


def record_from(cells: Mapping[str, object], source: str) -> UsageRecord:
    """Return the record of one row of named cells; raise `InvalidUsage` saying what is wrong."""
    if "" in cells:
        raise InvalidUsage(f"the row does not fit the columns: {cells['']}")
    kind, amount, start = str(cells["kind"]), str(cells["amount"]), cells["start"]
    if kind not in set(Kind):
        raise InvalidUsage(f"kind {kind!r} is none of voice, sms, data")
    if not (amount.isascii() and amount.isdigit() and len(amount) <= 18):
        raise InvalidUsage(f"amount {amount!r} is not a whole number of {Kind(kind).base_unit}s")
    country = str(cells["country"])
    if len(country) != 2 or not (country.isascii() and country.isalpha() and country.isupper()):
        raise InvalidUsage(f"country {country!r} is not an ISO 3166 code such as FR")
    return UsageRecord(
        id=str(cells["id"]),
        msisdn=str(cells["msisdn"]),
        kind=Kind(kind),
        start=start if isinstance(start, datetime) else _moment(str(start)),
        amount=int(amount),
        country=country,
        to=str(cells["to"]) or None,
        source=source,
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidUsage(f"start {text!r} is not a time; write it like 2027-03-01T10:00:00Z") from None
