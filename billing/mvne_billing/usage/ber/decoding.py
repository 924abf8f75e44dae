"""Octets to values: what an element of a known type says, as plain Python.

Values are as pycrate has them: a sequence or set is a dict by name, a list is a list, a choice is the pair of its
alternative and that one's value, strings of octets are bytes. What is read but not written in the shortest, definite,
ordered form is told beside it, since writing it again gives other octets.
"""

from __future__ import annotations

from typing import Any

from mvne_billing.usage.ber.schema import Field, Form, Type
from mvne_billing.usage.ber.tags import END, INDEFINITE, BrokenBer, read_head, universal

#: The deepest nesting that is followed, and the longest number (octets) that is read.
DEEPEST = 32
_LONGEST_NUMBER = 16

_SEGMENT = universal(4)

#: An element as it is met: tag, constructed or plain, where its contents start and stop, where the next one is.
_Element = tuple[int, bool, int, int, int]


def decode(field: Field, octets: bytes) -> tuple[Any, list[str]]:
    """Return the value of the one element in `octets`, and what is odd about how it is written.

    Raises `BrokenBer` when it is not such an element, when octets are left over, or where its structure breaks.
    """
    odd: list[str] = []
    found = _element(octets, 0, len(octets), odd)
    if found[4] != len(octets):
        raise BrokenBer("octets are left over after the element", found[4])
    if field.tags and found[0] != field.tags[0]:
        raise BrokenBer(f"another tag than that of {field.name or 'the element'}", 0)
    return _value(octets, field, found, odd, 0), odd


def end_of(octets: bytes, at: int, end: int, depth: int = 0) -> tuple[int, int]:
    """Return where the contents of an element of indefinite length stop and where its end mark is over."""
    if depth > DEEPEST:
        raise BrokenBer("elements are nested too deeply", at)
    while True:
        tag, constructed, length, start, _ = read_head(octets, at, end)
        if tag == END and not constructed and length == 0:
            return at, start
        if length == INDEFINITE:
            if not constructed:
                raise BrokenBer("a plain value without a length", at)
            _, at = end_of(octets, start, end, depth + 1)
        else:
            at = start + length
            if at > end:
                raise BrokenBer("an element is longer than what holds it", start)


def _element(octets: bytes, at: int, end: int, odd: list[str]) -> _Element:
    tag, constructed, length, start, minimal = read_head(octets, at, end)
    if not minimal:
        if length == INDEFINITE:
            if not constructed:
                raise BrokenBer("a plain value without a length", at)
            odd.append(f"indefinite length at octet {at}")
            stop, after = end_of(octets, start, end)
            return tag, constructed, start, stop, after
        odd.append(f"longer tag or length than needed at octet {at}")
    stop = start + length
    if stop > end:
        raise BrokenBer("an element is longer than what holds it", at)
    return tag, constructed, start, stop, stop


def _value(octets: bytes, field: Field, found: _Element, odd: list[str], depth: int) -> Any:
    """Return the value of a part whose outermost element was found; its tag is known to be the part's."""
    if field.wraps:
        found = _unwrapped(octets, field, found, odd)
    tag, constructed, start, stop, _ = found
    kind = field.type
    form = kind.form
    if form > Form.NULL:
        if depth > DEEPEST:
            raise BrokenBer("elements are nested too deeply", start)
        if form is Form.CHOICE:
            chosen = kind.by_tag.get(tag)
            if chosen is None:
                raise BrokenBer(f"{field.name or 'the item'} is none of its alternatives", start)
            return chosen.name, _value(octets, chosen, found, odd, depth + 1)
        if not constructed:
            raise BrokenBer(f"{field.name or 'the item'} is a plain value", start)
        if form is Form.LIST:
            return _items(octets, kind.fields[0], start, stop, odd, depth + 1)
        return _parts(octets, kind, start, stop, odd, depth + 1)
    if constructed:
        return _in_pieces(octets, field, start, stop, odd)
    if form is Form.OCTETS:
        return octets[start:stop]
    return _scalar(form, field.name, octets[start:stop], start, odd)


