"""CSV files beside a plan file: rows whose every cell knows its line and column.

Commas separate, double quotes surround a cell that holds one, `#` begins a comment line. A cell ends with its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

from mvne.planfile.files import MOST_TABLE_BYTES, Unreadable, read_source
from mvne.planfile.findings import DataPath, Severity, Source, did_you_mean, listed
from mvne.planfile.sheet import Sheet
from mvne_plans.money import MoneyError
from mvne_plans.rate import RateError

T = TypeVar("T")

MOST_ROWS = 100_000
#: After that many findings in one file the rest is not listed.
MOST_FINDINGS = 50
_CELL = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:,|$)|([^,]*)(?:,|$)')


@dataclass(slots=True)
class Table:
    """A CSV file's rows, and the findings about it."""

    source: Source
    path: DataPath
    columns: list[str]
    sheet: Sheet
    noted: int = 0

    def rows(self) -> Iterator[Row]:
        """Yield each row that has the right number of cells; note the others."""
        count = 0
        for number, line in enumerate(self.source.lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            count += 1
            if count == 1:
                continue  # the header
            if count > MOST_ROWS + 1:
                self.note((number, 1), "too_many_rows", f"more than {MOST_ROWS:,} rows; the rest was not read")
                return
            cells = split_cells(line)
            if len(cells) > len(self.columns) or not cells:
                message = f"{len(cells)} cells where the header has {len(self.columns)}"
                self.note((number, 1), "bad_row", message, "put a cell that holds a comma in double quotes")
                continue
            yield Row(self, number, dict(zip(self.columns, cells, strict=False)))

    def note(self, place: tuple[int, int], code: str, message: str, hint: str = "", warn: bool = False) -> None:
        """Add a finding about this file."""
        self.noted += 1
        if self.noted <= MOST_FINDINGS:
            severity = Severity.WARNING if warn else Severity.ERROR
            self.sheet.findings.append(self.source.finding(place, self.path, code, message, hint, severity))
        elif self.noted == MOST_FINDINGS + 1:
            message = f"there are more findings in this file than the {MOST_FINDINGS} listed"
            self.sheet.findings.append(self.source.finding(place, self.path, "more_findings", message))


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line, and by column the text and where it begins."""

    table: Table
    line: int
    cells: dict[str, tuple[str, int]]

    def text(self, column: str) -> str:
        """Return a cell without the spaces around it, empty when it is absent."""
        return self.cells.get(column, ("", 1))[0]

    def note(self, column: str, code: str, message: str, hint: str = "", warn: bool = False) -> None:
        """Add a finding at a cell."""
        self.table.note((self.line, self.cells.get(column, ("", 1))[1]), code, message, hint, warn)

    def read(self, column: str, code: str, parse: Callable[[], T]) -> T | None:
        """Return what `parse` reads, or note why it cannot and return None."""
        try:
            return parse()
        except (MoneyError, RateError) as error:
            self.note(column, code, str(error))
            return None


def split_cells(line: str) -> list[tuple[str, int]]:
    """Return a line's cells with the column at which each begins; none when a quote is not closed.

    >>> split_cells('+44, "Jersey, Guernsey",0.10/min')
    [('+44', 1), ('Jersey, Guernsey', 6), ('0.10/min', 25)]
    """
    cells: list[tuple[str, int]] = []
    position, line = 0, line.rstrip()
    while position <= len(line):
        match = _CELL.match(line, position)
        if match is None or (match.group(1) is None and match.group(2).lstrip().startswith('"')):
            return []
        group = 1 if match.group(1) is not None else 2
        text = match.group(group)
        lead = len(text) - len(text.lstrip()) if group == 2 else 0
        start = match.start(group) - (1 if group == 1 else 0) + lead + 1
        cells.append((text.replace('""', '"').strip(), start))
        if match.end() == len(line) and not match.group().endswith(","):
            break
        position = match.end()
    return cells


def open_table(
    sheet: Sheet, path: DataPath, name: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Table | None:
    """Return the CSV file `name` beside the plan file, or note at `path` why it cannot be read and return None."""
    if not _beside(name):
        sheet.note(path, "bad_file_name", f"{name!r} is not the name of a file beside the plan file")
        return None
    try:
        source = read_source(sheet.folder / name, str(_shown(sheet, name)), MOST_TABLE_BYTES)
    except Unreadable as error:
        if error.place == (1, 1):
            sheet.note(path, error.code, error.message)
        else:
            sheet.findings.append(error.source.finding(error.place, path, error.code, error.message))
        return None
    return _with_header(Table(source, path, [], sheet), required, optional)


def _with_header(table: Table, required: tuple[str, ...], optional: tuple[str, ...]) -> Table | None:
    lines = enumerate(table.source.lines, start=1)
    number, header = next(((n, one) for n, one in lines if one.strip() and not one.lstrip().startswith("#")), (1, ""))
    cells = split_cells(header)
    table.columns = [text.lower() for text, _ in cells]
    known = (*required, *optional)
    before = table.noted
    for (text, column), name in zip(cells, table.columns, strict=True):
        if name not in known or table.columns.count(name) > 1:
            hint = did_you_mean(name, known) or f"known here: {listed(known, 'and')}"
            table.note((number, column), "unknown_column", f"unknown column {text[:40]!r}", hint)
    for name in required:
        if name not in table.columns:
            message = f"the column {name!r} is missing from the first line"
            table.note((number, 1), "missing_column", message, f"write {','.join(known)}")
    return table if table.noted == before else None


def _beside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    plain = bool(parts) and "\\" not in name and "\0" not in name and ".." not in parts
    return plain and not name.startswith(("/", "~")) and len(name) <= 200


def _shown(sheet: Sheet, name: str) -> PurePosixPath:
    return PurePosixPath(sheet.document.source.name).parent / name
