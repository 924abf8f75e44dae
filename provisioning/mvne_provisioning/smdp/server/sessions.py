"""Downloads under way: kept sealed between two calls of a phone, and removed when they are over or too old."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from mvne_provisioning.smdp.rsp import Refused, Session
from mvne_provisioning.smdp.server.sealing import Vault, session_of
from mvne_provisioning.smdp.server.tables import STAGE_MOVES, Stage, sessions

_ITS_ID = sessions.c.transaction_id == bindparam("its_id")
_FIND = select(sessions).where(_ITS_ID, sessions.c.expires_at > bindparam("its_moment")).with_for_update()
_OPEN = insert(sessions)
_ADVANCE = update(sessions).where(_ITS_ID, sessions.c.stage == bindparam("its_stage"))
_CLOSE = delete(sessions).where(_ITS_ID)


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as it was found: its id as text, how far it is, for which order of which profile, and its content."""

    id: str
    stage: Stage
    iccid: str | None
    order_number: int
    session: Session


def begin(conn: Connection, vault: Vault, session: Session, until: datetime) -> None:
    """Keep a new session."""
    row = {"transaction_id": session.transaction_id.hex().upper(), "stage": Stage.INITIATED, "order_number": 0}
    conn.execute(_OPEN, row | {"content": _sealed(vault, session), "expires_at": until})


def find(conn: Connection, vault: Vault, id_: str, stages: Collection[Stage], at: datetime) -> Kept:
    """Return a session that is at one of these stages, held until the transaction ends; raise `Refused`."""
    found = look(conn, vault, id_, at)
    if found is None:
        raise Refused("8.10.1", "3.9", "there is no such transaction, or it has expired; begin anew")
    if found.stage not in stages:
        raise Refused("8.10.1", "3.9", f"the transaction is already {found.stage}")
    return found


def look(conn: Connection, vault: Vault, id_: str, at: datetime) -> Kept | None:
    """Return a session with this id, None when there is none any more."""
    row = conn.execute(_FIND, {"its_id": id_, "its_moment": at}).first()
    if row is None:
        return None
    session = Session.from_text(vault.open(row.content, session_of(id_)).decode())
    return Kept(id_, Stage(row.stage), row.iccid, row.order_number, session)


def offered(conn: Connection, vault: Vault, kept: Kept, session: Session, profile: Any, until: datetime) -> None:
    """Keep that this `profile`, of its present order, was offered in the session."""
    order = {"iccid": profile.iccid, "order_number": profile.order_number}
    _advance(conn, kept, Stage.OFFERED, content=_sealed(vault, session), expires_at=until, **order)


def bound(conn: Connection, vault: Vault, kept: Kept, session: Session, until: datetime) -> None:
    """Keep that the package was handed out; the result of its installation is awaited until then."""
    _advance(conn, kept, Stage.BOUND, content=_sealed(vault, session), expires_at=until)


def close(conn: Connection, id_: str) -> None:
    """Forget a session."""
    conn.execute(_CLOSE, {"its_id": id_})


def sweep(conn: Connection, at: datetime) -> int:
    """Forget the sessions that have expired; return how many there were."""
    return conn.execute(delete(sessions).where(sessions.c.expires_at <= at)).rowcount


def _advance(conn: Connection, kept: Kept, to: Stage, **values: object) -> None:
    if to not in STAGE_MOVES[kept.stage]:
        raise Refused("8.10.1", "3.9", f"the transaction is already {kept.stage}")
    its = {"its_id": kept.id, "its_stage": kept.stage}
    if conn.execute(_ADVANCE, {**its, "stage": to, **values}).rowcount != 1:
        raise Refused("8.10.1", "3.9", "the transaction was continued by another request")


def _sealed(vault: Vault, session: Session) -> bytes:
    return vault.seal(session.to_text().encode(), session_of(session.transaction_id.hex().upper()))
