"""The parts that profile elements consist of: their header, files, access rules and codes (TCA interoperable profile).

The structure is automatically tagged: the alternatives of a choice and the members of a sequence count from 80 (A0 when
they consist of others). The tags of the elements themselves are in `Element`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from mvne_provisioning import tlv
from mvne_provisioning.tlv import encode


class Element(IntEnum):
    """The tags of the profile elements that a package of ours consists of."""

    HEADER = 0xA0
    PIN_CODES = 0xA2
    PUK_CODES = 0xA3
    AKA_PARAMETER = 0xA4
    SECURITY_DOMAIN = 0xA6
    END = 0xAA
    MASTER_FILE = 0xB0
    USIM = 0xB3


#: The file systems that every eUICC has a template of: master file, USIM (arc 2.23.143.1.2).
MASTER_FILE_TEMPLATE, USIM_TEMPLATE = "2.23.143.1.2.1", "2.23.143.1.2.4"

#: The references of the codes (ETSI TS 102 221, clause 9.5.1), the same for a PIN and the PUK that unblocks it.
PIN1, PIN2, ADM1 = 0x01, 0x81, 0x0A

_CODE_SIZE, _FILLER = 8, b"\xff"
_ALWAYS, _NEVER = encode(0x90), encode(0x97)
_READ, _UPDATE, _ADMINISTER, _ADMINISTER_FOLDER = 0x01, 0x02, 0x58, 0x5E


def element(tag: Element, number: int, *members: bytes) -> bytes:
    """Return a mandated profile element with its number in the package."""
    return encode(tag, encode(0xA0, encode(0x80), encode(0x81, tlv.integer(number))), *members)


def file(tag: int, content: bytes = b"", descriptor: bytes = b"") -> bytes:
    """Return a file: what differs from its template's description, and its content."""
    return encode(tag, encode(0xA1, descriptor) if descriptor else b"", encode(0x83, content) if content else b"")


def records(tag: int, *contents: bytes) -> bytes:
    """Return a file of records that are as long as the longest of them (linear fixed, ETSI TS 102 222)."""
    size = max(map(len, contents))
    described = encode(0x82, b"\x42\x21\x00", bytes([size])) + encode(
        0x80, tlv.integer(size * len(contents)).lstrip(b"\0")
    )
    return file(tag, b"".join(content.ljust(size, _FILLER) for content in contents), described)


def folder(tag: int, *pins: int, name: bytes = b"", temporary: bytes = b"") -> bytes:
    """Return a folder (MF or ADF) and which codes guard what is in it (the PIN status template)."""
    named = encode(0x83, temporary) + encode(0x84, name) if name else b""
    return file(tag, descriptor=named + encode(0xC6, b"\x01\x02", bytes(pins)))


def code(digits: str) -> bytes:
    """Return the digits of a PIN or PUK as its 8 bytes.

    >>> code("1234").hex()
    '31323334ffffffff'
    """
    return digits.encode().ljust(_CODE_SIZE, _FILLER)


def access_rules(tag: int, rules: Mapping[int, tuple[int | None, int | None]], last: int) -> bytes:
    """Return EF.ARR: by record, who may read and who may update (a code, None for everybody, 0 for nobody).

    The templates refer to the records by number, so those between are there too, empty. The record `last` is the
    one of folders: only the administrator changes what is in them (ETSI TS 102 221, clause 9.2, expanded format).
    """
    found = [_file_rule(*rules[number]) if number in rules else b"" for number in range(1, last)]
    return records(tag, *found, _rule(_ADMINISTER_FOLDER, ADM1))


def _file_rule(read: int | None, update: int | None) -> bytes:
    return _rule(_READ, read) + _rule(_UPDATE, update) + _rule(_ADMINISTER, ADM1)


def _rule(what: int, who: int | None) -> bytes:
    return encode(0x80, bytes([what])) + (_ALWAYS if who is None else _code_rule(who) if who else _NEVER)


def _code_rule(reference: int) -> bytes:
    return encode(0xA4, encode(0x83, bytes([reference])), encode(0x95, b"\x08"))
