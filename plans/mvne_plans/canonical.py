"""One text per content: how a plan version is stored, compared and named by its hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    # Building an adapter costs a millisecond, using it a microsecond: one per type is kept.
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def dumps(value: object) -> str:
    """Return the canonical JSON of a dataclass: sorted keys, no spaces, decimals as text."""
    plain = _adapter(type(value)).dump_python(value, mode="json")
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def loads(kind: type[T], text: str) -> T:
    """Return the dataclass of type `kind` that `dumps` wrote."""
    value: T = _adapter(kind).validate_json(text)
    return value


def content_hash(value: object) -> str:
    """Return the SHA-256 of the canonical JSON, in hex: equal content, equal hash."""
    return text_hash(dumps(value))


def text_hash(text: str) -> str:
    """Return the SHA-256 of a canonical JSON, in hex: what `content_hash` says of the value it was written from."""
    return hashlib.sha256(text.encode()).hexdigest()
