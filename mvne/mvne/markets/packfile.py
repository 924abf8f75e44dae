"""Read a market pack: YAML whose words stay words, laid over the packs it extends.

A pack says `extends: [EU]`; every market also extends `WORLD`, first and without saying so. Mappings merge key by key,
lists are joined (base first), and any other value of the later pack replaces the earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

import yaml

from mvne.errors import MvneError

#: A merged pack: read-only mappings, tuples, text, and None where the file says null.
Pack = Mapping[str, Any]

WORLD = "WORLD"
_PACKS = files("mvne.markets") / "packs"
_BASES = _PACKS / "base"
_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
_NULLS = frozenset({"", "~", "null"})


class MarketError(MvneError):
    """Anything the market packs refuse; the root of this package's errors."""


class PackError(MarketError):
    """A market pack is not written as it must be; the message names file, place and remedy."""


def pack_names() -> tuple[str, ...]:
    """Return the codes of the markets that have a pack, sorted; base packs are not markets."""
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in _PACKS.iterdir() if entry.is_file()))


@cache
def read_pack(code: str) -> Pack:
    """Return the pack of a market, or of a base, merged over its bases and read-only.

    Raise `PackError` for a pack that is missing, badly written or that extends itself.
    """
    merged: dict[str, Any] = {}
    for name in _chain(code, ()):
        merged = merge(merged, _own(name))
    frozen: Pack = _freeze(merged)
    return frozen


def parse_pack(text: str, name: str) -> dict[str, Any]:
    """Return the YAML mapping in `text`, every scalar as its text; `name` is the file named in messages.

    Raise `PackError` for what is no YAML, for a duplicate key, and for anything but a mapping at the top.

    >>> parse_pack("{country: NO, version: 01, price: 9.90, from: 2027-01-01, until: null}", "x.yaml")
    {'country': 'NO', 'version': '01', 'price': '9.90', 'from': '2027-01-01', 'until': None}
    """
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise PackError(f"{name}: this is not YAML: {error}") from error
    if not isinstance(node, yaml.MappingNode):
        raise PackError(f"{name}: a pack is a mapping of keys to values")
    built: dict[str, Any] = _build(node, name)
    return built


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `over` laid over `base`: mappings merge, lists are joined, other values replace.

    >>> merge({"a": {"x": "1", "y": "2"}, "l": ["1"]}, {"a": {"y": "3"}, "l": ["2"]})
    {'a': {'x': '1', 'y': '3'}, 'l': ['1', '2']}
    """
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = merge(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            merged[key] = before + value
        else:
            merged[key] = value
    return merged


def at(pack: Pack, path: str) -> Any:
    """Return the value at a dotted path, as `numbering.country_code`; raise `PackError` where there is none."""
    value: Any = pack
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise PackError(f"{pack.get('market')}.yaml: '{path}' is missing: write it in the pack")
        value = value[key]
    return value


def _chain(code: str, below: tuple[str, ...]) -> list[str]:
    """Return the packs to lay down for `code`, bases first, each once."""
    if code in below:
        raise PackError(f"{code}.yaml extends itself through {' and '.join(below)}: remove one 'extends'")
    implied = () if below or code == WORLD else (WORLD,)
    bases = (*implied, *(_own(code).get("extends") or ()))
    ordered = [name for base in bases for name in _chain(base, (*below, code))]
    return list(dict.fromkeys([*ordered, code]))


@cache
def _own(code: str) -> dict[str, Any]:
    file = _file(code)
    pack = parse_pack(file.read_text(encoding="utf-8"), file.name)
    return {key: value for key, value in pack.items() if key != "kind"}


def _file(code: str) -> Traversable:
    for folder in (_PACKS, _BASES):
        file = folder / f"{code}.yaml"
        if file.is_file():
            return file
    raise PackError(f"there is no market pack {code}.yaml: look at 'extends' in the packs")


def _build(node: yaml.Node, name: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, name)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, name) for item in node.value]
    # A quoted or block scalar has a style, a plain one has none: only the plain word null means nothing.
    quoted = isinstance(node, yaml.ScalarNode) and node.style
    return node.value if quoted or node.value not in _NULLS else None


def _build_mapping(node: yaml.MappingNode, name: str) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = f"{name}:{key_node.start_mark.line + 1}:{key_node.start_mark.column + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise PackError(f"{place}: a key is a word, not a list or a mapping")
        if key_node.value in built:
            raise PackError(f"{place}: '{key_node.value}' stands here twice: keep one")
        built[key_node.value] = _build(value_node, name)
    return built


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _freeze(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return tuple(_freeze(inner) for inner in value)
    return value
