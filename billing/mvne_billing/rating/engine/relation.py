"""Relations: typed columns and the query that makes them, independent of the engine that runs it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mvne_billing.rating.engine.dialect import Dialect
from mvne_billing.rating.engine.expression import NUMBERS, TRUE, Expr, call, column, number


@dataclass(frozen=True)
class Join:
    """How another relation is brought in: `how` is empty, `LEFT` or `ANTI`."""

    how: str
    right: Relation
    on: Expr


@dataclass(frozen=True)
class Relation:
    """Rows with typed `columns`. It is a table called `name`, a union of `parts`, or a query over `source`."""

    columns: Mapping[str, Expr]
    name: str = ""
    parts: tuple[Relation, ...] = ()
    source: Relation | None = None
    join_: Join | None = None
    where: Expr = TRUE
    outputs: Mapping[str, Expr] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Expr:
        return column("b", name, self.columns[name])

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def extend(self, **columns: Expr) -> Relation:
        """Return the rows with more columns, or with others in the place of columns of the same name."""
        return self._select({**{name: self[name] for name in self.columns}, **columns})

    def keep(self, names: Sequence[str]) -> Relation:
        """Return the rows with these columns only."""
        return self._select({name: self[name] for name in names})

    def rename(self, **columns: str) -> Relation:
        """Return the rows with only these columns, each under a new name: `rename(new="old")`."""
        return self._select({new: self[old] for new, old in columns.items()})

    def stored(self, **stores: str) -> Relation:
        """Return the rows with some whole numbers stored as another type that holds them."""
        likes = {name: replace(one, store=stores.get(name, one.store)) for name, one in self.columns.items()}
        return Relation(likes, source=self, outputs={name: self[name] for name in self.columns})

    def filter(self, condition: Expr) -> Relation:
        """Return the rows for which the condition holds."""
        if condition == TRUE:
            return self
        return Relation(self.columns, source=self, where=condition, outputs={name: self[name] for name in self.columns})

    def join(self, right: Relation, on: Expr, **columns: str) -> Relation:
        """Return the rows with columns of `right` (`new="old"`) where `on` holds, see `there`; others go."""
        taken = {new: right.there(old) for new, old in columns.items()}
        return self._select({**{name: self[name] for name in self.columns}, **taken}, Join("", right, on))

    def find(self, right: Relation, on: Expr, **columns: tuple[str, Expr | None]) -> Relation:
        """Return all rows with columns of `right`: `new=("old", default)` where nothing matches, None for null."""
        taken = {}
        for new, (old, default) in columns.items():
            taken[new] = right.there(old) if default is None else _or_else(right.there(old), default)
        return self._select({**{name: self[name] for name in self.columns}, **taken}, Join("LEFT", right, on))

    def without(self, right: Relation, on: Expr) -> Relation:
        """Return the rows for which `right` has none."""
        return self._select({name: self[name] for name in self.columns}, Join("ANTI", right, on))

    def there(self, name: str) -> Expr:
        """Return a column of this relation where it is the right side of a join."""
        return column("j", name, self.columns[name])

    def sql(self, dialect: Dialect, needed: Collection[str] | None = None) -> str:
        """Return the text of the query, of the columns that are `needed` or of all."""
        names = [name for name in self.columns if needed is None or name in needed]
        if self.name:
            return f"SELECT {_listed(dialect, names)} FROM {dialect.identifier(self.name)}"
        if self.parts:
            return " UNION ALL ".join(part.sql(dialect, names) for part in self.parts)
        if self.source is None:
            raise TypeError("a relation is a table, a union or a query")
        outputs = ", ".join(
            f"{dialect.cast(self.outputs[name], self.columns[name].store)} AS {dialect.identifier(name)}"
            for name in names
        )
        asked = _asked([self.where, *(self.outputs[name] for name in names)])
        joined = ""
        if self.join_ is not None:
            asked |= _asked([self.join_.on])
            right = self.join_.right.as_source(dialect)
            joined = f" {self.join_.how} JOIN {right} AS j ON {dialect.sql(self.join_.on)}"
        where = "" if self.where == TRUE else f" WHERE {dialect.sql(self.where)}"
        return f"SELECT {outputs or '1 AS nothing'} FROM {self.source.as_source(dialect, asked)} AS b{joined}{where}"

    def as_source(self, dialect: Dialect, needed: Collection[str] | None = None) -> str:
        """Return the text by which another query reads from this one, of the columns that are `needed` or of all."""
        return dialect.identifier(self.name) if self.name else f"({self.sql(dialect, needed)})"

    def _select(self, outputs: Mapping[str, Expr], join: Join | None = None) -> Relation:
        likes = {name: _like(one) for name, one in outputs.items()}
        return Relation(likes, source=self, join_=join, outputs=outputs)


def union(parts: Sequence[Relation]) -> Relation:
    """Return the rows of several relations that have the same columns in the same order."""
    if len(parts) == 1:
        return parts[0]
    names = list(parts[0].columns)
    merged = {}
    for name in names:
        likes = [part.columns[name] for part in parts]
        store = max((one.store for one in likes), key=lambda one: NUMBERS.index(one) if one in NUMBERS else 0)
        merged[name] = number(store, min(one.low for one in likes), max(one.high for one in likes))
    same = tuple(part.keep(names) for part in parts)
    return Relation(merged, parts=same)


def _listed(dialect: Dialect, names: Sequence[str]) -> str:
    return ", ".join(map(dialect.identifier, names)) or "1 AS nothing"


def _asked(expressions: Iterable[Expr]) -> set[str]:
    """Return the columns of the source that expressions read."""
    found: set[str] = set()
    left = list(expressions)
    while left:
        one = left.pop()
        if one.op == "column" and isinstance(one.value, tuple) and one.value[0] == "b":
            found.add(str(one.value[1]))
        left.extend(one.args)
    return found


def _like(one: Expr) -> Expr:
    return number(one.store, one.low, one.high)


def _or_else(found: Expr, default: Expr) -> Expr:
    like = number(found.store, min(found.low, default.low), max(found.high, default.high))
    return call("coalesce", found, default, like=like)
