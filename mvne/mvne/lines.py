"""Lines: the mobile service of a subscriber, with its number and card, and who had which number when."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from mvne.errors import MvneError
from mvne.states import LINE_MOVES, LineState
from mvne.tables import line as table
from mvne.tables import number_use
from mvne_billing.mediation.rater import Held
from mvne_billing.sql import change_row, row_of, upsert
from mvne_billing.usage.record import UsageRecord
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.order.placing import lines_by_imsi

#: How a usage record names a line where the network tells no number.
BY_IMSI = "imsi:"


class LineNotFound(MvneError):
    """There is no such line in this brand."""


class LineEnded(MvneError):
    """The line has ended; nothing can be done to it any more."""


class LineMoveNotAllowed(MvneError):
    """The line cannot go from its state to that one."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line. Its id is also its subscription's. `bits_per_second` and `barrings` are what the network holds it to.

    `cause` says why it is suspended or ended.
    """

    id: str
    subscriber: str
    state: LineState
    cause: str | None = None
    msisdn: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    activation_code: str | None = None
    bits_per_second: int | None = None
    barrings: tuple[str, ...] = ()


def open_line(conn: Connection, brand: str, line_id: str, subscriber: str, at: datetime) -> Line:
    """Make a line for a subscriber; the same again is left alone."""
    row = {"brand": brand, "id": line_id, "subscriber": subscriber, "state": LineState.ORDERED, "barrings": ""}
    upsert(conn, table, [row | {"at": at}])
    return get(conn, brand, line_id)


def get(conn: Connection, brand: str, line_id: str) -> Line:
    """Return a line; raise `LineNotFound`."""
    row = row_of(conn, table, brand, line_id)
    if row is None:
        raise LineNotFound(f"there is no line {line_id} in brand {brand}")
    return _from_row(row)


def of_subscriber(conn: Connection, brand: str, subscriber: str) -> list[Line]:
    """Return a subscriber's lines, oldest first."""
    query = select(table).where(table.c.brand == brand, table.c.subscriber == subscriber)
    return [_from_row(row) for row in conn.execute(query.order_by(table.c.at, table.c.id))]


def by_iccid(conn: Connection, brand: str, iccid: str) -> Line | None:
    """Return the line that holds a card, or None."""
    row = conn.execute(select(table).where(table.c.brand == brand, table.c.iccid == iccid)).one_or_none()
    return _from_row(row) if row else None


def count(conn: Connection, brand: str) -> dict[LineState, int]:
    """Return how many lines are in each state."""
    query = select(table.c.state, func.count()).where(table.c.brand == brand).group_by(table.c.state)
    found = {LineState(state): int(number) for state, number in conn.execute(query)}
    return {state: found.get(state, 0) for state in LineState}


def move(conn: Connection, brand: str, line_id: str, to: LineState, cause: str | None = None) -> Line:
    """Move a line to a state; being there already is fine. Raises `LineMoveNotAllowed` by the table of moves."""
    row = row_of(conn, table, brand, line_id, lock=True)
    if row is None:
        raise LineNotFound(f"there is no line {line_id} in brand {brand}")
    known = _from_row(row)
    if known.state is to:
        return known
    if to not in LINE_MOVES[known.state]:
        raise LineMoveNotAllowed(f"line {line_id} is {known.state}; it cannot become {to}")
    change(conn, brand, line_id, state=to, cause=cause)
    return replace(known, state=to, cause=cause)


def change(conn: Connection, brand: str, line_id: str, **values: object) -> None:
    """Set columns of a line."""
    change_row(conn, table, brand, line_id, values=values)


def hold_number(conn: Connection, brand: str, line_id: str, msisdn: str, at: datetime) -> None:
    """Note that a line has a number from `at` on; another number it had ends then."""
    current = select(number_use.c.msisdn).where(
        number_use.c.brand == brand, number_use.c.line == line_id, number_use.c.until.is_(None)
    )
    if msisdn in conn.execute(current).scalars().all():
        return
    leave_number(conn, brand, line_id, at)
    conn.execute(insert(number_use), {"brand": brand, "msisdn": msisdn, "since": at, "line": line_id})


def leave_number(conn: Connection, brand: str, line_id: str, at: datetime) -> None:
    """Note that a line has no number any more from `at` on."""
    where = (number_use.c.brand == brand, number_use.c.line == line_id, number_use.c.until.is_(None))
    conn.execute(update(number_use).where(*where).values(until=at))


def holdings(conn: Connection, brand: str, numbers: Collection[str]) -> Mapping[str, Sequence[Held]]:
    """Return from when until when each of these numbers was one of the brand's own; others are left out."""
    query = select(number_use).where(number_use.c.brand == brand, number_use.c.msisdn.in_(sorted(numbers)))
    found: dict[str, list[Held]] = {}
    for row in conn.execute(query.order_by(number_use.c.since)):
        found.setdefault(row.msisdn, []).append((row.since, row.until))
    return found


def owners(conn: Connection, brand: str, records: Sequence[UsageRecord]) -> Mapping[str, str]:
    """Return, by record id, the line that had the number when it was used; records of nobody are left out.

    Where the network told no number, the profile (IMSI) names the line.
    """
    numbers = sorted({record.msisdn for record in records})
    query = select(number_use).where(number_use.c.brand == brand, number_use.c.msisdn.in_(numbers))
    holders: dict[str, list[Row[Any]]] = {}
    for row in conn.execute(query):
        holders.setdefault(row.msisdn, []).append(row)
    found = {}
    for record in records:
        for row in holders.get(record.msisdn, ()):
            if row.since <= record.start and (row.until is None or record.start < row.until):
                found[record.id] = row.line
    return found | _by_profile(conn, brand, records)


def _by_profile(conn: Connection, brand: str, records: Sequence[UsageRecord]) -> dict[str, str]:
    unnumbered = {one.id: one.msisdn.removeprefix(BY_IMSI) for one in records if one.msisdn.startswith(BY_IMSI)}
    known = {id_: Imsi.parse(imsi) for id_, imsi in unnumbered.items() if Imsi.is_valid(imsi)}
    if not known:
        return {}
    holders = lines_by_imsi(conn, brand, set(known.values()))
    return {id_: holders[imsi] for id_, imsi in known.items() if imsi in holders}


def _from_row(row: Row[Any]) -> Line:
    return Line(
        id=row.id,
        subscriber=row.subscriber,
        state=LineState(row.state),
        cause=row.cause,
        msisdn=row.msisdn,
        iccid=row.iccid,
        imsi=row.imsi,
        activation_code=row.activation_code,
        bits_per_second=row.bits_per_second,
        barrings=tuple(filter(None, row.barrings.split(","))),
    )
