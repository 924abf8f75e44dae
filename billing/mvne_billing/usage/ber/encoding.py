"""Values to octets, in the shortest form with definite lengths and in the order of the definition."""

from __future__ import annotations

from typing import Any

from mvne_billing.usage.ber.schema import Field, Form, Type
from mvne_billing.usage.ber.tags import write_head

_CONSTRUCTED = (Form.SEQUENCE, Form.SET, Form.LIST, Form.CHOICE)


def encode(field: Field, value: Any) -> bytes:
    """Return the element of a value as `decode` gives it; raises `KeyError` for a name that the type does not have."""
    octets = _contents(field.type, value)
    for level, tag in enumerate(reversed(field.tags)):
        octets = write_head(tag, level > 0 or field.type.form in _CONSTRUCTED, len(octets)) + octets
    return octets


def _contents(kind: Type, value: Any) -> bytes:
    form = kind.form
    if form is Form.SEQUENCE or form is Form.SET:
        present = sorted((kind.by_name[name] for name in value), key=lambda field: field.order)
        return b"".join([encode(field, value[field.name]) for field in present])
    if form is Form.LIST:
        return b"".join([encode(kind.fields[0], item) for item in value])
    if form is Form.CHOICE:
        name, chosen = value
        return encode(kind.by_name[name], chosen)
    return _scalar(form, value)


def _scalar(form: Form, value: Any) -> bytes:
    if form is Form.INTEGER:
        return _integer(value)
    if form is Form.TEXT:
        return str(value).encode()
    if form is Form.BOOLEAN:
        return b"\xff" if value else b"\x00"
    return b"" if form is Form.NULL else bytes(value)


def _integer(value: int) -> bytes:
    bits = (value if value >= 0 else ~value).bit_length()
    return value.to_bytes(bits // 8 + 1, "big", signed=True)
