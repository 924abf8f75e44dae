"""The fields of a request: text, base64, TLVs. Whatever is not what it must be is refused, by name, with 1.6."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mvne_provisioning.smdp.rsp.refusal import invalid, missing, no_session
from mvne_provisioning.tlv import Malformed, Tlv, read_one

#: The most characters of one field: the largest, a card's answer with its certificates, has some 3,000.
MOST_CHARACTERS = 100_000

_MOST_TRANSACTION_ID = 16


def text(request: Mapping[str, object], name: str) -> str:
    """Return a field of text; raise `Refused` when it is missing, empty, too long or something else."""
    found = request.get(name)
    if found is None or found == "":
        raise missing(name)
    if not isinstance(found, str) or len(found) > MOST_CHARACTERS:
        raise invalid(name, f"text of at most {MOST_CHARACTERS} characters is expected")
    return found


def binary(request: Mapping[str, object], name: str) -> bytes:
    """Return the bytes of a field in base64; raise `Refused`."""
    said = text(request, name)
    try:
        return b64decode(said, validate=True)
    except ValueError:
        raise invalid(name, "it is not base64") from None


def structure(request: Mapping[str, object], name: str, tag: int) -> Tlv:
    """Return the one TLV that a field is; raise `Refused`."""
    data = binary(request, name)
    with reading(name):
        return read_one(data, tag)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Refuse the field when what is read out of it is not there or not as it must be."""
    try:
        yield
    except (Malformed, UnicodeDecodeError) as wrong:
        raise invalid(name, wrong if isinstance(wrong, Malformed) else "text is not UTF-8") from None


def transaction_id(request: Mapping[str, object]) -> bytes:
    """Return the transaction id of a request, 1 to 16 bytes in hex of either case; raise `Refused`."""
    said = text(request, "transactionId")
    try:
        found = bytes.fromhex(said) if said.isalnum() else b""
    except ValueError:
        found = b""
    if not 0 < len(found) <= _MOST_TRANSACTION_ID:
        raise invalid("transactionId", "1 to 16 bytes in hexadecimal digits are expected")
    return found


def check_transaction(request: Mapping[str, object], expected: bytes) -> None:
    """Refuse a request that names another transaction than the session's."""
    if transaction_id(request) != expected:
        raise no_session("the transaction id is not this session's")


def check_inner(one: Tlv, expected: bytes, name: str) -> None:
    """Refuse a structure whose own transaction id (its 80) is not the session's, whatever the request says."""
    with reading(name):
        if one.child(0x80).value != expected:
            raise no_session(f"the transaction id inside {name} is not this session's")


def members(one: Tlv, *tags: int) -> tuple[Tlv, ...]:
    """Return the first members of a TLV, which must have these tags in this order; raise `Malformed`."""
    found = one.children[: len(tags)]
    if tuple(member.tag for member in found) != tags:
        raise Malformed(f"{one.tag:X} must consist of " + ", ".join(f"{tag:02X}" for tag in tags))
    return found


def number(value: bytes) -> int:
    """Return the value of an INTEGER that is not negative; raise `Malformed` for an empty or a long one."""
    if not 0 < len(value) <= 8 or value[0] & 0x80:
        raise Malformed("a number from 0 is expected")
    return int.from_bytes(value, "big")


def base64(data: bytes) -> str:
    """Return bytes as a field of an answer."""
    return b64encode(data).decode()
