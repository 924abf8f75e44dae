"""Usage records as they are stored: the use, its price as it stands, and how it came to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from mvne_billing.mediation.counters import Taken, taken_from
from mvne_billing.rating.result import Part, parts_from
from mvne_billing.states import UsageState
from mvne_billing.tables import usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind

_BY_ID = select(usage).where(usage.c.brand == bindparam("brand"), usage.c.id.in_(bindparam("ids", expanding=True)))

#: Ids looked up at once; below the 999 variables that an old SQLite allows.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """A usage record in the store. `rating` counts how often it was priced, `place` the reports of its session.

    `entry` names the transfers that booked it first; `row` is all of it, as it was read, None for one to be stored.
    """

    record: UsageRecord
    hash: str
    batch: str
    subscription: str
    plan: str
    version: int
    state: UsageState
    came: str
    place: int
    rating: int
    entry: str
    destination: str
    parts: tuple[Part, ...]
    taken: tuple[Taken, ...]
    charge_micro: int
    cost_micro: int
    cost_rule: str
    currency: str
    invoice: str | None
    row: Row[Any] | None = field(repr=False, compare=False)

    @classmethod
    def read(cls, row: Row[Any]) -> Stored:
        """Return the record of a row of the table of usage."""
        return cls(
            record=record_of(row),
            hash=row.hash,
            batch=row.batch,
            subscription=row.subscription,
            plan=row.plan,
            version=row.version,
            state=UsageState(row.state),
            came=row.came,
            place=row.place,
            rating=row.rating,
            entry=row.entry or f"usage:{row.id}",
            destination=row.destination,
            parts=parts_from(row.parts),
            taken=taken_from(row.subscription, row.taken),
            charge_micro=row.charge_micro,
            cost_micro=row.cost_micro,
            cost_rule=row.cost_rule,
            currency=row.currency,
            invoice=row.invoice,
            row=row,
        )


def record_of(row: Row[Any]) -> UsageRecord:
    """Return what was used, as it came in."""
    return UsageRecord(
        id=row.id,
        msisdn=row.msisdn,
        kind=Kind(row.kind),
        start=row.start,
        amount=row.amount,
        country=row.country,
        to=row.to,
        session=row.session,
        label=row.label,
        corrects=row.corrects,
    )


def by_id(conn: Connection, brand: str, ids: Sequence[str]) -> dict[str, Stored]:
    """Return the records with these ids that are stored, whatever their state."""
    found = {}
    for start in range(0, len(ids), _CHUNK):
        for row in conn.execute(_BY_ID, {"brand": brand, "ids": ids[start : start + _CHUNK]}):
            found[row.id] = Stored.read(row)
    return found


def row_text(row: Row[Any] | None) -> str:
    """Return a whole row as JSON, to be kept when it changes."""
    return json.dumps({} if row is None else dict(row._mapping), sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
