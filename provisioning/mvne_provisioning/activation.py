"""The activation code that a phone reads to find its eSIM profile (GSMA SGP.22, section 4.1).

>>> code = ActivationCode.parse("LPA:1$smdp.example.com$04386-AGYFT-A74Y8-3F815")
>>> code.address, code.matching_id, code.needs_confirmation_code
('smdp.example.com', '04386-AGYFT-A74Y8-3F815', False)
>>> code.format(), code.for_qr()
('1$smdp.example.com$04386-AGYFT-A74Y8-3F815', 'LPA:1$smdp.example.com$04386-AGYFT-A74Y8-3F815')
>>> ActivationCode("smdp.example.com", "A1", needs_confirmation_code=True).format()
'1$smdp.example.com$A1$$1'
>>> ActivationCode.parse("1$smdp.example.com$a1")
Traceback (most recent call last):
...
mvne_provisioning.activation.InvalidActivationCode: the matching id 'a1' may hold A-Z, 0-9 and - only
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from mvne_provisioning.errors import ProvisioningError

_MATCHING_ID = re.compile("[A-Z0-9-]{0,255}")
_ADDRESS = re.compile(r"(?=.{1,255}\Z)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


class InvalidActivationCode(ProvisioningError, ValueError):
    """This is not an activation code that a phone would accept."""


def is_matching_id(text: str) -> bool:
    """Say whether `text` may be a matching id: upper-case letters, digits and dashes; empty means found by EID."""
    return _MATCHING_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ActivationCode:
    """SM-DP+ address, matching id, optionally the SM-DP+'s OID, and whether the user must type a code."""

    address: str
    matching_id: str
    oid: str | None = None
    needs_confirmation_code: bool = False

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.address):
            raise InvalidActivationCode(f"{self.address!r} is not the address of an SM-DP+; write smdp.example.com")
        if not is_matching_id(self.matching_id):
            raise InvalidActivationCode(f"the matching id {self.matching_id!r} may hold A-Z, 0-9 and - only")
        if self.oid is not None and not _OID.fullmatch(self.oid):
            raise InvalidActivationCode(f"{self.oid!r} is not an OID; write it like 2.999.10")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1$address$matching id[$oid[$1]]`, with or without `LPA:`; raise `InvalidActivationCode`."""
        version, *fields = text.strip().removeprefix("LPA:").split("$")
        if version != "1" or not 2 <= len(fields) <= 4:
            raise InvalidActivationCode(f"{text!r} is not of the form 1$address$matching-id")
        address, matching_id, oid, flag = fields + [""] * (4 - len(fields))
        if flag not in ("", "1"):
            raise InvalidActivationCode(f"the confirmation flag is 1 or absent, not {flag!r}")
        return cls(address, matching_id, oid or None, flag == "1")

    def format(self) -> str:
        """Return the code as it is typed."""
        tail = f"${self.oid or ''}$1" if self.needs_confirmation_code else f"${self.oid}" if self.oid else ""
        return f"1${self.address}${self.matching_id}{tail}"

    def for_qr(self) -> str:
        """Return the code as it stands in a QR code, with `LPA:` in front."""
        return f"LPA:{self.format()}"

    def __str__(self) -> str:
        return self.format()
