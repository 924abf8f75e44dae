"""What is settled together, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mvne_billing.balance.holding import Change
from mvne_billing.mediation.marks import Crossing
from mvne_billing.mediation.suspense import Held


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of which batch is being settled, and when: what is written names it.

    `batches` names, by record id, the batch that a record belongs to where it is another: that which first brought it.
    """

    batch: str
    at: datetime
    batches: Mapping[str, str] = field(default_factory=dict)

    def batch_of(self, record: str) -> str:
        """Return the batch that a record belongs to."""
        return self.batches.get(record, self.batch)


@dataclass(frozen=True, slots=True)
class Cause:
    """What writes, and when: `name` is the batch or the re-rating, `at` stands in the books."""

    name: str
    at: datetime


@dataclass
class Settled:
    """What became of a slice: ids by outcome, totals in micro-units, marks that were crossed, balances that paid.

    `matched` were charged live, `corrected` stand in the place of another, `dropped` were written off before. Of those
    `rated`, some came `late`, after their time was billed, or `out_of_order`, after later ones of their line and kind.
    """

    batch: str = ""
    rated: list[str] = field(default_factory=list)
    matched: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    balances: list[Change] = field(default_factory=list)
    charge_micro: int = 0
    cost_micro: int = 0
