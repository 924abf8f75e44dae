"""YAML as places and plain text: every scalar keeps what was written, every node knows where it stands.

No implicit types: `01`, `NO` and `9.90` stay text; only an empty value, `~` and `null` mean nothing. Duplicate keys,
tags, merge keys (`<<`) and second documents are findings. Anchors and aliases are allowed as long as the file, with
every alias written out, stays within the limits, so that a file of a few hundred bytes cannot become a billion nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from mvne.planfile.findings import DataPath, Finding, Source

MOST_DEPTH = 30
MOST_NODES = 50_000
MOST_TEXT = 1_000

#: Line and column, both from 1.
Place = tuple[int, int]

#: The C parser when PyYAML has it; both give the same events, and neither recurses.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TOO_DEEP = f"nested deeper than {MOST_DEPTH} levels"

#: libyaml from 0.2.6 on stops by itself at 1,000 levels, and looks far enough ahead to do so before our own limit does.
_LIBYAML_TOO_DEEP = "exceeded maximum nesting depth"


@dataclass(slots=True)
class Scalar:
    """One value as written; None for nothing."""

    place: Place
    text: str | None
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class Listing:
    """A list of nodes."""

    place: Place
    items: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class Mapping:
    """Keys in file order, each with its own place."""

    place: Place
    entries: dict[str, tuple[Place, Node]] = field(default_factory=dict)
    size: int = 1
    height: int = 1


Node = Scalar | Listing | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """A plan file's text and its nodes."""

    source: Source
    root: Node

    def place(self, path: DataPath, key: bool = False) -> Place:
        """Return where the value at `path` stands, or its key; the nearest place above when it is not written."""
        node, place = self.root, self.root.place
        for position, part in enumerate(path):
            found = child(node, part)
            if found is None:
                break
            last = position == len(path) - 1
            place = found[0] if key and last else found[1].place
            # An empty value has no token of its own: its key is what the eye looks for.
            if isinstance(found[1], Scalar) and found[1].text is None:
                place = found[0]
            node = found[1]
        return place

    def find(self, path: DataPath) -> Node | None:
        """Return the node at `path`, None when it is not written."""
        node: Node = self.root
        for part in path:
            found = child(node, part)
            if found is None:
                return None
            node = found[1]
        return node


def child(node: Node, part: str | int) -> tuple[Place, Node] | None:
    """Return the place of the key (or of the item) and the node under one step of a path."""
    if isinstance(node, Mapping) and isinstance(part, str):
        return node.entries.get(part)
    if isinstance(node, Listing) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part].place, node.items[part]
    return None


def plain(node: Node) -> Any:
    """Return a node as dicts, lists and text."""
    match node:
        case Scalar():
            return node.text
        case Listing():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(value) for key, (_, value) in node.entries.items()}


def compose(source: Source) -> tuple[Document | None, list[Finding]]:
    """Return a text's nodes with what is wrong with it as YAML; no nodes when it cannot be read to the end."""
    composer = _Composer(source)
    try:
        root = composer.document()
    except _Refused as refused:
        return None, [*composer.findings, refused.finding]
    except yaml.YAMLError as error:
        return None, [*composer.findings, _broken(source, error)]
    return Document(source, root), composer.findings


class _Refused(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


class _Composer:
    """Turns the parser's events into nodes, counting as it goes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Finding] = []
        self.anchors: dict[str, Node] = {}
        self.nodes = 0
        self.events: Iterator[Any] = yaml.parse(source.text, Loader=_LOADER)

    def document(self) -> Node:
        event = next(self.events)
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            self.refuse((1, 1), (), "empty", "the file is empty; mvne init writes one to start from")
        root = self.node(event, ())
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.refuse(
                    _place(event), (), "second_document", "a plan file is one document; remove what follows ---"
                )
        return root

    def node(self, event: Any, path: DataPath) -> Node:
        place = _place(event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, place, path)
        if event.tag is not None and event.tag != "!":
            self.note(place, path, "tag", f"tags such as {event.tag!r} are not part of the language; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            node: Node = self.scalar(event, place, path)
            self.count(1, place, path)
        else:
            if len(path) >= MOST_DEPTH:
                self.refuse(place, path[:3], "too_deep", _TOO_DEEP)
            self.count(1, place, path)
            node = self.collection(event, place, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Any, place: Place, path: DataPath) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            # libyaml refuses an alias without an anchor; this is one that stands inside its own anchor.
            self.refuse(place, path, "alias", f"*{event.anchor} is used before &{event.anchor} is complete")
        if len(path) + node.height > MOST_DEPTH:
            self.refuse(place, path[:3], "too_deep", f"{_TOO_DEEP} with its aliases written out")
        self.count(node.size, place, path)
        return node

    def scalar(self, event: Any, place: Place, path: DataPath) -> Scalar:
        text = event.value
        if len(text) > MOST_TEXT:
            self.refuse(place, path, "too_long", f"a value of more than {MOST_TEXT:,} characters")
        nothing = not event.style and text in ("", "~", "null")
        return Scalar(place, None if nothing else text)

    def collection(self, event: Any, place: Place, path: DataPath) -> Node:
        if isinstance(event, yaml.SequenceStartEvent):
            listing = Listing(place)
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                self.grow(listing, item := self.node(event, (*path, len(listing.items))))
                listing.items.append(item)
            return listing
        mapping = Mapping(place)
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            self.entry(mapping, event, path)
        return mapping

    def entry(self, mapping: Mapping, event: Any, path: DataPath) -> None:
        key = self.node(event, (*path, "?"))
        name = key.text if isinstance(key, Scalar) else None
        value = self.node(next(self.events), (*path, name or "?"))
        self.grow(mapping, value)
        if name is None:
            self.note(key.place, path, "bad_key", "a key is one word of text")
        elif name == "<<":
            self.note(key.place, path, "merge_key", "merge keys (<<) are not part of the language; write the keys out")
        elif name in mapping.entries:
            first = mapping.entries[name][0]
            message = f"the key {name!r} is here twice, first on line {first[0]}; keep one"
            self.note(key.place, (*path, name), "duplicate_key", message)
        else:
            mapping.entries[name] = (key.place, value)

    def grow(self, parent: Listing | Mapping, node: Node) -> None:
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)

    def count(self, nodes: int, place: Place, path: DataPath) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            message = f"more than {MOST_NODES:,} values with every alias written out; a plan file needs a few hundred"
            self.refuse(place, path[:3], "too_many", message)

    def note(self, place: Place, path: DataPath, code: str, message: str) -> None:
        self.findings.append(self.source.finding(place, path, code, message))

    def refuse(self, place: Place, path: DataPath, code: str, message: str) -> NoReturn:
        raise _Refused(self.source.finding(place, path, code, message))


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _broken(source: Source, error: yaml.YAMLError) -> Finding:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    position = getattr(error, "position", None)
    if mark is not None:
        place = (mark.line + 1, mark.column + 1)
    elif isinstance(position, int):
        before = source.text[:position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    else:
        place = (1, 1)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    if problem == _LIBYAML_TOO_DEEP:
        return source.finding(place, (), "too_deep", _TOO_DEEP)
    line = source.lines[place[0] - 1] if place[0] <= len(source.lines) else ""
    hint = "indent with spaces, not with tabs" if "\t" in line[: len(line) - len(line.lstrip())] else ""
    return source.finding(place, (), "not_yaml", f"this is not YAML: {problem}", hint)
