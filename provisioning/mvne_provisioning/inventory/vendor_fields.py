"""How vendors name and write what stands in a column: read here to one form, with problems that quote no secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.identifier import Identifier, IdentifierError, InvalidChecksum, InvalidLength
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.vendor import Field

Number = TypeVar("Number", bound=Identifier)

_NAMES: Mapping[Field, str] = {
    Field.ICCID: "iccid icc ser_nb serial serial_number sn",
    Field.IMSI: "imsi imsi1",
    Field.MSISDN: "msisdn phone_number number",
    Field.K: "k ki key",
    Field.OPC: "opc",
    Field.PIN1: "pin pin1 chv1",
    Field.PUK1: "puk puk1 unblock_chv1",
    Field.PIN2: "pin2 chv2",
    Field.PUK2: "puk2 unblock_chv2",
    Field.ADM1: "adm adm1",
    Field.ACTIVATION_CODE: "lpa ac activation_code",
}
#: Names that say that the vendor encrypted it.
_ENCRYPTED: Mapping[Field, str] = {Field.K: "ek eki encrypted_ki", Field.OPC: "eopc encrypted_opc"}

_KEY = re.compile("[0-9A-Fa-f]{32}")
_CODE = re.compile("[0-9A-Za-z]{4,32}")
_CHIP_ICCID = re.compile("98[0-9]{17}[0-9Ff]|98[0-9]{16}[Ff][0-9]")
_CHIP_IMSI = re.compile("08[0-9]9[0-9]{14}")


class Unreadable(ValueError):
    """A cell does not hold what its column is for; the message quotes no secret."""


def plain_name(name: str) -> str:
    """Return a column's name as it is compared: small letters and digits only.

    >>> plain_name("Ser_Nb"), plain_name(" Unblock CHV1 ")
    ('sernb', 'unblockchv1')
    """
    return re.sub("[^a-z0-9]", "", name.casefold())


def _known(names: Mapping[Field, str]) -> dict[str, Field]:
    return {plain_name(name): field for field, listed in names.items() for name in listed.split()}


_FIELDS, _ENCRYPTED_FIELDS = _known(_NAMES), _known(_ENCRYPTED)


def field_named(name: str) -> tuple[Field | None, bool]:
    """Return the field that a column's name means, None if none, and whether the name says that it is encrypted.

    >>> field_named("eKi")
    (<Field.K: 'k'>, True)
    """
    plain = plain_name(name)
    return (_ENCRYPTED_FIELDS[plain], True) if plain in _ENCRYPTED_FIELDS else (_FIELDS.get(plain), False)


def read_iccid(text: str) -> Iccid:
    """Read an ICCID, also as the chip has it: digits swapped in pairs, `F` at the end; raise `Unreadable`.

    >>> read_iccid("8999970000000000019") == read_iccid("989979000000000010F9")
    True
    """
    swapped = _swapped(text) if _CHIP_ICCID.fullmatch(text) else text
    return _identifier(Iccid, "ICCID", swapped)


def read_imsi(text: str) -> Imsi:
    """Read an IMSI of 15 digits, also as the chip has it: `08`, `9`, digits swapped in pairs; raise `Unreadable`.

    >>> read_imsi("999700000000001") == read_imsi("089999070000000010")
    True
    """
    digits = _swapped(text)[3:] if _CHIP_IMSI.fullmatch(text) else text
    imsi = _identifier(Imsi, "IMSI", digits)
    if len(imsi) != 15:
        raise Unreadable(f"the IMSI …{imsi[-4:]} has {len(imsi)} digits instead of 15")
    return imsi


def read_msisdn(text: str) -> Msisdn:
    """Read a number in international form, with or without `+`; raise `Unreadable`."""
    return _identifier(Msisdn, "MSISDN", text if text.startswith("+") else f"+{text}")


def read_key(text: str, field: Field) -> bytes:
    """Read a key of 16 bytes in hexadecimal digits, spaces allowed; raise `Unreadable`."""
    digits = text.replace(" ", "")
    if not _KEY.fullmatch(digits):
        raise Unreadable(f"{field.label} is not 32 hexadecimal digits")
    return bytes.fromhex(digits)


def read_code(text: str, field: Field) -> str:
    """Read a PIN, PUK or ADM code; raise `Unreadable`."""
    if not _CODE.fullmatch(text):
        raise Unreadable(f"{field.label} is not 4 to 32 letters or digits")
    return text


def _identifier(kind: Callable[[str], Number], name: str, text: str) -> Number:
    shown = f"the {name} …{text[-4:]}" if text[-4:].isalnum() and len(text) > 8 else f"the {name}"
    try:
        return kind(text)
    except InvalidChecksum:
        wrong = "has a wrong check digit: a digit was changed, or the check digit is missing"
    except InvalidLength:
        wrong = f"has a wrong length ({len(text)})"
    except IdentifierError:
        wrong = f"is no {name}"
    # Outside of the handler, so that the error with the whole number is not kept in this one.
    raise Unreadable(f"{shown} {wrong}")


def _swapped(text: str) -> str:
    return "".join(text[place + 1] + text[place] for place in range(0, len(text), 2)).rstrip("Ff")