def _unwrapped(octets: bytes, field: Field, found: _Element, odd: list[str]) -> _Element:
    for level in range(1, field.wraps + 1):
        _, constructed, start, stop, after = found
        if not constructed:
            raise BrokenBer(f"{field.name} is a plain value", start)
        found = _element(octets, start, stop, odd)
        if found[4] != stop:
            raise BrokenBer(f"{field.name} holds more than one value", found[4])
        if level < len(field.tags) and found[0] != field.tags[level]:
            raise BrokenBer(f"another tag inside {field.name}", start)
        found = (*found[:4], after)
    return found


def _parts(octets: bytes, kind: Type, at: int, end: int, odd: list[str], depth: int) -> dict[str, Any]:
    """Return the parts of a sequence or a set by name; those without a name here are passed over and told."""
    values: dict[str, Any] = {}
    by_tag, last = kind.by_tag, -1
    while at < end:
        found = _element(octets, at, end, odd)
        field = by_tag.get(found[0])
        if field is None:
            odd.append(f"unknown part with tag {found[0] >> 2} at octet {at}")
        else:
            name, order = field[0], field[1]
            if name in values:
                raise BrokenBer(f"{name} is there twice", at)
            if order < last and kind.form is Form.SEQUENCE:
                odd.append(f"{name} out of order at octet {at}")
            last = order
            # Most parts are strings of octets: they need no call each.
            if field[3].form is Form.OCTETS and not (found[1] or field[4]):
                values[name] = octets[found[2] : found[3]]
            else:
                values[name] = _value(octets, field, found, odd, depth)
        at = found[4]
    return values


def _items(octets: bytes, field: Field, at: int, end: int, odd: list[str], depth: int) -> list[Any]:
    values = []
    while at < end:
        found = _element(octets, at, end, odd)
        if field.tags and found[0] != field.tags[0]:
            raise BrokenBer("an item has another tag than its list's", at)
        values.append(_value(octets, field, found, odd, depth))
        at = found[4]
    return values


def _in_pieces(octets: bytes, field: Field, start: int, stop: int, odd: list[str]) -> Any:
    if field.type.form not in (Form.OCTETS, Form.TEXT):
        raise BrokenBer(f"{field.name or 'the item'} is a plain value, not parts", start)
    whole = _segments(octets, start, stop, odd, 0)
    return whole if field.type.form is Form.OCTETS else _scalar(Form.TEXT, field.name, whole, start, odd)


def _segments(octets: bytes, at: int, end: int, odd: list[str], depth: int) -> bytes:
    """Return a string that is written in pieces, each a string of octets."""
    if depth > DEEPEST:
        raise BrokenBer("elements are nested too deeply", at)
    odd.append(f"string in pieces at octet {at}")
    pieces = []
    while at < end:
        tag, constructed, start, stop, at = _element(octets, at, end, odd)
        if tag != _SEGMENT:
            raise BrokenBer("a plain value is expected, not parts", start)
        pieces.append(_segments(octets, start, stop, odd, depth + 1) if constructed else octets[start:stop])
    return b"".join(pieces)


def _scalar(form: Form, name: str, octets: bytes, at: int, odd: list[str]) -> Any:
    """Return a number, a text or a truth value; NULL is 0, as pycrate has it."""
    if form is Form.TEXT:
        return octets.decode("utf-8", "backslashreplace")
    if form is Form.NULL:
        if octets:
            raise BrokenBer(f"{name} has contents", at)
        return 0
    if not 0 < len(octets) <= _LONGEST_NUMBER:
        raise BrokenBer(f"{name or 'the item'} is a number of {len(octets)} octets", at)
    if form is Form.BOOLEAN:
        if octets not in (b"\x00", b"\xff"):
            odd.append(f"a truth value written {octets.hex()} at octet {at}")
        return any(octets)
    if len(octets) > 1 and ((octets[0] == 0 and octets[1] < 0x80) or (octets[0] == 0xFF and octets[1] > 0x7F)):
        odd.append(f"longer number than needed at octet {at}")
    return int.from_bytes(octets, "big", signed=True)
