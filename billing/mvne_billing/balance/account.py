"""The balance of a line: what it may spend, what open sessions hold, and a version that every writer raises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from mvne_billing.errors import BillingError
from mvne_billing.sql import row_of, upsert
from mvne_billing.tables import balance as table

_WRITE = (
    update(table)
    .where(
        table.c.brand == bindparam("its_brand"),
        table.c.subscription == bindparam("its_subscription"),
        table.c.version == bindparam("expected"),
    )
    .values(free_micro=bindparam("free"), version=table.c.version + 1)
)


class BalanceError(BillingError):
    """The balance refuses this."""


class BalanceConflict(BalanceError):
    """Something with this id exists and says something else."""


class BalanceMoved(BalanceError):
    """Somebody else wrote to the balance meanwhile; do it again."""


class NoBalance(BalanceError):
    """The line has no balance."""


class InsufficientBalance(BalanceError):
    """There is less in the balance than this takes."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What a line has, in micro-units of `currency`: free to spend, and held by open charging sessions.

    `floor_micro`, 0 or below, is how far the free part may fall. `version` goes up with every write of anybody.
    """

    subscription: str
    currency: str
    free_micro: int
    reserved_micro: int
    floor_micro: int
    version: int
    opened_at: datetime

    @property
    def held_micro(self) -> int:
        """All that is left of what came in: free and reserved."""
        return self.free_micro + self.reserved_micro


def open_balance(
    conn: Connection, brand: str, subscription: str, currency: str, at: datetime, floor_micro: int = 0
) -> Balance:
    """Give a line a balance of nothing; the same again is left alone.

    Raises `BalanceConflict` when the line has one in another currency or with another floor.
    """
    row = {"brand": brand, "subscription": subscription, "currency": currency, "opened_at": at, "version": 0}
    upsert(conn, table, [row | {"free_micro": 0, "reserved_micro": 0, "floor_micro": floor_micro}])
    known = get(conn, brand, subscription)
    if (known.currency, known.floor_micro) != (currency, floor_micro):
        raise BalanceConflict(
            f"line {subscription} has a balance in {known.currency} that may fall to {known.floor_micro} micro-units"
        )
    return known


def find(conn: Connection, brand: str, subscription: str) -> Balance | None:
    """Return the balance of a line, None when it has none."""
    row = row_of(conn, table, brand, subscription)
    return _from_row(row) if row else None


def get(conn: Connection, brand: str, subscription: str) -> Balance:
    """Return the balance of a line; raise `NoBalance`."""
    found = find(conn, brand, subscription)
    if found is None:
        raise NoBalance(
            f"line {subscription} of brand {brand} has no balance; a prepaid one gets it with its first top-up"
        )
    return found


def having(conn: Connection, brand: str, subscriptions: Sequence[str]) -> list[str]:
    """Return which of these lines have a balance, in their order."""
    query = select(table.c.subscription).where(table.c.brand == brand, table.c.subscription.in_(subscriptions))
    known = set(conn.execute(query).scalars())
    return [one for one in subscriptions if one in known]


def locked(conn: Connection, brand: str, subscriptions: Sequence[str]) -> dict[str, Balance]:
    """Return the balances of these lines, locked in the order of their ids; raise `NoBalance` when one has none."""
    query = select(table).where(table.c.brand == brand, table.c.subscription.in_(subscriptions))
    rows = conn.execute(query.order_by(table.c.subscription).with_for_update())
    found = {row.subscription: _from_row(row) for row in rows}
    for one in subscriptions:
        if one not in found:
            raise NoBalance(f"line {one} of brand {brand} has no balance; a prepaid one gets it with its first top-up")
    return found


def write(conn: Connection, brand: str, known: Balance, free_micro: int) -> None:
    """Write what is free now, over the version that is `known`; raise `BalanceMoved` when it is not that any more."""
    named = {"its_brand": brand, "its_subscription": known.subscription, "expected": known.version}
    if not conn.execute(_WRITE, named | {"free": free_micro}).rowcount:
        raise BalanceMoved(f"the balance of line {known.subscription} was written to meanwhile; do it again")


def _from_row(row: Row[Any]) -> Balance:
    stored = row._mapping
    return Balance(**{name: stored[name] for name in Balance.__dataclass_fields__})
