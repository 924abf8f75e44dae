"""The queue in which the simulated SM-DP+ keeps what it has to tell the operator until that is acknowledged."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.smdp.port import DownloadProgress, NotificationPoint, NotificationStatus, RspFailed
from mvne_provisioning.smdp.simulator_tables import notifications


@dataclass(frozen=True, slots=True)
class PendingNotification:
    """A notification that waits to be acknowledged by its sequence."""

    sequence: int
    progress: DownloadProgress


def enqueue(
    conn: Connection,
    profile: Row[Any],
    eid: Eid | None,
    at: datetime,
    point: NotificationPoint,
    failure: RspFailed | None = None,
) -> None:
    """Queue that `profile` passed `point`, or the `failure` there; the profile's row is locked, which keeps order."""
    told = DownloadProgress(
        iccid=Iccid(profile.iccid),
        profile_type=profile.profile_type,
        eid=eid,
        at=at,
        point=point,
        status=NotificationStatus.FAILED if failure else NotificationStatus.SUCCESS,
        subject_code=failure.subject_code if failure else None,
        reason_code=failure.reason_code if failure else None,
        message=failure.message if failure else None,
    )
    columns = {field.name: getattr(told, field.name) for field in fields(told)}
    conn.execute(insert(notifications).values(**columns, owner=profile.owner))


def pending(conn: Connection, owner: str, limit: int) -> tuple[PendingNotification, ...]:
    """Return the first `limit` notifications of `owner` that are not acknowledged, in order."""
    waiting = (notifications.c.owner == owner, notifications.c.acknowledged.is_(False))
    query = select(notifications).where(*waiting).order_by(notifications.c.sequence).limit(limit)
    return tuple(PendingNotification(row.sequence, _progress(row)) for row in conn.execute(query))


def acknowledge(conn: Connection, owner: str, sequence: int) -> None:
    """Take a notification out of the queue; taking it out again changes nothing."""
    this = (notifications.c.owner == owner, notifications.c.sequence == sequence)
    conn.execute(update(notifications).where(*this).values(acknowledged=True))


def _progress(row: Row[Any]) -> DownloadProgress:
    return DownloadProgress(
        iccid=Iccid(row.iccid),
        profile_type=row.profile_type,
        eid=Eid(row.eid) if row.eid else None,
        at=row.at,
        point=NotificationPoint(row.point),
        status=NotificationStatus(row.status),
        subject_code=row.subject_code,
        reason_code=row.reason_code,
        message=row.message,
    )
