"""What a TAP file says of itself, at its beginning and its end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from fractions import Fraction
from typing import Any

from mvne_billing.usage.tap.fault import Fault
from mvne_billing.usage.tap.times import offset, when

#: Recording entities that are the gateway of a data session: GGSN and P-GW. Its address is part of the session's name.
_GATEWAYS = (3, 7)


@dataclass(frozen=True)
class TapHead:
    """A file's control parts, as they are and made usable.

    `parts` holds the decoded parts by name (`batchControlInfo`, `accountingInfo`, `networkInfo`, `auditControlInfo` …).
    `sequence` is None where it is no number. Charges in the file are in units of `10 ** -decimals` of `currency`, the
    TAP currency or else the sender's own. `faults` are the codes and sentences of what could not be made usable.
    """

    parts: Mapping[str, Any]
    notification: bool
    sender: str = ""
    recipient: str = ""
    sequence: int | None = None
    available: datetime | None = None
    currency: str = ""
    decimals: int = 0
    offsets: Mapping[int, timezone] = field(default_factory=dict)
    gateways: Mapping[int, str] = field(default_factory=dict)
    faults: tuple[tuple[str, str], ...] = ()

    @property
    def control(self) -> Mapping[str, Any]:
        """The part that names sender, recipient and number of the file."""
        found: Mapping[str, Any] = self.parts if self.notification else self.parts.get("batchControlInfo", {})
        return found

    @property
    def audit(self) -> Mapping[str, Any] | None:
        """The totals that the file declares, None where it declares none."""
        return self.parts.get("auditControlInfo")

    def micro(self, charge: int) -> Fraction:
        """Return a charge of this file in micro-units of its currency."""
        return Fraction(charge * 10**6, 10**self.decimals)


def head_of(parts: Mapping[str, Any], notification: bool) -> TapHead:
    """Return the head made of a file's control parts; what is wrong with them is in its faults."""
    faults: list[tuple[str, str]] = []
    control: Mapping[str, Any] = parts if notification else parts.get("batchControlInfo", {})
    accounting, network = parts.get("accountingInfo", {}), parts.get("networkInfo", {})
    number = text(control.get("fileSequenceNumber", b""))
    currency = accounting.get("tapCurrency") or accounting.get("localCurrency") or b""
    decimals = accounting.get("tapDecimalPlaces", 0)
    return TapHead(
        parts=parts,
        notification=notification,
        sender=text(control.get("sender", b"")),
        recipient=text(control.get("recipient", b"")),
        sequence=int(number) if number.isdigit() and len(number) < 10 else None,
        available=_available(control, faults),
        currency=text(currency),
        decimals=decimals if 0 <= decimals <= 6 else 0,
        offsets=_offsets(network.get("utcTimeOffsetInfo", []), faults),
        gateways={
            one["recEntityCode"]: text(one["recEntityId"])
            for one in network.get("recEntityInfo", [])
            if one.get("recEntityType") in _GATEWAYS and "recEntityCode" in one and "recEntityId" in one
        },
        faults=tuple(faults),
    )


def text(octets: bytes) -> str:
    """Return octets as the plain text they should be; anything else shows as its escape."""
    return octets[:200].decode("ascii", "backslashreplace").strip().replace("\x00", "\\x00")


def _available(control: Mapping[str, Any], faults: list[tuple[str, str]]) -> datetime | None:
    if "fileAvailableTimeStamp" in control:
        try:
            return when(control["fileAvailableTimeStamp"])
        except Fault as fault:
            faults.append((fault.code, f"fileAvailableTimeStamp: {fault}"))
    return None


def _offsets(listed: list[dict[str, Any]], faults: list[tuple[str, str]]) -> dict[int, timezone]:
    found = {}
    for one in listed:
        if "utcTimeOffsetCode" in one and "utcTimeOffset" in one:
            with suppress(Fault):
                found[one["utcTimeOffsetCode"]] = offset(one["utcTimeOffset"])
                continue
        faults.append(("utcTimeOffsetInfo.20", "a time offset of the file's list cannot be read"))
    return found
