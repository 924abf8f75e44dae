"""What a phone reports at the end: cancelled, installed, not installed; later enabled, disabled, deleted.

All of it was verified before it comes here. What was reported before changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from mvne_provisioning.smdp.port import NotificationPoint
from mvne_provisioning.smdp.rsp import CancelReason, Event, InstallationResult, Other, Refused
from mvne_provisioning.smdp.server import sessions
from mvne_provisioning.smdp.server.changing import change, locked
from mvne_provisioning.smdp.server.eligibility import DOWNLOADABLE, ended
from mvne_provisioning.smdp.server.outbox import tell
from mvne_provisioning.smdp.server.tables import Stage
from mvne_provisioning.smdp.simulated_phone import TEMPORARY_INSTALL_ERRORS
from mvne_provisioning.smdp.states import SMDP_MOVES, ProfileState

#: What the operator is told of a user or a phone that does not want the profile (SGP.22, section 5.3.5).
#: Whoever postpones, or lets the time pass, may come again: the order stays.
_CANCELLED: Mapping[CancelReason, Refused] = {
    CancelReason.END_USER_REJECTION: Refused("8.8.5", "3.8", "the user rejected the profile"),
    CancelReason.PPR_NOT_ALLOWED: Refused("8.2.8", "1.2", "the phone does not allow the profile's policy rules"),
    CancelReason.METADATA_MISMATCH: Refused("8.2.9", "3.11", "the metadata changed during the download"),
    CancelReason.LOAD_BPP_EXECUTION_ERROR: Refused("8.2.10", "4.2", "the eUICC could not execute the package"),
    CancelReason.UNDEFINED: Refused("8", "4.2", "the phone cancelled for an unknown reason"),
}
_NO_MEMORY = 10

#: The states a profile passes through on a phone, in the order in which they are first reached.
_STATES = {
    Event.ENABLE: ProfileState.ENABLED,
    Event.DISABLE: ProfileState.DISABLED,
    Event.DELETE: ProfileState.DELETED,
}
_POINTS = {
    ProfileState.INSTALLED: NotificationPoint.INSTALLED,
    ProfileState.ENABLED: NotificationPoint.ENABLED,
    ProfileState.DISABLED: NotificationPoint.DISABLED,
    ProfileState.DELETED: NotificationPoint.DELETED,
}
#: Where notifications of a phone may find a profile.
_ON_PHONE = frozenset({ProfileState.DOWNLOADED, *_POINTS}) - {ProfileState.DELETED}


def cancel(conn: Connection, kept: sessions.Kept, reason: CancelReason, at: datetime) -> None:
    """End a session that the phone gives up; unless it may come again, end the order too and tell the operator."""
    sessions.close(conn, kept.id)
    why = _CANCELLED.get(reason)
    row = _of_session(conn, kept)
    if why is not None and row is not None and row.state in DOWNLOADABLE:
        point = NotificationPoint.DOWNLOADED if kept.stage is Stage.BOUND else NotificationPoint.CONFIRMATION
        ended(conn, row, kept.session.eid, at, point, why)


def installation(
    conn: Connection, kept: sessions.Kept, result: InstallationResult, received: str, at: datetime
) -> None:
    """Note how an installation ended. `received` is the notification as it came, for the operator."""
    row = _of_session(conn, kept)
    sessions.close(conn, kept.id)
    if row is None or row.state != ProfileState.DOWNLOADED:
        return
    if result.failure is None:
        change(conn, row, to=ProfileState.INSTALLED, last_notification=result.sequence)
        tell(conn, row, row.eid, at, NotificationPoint.INSTALLED, result=received)
        return
    reason = result.failure.reason
    codes = ("8.1", "4.8") if reason == _NO_MEMORY else ("8.2.10", "4.2")
    words = f"installation error {reason} at command {result.failure.command}"
    if reason not in TEMPORARY_INSTALL_ERRORS:
        change(conn, row, to=ProfileState.ERROR)
    tell(conn, row, row.eid, at, NotificationPoint.INSTALLED, (*codes, words), received)


def other(conn: Connection, told: Other, at: datetime) -> None:
    """Note that a profile was enabled, disabled or deleted on its phone.

    A phone numbers what it tells; an older number than the last one says nothing new. What must have happened between
    the last state and this one is told too, in its order.
    """
    row, goal = locked(conn, told.iccid or ""), _STATES.get(told.event)
    if (
        goal is None
        or row is None
        or row.eid != told.eid
        or row.state not in _ON_PHONE
        or told.sequence <= row.last_notification
    ):
        return
    for to in _way(ProfileState(row.state), goal):
        change(conn, row, to=to, last_notification=told.sequence)
        tell(conn, row, row.eid, at, _POINTS[to])
        row = _again(conn, row)


def _way(start: ProfileState, to: ProfileState) -> tuple[ProfileState, ...]:
    """Return the shortest way of states from `start`, which is left out, to `to`; empty when it is there already."""
    ways: list[tuple[ProfileState, ...]] = [()]
    while ways:
        way = ways.pop(0)
        last = way[-1] if way else start
        if last is to:
            return way
        ways += [(*way, state) for state in _POINTS if state in SMDP_MOVES[last] and state not in way]
    raise AssertionError(f"no way leads from {start} to {to}")


def _of_session(conn: Connection, kept: sessions.Kept) -> Row[Any] | None:
    """Return the profile of a session if it still is of the same order and of the same phone."""
    row = locked(conn, kept.iccid) if kept.iccid is not None else None
    if row is None or row.order_number != kept.order_number or row.eid not in (None, kept.session.eid):
        return None
    return row


def _again(conn: Connection, row: Row[Any]) -> Row[Any]:
    found = locked(conn, row.iccid)
    assert found is not None  # this transaction has just written it
    return found
