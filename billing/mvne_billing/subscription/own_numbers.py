"""Number lists that a subscriber keeps alone: friends and family, each with a size and a limit on changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from mvne_billing.sql import upsert
from mvne_billing.subscription.subscription import Subscription, SubscriptionError, locked, touch
from mvne_billing.tables import own_number as table
from mvne_plans.catalogue import OwnList

_OF = (
    select(table)
    .where(table.c.brand == bindparam("brand"), table.c.subscription.in_(bindparam("subscriptions", expanding=True)))
    .order_by(table.c.subscription, table.c.list, table.c.since, table.c.number)
)


class OwnListError(SubscriptionError):
    """The list refuses this."""


class ListIsFull(OwnListError):
    """The list holds as many numbers as it may."""


class NoMoreChanges(OwnListError):
    """The list was changed as often as it may be for now."""


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A number (E.164) that a line has in a list of its own, from `since` until `until`."""

    subscription: str
    list: str
    number: str
    since: datetime
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Say whether the number is in the list at `moment`."""
        return self.since <= moment and (self.until is None or moment < self.until)


def add(
    conn: Connection, brand: str, owner: Subscription, list_id: str, number: str, terms: OwnList, at: datetime
) -> OwnNumber:
    """Put a number into a line's own list; there already is fine.

    A free place may be filled at any time: what is limited is taking numbers out. Raises `ListIsFull`.
    """
    locked(conn, brand, [owner.id])
    inside = [one for one in _of(conn, brand, owner.id, list_id) if one.until is None]
    for one in inside:
        if one.number == number:
            return one
    if len(inside) >= terms.size:
        raise ListIsFull(f"{list_id} holds {terms.size} numbers; take one out first: {', '.join(_names(inside))}")
    row = {"brand": brand, "subscription": owner.id, "list": list_id, "number": number, "since": at, "until": None}
    upsert(conn, table, [row], update=("until",))
    touch(conn, brand, owner.id)
    return OwnNumber(owner.id, list_id, number, at)


def remove(
    conn: Connection, brand: str, owner: Subscription, list_id: str, number: str, terms: OwnList, at: datetime
) -> None:
    """Take a number out of a line's own list; not in it is fine.

    That is the change that is limited, counted in spans of the list's own from the subscription's anchor. Raises
    `NoMoreChanges`.
    """
    locked(conn, brand, [owner.id])
    known = _of(conn, brand, owner.id, list_id)
    inside = next((one for one in known if one.number == number and one.until is None), None)
    if inside is None:
        return
    span = owner.period(terms.per, owner.number_at(terms.per, at))
    changed = [one for one in known if one.until is not None and one.until in span]
    if terms.changes is not None and len(changed) >= terms.changes:
        again = span.end.isoformat(timespec="minutes")
        raise NoMoreChanges(f"{list_id} was changed {len(changed)} times, as often as it may be; again from {again}")
    mine = (table.c.brand == brand, table.c.subscription == owner.id, table.c.list == list_id)
    conn.execute(update(table).where(*mine, table.c.number == number, table.c.until.is_(None)).values(until=at))
    touch(conn, brand, owner.id)


def of_lines(conn: Connection, brand: str, subscriptions: Sequence[str]) -> list[OwnNumber]:
    """Return every number that these lines have or had in lists of their own, line by line."""
    return [_from_row(row) for row in conn.execute(_OF, {"brand": brand, "subscriptions": subscriptions})]


def lists_at(numbers: Sequence[OwnNumber], moment: datetime) -> Mapping[str, frozenset[str]]:
    """Return a line's lists as they were at `moment`: one that it ever had is its own, also when it is empty."""
    return {
        name: frozenset(one.number for one in numbers if one.list == name and one.holds(moment))
        for name in {one.list for one in numbers}
    }


def _of(conn: Connection, brand: str, subscription: str, list_id: str) -> list[OwnNumber]:
    return [one for one in of_lines(conn, brand, [subscription]) if one.list == list_id]


def _names(inside: Sequence[OwnNumber]) -> Iterator[str]:
    return (one.number for one in inside)


def _from_row(row: Row[Any]) -> OwnNumber:
    return OwnNumber(row.subscription, row.list, row.number, row.since, row.until)
