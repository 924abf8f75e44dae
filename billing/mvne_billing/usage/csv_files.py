"""Reading CSV with the columns of the normalised record: UTF-8, commas, a header, the columns in any order."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from mvne_billing.usage.columns import check_columns, record_from
from mvne_billing.usage.facts import Format, UsageFile
from mvne_billing.usage.lines import LongLine, lines, text_of
from mvne_billing.usage.record import InvalidUsage, UsageRecord
from mvne_billing.usage.rows import BrokenRow, broken


def open_csv(path: Path) -> UsageFile:
    """Return a CSV file; going through its rows raises `UsageFileError` when its header lacks a column."""
    return UsageFile(path.name, Format.CSV, _rows(path))


def _rows(path: Path) -> Iterator[UsageRecord | BrokenRow]:
    with text_of(path) as stream:
        every = lines(stream)
        columns = _header(next(every, ""))
        check_columns(path, columns)
        for place, text in enumerate(every, start=2):
            if text.strip():
                yield _row(path.name, columns, place, text)


def _row(source: str, columns: list[str], place: int, text: str) -> UsageRecord | BrokenRow:
    try:
        return record_from(_cells(columns, text), source)
    except InvalidUsage as error:
        return broken(source, place, text, str(error))


def _header(line: str) -> list[str]:
    """Return the names of the columns; a first line that holds none, as in a binary file, is no column."""
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]


def _cells(columns: list[str], text: str) -> dict[str, object]:
    if isinstance(text, LongLine):
        return {"": "the line is too long"}
    try:
        cells = next(csv.reader([text], strict=True))
    except csv.Error as error:
        return {"": str(error)}
    if len(cells) != len(columns):
        return {"": f"{len(cells)} cells, {len(columns)} columns"}
    return {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
