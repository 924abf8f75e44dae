"""What the SM-DP+ has to tell operators (ES2+.HandleDownloadProgressInfo), kept until they have heard it.

A notification is written in the transaction in which it came to be. It is delivered at least once; a profile's second
one is not sent before its first was taken.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from mvne_provisioning.smdp.port import NotificationPoint, NotificationStatus
from mvne_provisioning.smdp.server.tables import notifications
from mvne_provisioning.smdp.server.wire import codes_of, moment, padded

#: The longest pause between two attempts.
_LONGEST = timedelta(hours=1)

#: How long whoever takes a notification may try to deliver it before another may.
_LEASE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notification to deliver: its number, how often it was tried, to whom it goes, and its fields."""

    sequence: int
    attempts: int
    caller: str
    content: Mapping[str, Any]


def tell(
    conn: Connection,
    profile: Row[Any],
    eid: str | None,
    at: datetime,
    point: NotificationPoint,
    failure: tuple[str, str, str] | None = None,
    result: str | None = None,
) -> None:
    """Write that the ordered `profile`, whose row is locked, passed `point`, or the codes and words of its failure.

    `result` is the card's own word, base64 of its ProfileInstallationResult.
    """
    status: dict[str, object] = {"status": NotificationStatus.FAILED if failure else NotificationStatus.SUCCESS}
    if failure:
        status["statusCodeData"] = codes_of(*failure)
    content = {
        "iccid": padded(profile.iccid),
        "profileType": profile.profile_type,
        "timestamp": moment(at),
        "notificationPointId": int(point),
        "notificationPointStatus": status,
        **({"eid": eid} if eid else {}),
        **({"resultData": result} if result else {}),
    }
    row = {"iccid": profile.iccid, "caller": profile.caller or "", "content": json.dumps(content)}
    conn.execute(_TELL, row | {"is_pending": True, "attempts": 0, "due_at": at})


_TELL = insert(notifications)


def take(conn: Connection, at: datetime, limit: int = 50) -> list[Waiting]:
    """Return the notifications that are due, at most one of a profile, and keep others from taking them a while."""
    earlier = notifications.alias()
    has_earlier = (
        select(earlier.c.sequence)
        .where(
            earlier.c.is_pending,
            earlier.c.iccid == notifications.c.iccid,
            earlier.c.sequence < notifications.c.sequence,
        )
        .exists()
    )
    due = (notifications.c.is_pending, notifications.c.due_at <= at, ~has_earlier)
    query = select(notifications).where(*due).order_by(notifications.c.sequence).limit(limit)
    found = conn.execute(query.with_for_update(skip_locked=True)).all()
    if found:
        taken = notifications.c.sequence.in_([row.sequence for row in found])
        conn.execute(update(notifications).where(taken).values(due_at=at + _LEASE))
    return [Waiting(row.sequence, row.attempts, row.caller, json.loads(row.content)) for row in found]


def settle(conn: Connection, tried: Sequence[Waiting], taken: Collection[int], at: datetime) -> None:
    """Note which of these the operators took; the pause before another is tried again doubles with every attempt."""
    these = notifications.c.sequence.in_(list(taken))
    conn.execute(update(notifications).where(these).values(is_pending=False))
    for one in tried:
        if one.sequence not in taken:
            again = {"attempts": one.attempts + 1, "due_at": at + pause(one.attempts + 1)}
            conn.execute(update(notifications).where(notifications.c.sequence == one.sequence).values(again))


def pause(attempts: int) -> timedelta:
    """Return how long to wait after so many failed attempts.

    >>> [pause(attempts).seconds for attempts in (1, 2, 3, 99)]
    [1, 2, 4, 3600]
    """
    return min(timedelta(seconds=2 ** min(attempts - 1, 20)), _LONGEST)
