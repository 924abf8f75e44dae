"""A mapping's fields made into functions of a row's cells, once per file, for the columns that the file has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from operator import itemgetter
from pathlib import Path

from mvne_billing.usage.mapping.model import Amount, Text
from mvne_billing.usage.mapping.units import amount_of
from mvne_billing.usage.record import InvalidUsage
from mvne_billing.usage.rows import UsageFileError

Cells = Sequence[str]
Texts = Callable[[Cells], str]


class Columns:
    """The columns of a file: their places from 0, the last one asked for, and those asked for in vain.

    The functions that are made of them expect a row to have all cells up to the last place.
    """

    def __init__(self, header: list[str] | None) -> None:
        self.header = header
        self.last = 0
        self.problems: list[str] = []

    def at(self, column: str) -> int:
        """Return the place of a column by its name in the header, else by its position."""
        if self.header is not None and column in self.header:
            if self.header.count(column) > 1:
                self.problems.append(f"column {column!r} is there more than once")
            return self.header.index(column)
        if not (column.isascii() and column.isdigit()) or (self.header is not None and int(column) > len(self.header)):
            self.problems.append(f"no column {column!r}")
            return 0
        place = int(column) - 1
        self.last = max(self.last, place)
        return place

    def check(self, path: Path) -> None:
        """Raise `UsageFileError` naming all columns that are missing."""
        if self.problems:
            there = "" if self.header is None else f"; the file has {', '.join(self.header)[:500]}"
            raise UsageFileError(f"{path}: {', '.join(sorted(set(self.problems)))}{there}")

    def text(self, text: Text) -> Texts:
        """Return the function that gives a field's text; it raises `InvalidUsage` for a value that is not known."""
        found = self._cells(text)
        removed = dict.fromkeys(map(ord, text.remove))
        prefixes = sorted(text.prefixes.items(), key=lambda one: -len(one[0]))
        if not (removed or prefixes or text.values is not None):
            return found

        def changed(cells: Cells) -> str:
            said = found(cells)
            if removed:
                said = said.translate(removed)
            if text.values is not None:
                said = _translated(said, text.values, text.otherwise)
            for old, new in prefixes:
                if said.startswith(old):
                    return new + said[len(old) :]
            return said

        return changed

    def _cells(self, text: Text) -> Texts:
        """Return the function that puts a field's cells together."""
        if not text.columns:
            return lambda cells: text.value
        places = [self.at(column) for column in text.columns]
        if len(places) == 1:
            return itemgetter(places[0])
        several = itemgetter(*places)
        return lambda cells: text.join.join(several(cells))

    def amount(self, amount: Amount, decimal: str) -> Callable[[Cells], int]:
        """Return the function that gives an amount in base units; it raises `InvalidUsage` for what is none."""
        constant = amount.value
        if constant is not None:
            return lambda cells: constant
        places = [self.at(column) for column in amount.columns]
        # Where the comma is the decimal sign, a dot that is not removed is no part of a number.
        signs: dict[int, str | None] = {ord("."): "?"} | dict.fromkeys(map(ord, amount.remove)) | {ord(decimal): "."}

        def added(cells: Cells) -> int:
            total: int | Fraction = 0
            for place in places:
                total += amount_of(cells[place].translate(signs), amount.unit)
            whole, left = divmod(total.numerator, total.denominator)
            if left and amount.fraction == "error":
                raise InvalidUsage(f"amount {total} is not whole; say fraction: up or down in the mapping")
            return whole + (1 if left and amount.fraction == "up" else 0)

        return added


def cell(cells: Cells, place: int) -> str:
    """Return a cell of a row that may be shorter than the others."""
    return cells[place] if place < len(cells) else ""


def _translated(text: str, values: Mapping[str, str], otherwise: str | None) -> str:
    found = values.get(text, otherwise)
    if found is None:
        raise InvalidUsage(f"{text[:40]!r} is none of the values that the mapping knows")
    return found
