"""From nodes to the typed shape of a plan file, with every mistake of shape at once.

After a mistake the value is left out and the rest is checked again, so that a mistyped key does not hide a wrong price.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mvne.planfile.explain_shape import describe, keys_at
from mvne.planfile.findings import DataPath, Finding
from mvne.planfile.models.file import PlanFile
from mvne.planfile.nodes import Document, Mapping, plain
from mvne.planfile.not_yet import refuse_later
from mvne.planfile.scalars import SHAPES

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: Checking again after leaving out ends at the latest here; each round leaves out at least one value.
_ROUNDS = 12

#: What stands in for a required value that is missing or wrong, so that the rest can be checked.
_STAND_INS: dict[DataPath, Any] = {
    ("brand", "id"): "unnamed",
    ("brand", "name"): "unnamed",
    ("host",): {"network": "simulated", "agreement": {"from": "1970-01-01"}},
    ("host", "network"): "simulated",
    ("host", "agreement"): {"from": "1970-01-01"},
    ("host", "agreement", "from"): "1970-01-01",
    ("plans", "*", "pay"): "postpaid",
}


@dataclass
class Shape:
    """What a file's shape came to: `file` is None when too little is right to go on; `missing` was left out."""

    file: PlanFile | None = None
    findings: list[Finding] = field(default_factory=list)
    missing: set[DataPath] = field(default_factory=set)


def check_shape(document: Document) -> Shape:
    """Return the typed shape of `document` with all that is wrong with it."""
    shape = Shape()
    data = plain(document.root)
    if not isinstance(data, dict):
        message = "a plan file is a map with the keys brand, host and plans"
        shape.findings.append(document.source.finding(document.root.place, (), "not_a_map", message))
        return shape
    later = refuse_later(document, data)
    shape.findings += later.values()
    _decimal_commas(document, data, shape)
    for path in [*later, *_empty(document, data, shape)]:
        _leave_out(data, path, shape)
    for number in range(_ROUNDS):
        try:
            shape.file = PlanFile.model_validate(data)
            return shape
        except ValidationError as error:
            if not _mend(document, data, error, shape, first=number == 0):
                return shape
    return shape


def _decimal_commas(document: Document, data: Any, shape: Shape, path: DataPath = ()) -> None:
    """Note `{price: 9,90}`, which YAML reads as the price 9 and a key 90 without a value."""
    steps = list(data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ())
    for (key, value), (following, nothing) in pairwise(steps):
        if nothing is None and _digits(value) and _digits(following):
            message = f"'{value},{following}' has a comma; use {value}.{following}"
            place = document.place((*path, key))
            shape.findings.append(document.source.finding(place, (*path, key), "bad_price", message))
            data[key] = f"{value}.{following}"
            del data[following]
    for step, value in steps:
        _decimal_commas(document, value, shape, (*path, step))


def _digits(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()


def _empty(document: Document, data: Any, shape: Shape, path: DataPath = ()) -> list[DataPath]:
    """Note keys and list items that have no value."""
    if data is None:
        name = path[-1] if path and isinstance(path[-1], str) else "this item"
        message = f"{name!r} has no value; write one or remove it" if path else "the file is empty"
        shape.findings.append(document.source.finding(document.place(path), path, "no_value", message))
        return [path]
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for step, value in steps for found in _empty(document, value, shape, (*path, step))]


def _mend(document: Document, data: Any, error: ValidationError, shape: Shape, first: bool) -> bool:
    """Note each mistake and leave its value out; return False when nothing more can be done."""
    items = [(_path(item), item) for item in error.errors(include_url=False)]
    told: set[DataPath] = set()
    mended = True
    # Unknown keys first: one of them may be a key that is missing, mistyped.
    for path, item in sorted(items, key=lambda pair: pair[1]["type"] != "extra_forbidden"):
        if path in told or _get(data, path[:-1]) is None:
            continue  # One message per place, and none inside what this round has left out already.
        told.add(path)
        if item["type"] != "missing" or (first and path not in shape.missing):
            shape.findings.append(describe(document, path, item))
        meant = _meant(path, _get(data, path[:-1])) if item["type"] == "extra_forbidden" else None
        if meant:
            told.add(meant)
            _get(data, path[:-1])[meant[-1]] = _get(data, path)
            _also_called(document, path, str(meant[-1]))
        mended = _leave_out(data, path, shape) and mended
    return mended


def _also_called(document: Document, path: DataPath, name: str) -> None:
    """Let the value be found under the name that was meant, for the findings that follow."""
    parent = document.find(path[:-1])
    if isinstance(parent, Mapping):
        parent.entries[name] = parent.entries[str(path[-1])]


def _path(item: ErrorDetails) -> DataPath:
    return tuple(part for part in item["loc"] if part not in SHAPES)


def _meant(path: DataPath, parent: Any) -> DataPath | None:
    """Return the place of the key that an unknown one resembles, if that is not there."""
    free = [key for key in keys_at(path[:-1]) if key not in parent]
    near = get_close_matches(str(path[-1]), free, n=1, cutoff=0.6)
    return (*path[:-1], near[0]) if near else None


def _leave_out(data: Any, path: DataPath, shape: Shape) -> bool:
    """Take the value at `path` out of `data`, or what holds it; False when that would leave nothing to check."""
    shape.missing.add(path)
    pattern = tuple("*" if isinstance(part, int) else part for part in path)
    parent = _get(data, path[:-1])
    if isinstance(parent, dict) and isinstance(path[-1], str):
        if path[-1] in parent:
            del parent[path[-1]]
            return True
        if pattern in _STAND_INS:
            parent[path[-1]] = deepcopy(_STAND_INS[pattern])
            return True
        if pattern == ("plans", "*", "id"):
            parent["id"] = f"plan-{path[1]}"
            return True
    # A list keeps its length, so that the places of what follows stay true: the whole list goes.
    return len(path) > 2 and _leave_out(data, path[:-1], shape)


def _get(data: Any, path: DataPath) -> Any:
    for part in path:
        inside = isinstance(data, dict) and part in data
        inside = inside or (isinstance(data, list) and isinstance(part, int) and part < len(data))
        if not inside:
            return None
        data = data[part]
    return data
