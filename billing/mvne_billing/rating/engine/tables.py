"""Small tables that the generated queries join: rows made in Python, with the bounds of what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from mvne_billing.rating.engine.expression import LONG, NUMBERS, Expr, number, other
from mvne_billing.rating.engine.relation import Relation


@dataclass(frozen=True)
class Table:
    """A table by columns. Whole numbers are `long` unless `stores` says otherwise; the rest are texts or times."""

    name: str
    columns: Mapping[str, Sequence[object]]
    stores: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def likes(self) -> dict[str, Expr]:
        """What each column is like, within the bounds of its values."""
        return {name: _like(values, self.stores.get(name, "")) for name, values in self.columns.items()}

    @property
    def relation(self) -> Relation:
        """The table as a relation."""
        return Relation(self.likes, name=self.name)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def _like(values: Sequence[object], store: str) -> Expr:
    if store in NUMBERS or (not store and values and isinstance(values[0], int)):
        numbers = cast(Sequence[int], values)  # tables of routes are large: their values are not looked at one by one
        low, high = min(numbers, default=0), max(numbers, default=0)
        is_long = LONG[0] <= low and high <= LONG[1]
        return number((store or "long") if is_long else "wide", low, high)
    return other(store or "text")


def rows(name: str, made: Sequence[Mapping[str, object]], stores: Mapping[str, str] | None = None) -> Table:
    """Return a table from rows that all have the same columns; `stores` names the columns of a table without rows."""
    columns = list(made[0]) if made else list(stores or {})
    return Table(name, {column: [one[column] for one in made] for column in columns}, stores or {})
