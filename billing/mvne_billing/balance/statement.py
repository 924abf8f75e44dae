"""A balance as the books alone tell it: at any moment, and every movement that led there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from mvne_billing.ledger import accounts
from mvne_billing.ledger.books import touching


@dataclass(frozen=True, slots=True)
class Statement:
    """A line's prepaid money by the books, in micro-units: what is there, and what came and went.

    Sent and received money, adjustments and the money of bonuses are signed; `expired` and `spent` are what left.
    """

    free: int = 0
    reserved: int = 0
    paid_in: int = 0
    bonus: int = 0
    sent: int = 0
    adjusted: int = 0
    expired: int = 0
    spent: int = 0

    @property
    def funded(self) -> int:
        """What the line ever had to spend: free + reserved + spent."""
        return self.paid_in + self.bonus + self.sent + self.adjusted - self.expired


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer that touched a line's money: what it did to the free and the reserved part, and free after it."""

    id: str
    at: datetime
    code: str
    reference: str
    free: int
    reserved: int
    free_after: int


def recomputed(conn: Connection, brand: str, subscription: str, at: datetime | None = None) -> Statement:
    """Return how a line's money stood after everything that the books have up to `at`, included (None: all of it)."""
    wallet, reserved = accounts.wallet(subscription), accounts.reserved(subscription)
    own = {wallet, reserved}
    sums = dict.fromkeys(Statement.__dataclass_fields__, 0)
    table = touching(brand, subscription, own).c
    query = select(table.debit, table.credit, func.sum(table.micro)).group_by(table.debit, table.credit)
    for debit, credit, total in conn.execute(query if at is None else query.where(table.at <= at)):
        micro = int(total)
        for account, sign in ((debit, -1), (credit, 1)):
            sums["free"] += sign * micro if account == wallet else 0
            sums["reserved"] += sign * micro if account == reserved else 0
        if not {debit, credit} <= own:
            other, sign = (credit, -1) if debit in own else (debit, 1)
            name = _column(other)
            sums[name] += -sign * micro if name in ("expired", "spent") else sign * micro
    return Statement(**sums)


def movements(
    conn: Connection, brand: str, subscription: str, limit: int, at: datetime | None = None
) -> list[Movement]:
    """Return a line's newest movements up to `at`, newest first, at most `limit`."""
    wallet, reserved = accounts.wallet(subscription), accounts.reserved(subscription)
    own = (wallet, reserved)
    table = touching(brand, subscription, own)
    query = select(table).order_by(table.c.at.desc(), table.c.id.desc())
    query = query if at is None else query.where(table.c.at <= at)
    free = recomputed(conn, brand, subscription, at).free
    found = []
    for row in conn.execute(query.limit(limit)):
        moved = [row.micro * ((row.credit == one) - (row.debit == one)) for one in own]
        found.append(Movement(row.id, row.at, row.code, row.reference, moved[0], moved[1], free))
        free -= moved[0]
    return found


def _column(account: str) -> str:
    """Return what money from or to another account is, for a line's statement."""
    kind = account.partition(":")[0]
    if kind in ("cash", "vouchers"):
        return "paid_in"
    if kind in ("wallet", "reserved"):
        return "sent"
    return {accounts.BONUS: "bonus", accounts.ADJUSTMENT: "adjusted", accounts.BREAKAGE: "expired"}.get(
        account, "spent"
    )
