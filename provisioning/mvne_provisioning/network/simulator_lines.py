"""The lines of the simulated host network, read and changed inside one of its transactions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.identifier import Identifier
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.moves import sources
from mvne_provisioning.network.port import HOST_MOVES, Barring, HostLine, HostRefused, HostState, Refusal
from mvne_provisioning.network.simulator_tables import lines
from mvne_provisioning.statements import insert_or_ignore, select_in

LIVING = frozenset({HostState.ACTIVE, HostState.SUSPENDED})


def refuse_taken(conn: Connection, column: str, value: Identifier, refusal: Refusal) -> None:
    """Refuse when a living line has `value` in `column`."""
    living = select(lines.c.imsi).where(lines.c[column] == value, lines.c.state.in_(LIVING))
    if conn.execute(living).first():
        raise HostRefused(refusal, f"the {column} {value.masked()} belongs to a living line")


def put_line(conn: Connection, imsi: Imsi, values: Mapping[str, object]) -> None:
    """Make a living line, new or where a terminated one was; refuse when a living one is there."""
    again = update(lines).where(lines.c.imsi == imsi, lines.c.state == HostState.TERMINATED)
    if conn.execute(again.values(**values)).rowcount:
        return
    new = insert_or_ignore(conn, lines).values(imsi=imsi, **values).returning(lines.c.imsi)
    if conn.execute(new).first() is None:
        raise HostRefused(Refusal.IMSI_IN_USE, f"the imsi {imsi.masked()} belongs to a living line")


def move_line(conn: Connection, imsi: Imsi, to: HostState) -> None:
    """Move a line as `HOST_MOVES` allows; refuse otherwise."""
    change_line(conn, imsi, sources(HOST_MOVES, to), state=to)


def change_line(conn: Connection, imsi: Imsi, states: Collection[HostState], **values: object) -> None:
    """Change a line that is in one of `states`; refuse otherwise."""
    changed = update(lines).where(lines.c.imsi == imsi, lines.c.state.in_(states)).values(**values)
    if conn.execute(changed).rowcount == 0:
        raise HostRefused(Refusal.WRONG_STATE, f"the line {imsi.masked()} is {line_row(conn, imsi).state}")


def line_row(conn: Connection, imsi: Imsi) -> Row[Any]:
    """Return the row of a line; refuse when there never was one."""
    row = conn.execute(select(lines).where(lines.c.imsi == imsi)).first()
    if row is None:
        raise HostRefused(Refusal.UNKNOWN_LINE, f"there is no line {imsi.masked()}")
    return row


def lines_by_imsi(conn: Connection, imsis: Iterable[Imsi]) -> dict[Imsi, HostLine]:
    """Return the lines of `imsis`, those that exist."""
    return {line.imsi: line for line in map(_line, select_in(conn, lines.c.imsi, imsis))}


def _line(row: Row[Any]) -> HostLine:
    barrings = frozenset(map(Barring, filter(None, row.barrings.split(","))))
    state = HostState(row.state)
    return HostLine(
        imsi_of(row.imsi), _iccid_of(row.iccid), msisdn_of(row.msisdn), state, barrings, row.bits_per_second
    )


# The same lines come again and again: each of their identifiers is checked once.
imsi_of, _iccid_of, msisdn_of = (
    lru_cache(maxsize=4096)(Imsi),
    lru_cache(maxsize=4096)(Iccid),
    lru_cache(maxsize=4096)(Msisdn),
)
