"""Plain words for what pydantic says about a plan file's shape: one message per place, with what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from mvne.planfile.findings import DataPath, Finding, did_you_mean, listed
from mvne.planfile.models.file import PlanFile
from mvne.planfile.nodes import Document, Listing, Node, Scalar
from mvne.planfile.scalars import ID_PATTERN, SHAPES

#: What a pattern asks for, in words.
PATTERNS = {
    ID_PATTERN: "is not an id; use at most 40 lower-case letters, digits, - and _, such as data-1gb",
    r"^#[0-9A-Fa-f]{6}$": 'is not a colour; write it in quotes, such as "#1f5f4a"',
    r"^[^@\s]+@[^@\s]+$": "is not an e-mail address; write it like help@brand.example",
    r"^[A-Z0-9-]{3,30}$": "is not a code; use 3 to 30 capital letters, digits and -",
}


def describe(document: Document, path: DataPath, item: Mapping[str, Any]) -> Finding:
    """Return the finding for one pydantic error at `path`."""
    kind: str = item["type"]
    if "[key]" in path:
        path = tuple(part for part in path if part != "[key]")
        return _finding(document, path, "bad_key", _pattern(item), key=True)
    if kind == "extra_forbidden":
        known = keys_at(path[:-1])
        hint = did_you_mean(str(path[-1]), known) or _elsewhere(str(path[-1]))
        hint = hint or (f"known here: {listed(known, 'and')}" if known else "")
        return _finding(document, path, "unknown_key", "unknown key", hint, key=True)
    if kind == "missing":
        return _finding(document, path, "missing_key", f"the key {str(path[-1])!r} is missing")
    for ending, say in _SAYINGS.items():
        if kind.endswith(ending):
            return _finding(document, path, "bad_value", say(item), _hint(item))
    message = f"expected {_expected(item)}, found {_what(document.find(path))}"
    return _finding(document, path, "bad_value", message)


def _finding(document: Document, path: DataPath, code: str, message: str, hint: str = "", key: bool = False) -> Finding:
    return document.source.finding(document.place(path, key), path, code, message, hint)


def _shown(item: Mapping[str, Any]) -> str:
    text = repr(item["input"])
    return text if len(text) <= 60 else f"{text[:57]}…"


def _pattern(item: Mapping[str, Any]) -> str:
    words = PATTERNS.get(item.get("ctx", {}).get("pattern", ""), "is not written as it should be")
    return f"{_shown(item)} {words}"


def _literals(item: Mapping[str, Any]) -> list[str]:
    return str(item["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")


def _hint(item: Mapping[str, Any]) -> str:
    return did_you_mean(str(item["input"]), _literals(item)) if item["type"] == "literal_error" else ""


def _limit(item: Mapping[str, Any]) -> str:
    context = item.get("ctx", {})
    bound = f"at least {context['ge']}" if "ge" in context else f"at most {context.get('le')}"
    return f"{_shown(item)} is out of bounds; write {bound}"


_SAYINGS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "literal_error": lambda item: f"expected {listed(_literals(item))}, found {_shown(item)}",
    "pattern_mismatch": _pattern,
    "int_parsing": lambda item: f"{_shown(item)} is not a whole number",
    "int_from_float": lambda item: f"{_shown(item)} is not a whole number",
    "int_parsing_size": lambda item: f"{_shown(item)} is too large",
    "bool_parsing": lambda item: f"expected yes or no, found {_shown(item)}",
    "_than_equal": _limit,
    "too_short": lambda item: f"the {'list' if isinstance(item['input'], list) else 'text'} is empty",
    "too_long": lambda item: f"longer than {item['ctx']['max_length']} characters",
}


def _expected(item: Mapping[str, Any]) -> str:
    kind: str = item["type"]
    if kind.startswith("union_tag"):
        return listed(dict.fromkeys(words for tag, words in SHAPES.items() if tag in item["ctx"]["expected_tags"]))
    if kind.startswith("list"):
        return SHAPES["<list>"]
    return SHAPES["<map>" if kind.startswith(("model", "dict")) else "<text>"]


def _what(node: Node | None) -> str:
    if isinstance(node, Scalar):
        return f"the text {node.text[:40]!r}" if node.text else "nothing"
    return "a list" if isinstance(node, Listing) else "a map of keys"


def keys_at(path: DataPath) -> list[str]:
    """Return the keys that the language knows at `path`, empty where any key may stand."""
    found: dict[str, None] = {}
    for schema in _schemas(path):
        found.update(dict.fromkeys(schema.get("properties", {})))
    return list(found)


def _elsewhere(word: str) -> str:
    """Return a hint for a key that another section has."""
    for owner in _SECTIONS:
        if near := did_you_mean(word, keys_at((owner, 0)) + keys_at((owner,))):
            return f"{near} it belongs under {owner}"
    return ""


_SECTIONS = ("brand", "plans", "host", "addons", "promotions")


def _schemas(path: DataPath) -> list[dict[str, Any]]:
    current = _opened(_schema())
    for part in path:
        following: list[dict[str, Any]] = []
        for schema in current:
            if isinstance(part, int):
                following += _opened(schema.get("items", {}))
            elif part in schema.get("properties", {}):
                following += _opened(schema["properties"][part])
            elif isinstance(schema.get("additionalProperties"), dict):
                following += _opened(schema["additionalProperties"])
        current = following
    return current


def _opened(schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        return _opened(_schema()["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return [one for part in parts for one in _opened(part)] if parts else [schema]


@cache
def _schema() -> dict[str, Any]:
    return PlanFile.model_json_schema()
