"""A TAP file checked against itself: its control parts, and its declared totals against its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mvne_billing.usage.facts import Findings, Severity
from mvne_billing.usage.tap.charges import Charges
from mvne_billing.usage.tap.fault import Fault
from mvne_billing.usage.tap.head import TapHead
from mvne_billing.usage.tap.times import when

_CONTROL = ("sender", "recipient", "fileSequenceNumber", "fileAvailableTimeStamp", "specificationVersionNumber")
_MANDATORY: Mapping[str, tuple[str, ...]] = {
    "batchControlInfo": (*_CONTROL, "transferCutOffTimeStamp", "releaseVersionNumber"),
    "accountingInfo": ("localCurrency", "tapDecimalPlaces"),
    "networkInfo": ("utcTimeOffsetInfo", "recEntityInfo"),
    "auditControlInfo": ("totalCharge", "totalTaxValue", "totalDiscountValue", "callEventDetailsCount"),
}

#: Version 3, releases up to 12: TAP 3.12 contains those before it.
_SPECIFICATION = 3
_RELEASES = range(1, 13)


def check_head(head: TapHead, findings: Findings) -> None:
    """Add what is wrong with a file's control parts."""
    for code, message in _problems(head):
        findings.add(Severity.FATAL, code, _place(head), message)
    for code, message in head.faults:
        findings.add(Severity.SEVERE, code, _place(head), message)
    release = head.control.get("releaseVersionNumber")
    if release is not None and release not in _RELEASES:
        findings.add(Severity.WARNING, "releaseVersionNumber.20", _place(head), f"release {release} is not 1 to 12")


def _place(head: TapHead) -> str:
    return "notification" if head.notification else "transferBatch"


def _problems(head: TapHead) -> Iterator[tuple[str, str]]:
    mandatory = {"": _CONTROL} if head.notification else _MANDATORY
    for part, names in mandatory.items():
        if part and part not in head.parts:
            yield f"{part}.30", f"{part} is missing"
            continue
        value = head.parts[part] if part else head.parts
        yield from ((f"{name}.30", f"{part} has no {name}".strip()) for name in names if name not in value)
    control = head.control
    for name, said in (("sender", head.sender), ("recipient", head.recipient)):
        if name in control and not (len(said) == 5 and said.isascii() and said.isalnum() and said.isupper()):
            yield f"{name}.10", f"{name} {said!r} is not a TADIG code such as FRAXX"
    if "fileSequenceNumber" in control and not 1 <= (head.sequence or 0) <= 99999:
        yield "fileSequenceNumber.20", f"number {control['fileSequenceNumber'][:20]!r} is not 00001 to 99999"
    version = control.get("specificationVersionNumber", _SPECIFICATION)
    if version != _SPECIFICATION:
        yield "specificationVersionNumber.20", f"version {version} of TAP is not version 3"
    if "fileTypeIndicator" in control:
        yield "fileTypeIndicator.100", "this is a test file: it charges nothing"


@dataclass
class Audit:
    """Sums over the events of a file, to be held against what it declares."""

    count: int = 0
    charges: Charges = field(default_factory=Charges)
    earliest: datetime | None = None
    latest: datetime | None = None

    def add(self, charges: Charges, start: datetime | None) -> None:
        """Count an event with its charges and its start, None where that cannot be read."""
        self.count += 1
        self.charges.add(charges)
        if start is not None:
            self.earliest = start if self.earliest is None else min(self.earliest, start)
            self.latest = start if self.latest is None else max(self.latest, start)

    def finish(self, head: TapHead, findings: Findings) -> None:
        """Add what does not agree with the declared totals."""
        declared = head.audit
        if declared is None:
            return
        for name, counted in (
            ("callEventDetailsCount", self.count),
            ("totalCharge", self.charges.charge),
            ("totalTaxValue", self.charges.tax),
            ("totalDiscountValue", self.charges.discount),
            ("totalChargeRefund", self.charges.refund),
            ("totalTaxRefund", self.charges.tax_refund),
            ("totalDiscountRefund", self.charges.discount_refund),
        ):
            said = declared.get(name, 0 if name.endswith("Refund") else None)
            if said is not None and said != counted:
                message = f"the file declares {name} {said}, its events make {counted}"
                findings.add(Severity.FATAL, f"{name}.100", "auditControlInfo", message)
        for name, found in (("earliestCallTimeStamp", self.earliest), ("latestCallTimeStamp", self.latest)):
            _compare(declared.get(name), name, found, findings)


def _compare(stamp: Mapping[str, Any] | None, name: str, found: datetime | None, findings: Findings) -> None:
    if stamp is None:
        if found is not None:
            findings.add(Severity.WARNING, f"{name}.30", "auditControlInfo", f"{name} is missing")
        return
    try:
        said = when(stamp)
    except Fault as fault:
        findings.add(Severity.WARNING, fault.code, f"auditControlInfo.{name}", str(fault))
        return
    if found is not None and said != found:
        message = f"the file declares {said.isoformat()}, its events make {found.isoformat()}"
        findings.add(Severity.WARNING, f"{name}.100", "auditControlInfo", message)
