"""Unloading: everything that a file brought is taken back, as if it had never come; it may come again later.

Its records stay, without a price; what they took of the allowances is free for the others, which are priced again; of
what was billed, the next bill has the correction. A record that one of the file had corrected stands again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.repricing import Again
from mvne_billing.mediation.rerating import Doing, Noticed, Rerated, ReratingError, Run, Wanted
from mvne_billing.mediation.scope import Scope
from mvne_billing.mediation.suspense import Which, resolve, waiting
from mvne_billing.sql import Transact, change_row, row_of
from mvne_billing.states import UsageState
from mvne_billing.tables import usage, usage_batch, usage_past

#: Records of a file that are taken back; those that a later record replaced stay replaced.
_TAKEN_BACK = (UsageState.RATED, UsageState.MATCHED)


class UnknownBatch(ReratingError):
    """No such batch came in."""


@dataclass(frozen=True, slots=True)
class Unloading:
    """Which batch is to be unloaded, why and by whom; `id` is the caller's."""

    id: str
    batch: str
    reason: str
    actor: str
    at: datetime


def unload(
    transact: Transact,
    read: Transact,
    brand: str,
    rater: Rater,
    wanted: Unloading,
    noticed: Noticed,
    dry_run: bool = False,
) -> Rerated:
    """Take a batch back and return what that changed; said again, it goes on or tells what it did.

    Raises `UnknownBatch`, and `ReratingConflict` when the id was used for something else.
    """
    with read() as conn:
        if row_of(conn, usage_batch, brand, wanted.batch) is None:
            raise UnknownBatch(f"there is no batch {wanted.batch} in brand {brand}; see: mvne usage files")
    scope = Scope(batch=wanted.batch)
    operation = Wanted(wanted.id, scope, wanted.reason, wanted.actor, wanted.at, kind="unload")
    doing = Doing(_TAKEN_BACK, lambda conn, lines: _taken_back(conn, brand, wanted.batch, lines))
    done = Run(transact, read, brand, rater, operation, doing, noticed, dry_run).go()
    if not dry_run:
        with transact() as conn:
            change_row(conn, usage_batch, brand, wanted.batch, values={"unloaded_at": wanted.at})
        while _let_go(transact, brand, wanted):
            continue
    return done


def _let_go(transact: Transact, brand: str, wanted: Unloading) -> bool:
    """Let some of what the batch has in suspense wait no more; say whether there was any."""
    with transact() as conn:
        held = [one.id for one in waiting(conn, brand, which=Which(batch=wanted.batch))]
        resolve(conn, brand, held, UsageState.VOID, wanted.at)
    return bool(held)


def _taken_back(conn: Connection, brand: str, batch: str, lines: Collection[str]) -> Again:
    """Return which records of some lines have no price any more, and which stand again that they had corrected."""
    mine = (usage.c.brand == brand, usage.c.subscription.in_(lines))
    rows = conn.execute(select(usage.c.id, usage.c.state, usage.c.corrects).where(*mine, usage.c.batch == batch)).all()
    void = {row.id for row in rows if row.state in _TAKEN_BACK}
    replaced = {row.id for row in rows if row.state == UsageState.REPLACED}
    # What the file itself corrected goes with its correction, step after step.
    while gone := {row.corrects for row in rows if row.id in void and row.corrects in replaced} - void:
        void |= gone
    corrected = sorted({row.corrects for row in rows if row.id in void and row.corrects} - void)
    query = select(usage.c.id, usage.c.rating, usage.c.start).where(
        *mine, usage.c.id.in_(corrected), usage.c.state == UsageState.REPLACED
    )
    found = conn.execute(query).all() if corrected else []
    restored = {row.id: _state_before(conn, brand, row.id, row.rating) for row in found}
    return Again(frozenset(void), restored=restored, starts=tuple(row.start for row in found))


def _state_before(conn: Connection, brand: str, record: str, rating: int) -> UsageState:
    """Return how a record stood before it was replaced."""
    row = row_of(conn, usage_past, brand, record, rating - 1)
    return UsageState(row.state) if row is not None else UsageState.RATED
