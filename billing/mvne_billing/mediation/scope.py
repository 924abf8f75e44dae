"""Which use is meant: of a line, a plan version, a time, a file, or all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from mvne_billing.mediation.stored import Stored
from mvne_billing.states import Came, UsageState
from mvne_billing.tables import usage


@dataclass(frozen=True, slots=True)
class Scope:
    """Records that fit all that is set; `since` and `until` (excluded) bound their start."""

    subscription: str | None = None
    plan: str | None = None
    version: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    batch: str | None = None
    came: Came | None = None

    def where(self) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions of a query over usage."""
        for name in ("subscription", "plan", "version", "batch", "came"):
            if (value := getattr(self, name)) is not None:
                yield usage.c[name] == value
        if self.since is not None:
            yield usage.c.start >= self.since
        if self.until is not None:
            yield usage.c.start < self.until

    def holds(self, one: Stored) -> bool:
        """Say whether a record is meant."""
        there = {name: getattr(one, name) for name in ("subscription", "plan", "version", "batch", "came")}
        fits = all(getattr(self, name) in (None, value) for name, value in there.items())
        start = one.record.start
        return fits and (self.since is None or self.since <= start) and (self.until is None or start < self.until)


#: All of it.
EVERYTHING = Scope()


class Span(NamedTuple):
    """A line with the first and the last start of its use that is meant."""

    subscription: str
    first: datetime
    last: datetime


def spans(
    conn: Connection,
    brand: str,
    scope: Scope,
    states: Sequence[UsageState],
    after: str = "",
    limit: int = 200,
    among: Collection[str] | None = None,
) -> list[Span]:
    """Return the lines with use that is meant, in the order of their ids, at most `limit` after line `after`.

    `among` asks for some lines only.
    """
    priced = (usage.c.state.in_(states), usage.c.entry != "")
    query = (
        select(usage.c.subscription, func.min(usage.c.start), func.max(usage.c.start))
        .where(usage.c.brand == brand, *priced, usage.c.subscription > after, *scope.where())
        .group_by(usage.c.subscription)
        .order_by(usage.c.subscription)
        .limit(limit)
    )
    if among is not None:
        query = query.where(usage.c.subscription.in_(among))
    return [Span(*row) for row in conn.execute(query)]
