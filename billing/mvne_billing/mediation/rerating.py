"""Re-rating: any slice of use is priced again, billed or not, and only the differences are booked.

Each line, with those it shares allowances with, is worked out first, without holding anybody up, and then written in
one short transaction if nobody priced any of its use meanwhile. The caller's id makes it one operation: said again, it
goes on where it was interrupted, or tells what it did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, select

from mvne_billing.errors import BillingError
from mvne_billing.mediation.desk import open_desk
from mvne_billing.mediation.priced import Change
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.repricing import Again, Repriced, reprice, sharing, standing
from mvne_billing.mediation.rewriting import write
from mvne_billing.mediation.scope import Scope, Span, spans
from mvne_billing.mediation.settled import Cause, Settled
from mvne_billing.sql import Transact, change_row, row_of
from mvne_billing.states import UsageState
from mvne_billing.tables import rerating as table
from mvne_billing.tables import rerating_line
from mvne_plans.canonical import dumps, loads
from mvne_plans.period import Period

#: How often a line is worked out without holding anybody up, before it is done with the line held.
_TRIES = 3


class ReratingError(BillingError):
    """The re-rating refuses this."""


class ReratingConflict(ReratingError):
    """A re-rating with this id was something else."""


class ReratingNotFound(ReratingError):
    """There was no such re-rating in this brand."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be priced again, why and by whom; `version` is the plan version to price by, None for each its own.

    `kind` is `rerate`, or `unload` where the records of the scope have no price any more.
    """

    id: str
    scope: Scope
    reason: str
    actor: str
    at: datetime
    version: int | None = None
    kind: str = "rerate"


@dataclass(frozen=True, slots=True)
class LineChange:
    """What changed of a line, in micro-units: prices, of these on bills already, and costs.

    `changed` records have another price or another way to it; `kept` have none any more and stay as they were.
    """

    subscription: str
    currency: str
    changed: int
    kept: int
    charge_micro: int
    billed_micro: int
    cost_micro: int


@dataclass(frozen=True, slots=True)
class Rerated:
    """What a re-rating did, or would do: how many records were priced again, and the lines that changed."""

    id: str
    records: int
    lines: tuple[LineChange, ...]
    done: bool

    @property
    def charge_micro(self) -> int:
        """By how much prices changed."""
        return sum(one.charge_micro for one in self.lines)

    @property
    def cost_micro(self) -> int:
        """By how much costs changed."""
        return sum(one.cost_micro for one in self.lines)


#: Called inside the transaction of each line with what it changed: see `loading.Noticed`.
Noticed = Callable[[Connection, Settled], None]

_MOMENT = timedelta(microseconds=1)


def rerate(
    transact: Transact,
    read: Transact,
    brand: str,
    rater: Rater,
    wanted: Wanted,
    noticed: Noticed,
    dry_run: bool = False,
) -> Rerated:
    """Price the use in scope again, and with it all of its lines' use that shares an allowance with it.

    A record that has no price any more keeps the one it has. With `dry_run` nothing is written. Raises
    `ReratingConflict` when the id was used for something else.
    """
    again = Again(scope=wanted.scope, version=wanted.version)
    doing = Doing((UsageState.RATED,), lambda conn, lines: again)
    return Run(transact, read, brand, rater, wanted, doing, noticed, dry_run).go()


def get(conn: Connection, brand: str, rerating_id: str) -> tuple[Wanted, Rerated]:
    """Return a re-rating as it was wanted, and what it did so far; raise `ReratingNotFound`."""
    row = row_of(conn, table, brand, rerating_id)
    if row is None:
        raise ReratingNotFound(f"there is no re-rating {rerating_id} in brand {brand}")
    return _wanted(row), _known(conn, brand, row)


def history(conn: Connection, brand: str) -> list[Wanted]:
    """Return every re-rating and unloading there was, oldest first."""
    rows = conn.execute(select(table).where(table.c.brand == brand).order_by(table.c.at, table.c.id))
    return [_wanted(row) for row in rows]


class Doing(NamedTuple):
    """What is done: records in these `states` are meant, and `to` says what becomes of those of some lines."""

    states: tuple[UsageState, ...]
    to: Callable[[Connection, Collection[str]], Again]


@dataclass(frozen=True)
class Run:
    """A way through the lines of a scope, one after the other, each with those it shares allowances with."""

    transact: Transact
    read: Transact
    brand: str
    rater: Rater
    wanted: Wanted
    doing: Doing
    noticed: Noticed
    dry_run: bool

    def go(self) -> Rerated:
        """Do what is left to do, and return all that was done."""
        if not self.dry_run:
            with self.transact() as conn:
                after, known = _begin(conn, self.brand, self.wanted)
        else:
            after, known = "", Rerated(self.wanted.id, 0, (), False)
        if known.done:
            return known
        while True:
            with self.read() as conn:
                page = spans(conn, self.brand, self.wanted.scope, self.doing.states, after)
            for span in page:
                known = self._line(span, known)
                after = span.subscription
            if not page:
                return self._finished(known)

    def _line(self, span: Span, known: Rerated) -> Rerated:
        """Do one line, with those it shares allowances with, if it is the first of them."""
        with self.read() as conn:
            lines = sharing(conn, self.brand, span.subscription, span.first)
            meant = spans(conn, self.brand, self.wanted.scope, self.doing.states, among=lines, limit=len(lines))
        if not meant or meant[0].subscription != span.subscription:
            return known
        first, last = min(one.first for one in meant), max(one.last for one in meant)
        for attempt in range(_TRIES + 1):
            if attempt < _TRIES:
                with self.read() as conn:
                    found = self._work_out(conn, lines, first, last, lock=False)
                if self.dry_run or found.is_nothing:
                    return _with(known, found)
            with self.transact() as conn:
                if attempt == _TRIES:
                    found = self._work_out(conn, lines, first, last, lock=True)
                if attempt == _TRIES or not self._has_moved(conn, found):
                    after = _with(known, found)
                    self._write(conn, found, span.subscription, after)
                    return after
        return known

    def _work_out(
        self, conn: Connection, lines: Sequence[str], first: datetime, last: datetime, lock: bool
    ) -> Repriced:
        again = self.doing.to(conn, lines)
        period = Period(min([first, *again.starts]), last + _MOMENT)
        return reprice(conn, self.brand, self.rater, lines, period, again, lock)

    def _has_moved(self, conn: Connection, found: Repriced) -> bool:
        """Say whether somebody priced or billed use of these lines since it was worked out; from now on nobody does."""
        desk = open_desk(conn, self.brand, self.rater, found.lines, found.since, versions=found.desk.plans)
        return standing(conn, self.brand, found.lines, desk, found.since) != found.found

    def _write(self, conn: Connection, found: Repriced, after: str, reached: Rerated) -> None:
        wanted, brand = self.wanted, self.brand
        balances = write(conn, brand, self.rater, Cause(wanted.id, wanted.at), found)
        rows = [
            {"brand": brand, "rerating": wanted.id, "subscription": one.subscription, "content": dumps(one)}
            for one in _changed(found)
        ]
        if rows:
            conn.execute(insert(rerating_line), rows)
        change_row(conn, table, brand, wanted.id, values={"after": after, "records": reached.records})
        self.noticed(conn, Settled(wanted.id, crossings=found.crossings, balances=balances))

    def _finished(self, known: Rerated) -> Rerated:
        if self.dry_run:
            return known
        with self.transact() as conn:
            done = {"done_at": self.wanted.at, "records": known.records}
            change_row(conn, table, self.brand, self.wanted.id, values=done)
        return replace(known, done=True)


def _begin(conn: Connection, brand: str, wanted: Wanted) -> tuple[str, Rerated]:
    """Write a re-rating down, or return how far it is."""
    row = row_of(conn, table, brand, wanted.id, lock=True)
    if row is None:
        values = {name: getattr(wanted, name) for name in ("id", "kind", "reason", "actor", "at")}
        scope = dumps(_Scoped(wanted.scope, wanted.version))
        conn.execute(insert(table), {"brand": brand, **values, "scope": scope, "after": "", "records": 0})
        return "", Rerated(wanted.id, 0, (), False)
    if replace(_wanted(row), at=wanted.at) != wanted:
        raise ReratingConflict(f"re-rating {wanted.id} exists and is of something else; give the new one another id")
    return row.after, _known(conn, brand, row)


@dataclass(frozen=True, slots=True)
class _Scoped:
    """A scope and the version to price it by, as they are kept."""

    scope: Scope
    version: int | None


def _wanted(row: Row[Any]) -> Wanted:
    kept = loads(_Scoped, row.scope)
    return Wanted(row.id, kept.scope, row.reason, row.actor, row.at, kept.version, row.kind)


def _known(conn: Connection, brand: str, row: Row[Any]) -> Rerated:
    mine = (rerating_line.c.brand == brand, rerating_line.c.rerating == row.id)
    query = select(rerating_line.c.content).where(*mine).order_by(rerating_line.c.subscription)
    lines = tuple(loads(LineChange, content) for content in conn.execute(query).scalars())
    return Rerated(row.id, row.records, lines, row.done_at is not None)


def _with(known: Rerated, found: Repriced) -> Rerated:
    return replace(known, records=known.records + found.records, lines=(*known.lines, *_changed(found)))


def _changed(found: Repriced) -> list[LineChange]:
    """Return what changes, line by line; lines of which nothing does are left out."""
    by_line: dict[str, list[Change]] = defaultdict(list)
    kept: Counter[str] = Counter(one.subscription for one, _ in found.kept)
    for one in found.changes:
        by_line[one.old.subscription].append(one)
    return [
        LineChange(
            subscription=line,
            currency=next((one.old.currency for one in by_line[line]), ""),
            changed=len(by_line[line]),
            kept=kept[line],
            charge_micro=sum(one.charge_micro for one in by_line[line]),
            billed_micro=sum(one.charge_micro for one in by_line[line] if one.is_billed),
            cost_micro=sum(one.cost_micro for one in by_line[line]),
        )
        for line in sorted(by_line.keys() | kept.keys())
    ]
