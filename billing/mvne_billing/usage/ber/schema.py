"""What a BER element means: its form, the names and tags of its parts. Compiled from pycrate's modules, or by hand.

pycrate carries the ASN.1 of TAP and of TS 32.298 as objects. They are read once for names, tags and forms; decoding
goes by what is kept of them here, three times faster than pycrate's own decoder and with no errors but ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from mvne_billing.usage.ber.tags import context


class Form(IntEnum):
    """How the contents of an element are read; enumerations are numbers, whatever has no form here stays octets."""

    OCTETS = 0
    INTEGER = 1
    TEXT = 2
    BOOLEAN = 3
    NULL = 4
    SEQUENCE = 5
    SET = 6
    LIST = 7
    CHOICE = 8


class Field(NamedTuple):
    """A part: its name, its place among its siblings, its tags from the outside in (none for a bare choice).

    `wraps` counts the elements that only carry a tag around the one that holds the contents.
    """

    name: str
    order: int
    tags: tuple[int, ...]
    type: Type
    wraps: int


@dataclass(eq=False)
class Type:
    """A form with its parts, which are worked out when they are first asked for: the charging schemas are large.

    A list has one part, without tags of its own where its items are a choice.
    """

    form: Form
    parts: Callable[[], Iterable[Field]] = tuple

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The parts in the order of the definition."""
        return tuple(self.parts())

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The parts by their names."""
        return {field.name: field for field in self.fields}

    @cached_property
    def by_tag(self) -> dict[int, Field]:
        """The parts by the tag that opens them; a bare choice is opened by any tag of its alternatives."""
        return {tag: field for field in self.fields for tag in field.tags[:1] or field.type.by_tag}


def part(name: str, index: int, tags: tuple[int, ...], kind: Type) -> Field:
    """Return a part; every tag of a choice wraps, the last tag of anything else is that of its contents."""
    return Field(name, index, tags, kind, len(tags) if kind.form is Form.CHOICE else len(tags) - 1)


_FORMS = {
    "INTEGER": Form.INTEGER,
    "ENUMERATED": Form.INTEGER,
    "BOOLEAN": Form.BOOLEAN,
    "NULL": Form.NULL,
    "SEQUENCE": Form.SEQUENCE,
    "SET": Form.SET,
    "SEQUENCE OF": Form.LIST,
    "SET OF": Form.LIST,
    "CHOICE": Form.CHOICE,
} | {f"{kind}String": Form.TEXT for kind in ("IA5", "UTF8", "Graphic", "Visible", "Printable", "Numeric")}


def compiled(name: str, definition: Any, index: int = 0) -> Field:
    """Return one of pycrate's objects as a part of this name."""
    form = _FORMS.get(definition.TYPE, Form.OCTETS)
    tags = tuple(number << 2 | kind for kind, number in definition._tagc)
    return part(name, index, tags, Type(form, lambda: _parts(form, definition)))


def _parts(form: Form, definition: Any) -> Iterator[Field]:
    if form is Form.LIST:
        yield compiled("", definition._cont)
    elif form in (Form.SEQUENCE, Form.SET, Form.CHOICE):
        for index, (name, inner) in enumerate(definition._cont.items()):
            yield compiled(name, inner, index)


def record(form: Form, **parts: tuple[int, Type]) -> Type:
    """Return a type written by hand: each part's name with its context tag and its type.

    What is left out of it is passed over when an element is read.
    """
    fields = tuple(part(name, index, (context(tag),), kind) for index, (name, (tag, kind)) in enumerate(parts.items()))
    return Type(form, lambda: fields)


def list_of(item: Type, tag: int) -> Type:
    """Return the type of a list of items, each with the given tag."""
    return Type(Form.LIST, lambda: (part("", 0, (tag,), item),))
