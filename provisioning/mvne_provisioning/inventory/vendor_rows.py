"""From the cells of a vendor's line to a profile: which column is what, keys opened, every problem noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mvne_provisioning.inventory.vendor import Field, Problem, VendorFileRefused, VendorProfile
from mvne_provisioning.inventory.vendor_checks import Ordered
from mvne_provisioning.inventory.vendor_fields import (
    Unreadable,
    field_named,
    read_code,
    read_iccid,
    read_imsi,
    read_key,
    read_msisdn,
)
from mvne_provisioning.milenage import Keys, opc_from_op

T = TypeVar("T")

_KEYS = (Field.K, Field.OPC)
_CODES = (Field.PIN1, Field.PUK1, Field.PIN2, Field.PUK2, Field.ADM1, Field.ACTIVATION_CODE)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file: their names, the place of each field, and what opens the fields that travel encrypted.

    `codes` are the fields among them that are codes, `others` the places that mean nothing to us.
    """

    names: tuple[str, ...]
    places: Mapping[Field, int]
    openers: Mapping[Field, Callable[[bytes], bytes]]
    codes: tuple[Field, ...]
    others: tuple[int, ...]


def columns_of(
    names: Sequence[str], line: int, ordered: Ordered, own: Mapping[str, Field], says_encrypted: bool | None = None
) -> Columns:
    """Return the columns that names mean; `own` maps names that are not commonly known.

    `says_encrypted` is what the file says of its keys, None if nothing. Raise `VendorFileRefused` with every problem.
    """
    places: dict[Field, int] = {}
    marked: set[Field] = set()
    problems: list[Problem] = []
    for place, name in enumerate(names):
        field, encrypted = (own[name], False) if name in own else field_named(name)
        if field is None:
            continue
        if field in places:
            problems.append(
                Problem(line, f"the columns {names[places[field]]!r} and {name!r} are both the {field.label}")
            )
        places[field] = place
        if encrypted:
            marked.add(field)
    problems += [
        Problem(line, f"there is no column for the {f.label}") for f in (Field.ICCID, Field.IMSI) if f not in places
    ]
    problems += _key_problems(places, line, ordered, bool(marked) or says_encrypted is True, says_encrypted is False)
    if problems:
        raise VendorFileRefused(problems)
    opener = ordered.transport.opener() if ordered.transport else None
    openers = {field: opener for field in marked or ordered.encrypted} if opener else {}
    codes = tuple(field for field in _CODES if field in places)
    others = tuple(place for place in range(len(names)) if place not in places.values())
    return Columns(tuple(names), places, openers, codes, others)


def read_row(
    cells: Sequence[str], line: int, columns: Columns, ordered: Ordered, problems: list[Problem]
) -> VendorProfile | None:
    """Return the profile in a line, or add what is wrong with it to `problems` and return None."""
    if len(cells) != len(columns.names):
        problems.append(Problem(line, f"it has {len(cells)} fields, and the heading has {len(columns.names)}"))
        return None
    row = _Row(cells, columns, ordered)
    iccid, imsi = row.read(Field.ICCID, read_iccid), row.read(Field.IMSI, read_imsi)
    keys, msisdn, codes = row.keys(), row.read(Field.MSISDN, read_msisdn, needed=False), row.codes()
    if row.wrong or iccid is None or imsi is None:
        problems.extend(Problem(line, wrong) for wrong in row.wrong)
        return None
    return VendorProfile(line, iccid, imsi, keys, msisdn, codes, row.others())


class _Row:
    """The cells of one line while they are read; `wrong` collects what could not be."""

    def __init__(self, cells: Sequence[str], columns: Columns, ordered: Ordered) -> None:
        self._cells, self._columns, self._ordered = cells, columns, ordered
        self.wrong: list[str] = []

    def read(self, field: Field, reader: Callable[[str], T], needed: bool = True) -> T | None:
        place = self._columns.places.get(field)
        if place is None:
            return None
        text = self._cells[place].strip()
        if not text:
            if needed:
                self.wrong.append(f"the {field.label} is missing")
            return None
        try:
            return reader(text)
        except Unreadable as unreadable:
            self.wrong.append(str(unreadable))
            return None

    def keys(self) -> Keys | None:
        k, opc = self._key(Field.K), self._key(Field.OPC)
        if k is not None and opc is None and self._ordered.op is not None:
            opc = opc_from_op(k, self._ordered.op)
        return Keys(k, opc) if k is not None and opc is not None else None

    def codes(self) -> dict[Field, str]:
        found = ((field, self.read(field, _code_reader(field), needed=False)) for field in self._columns.codes)
        return {field: code for field, code in found if code is not None}

    def others(self) -> dict[str, str]:
        return {self._columns.names[place]: self._cells[place] for place in self._columns.others}

    def _key(self, field: Field) -> bytes | None:
        key = self.read(field, lambda text: read_key(text, field))
        opener = self._columns.openers.get(field)
        return opener(key) if key and opener else key


def _code_reader(field: Field) -> Callable[[str], str]:
    return str if field is Field.ACTIVATION_CODE else lambda text: read_code(text, field)


def _key_problems(
    places: Mapping[Field, int], line: int, ordered: Ordered, encrypted: bool, plain: bool
) -> Iterator[Problem]:
    has_keys = any(field in places for field in _KEYS)
    if has_keys and encrypted and ordered.transport is None:
        yield Problem(line, "the keys are encrypted; give the transport key that was agreed with the vendor")
    if has_keys and plain and ordered.transport is not None:
        yield Problem(line, "the file says that its keys are not encrypted; give no transport key")
    if Field.K in places and Field.OPC not in places and ordered.op is None:
        yield Problem(line, "there is a K and no OPc; give the operator's OP, to make it")
    if Field.OPC in places and Field.K not in places:
        yield Problem(line, "there is an OPc and no column for K")
