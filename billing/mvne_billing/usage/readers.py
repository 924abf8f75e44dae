"""Reading usage files: CSV (with or without a mapping), Parquet, TAP3 and 3GPP charging records, one row at a time.

Every row becomes a usage record or is handed on broken, with its place and its text: it goes to suspense, it is never
dropped. What a file holds beside use of a line is counted; what is wrong with it as a whole is among its findings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from mvne_billing.usage.cdr.reading import open_records
from mvne_billing.usage.columns import COLUMNS, record_from
from mvne_billing.usage.csv_files import open_csv
from mvne_billing.usage.facts import PLAIN, Conventions, Format, UsageFile
from mvne_billing.usage.formats import format_of
from mvne_billing.usage.mapping.model import CsvMapping
from mvne_billing.usage.mapping.reading import open_mapped
from mvne_billing.usage.parquet import open_parquet
from mvne_billing.usage.record import UsageRecord
from mvne_billing.usage.rows import BrokenRow, UsageFileError, existing, file_id
from mvne_billing.usage.tap.reading import open_tap

__all__ = [
    "COLUMNS",
    "BrokenRow",
    "UsageFileError",
    "check_usage",
    "file_id",
    "open_usage",
    "read_usage",
    "record_from",
]

Row = UsageRecord | BrokenRow


def open_usage(path: Path, mapping: CsvMapping | None = None, conventions: Conventions = PLAIN) -> UsageFile:
    """Return a usage file whose rows can be gone through once; its format is known by its content.

    A `mapping` is for a host's own CSV, `conventions` are what was agreed with the host. Raises `UsageFileError` when
    the file as a whole is no usage, here or when its first row is asked for.
    """
    file = _opened(existing(path), mapping, conventions)
    file.rows = _counted(file, file.rows)
    return file


def read_usage(path: Path, mapping: CsvMapping | None = None, conventions: Conventions = PLAIN) -> Iterator[Row]:
    """Yield the records and broken rows of a usage file in order; see `open_usage`."""
    return open_usage(path, mapping, conventions).rows


def check_usage(path: Path, mapping: CsvMapping | None = None, conventions: Conventions = PLAIN) -> UsageFile:
    """Go through a usage file and return it without its rows: its facts, counts and findings are complete.

    A file with a fatal finding should not be loaded: what it declares and what it holds do not agree.
    """
    file = open_usage(path, mapping, conventions)
    deque(file.rows, maxlen=0)
    return file


def _opened(path: Path, mapping: CsvMapping | None, conventions: Conventions) -> UsageFile:
    found = format_of(path)
    if mapping is not None:
        if found is not Format.CSV and path.suffix != ".csv":
            raise UsageFileError(f"{path}: a mapping is for CSV, this is {found}")
        return open_mapped(path, mapping, conventions)
    if found is Format.PARQUET:
        return open_parquet(path)
    if found is Format.TAP:
        return open_tap(path, conventions)
    return open_records(path, conventions) if found is Format.CDR else open_csv(path)


def _counted(file: UsageFile, rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, UsageRecord):
            file.records += 1
        else:
            file.broken += 1
        yield row
