"""What a mapping of a host's CSV says, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mvne_billing.usage.mapping.units import PLAIN, Unit
from mvne_plans.quantity import Kind

#: A column: its name in the header, or its position from 1 as digits.
Column = str


@dataclass(frozen=True, slots=True)
class Text:
    """Where the text of a field comes from and what is done to it, in this order.

    The cells of `columns` are put together with `join` between them (no columns: the constant `value`); signs in
    `remove` go; `values` translates whole texts, `otherwise` stands for all it does not name; the longest of `prefixes`
    that fits is replaced.
    """

    columns: tuple[Column, ...] = ()
    value: str = ""
    join: str = " "
    remove: str = ""
    values: Mapping[str, str] | None = None
    otherwise: str | None = None
    prefixes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Amount:
    """How much was used: the numbers of `columns` are added, in `unit`; `value` is an amount that is always the same.

    `fraction` says what becomes of a part of a second or byte: an error, up, or down.
    """

    columns: tuple[Column, ...] = ()
    value: int | None = None
    unit: Unit = PLAIN
    remove: str = ""
    fraction: Literal["error", "up", "down"] = "error"


@dataclass(frozen=True, slots=True)
class Moment:
    """When it began: a text, how it is written (`iso`, `unix`, `unix_ms`, or strptime's signs), in which zone."""

    text: Text
    format: str
    zone: str | None


@dataclass(frozen=True, slots=True)
class Condition:
    """A row whose cell of `column` is one of `among` (or none of them if `negated`), or matches `pattern`."""

    column: Column
    among: frozenset[str] = frozenset()
    negated: bool = False
    pattern: re.Pattern[str] | None = None
    because: str = ""

    def holds(self, cell: str) -> bool:
        """Say whether a cell is meant."""
        if self.pattern is not None:
            return self.pattern.fullmatch(cell) is not None
        return (cell in self.among) is not self.negated


@dataclass(frozen=True, slots=True)
class Trailer:
    """The row that ends a file and says how many rows came before it."""

    when: Condition
    records: Column


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """How a host's CSV is read. `country_code` says whether countries are ISO codes, TADIG codes or PLMNs (MCC first).

    Without an `id` a row's own text makes its id, so that two rows with the same text are one use.
    """

    msisdn: Text
    kind: Text
    start: Moment
    amounts: Mapping[Kind, Amount]
    country: Text
    to: Text | None = None
    id: Text | None = None
    session: Text | None = None
    label: Text | None = None
    corrects: Text | None = None
    country_code: Literal["iso", "tadig", "plmn"] = "iso"
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    quote: str | None = '"'
    header: bool = True
    skip_lines: int = 0
    decimal: str = "."
    skip: tuple[Condition, ...] = ()
    trailer: Trailer | None = None
    sender: str = ""
    file_name: re.Pattern[str] | None = None
