"""Diameter messages as groups of values, over the codec of python-diameter.

Values are decoded here, strictly: an amount that cannot be read must be an error, never nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from diameter.message import Avp, Message, MessageHeader  # type: ignore[import-untyped]  # the library has no types
from diameter.message.avp.errors import (  # type: ignore[import-untyped]  # nor here
    AvpDecodeError,
    AvpEncodeError,
)
from diameter.message.packer import ConversionError  # type: ignore[import-untyped]  # nor here

from mvne_billing.charging.gy.avps import ORIGIN_HOST, ORIGIN_REALM, RESULT_CODE, SESSION_ID, WIDE, Name
from mvne_billing.charging.gy.codes import Code, Refused

#: What an AVP can hold, of what is written here.
Value = int | str | bytes | datetime | list["Pair"]
Pair = tuple[Name, Value]

HEADER_OCTETS = 20
#: The longest message that is read: a request is a few kilobytes.
MOST_OCTETS = 256 * 1024

#: Times are seconds since 1900; those without the highest bit come after its overflow in 2036 (RFC 6733, 4.3.1).
_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_HALF = 1 << 31
_SECOND = timedelta(seconds=1)


class Broken(Exception):
    """These octets are no Diameter message."""


class Unwritable(Exception):
    """A value does not fit its AVP: there is no such message."""


class Group:
    """AVPs side by side, found by name. A value that cannot be read raises `Refused` with 5004."""

    def __init__(self, avps: Iterable[Any]) -> None:
        self._found: dict[Name, list[Any]] = {}
        for avp in avps:
            self._found.setdefault(Name(avp.code, avp.vendor_id), []).append(avp)

    def __contains__(self, name: Name) -> bool:
        return name in self._found

    def octets(self, name: Name) -> bytes | None:
        """Return the octets of an AVP, None where it is not there."""
        found = self._found.get(name)
        return None if found is None else bytes(found[0].payload)

    def number(self, name: Name) -> int | None:
        """Return an unsigned number."""
        octets = self.octets(name)
        if octets is None:
            return None
        width = 8 if name in WIDE else 4
        if len(octets) != width:
            raise _unreadable(name, f"is not a number of {width} octets")
        return int.from_bytes(octets, "big")

    def text(self, name: Name) -> str | None:
        """Return a text."""
        octets = self.octets(name)
        return None if octets is None else _text(name, octets)

    def texts(self, name: Name) -> list[str]:
        """Return every text of a name."""
        return [_text(name, bytes(one.payload)) for one in self._found.get(name, ())]

    def moment(self, name: Name) -> datetime | None:
        """Return a moment, in UTC."""
        octets = self.octets(name)
        if octets is None:
            return None
        if len(octets) != 4:
            raise _unreadable(name, "is not a time of 4 octets")
        seconds = int.from_bytes(octets, "big")
        return _EPOCH + timedelta(seconds=seconds + (0 if seconds >= _HALF else 1 << 32))

    def groups(self, name: Name) -> list[Group]:
        """Return every group of a name."""
        try:
            return [Group(one.value) for one in self._found.get(name, ())]
        except (AvpDecodeError, ConversionError, TypeError):
            raise _unreadable(name, "is not a group of AVPs") from None

    def group(self, name: Name) -> Group | None:
        """Return the group of a name, None where it is not there."""
        return next(iter(self.groups(name)), None)

    def raw(self, name: Name) -> list[Any]:
        """Return the AVPs of a name as they came, to be sent back."""
        return self._found.get(name, [])


def needed(value: Any, name: Name) -> Any:
    """Return a value that must be there; raise `Refused` with 5005 where it is None."""
    if value is None:
        raise Refused(Code.MISSING_AVP, f"AVP {name.code} is missing")
    return value


def _text(name: Name, octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise _unreadable(name, "is not UTF-8") from None


def _unreadable(name: Name, words: str) -> Refused:
    return Refused(Code.INVALID_AVP_VALUE, f"AVP {name.code} {words}")


def read_header(octets: bytes) -> Any:
    """Return the header of a message; raise `Broken` for one that cannot begin here."""
    header = MessageHeader.from_bytes(octets)
    if header.version != 1 or not HEADER_OCTETS <= header.length <= MOST_OCTETS or header.length % 4:
        raise Broken(f"a message of version {header.version} and {header.length} octets is none")
    return header


def read_message(octets: bytes) -> Group:
    """Return the AVPs of a whole message; raise `Broken`."""
    try:
        return Group(Message.from_bytes(octets, plain_msg=True).avps)
    except (AvpDecodeError, ConversionError):
        raise Broken("the AVPs of the message do not fit it") from None


def answer(request: Any, host: str, realm: str, code: Code, asked: Group, pairs: Sequence[Pair]) -> bytes:
    """Return the octets of the answer to a request of that header."""
    head: list[Pair] = [(RESULT_CODE, int(code)), (ORIGIN_HOST, host.encode()), (ORIGIN_REALM, realm.encode())]
    named = asked.octets(SESSION_ID)
    avps = [] if named is None else asked.raw(SESSION_ID)[:1]
    avps += [made(name, value) for name, value in (*head, *pairs)]
    message = Message(_answering(request, code), avps)
    return bytes(message.as_bytes())


def request(command: int, host: str, realm: str, identifier: int, pairs: Sequence[Pair]) -> bytes:
    """Return the octets of a request of our own, of the base protocol."""
    header = MessageHeader(command_code=command, hop_by_hop_identifier=identifier, end_to_end_identifier=identifier)
    header.is_request = True
    head: list[Pair] = [(ORIGIN_HOST, host.encode()), (ORIGIN_REALM, realm.encode())]
    return bytes(Message(header, [made(name, value) for name, value in (*head, *pairs)]).as_bytes())


def _answering(request: Any, code: Code) -> Any:
    header = MessageHeader(
        command_code=request.command_code,
        application_id=request.application_id,
        hop_by_hop_identifier=request.hop_by_hop_identifier,
        end_to_end_identifier=request.end_to_end_identifier,
    )
    header.is_proxyable = request.is_proxyable
    header.is_error = code.is_protocol_error
    return header


def made(name: Name, value: Value) -> Any:
    """Return an AVP; raise `Unwritable`."""
    try:
        return _made(name, value)
    except (AvpEncodeError, ConversionError) as error:
        raise Unwritable(f"AVP {name.code}: {error}") from None


def _made(name: Name, value: Value) -> Any:
    if isinstance(value, datetime):
        found = Avp.new(name.code, name.vendor)
        found.payload = ((value - _EPOCH) // _SECOND % (1 << 32)).to_bytes(4, "big")
        return found
    if isinstance(value, list):
        return Avp.new(name.code, name.vendor, [made(inner, content) for inner, content in value])
    return Avp.new(name.code, name.vendor, value)
