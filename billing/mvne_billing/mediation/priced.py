"""What pricing leaves to be written down: records that are priced for the first time, and prices that change."""

from __future__ import annotations

from dataclasses import dataclass

from mvne_billing.mediation.meter import Meter, Metered
from mvne_billing.mediation.paying import PAID
from mvne_billing.mediation.stored import Stored
from mvne_billing.rating.result import Rated
from mvne_billing.states import Came, UsageState

#: As many characters of a wholesale rule as are kept with a record.
LONGEST_RULE = 120

#: The price of what costs nothing because something else did.
NO_PRICE = Rated((), 0, 0, "", "", {})


@dataclass(frozen=True, slots=True)
class Priced:
    """A record that is priced for the first time, or again after its file was unloaded (`before`).

    `place` counts the earlier reports of its session, `wallet` says that its line pays from one. `invoice` is the bill
    that a record which it corrects was on, or what stood in place of one.
    """

    metered: Metered
    meter: Meter
    batch: str
    hash: str
    came: Came = Came.IN_ORDER
    place: int = 0
    state: UsageState = UsageState.RATED
    before: Stored | None = None
    wallet: bool = False
    invoice: str | None = None

    @property
    def rating(self) -> int:
        """How often it has been priced, this time included."""
        return self.before.rating + 1 if self.before else 1

    @property
    def bill(self) -> str | None:
        """The bill that it is on already; `PAID` where the line's wallet pays."""
        if self.invoice not in (None, PAID):
            return self.invoice
        return PAID if self.wallet else None

    @property
    def is_billed(self) -> bool:
        """Whether its price is on a bill, which only the next bill can correct."""
        return is_bill(self.bill)

    @property
    def entry(self) -> str:
        """What its transfers are called when it is the first of them."""
        return f"usage:{self.metered.record.id}" + (f":{self.rating}" if self.before else "")


@dataclass(frozen=True, slots=True)
class Change:
    """A record that is in the books and gets another price, `metered`, by a `plan` version; None for none any more."""

    old: Stored
    metered: Metered | None
    plan: tuple[str, int]
    state: UsageState = UsageState.RATED
    place: int = 0

    @property
    def rated(self) -> Rated:
        """The price that it gets."""
        return self.metered.rated if self.metered else NO_PRICE

    @property
    def is_none(self) -> bool:
        """Whether it is the very price that it has."""
        old, rated = self.old, self.rated
        money = (rated.charge_micro, rated.cost_micro, rated.cost_rule[:LONGEST_RULE])
        return (money, rated.parts, self.metered.taken if self.metered else (), self.plan, self.state, self.place) == (
            (old.charge_micro, old.cost_micro, old.cost_rule),
            old.parts,
            old.taken,
            (old.plan, old.version),
            old.state,
            old.place,
        )

    @property
    def entry(self) -> str:
        """What the transfers of the difference are called when it is the first of them."""
        return f"usage:{self.old.record.id}:{self.old.rating + 1}"

    @property
    def is_billed(self) -> bool:
        """Whether its price is on a bill, which only the next bill can correct."""
        return is_bill(self.old.invoice)

    @property
    def charge_micro(self) -> int:
        """By how much the price changes."""
        return self.rated.charge_micro - self.old.charge_micro

    @property
    def cost_micro(self) -> int:
        """By how much the cost changes."""
        return self.rated.cost_micro - self.old.cost_micro


def is_bill(invoice: str | None) -> bool:
    """Say whether a record with this bill is on one, and not paid from the balance or still to be billed."""
    return invoice not in (None, PAID)
