"""The end of prepaid money that was not used in time: from the wallet to breakage, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from mvne_billing.balance.account import Balance
from mvne_billing.balance.holding import Change, hold, lots_of, store, unchanged
from mvne_billing.balance.lots import expired, settled
from mvne_billing.sql import Transact
from mvne_billing.tables import credit as table

_DUE = (
    select(table.c.subscription)
    .where(
        table.c.brand == bindparam("brand"),
        table.c.expires_at <= bindparam("at"),
        table.c.left_micro > 0,
        table.c.subscription > bindparam("after"),
    )
    .distinct()
    .order_by(table.c.subscription)
    .limit(bindparam("most"))
)

#: Called inside the transaction of each line whose balance changed.
Noticed = Callable[[Connection, Change], None]


def lapse(conn: Connection, brand: str, subscription: str, at: datetime) -> Change:
    """Take what has expired by `at` out of a line's balance; nothing to take is fine. Raises `NoBalance`.

    What open sessions hold of an expired lot stays theirs, and lapses once they have given it back.
    """
    held = hold(conn, brand, subscription)[subscription]
    over = [lot for lot in held.lots if lot.is_over(at)]
    if not expired(held.lots, held.balance.free_micro, held.balance.reserved_micro, at) and all(
        lot.left_micro for lot in over
    ):
        return unchanged(held)
    return store(conn, brand, held, held.lapsed(at))


def run(transact: Transact, brand: str, at: datetime, noticed: Noticed) -> Iterator[Change]:
    """Take what has expired by `at` out of every balance of a brand, one short transaction each; yields each change."""
    after = ""
    while True:
        with transact() as conn:
            lines = due(conn, brand, at, after)
        if not lines:
            return
        for line in lines:
            with transact() as conn:
                change = lapse(conn, brand, line, at)
                if change.before.free_micro != change.after.free_micro:
                    noticed(conn, change)
            if change.before.free_micro != change.after.free_micro:
                yield change
        after = lines[-1]


def overdue(conn: Connection, brand: str, known: Balance, at: datetime) -> tuple[int, datetime | None]:
    """Return how much of what looks free has expired by `at` and is not taken yet, and when the next lot expires.

    Whoever charges live does not spend the first, and looks again at the second.
    """
    lots = settled(lots_of(conn, brand, known.subscription), known.held_micro)
    over = expired(lots, known.free_micro, known.reserved_micro, at)
    ahead = (lot.expires_at for lot in lots if lot.left_micro and lot.expires_at is not None and not lot.is_over(at))
    return sum(micro for _, micro in over), min(ahead, default=None)


def due(conn: Connection, brand: str, at: datetime, after: str = "", limit: int = 1000) -> list[str]:
    """Return lines that may have something expired by `at`, in order, at most `limit` after line `after`."""
    query = {"brand": brand, "at": at, "after": after, "most": limit}
    return list(conn.execute(_DUE, query).scalars())
