"""Mending records in suspense by hand: changed, or written off, with who did it and why; what they were is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from mvne_billing.errors import BillingError
from mvne_billing.mediation.suspense import Held, from_row, held_as
from mvne_billing.rating.result import Reason
from mvne_billing.sql import change_row, row_of
from mvne_billing.states import UsageState
from mvne_billing.tables import suspense as table
from mvne_billing.usage.columns import record_from
from mvne_billing.usage.record import InvalidUsage, UsageRecord

#: What of a record can be changed.
CHANGEABLE = ("id", "msisdn", "kind", "start", "amount", "country", "to", "session", "label", "corrects")


class MendingError(BillingError):
    """The record in suspense refuses this."""


class NotHeld(MendingError):
    """There is no such record in suspense."""


class NotARecord(MendingError):
    """Changed so, it is no usage record."""


class NoReason(MendingError):
    """Whoever mends a record says who they are and why."""


def mend(
    conn: Connection, brand: str, held_id: str, changes: Mapping[str, str], actor: str, reason: str, at: datetime
) -> Held:
    """Change a record in suspense by field and text, and let it wait to be tried again; what it was is kept beside it.

    A row that could not be read becomes a record when all of it is said. One that was dropped waits again. Raises
    `NotHeld`, `NoReason`, `NotARecord`, and `MendingError` for a field that is none.
    """
    _signed(actor, reason)
    known = _held(conn, brand, held_id, (UsageState.HELD, UsageState.DROPPED))
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise MendingError(f"a record has no {', '.join(unknown)}; what can be changed is {', '.join(CHANGEABLE)}")
    record = _changed(known, changes)
    said = ", ".join(f"{name} to {value}" for name, value in sorted(changes.items())) or "nothing"
    mended = held_as(record, Reason.MENDED, f"{actor} changed {said}: {reason}", known.batch)
    if mended.id == known.id:
        change_row(conn, table, brand, known.id, values={**_waits(mended), "actor": actor, "note": reason})
        return mended
    there = row_of(conn, table, brand, mended.id)
    if there is not None:
        raise MendingError(f"changed so, it is {mended.id}, which was in suspense already")
    _leave(conn, brand, known.id, UsageState.REPLACED, actor, reason, at)
    row = {"brand": brand, "at": at, "resolved_at": None, "outcome": None, "actor": actor, "note": reason}
    conn.execute(insert(table), row | asdict(mended) | {"mends": known.id})
    return mended


def drop(conn: Connection, brand: str, held_id: str, actor: str, reason: str, at: datetime) -> Held:
    """Write a record in suspense off: it costs nobody anything, stays visible, and does not come in again.

    Dropped already is fine. Raises `NotHeld`, `NoReason`.
    """
    _signed(actor, reason)
    known = _held(conn, brand, held_id, (UsageState.HELD, UsageState.DROPPED))
    _leave(conn, brand, held_id, UsageState.DROPPED, actor, reason, at)
    return known


def _signed(actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        raise NoReason("say who does this and why: it stands with the record for good")


def _held(conn: Connection, brand: str, held_id: str, states: tuple[UsageState, ...]) -> Held:
    row = row_of(conn, table, brand, held_id, lock=True)
    if row is None:
        raise NotHeld(f"there is no record {held_id} in suspense in brand {brand}; see: mvne usage suspense")
    state = UsageState(row.outcome or UsageState.HELD)
    if state not in states:
        raise NotHeld(f"record {held_id} has left suspense: {state}")
    return from_row(row)


def _leave(
    conn: Connection, brand: str, held_id: str, outcome: UsageState, actor: str, reason: str, at: datetime
) -> None:
    values = {"resolved_at": at, "outcome": outcome, "actor": actor, "note": reason}
    change_row(conn, table, brand, held_id, values=values)


def _waits(held: Held) -> dict[str, object]:
    return {"reason": held.reason, "message": held.message, "resolved_at": None, "outcome": None}


def _changed(known: Held, changes: Mapping[str, str]) -> UsageRecord:
    """Return the record as it is with the changes, read as a row of a file would be."""
    before = known.usage()
    cells: dict[str, Any] = dict.fromkeys(CHANGEABLE, "")
    if before is not None:
        cells |= {name: getattr(before, name) or "" for name in CHANGEABLE}
        cells |= {"kind": before.kind.value, "amount": str(before.amount)}
    cells |= changes
    try:
        return replace(record_from(cells, known.source), corrects=str(cells["corrects"]) or None)
    except InvalidUsage as problem:
        raise NotARecord(str(problem)) from None
