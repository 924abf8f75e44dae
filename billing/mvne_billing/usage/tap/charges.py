"""What the sender charges for an event: the sums that its audit part has to agree with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: The charge type of the whole of a charge; other types say what it is made of.
_TOTAL = b"00"


@dataclass(slots=True)
class Charges:
    """Sums in the file's own units: charge, tax and discount, and the same of what is given back.

    `lowest` is the lowest single figure, below zero where a figure that cannot be negative is.
    """

    charge: int = 0
    tax: int = 0
    discount: int = 0
    refund: int = 0
    tax_refund: int = 0
    discount_refund: int = 0
    lowest: int = 0

    def add(self, other: Charges) -> None:
        """Add the charges of another event."""
        self.charge += other.charge
        self.tax += other.tax
        self.discount += other.discount
        self.refund += other.refund
        self.tax_refund += other.tax_refund
        self.discount_refund += other.discount_refund
        self.lowest = min(self.lowest, other.lowest)


#: Parts of events that hold no figures: who, when and where.
_PLAIN = frozenset(
    ("basicCallInformation", "gprsBasicCallInformation", "locationInformation", "gprsLocationInformation")
)

#: The figures that count, by the name of their part, with what they are.
_FIGURES = {"camelInvocationFee": "charge", "taxValue": "tax", "discount": "discount"}
_GIVEN_BACK = {"charge": "refund", "tax": "tax_refund", "discount": "discount_refund"}


def charges_of(name: str, value: Any) -> Charges:
    """Return the charges of an event: its details of type 00, CAMEL fees, taxes and discounts, wherever they stand."""
    found = Charges()
    if name == "messagingEvent" and "charge" in value:
        _count(found, "charge", value["charge"], False)
    _walk(value, False, found)
    return found


def _walk(value: Any, refund: bool, found: Charges) -> None:
    parts = value
    if isinstance(value, dict):
        parts = [part for name, part in value.items() if name not in _PLAIN]
        refund = refund or "chargeRefundIndicator" in value
        if value.get("chargeType") == _TOTAL and "charge" in value:
            _count(found, "charge", value["charge"], refund)
        for name in _FIGURES.keys() & value.keys():
            _count(found, _FIGURES[name], value[name], refund)
    for part in parts:
        if isinstance(part, dict | list | tuple):
            _walk(part, refund, found)


def _count(found: Charges, what: str, amount: int, refund: bool) -> None:
    found.lowest = min(found.lowest, amount)
    sum_of = _GIVEN_BACK[what] if refund else what
    setattr(found, sum_of, getattr(found, sum_of) + amount)
