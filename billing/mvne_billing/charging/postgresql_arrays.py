"""Columns of rows as the text of PostgreSQL's arrays: one string per column, however many rows there are."""

from __future__ import annotations

from collections.abc import Sequence

#: Stands between texts while they are escaped as one; a column that holds it is written text by text.
_BETWEEN = "\x1f"

_INTEGERS, _TEXTS = {int}, {str}


def array(column: Sequence[object]) -> str:
    """Return a column as an array of PostgreSQL's.

    >>> array([1, 2]), array(["a", 'b"c']), array(["a", None])
    ('{1,2}', '{"a","b\\\\"c"}', '{"a",NULL}')
    """
    types = set(map(type, column))
    if types == _INTEGERS:
        return f"{{{','.join(map(str, column))}}}"
    if types == _TEXTS:
        text = _BETWEEN.join(column)  # type: ignore[arg-type]  # all of them are texts
        if text.count(_BETWEEN) == len(column) - 1:
            return f'{{"{_escaped(text).replace(_BETWEEN, _QUOTES)}"}}'
    return f"{{{','.join([_element(value) for value in column])}}}"


_QUOTES = '","'


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if type(value) is int else f'"{_escaped(str(value))}"'


def _escaped(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return text.replace('"', '\\"') if '"' in text else text
