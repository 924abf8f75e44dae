"""What the language will say one day and this version refuses, with what to write meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mvne.planfile.findings import DataPath, Finding
from mvne.planfile.nodes import Document

#: Any key or list position.
ANY = "*"


def _always(value: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Later:
    """A place in the file (`*` for any one step), when it counts, and what to say."""

    pattern: tuple[str, ...]
    message: str
    applies: Callable[[Any], bool] = _always


def _is_pass(value: Any) -> bool:
    return value == "pass" or (isinstance(value, dict) and "pass" in value)


def _other_kind(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind", "rating") != "rating"


LATER: tuple[Later, ...] = (
    Later(("partners",), "partner offers are not in this version; leave them out"),
    Later(("plans", ANY, "commitment"), "a commitment is not in this version; sell several periods at once with terms"),
    Later(
        ("plans", ANY, "then", ANY),
        "passes are not in this version; write a price, slow 128 kbit/s, {next: PLAN} or stop",
        _is_pass,
    ),
    Later(
        ("plans", ANY, "then", ANY, ANY),
        "passes are not in this version; write a price, slow 128 kbit/s, {next: PLAN} or stop",
        _is_pass,
    ),
    Later(
        ("services", ANY),
        "services that are not of kind rating are not in this version; leave the service out, and out of its plans",
        _other_kind,
    ),
    Later(
        ("host", "network"),
        "adapters to real networks are not in this version; write simulated",
        lambda value: isinstance(value, str) and value != "simulated",
    ),
)


def refuse_later(document: Document, data: dict[str, Any]) -> dict[DataPath, Finding]:
    """Return a finding per place that uses what is not in this version."""
    found: dict[DataPath, Finding] = {}
    for later in LATER:
        for path, value in _matches(data, later.pattern):
            if later.applies(value):
                place = document.place(path, key=True)
                found[path] = document.source.finding(place, path, "not_yet", later.message)
    return found


def _matches(data: Any, pattern: tuple[str, ...], path: DataPath = ()) -> list[tuple[DataPath, Any]]:
    if not pattern:
        return [(path, data)]
    steps: list[tuple[str | int, Any]] = []
    if isinstance(data, dict):
        steps = [(key, value) for key, value in data.items() if pattern[0] in (ANY, key)]
    elif isinstance(data, list) and pattern[0] == ANY:
        steps = list(enumerate(data))
    return [match for step, value in steps for match in _matches(value, pattern[1:], (*path, step))]
