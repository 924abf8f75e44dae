"""What a vendor of SIMs or eSIM profiles delivers: a batch of cards with their numbers, keys and codes, as plain data.

Nothing of it is stored here, and nothing secret is shown: keys and codes are left out of `repr`, and problems name a
card by the last four digits of its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.milenage import Keys
from mvne_provisioning.profile import Profile

#: So many problems are shown in one message; all are in the error.
_SHOWN = 50


class Field(StrEnum):
    """What a column may hold."""

    ICCID = "iccid"
    IMSI = "imsi"
    MSISDN = "msisdn"
    K = "k"
    OPC = "opc"
    PIN1 = "pin1"
    PUK1 = "puk1"
    PIN2 = "pin2"
    PUK2 = "puk2"
    ADM1 = "adm1"
    ACTIVATION_CODE = "activation_code"

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return "OPc" if self is Field.OPC else self.upper().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, and in which line, counted from 1; None for the file as a whole."""

    line: int | None
    message: str

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


class VendorFileRefused(ProvisioningError, ValueError):
    """A vendor's file cannot be taken; `problems` says everything that is wrong with it, in the order of its lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__(self.problems)

    def __str__(self) -> str:
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        more = len(self.problems) - len(shown)
        return "\n".join([*shown, *([f"and {more} more"] if more else [])])


@dataclass(frozen=True, slots=True)
class VendorProfile:
    """A card or eSIM profile as delivered, with the line it stood in.

    `keys` are there when the vendor gave them; `codes` are PINs, PUKs, ADM1 and the activation code by their fields;
    `others` what stood in columns that mean nothing to us, by the vendor's names.
    """

    line: int
    iccid: Iccid = field(repr=False)
    imsi: Imsi = field(repr=False)
    keys: Keys | None = field(default=None, repr=False)
    msisdn: Msisdn | None = field(default=None, repr=False)
    codes: Mapping[Field, str] = field(default_factory=dict, repr=False)
    others: Mapping[str, str] = field(default_factory=dict, repr=False)

    def for_pool(self, profile_type: str) -> Profile:
        """Return it as the pool of profiles takes it."""
        return Profile(self.iccid, self.imsi, profile_type)


@dataclass(frozen=True, slots=True)
class VendorBatch:
    """A delivery: what the file says of itself, by the vendor's names, and the profiles in the file's order."""

    header: Mapping[str, str]
    profiles: tuple[VendorProfile, ...]


def text_of(data: bytes) -> str:
    """Return the text of a file, UTF-8 with or without byte order mark; raise `VendorFileRefused`."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise VendorFileRefused([Problem(line, "it is not UTF-8 text; save the file as UTF-8")]) from None
