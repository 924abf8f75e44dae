"""Number groups of the day: whoever was in a list when a call was made is what counts, also when it is rated late."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from mvne.selling import Selling
from mvne.tables import item as table
from mvne.versions import parse
from mvne_billing.rating.result import World
from mvne_plans.catalogue import NumberGroup


def world_at(conn: Connection, sold: Selling) -> Callable[[datetime], World] | None:
    """Return the world of a brand by moment; None when its number groups have always been as they are.

    Before its first version a group was as that one says; after its last it is no more.
    """
    query = select(table).where(table.c.brand == sold.brand, table.c.kind == "group")
    rows = conn.execute(query.order_by(table.c.since, table.c.id)).all()
    turns = sorted({turn for row in rows for turn in (row.since, row.until) if turn is not None})
    if not any(row.version > 1 or row.until is not None for row in rows):
        return None
    today = sold.world()
    known: dict[int, World] = {}

    def world(moment: datetime) -> World:
        place = bisect_right(turns, moment)
        if place == len(turns):
            return today
        if place not in known:
            known[place] = replace(today, groups=_groups(rows, turns[place - 1] if place else None))
        return known[place]

    return world


def _groups(rows: list[Row[Any]] | Any, since: datetime | None) -> dict[str, frozenset[str]]:
    """Return the groups as they were from `since` on, at the very first for None."""
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        begun = row.version == 1 or (since is not None and row.since <= since)
        over = row.until is not None and since is not None and row.until <= since
        if begun and not over:
            group: NumberGroup = parse("group", row.content)
            found[row.id] = frozenset(group.numbers)
    return found
