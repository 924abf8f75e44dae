"""What two engines write differently, and how an expression becomes SQL text in either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mvne_billing.rating.engine.expression import NUMBERS, Expr, smallest, whole


@dataclass(frozen=True)
class Dialect:
    """The words of one engine: its types, its division of whole numbers, its quotes and a few functions.

    `functions` give the text of a call from the texts of its arguments. `repeated` gives, for a key and the name of a
    table, the query of those keys that stand in more than one row.
    """

    name: str
    types: dict[str, str]
    divide: str
    quote: str
    functions: dict[str, Callable[..., str]]
    repeated: Callable[[str, str], str]

    def identifier(self, name: str) -> str:
        """Quote the name of a column or table."""
        return f"{self.quote}{name}{self.quote}"

    def sql(self, one: Expr) -> str:
        """Return the text of an expression."""
        if one.op == "column":
            table, name = _pair(one.value)
            return f"{table}.{self.identifier(name)}"
        if one.op == "literal":
            return f"CAST({one.value} AS {self.types['wide']})" if one.is_wide else str(one.value)
        if one.op == "text":
            return "'" + str(one.value).replace("'", "''") + "'"
        if one.op == "flag":
            return "TRUE" if one.value else "FALSE"
        return _WRITERS.get(one.op, _operator)(self, one)

    def number(self, one: Expr, is_wide: bool) -> str:
        """Return the text of a whole number as an operand of 64 bits, or of the widest type."""
        shown = self.sql(whole(one))
        if is_wide and not one.is_wide:
            return f"CAST({shown} AS {self.types['wide']})"
        return f"CAST({shown} AS {self.types['long']})" if one.store in ("tiny", "small", "int") else shown

    def cast(self, one: Expr, store: str) -> str:
        """Return the text of a value as a column of type `store`."""
        shown = self.sql(whole(one) if one.store in NUMBERS else one)
        return f"CAST({shown} AS {self.types[store]})" if store in NUMBERS else shown


def _pair(value: object) -> tuple[str, str]:
    if not isinstance(value, tuple):
        raise TypeError(f"{value!r} names no column")
    return str(value[0]), str(value[1])


def _operator(dialect: Dialect, one: Expr) -> str:
    op = dialect.divide if one.op == "//" else one.op
    return "(" + f" {op} ".join(dialect.number(arg, one.is_wide) for arg in one.args) + ")"


def _comparison(dialect: Dialect, one: Expr) -> str:
    left, right = one.args
    if left.store in NUMBERS and right.store in NUMBERS and left.is_wide == right.is_wide:
        return f"({dialect.sql(whole(left))} {one.op} {dialect.sql(whole(right))})"
    is_wide = left.is_wide or right.is_wide
    shown = [dialect.number(arg, is_wide) if arg.store in NUMBERS else dialect.sql(arg) for arg in one.args]
    return f"({f' {one.op} '.join(shown)})"


def _logical(dialect: Dialect, one: Expr) -> str:
    return "(" + f" {one.op} ".join(dialect.sql(arg) for arg in one.args) + ")"


def _not(dialect: Dialect, one: Expr) -> str:
    return f"(NOT {dialect.sql(one.args[0])})"


def _is_null(dialect: Dialect, one: Expr) -> str:
    return f"({dialect.sql(one.args[0])} IS NULL)"


def _case(dialect: Dialect, one: Expr) -> str:
    values = [dialect.number(arg, one.is_wide) if arg.store in NUMBERS else dialect.sql(arg) for arg in one.args[1::2]]
    branches = [
        f"WHEN {dialect.sql(condition)} THEN {value}" for condition, value in zip(one.args[:-1:2], values, strict=True)
    ]
    last = one.args[-1]
    otherwise = dialect.number(last, one.is_wide) if last.store in NUMBERS else dialect.sql(last)
    return f"CASE {' '.join(branches)} ELSE {otherwise} END"


def _function(dialect: Dialect, one: Expr) -> str:
    return f"{one.op}({', '.join(dialect.number(arg, one.is_wide) for arg in one.args)})"


def _narrow(dialect: Dialect, one: Expr) -> str:
    return f"CAST({dialect.sql(one.args[0])} AS {dialect.types['long']})"


def _running(dialect: Dialect, one: Expr) -> str:
    value, key, *order = one.args
    by = ", ".join(dialect.sql(arg) for arg in order)
    # A key of 32 bits, a time and a whole number are sorted as 24 bytes: a good deal faster than by more of them.
    rows = f"PARTITION BY {dialect.cast(key, smallest(key))} ORDER BY {by}"
    window = f"{rows} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    # A sum of 64-bit integers has another type in every engine: it is said which one is meant.
    return f"CAST(sum({dialect.number(value, one.is_wide)}) OVER ({window}) AS {dialect.types[one.store]})"


def _call(dialect: Dialect, one: Expr) -> str:
    return dialect.functions[str(one.value)](*(dialect.sql(arg) for arg in one.args))


_WRITERS: dict[str, Callable[[Dialect, Expr], str]] = {
    "AND": _logical,
    "OR": _logical,
    "NOT": _not,
    "IS NULL": _is_null,
    "=": _comparison,
    "<": _comparison,
    "<=": _comparison,
    "CASE": _case,
    "least": _function,
    "greatest": _function,
    "narrow": _narrow,
    "running": _running,
    "call": _call,
}


def _sorted_neighbours(key: str, table: str) -> str:
    # Sorting and looking at the neighbour takes a third of the time of counting groups.
    ordered = f"SELECT {key} AS k FROM {table} AS b ORDER BY k"
    return f"SELECT DISTINCT k FROM (SELECT k, lag(k) OVER () AS earlier FROM ({ordered})) WHERE k = earlier"


def _counted_groups(key: str, table: str) -> str:
    return f"SELECT k FROM (SELECT {key} AS k FROM {table} AS b) WHERE k IS NOT NULL GROUP BY k HAVING count(*) > 1"


_SHARED: dict[str, Callable[..., str]] = {
    "among": lambda one, *others: f"({one} IN ({', '.join(others)}))",
    "coalesce": lambda *args: f"coalesce({', '.join(args)})",
    "length": lambda one: f"length({one})",
    "from": lambda one, place: f"substr({one}, {place})",
    "head": lambda one, size: f"substr({one}, 1, {size})",
    "concat": lambda *args: f"concat({', '.join(args)})",
    "strip": lambda one: f"translate({one}, ' .-()', '')",
    "text": lambda one: f"CAST({one} AS STRING)",
    "whole": lambda one: f"try_cast({one} AS BIGINT)",
}

_NUMBERS = {"tiny": "TINYINT", "small": "SMALLINT", "int": "INT", "long": "BIGINT"}

DUCKDB = Dialect(
    name="duckdb",
    types={**_NUMBERS, "wide": "HUGEINT", "text": "VARCHAR"},
    divide="//",
    quote='"',
    functions={**_SHARED, "micros": lambda one: f"epoch_us({one})", "hash": lambda one: f"hash({one})"},
    repeated=_sorted_neighbours,
)

SPARK = Dialect(
    name="spark",
    types={**_NUMBERS, "wide": "DECIMAL(38, 0)", "text": "STRING"},
    divide="div",
    quote="`",
    functions={**_SHARED, "micros": lambda one: f"unix_micros({one})", "hash": lambda one: f"xxhash64({one})"},
    repeated=_counted_groups,
)
