"""Which profile a phone gets, and why it gets none (SGP.22, sections 3.1.3 and 5.6.3).

A matching id leads to its profile; without one the EID does (default SM-DP+). A refusal may have put the order aside
and told the operator; it is raised after that, and what was written stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from mvne_provisioning.smdp.port import NotificationPoint
from mvne_provisioning.smdp.rsp import Refused
from mvne_provisioning.smdp.server.changing import change
from mvne_provisioning.smdp.server.outbox import tell
from mvne_provisioning.smdp.server.settings import Settings
from mvne_provisioning.smdp.server.tables import profiles
from mvne_provisioning.smdp.states import ProfileState

#: A profile that was handed out can be handed out again to the same eUICC, which may have lost it on the way.
DOWNLOADABLE = frozenset({ProfileState.RELEASED, ProfileState.DOWNLOADED})

_WAITING = (ProfileState.CONFIRMED, *DOWNLOADABLE)
_NAMED = select(profiles).where(profiles.c.matching_id == bindparam("its_name")).with_for_update()
_DEFAULT = (
    select(profiles)
    .where(profiles.c.matching_id == "", profiles.c.eid == bindparam("its_eid"), profiles.c.state.in_(_WAITING))
    .order_by(profiles.c.expires_at, profiles.c.iccid)
    .with_for_update()
)


def eligible(conn: Connection, its: Settings, matching_id: str | None, eid: str, at: datetime) -> Row[Any]:
    """Return the profile that waits for a phone, its row locked; raise `Refused`."""
    row = _found(conn, matching_id, eid)
    if row.eid not in (None, eid):
        raise Refused("8.1.1", "3.8", "the profile is for another EID")
    if row.state == ProfileState.RELEASED and row.expires_at <= at:
        raise ended(conn, row, eid, at, NotificationPoint.ELIGIBILITY, expired())
    if row.state not in DOWNLOADABLE:
        raise Refused("8.2", "1.2", f"the profile is {row.state}, not Released")
    if row.downloads >= its.limits.downloads:
        words = f"the profile was downloaded {row.downloads} times"
        raise ended(conn, row, eid, at, NotificationPoint.ELIGIBILITY, Refused("8.8.5", "6.4", words))
    return row


def expired() -> Refused:
    """Return the refusal of an order that no phone came for in time."""
    return Refused("8.8.5", "4.10", "the order has expired")


def ended(
    conn: Connection, row: Row[Any], eid: str | None, at: datetime, point: NotificationPoint, why: Refused
) -> Refused:
    """Put a profile aside for good and tell the operator why; return that."""
    change(conn, row, to=ProfileState.ERROR)
    tell(conn, row, eid, at, point, (why.subject, why.reason, why.message))
    return why


def _found(conn: Connection, matching_id: str | None, eid: str) -> Row[Any]:
    if matching_id:
        row = conn.execute(_NAMED, {"its_name": matching_id}).first()
        if row is None:
            raise Refused("8.2.6", "3.8", "no profile has this matching id")
        return row
    waiting = conn.execute(_DEFAULT, {"its_eid": eid}).all()
    if not waiting:
        raise Refused("8.1.1", "3.8", "no profile waits for this EID")
    return min(waiting, key=lambda row: row.state not in DOWNLOADABLE)
