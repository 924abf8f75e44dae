"""What the SM-DP+ does without being asked: orders that nobody came for end, and what has expired is forgotten."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from mvne_provisioning.smdp.port import NotificationPoint
from mvne_provisioning.smdp.server import sessions
from mvne_provisioning.smdp.server.eligibility import ended, expired
from mvne_provisioning.smdp.server.settings import Lifetimes
from mvne_provisioning.smdp.server.tables import calls, profiles
from mvne_provisioning.smdp.states import ProfileState

#: Orders that end in one transaction.
_MOST = 100


def sweep(conn: Connection, its: Lifetimes, at: datetime) -> int:
    """Do it once; return how many orders ended. As long as that is not 0 there may be more."""
    sessions.sweep(conn, at)
    conn.execute(delete(calls).where(calls.c.at <= at - its.call))
    late = select(profiles).where(profiles.c.state == ProfileState.RELEASED, profiles.c.expires_at <= at)
    found = conn.execute(late.order_by(profiles.c.expires_at).limit(_MOST).with_for_update(skip_locked=True)).all()
    for row in found:
        ended(conn, row, row.eid, at, NotificationPoint.ELIGIBILITY, expired())
    return len(found)
