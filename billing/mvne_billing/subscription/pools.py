"""Pools: several lines that share the allowances of one of them, its owner, each under caps of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from mvne_billing.sql import upsert
from mvne_billing.subscription.subscription import SubscriptionError, SubscriptionNotFound, locked, touch
from mvne_billing.tables import pool_member as table

_OF = (
    select(table)
    .where(table.c.brand == bindparam("brand"), table.c.subscription.in_(bindparam("subscriptions", expanding=True)))
    .order_by(table.c.subscription, table.c.since)
)


class PoolError(SubscriptionError):
    """The pool refuses this."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A line in a pool from `since` until `until`; `caps` are its own limits by bucket id, in the bucket's units."""

    subscription: str
    owner: str
    since: datetime
    until: datetime | None = None
    caps: Mapping[str, int] = field(default_factory=dict)

    def holds(self, moment: datetime) -> bool:
        """Say whether the line is in the pool at `moment`."""
        return self.since <= moment and (self.until is None or moment < self.until)


def join(conn: Connection, brand: str, wanted: Membership) -> Membership:
    """Let a line into a pool; in it already, under the same caps, is fine.

    Raises `PoolError` when the line is in another pool, owns one itself, or the owner is in one; pools do not nest.
    """
    ids = sorted({wanted.subscription, wanted.owner})
    there = {one.id for one in locked(conn, brand, ids)}
    for missing in set(ids) - there:
        raise SubscriptionNotFound(f"there is no subscription {missing} in brand {brand}")
    if wanted.subscription == wanted.owner:
        raise PoolError(f"{wanted.owner} owns the pool; it is in it without joining")
    known = _overlapping(conn, brand, wanted)
    if known is not None and (known.owner, known.until) == (wanted.owner, None):
        return known if known.caps == wanted.caps else cap(conn, brand, wanted.subscription, wanted.caps, wanted.since)
    if known is not None:
        raise PoolError(f"{wanted.subscription} is in the pool of {known.owner}; let it leave that first")
    nested = select(table.c.subscription).where(
        table.c.brand == brand,
        or_(table.c.owner == wanted.subscription, table.c.subscription == wanted.owner),
        or_(table.c.until.is_(None), table.c.until > wanted.since),
    )
    if conn.execute(nested.limit(1)).scalar() is not None:
        raise PoolError(f"{wanted.subscription} owns a pool, or {wanted.owner} is in one; pools do not nest")
    _write(conn, brand, wanted)
    return wanted


def leave(conn: Connection, brand: str, subscription: str, at: datetime) -> Membership:
    """Let a line leave the pool it is in at `at`; what it took of the pool stays taken. Raises `PoolError`."""
    locked(conn, brand, [subscription])
    known = current(conn, brand, subscription, at)
    mine = (table.c.brand == brand, table.c.subscription == subscription, table.c.since == known.since)
    conn.execute(update(table).where(*mine).values(until=at))
    touch(conn, brand, known.subscription, known.owner)
    return Membership(known.subscription, known.owner, known.since, at, known.caps)


def cap(conn: Connection, brand: str, subscription: str, caps: Mapping[str, int], at: datetime) -> Membership:
    """Set a member's own limits from `at` on; what it took counts towards them. Raises `PoolError`."""
    wanted = Membership(subscription, leave(conn, brand, subscription, at).owner, at, None, caps)
    _write(conn, brand, wanted)
    return wanted


def current(conn: Connection, brand: str, subscription: str, at: datetime) -> Membership:
    """Return the membership of a line at `at`; raise `PoolError` when it is in no pool."""
    found = next((one for one in of_lines(conn, brand, [subscription]) if one.holds(at)), None)
    if found is None:
        raise PoolError(f"{subscription} is in no pool")
    return found


def of_lines(conn: Connection, brand: str, subscriptions: Sequence[str]) -> list[Membership]:
    """Return every membership that these lines have or had, line by line, oldest first."""
    return [_from_row(row) for row in conn.execute(_OF, {"brand": brand, "subscriptions": subscriptions})]


def members(conn: Connection, brand: str, owners: Sequence[str]) -> list[Membership]:
    """Return every membership that there is or was in the pools of these owners, by line, oldest first."""
    query = select(table).where(table.c.brand == brand, table.c.owner.in_(owners))
    return [_from_row(row) for row in conn.execute(query.order_by(table.c.subscription, table.c.since))]


def _write(conn: Connection, brand: str, one: Membership) -> None:
    row = {"brand": brand, "subscription": one.subscription, "since": one.since, "owner": one.owner}
    row |= {"until": one.until, "caps": json.dumps(dict(one.caps), sort_keys=True)}
    upsert(conn, table, [row], update=("owner", "until", "caps"))
    touch(conn, brand, one.subscription, one.owner)


def _overlapping(conn: Connection, brand: str, wanted: Membership) -> Membership | None:
    """Return a membership of the line that still runs when the wanted one begins."""
    known = of_lines(conn, brand, [wanted.subscription])
    return next((one for one in known if one.until is None or one.until > wanted.since), None)


def _from_row(row: Row[Any]) -> Membership:
    return Membership(row.subscription, row.owner, row.since, row.until, json.loads(row.caps))
