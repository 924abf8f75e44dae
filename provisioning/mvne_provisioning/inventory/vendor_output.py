"""The output file of the classic SIM vendors: comments and headings with `*`, a header, then the cards.

    *HEADER DESCRIPTION
    Customer: Tilleul
    Quantity: 2
    Transport_key: 001
    *INPUT VARIABLES
    var_in_list:
    Ser_nb: 8999970000000000019
    IMSI: 999700000000001
    *OUTPUT VARIABLES
    var_out: IMSI/Ser_nb/PIN1/PUK1/Ki/OPc
    999700000000001 8999970000000000019 1234 12345678 …

The input variables are those of the first card; the others count on from there. A transport key other than 0 says that
K and OPc are encrypted. The number of cards must be the quantity of the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mvne_provisioning.inventory.vendor import Field, Problem, VendorBatch, VendorFileRefused, VendorProfile
from mvne_provisioning.inventory.vendor_checks import Ordered, count_problem, out_of_range, problems_of
from mvne_provisioning.inventory.vendor_fields import Unreadable, field_named, plain_name, read_iccid, read_imsi
from mvne_provisioning.inventory.vendor_rows import columns_of, read_row

_NONE: Mapping[str, Field] = {}
_BETWEEN_NAMES = re.compile(r"[\s/,;|]+")
_SIGNS = "/,;|"
_UNENCRYPTED = re.compile("0*|none|no", re.IGNORECASE)


@dataclass(slots=True)
class _Parts:
    """The parts of a file: header and input variables by their plain names, the names of the cards' columns, cards."""

    header: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, tuple[int, str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    names_line: int = 0
    between: str = ""
    cards: list[tuple[int, list[str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def named(self, name: str) -> str | None:
        """Return what the header says under a name, however it is written."""
        return next((value for key, value in self.header.items() if plain_name(key) == plain_name(name)), None)


def read_output(text: str, ordered: Ordered | None = None, own: Mapping[str, Field] = _NONE) -> VendorBatch:
    """Return the batch in an output file; `own` maps names that are not commonly known. Raise `VendorFileRefused`."""
    ordered = ordered or Ordered()
    parts = _split(text)
    if not parts.names:
        raise VendorFileRefused([*parts.problems, Problem(None, "there is no var_out, which names the columns")])
    transport = parts.named("Transport_key")
    encrypted = None if not transport else not _UNENCRYPTED.fullmatch(transport)
    columns = columns_of(parts.names, parts.names_line, ordered, own, encrypted)
    problems = parts.problems
    quantity = _quantity(parts)
    profiles: list[VendorProfile] = []
    for line, cells in parts.cards:
        if profile := read_row(cells, line, columns, ordered, problems):
            profiles.append(profile)
    problems += count_problem(len(parts.cards), quantity, "the header")
    problems += count_problem(len(parts.cards), ordered.quantity, "the order")
    problems += problems_of(profiles, ordered)
    problems += _not_counted_on(parts, profiles, quantity)
    if problems:
        raise VendorFileRefused(problems)
    return VendorBatch(parts.header, tuple(profiles))


def _split(text: str) -> _Parts:
    parts, in_inputs = _Parts(), False
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("*"):
            continue
        if parts.names:
            parts.cards.append((number, _cells(line, parts)))
            continue
        name, colon, value = (piece.strip() for piece in line.partition(":"))
        if not colon:
            parts.problems.append(Problem(number, "it is neither a comment nor NAME: VALUE, and no card yet"))
        elif plain_name(name) == "varout":
            parts.names, parts.names_line = [one for one in _BETWEEN_NAMES.split(value) if one], number
            parts.between = next((sign for sign in value if sign in _SIGNS), "")
        elif plain_name(name) in ("varin", "varinlist"):
            in_inputs = True
        elif in_inputs:
            parts.inputs[name] = number, value
        else:
            parts.header[name] = value
    return parts


def _quantity(parts: _Parts) -> int | None:
    said = parts.named("Quantity")
    if said is None or not re.fullmatch("[0-9]{1,9}", said):
        parts.problems.append(Problem(None, "the header has no Quantity, or it is no number"))
        return None
    return int(said)


def _not_counted_on(parts: _Parts, profiles: list[VendorProfile], quantity: int | None) -> Iterator[Problem]:
    """Yield the cards whose numbers do not count on from the input variables, which are those of the first card."""
    for name, (line, value) in parts.inputs.items():
        kind, _ = field_named(name)
        try:
            if kind is Field.ICCID:
                first = read_iccid(value)[:-1]
            elif kind is Field.IMSI:
                first = str(read_imsi(value))
            else:
                continue
        except Unreadable as unreadable:
            yield Problem(line, str(unreadable))
            continue
        if quantity:
            last = min(int(first) + quantity - 1, 10 ** len(first) - 1)
            bounds = first, str(last).zfill(len(first))
            yield from out_of_range(profiles, kind, bounds, f"the range that line {line} begins")


def _cells(line: str, parts: _Parts) -> list[str]:
    """Return the cells of a card: apart by spaces, or else by what stands between the names."""
    cells = line.split()
    if len(cells) == 1 < len(parts.names) and parts.between:
        cells = [cell.strip() for cell in line.split(parts.between)]
    return cells
