"""An invoice or a credit note as it was issued: everything a person or an auditor needs to read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mvne_billing.tax import TaxLine
from mvne_plans.money import Money
from mvne_plans.period import Period


class LineKind(StrEnum):
    """What a line of an invoice is for."""

    RECURRING = "recurring"
    PROMOTION = "promotion"
    FEE = "fee"
    ADDON = "addon"
    USAGE = "usage"
    CORRECTION = "correction"  #: of use that another bill charged for
    UNUSED = "unused"  #: credit for what was left of an allowance
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its kind, what it names, how much of it (in words), over which time, for how much.

    `micro` is the exact amount before the line was rounded.
    """

    kind: LineKind
    name: str
    amount: Money
    micro: int
    quantity: str = ""
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """Who bills whom: names and addresses as they stand on the document, and the languages to write it in."""

    seller: str
    contact: str
    buyer: str
    language: str


@dataclass(frozen=True)
class Invoice:
    """A document that never changes. `lines` add up to `net`, or, tax included, to `total`.

    `tax_included` says whether line amounts hold the tax; `corrects` names the invoice that a credit note takes back;
    `timezone` (IANA) is the subscriber's, in which its dates are written.
    """

    id: str
    kind: str
    number: str
    subscription: str
    customer: str
    parties: Parties
    issued_at: datetime
    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    tax_included: bool
    net: Money
    total: Money
    corrects: str | None = None
    timezone: str = "UTC"

    @property
    def tax(self) -> Money:
        """All taxes together."""
        return self.total - self.net
