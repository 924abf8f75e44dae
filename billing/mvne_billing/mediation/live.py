"""Use that a live session charged already: its records cost nothing again, and are held against what was charged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, case, func, select

from mvne_billing.rating.result import Reason, Unrateable
from mvne_billing.states import SessionState, UsageState
from mvne_billing.tables import session as session_table
from mvne_billing.tables import usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind

_CHARGED = func.sum(case((usage.c.state == UsageState.LIVE, usage.c.amount), else_=0))
_RECORDED = func.sum(case((usage.c.state == UsageState.MATCHED, usage.c.amount), else_=0))
_KNOWN = (UsageState.LIVE, UsageState.MATCHED)
_USED = (
    select(usage.c.subscription, usage.c.session, usage.c.kind, _CHARGED, _RECORDED)
    .where(
        usage.c.brand == bindparam("brand"),
        usage.c.session.in_(bindparam("sessions", expanding=True)),
        usage.c.state.in_(_KNOWN),
    )
    .group_by(usage.c.subscription, usage.c.session, usage.c.kind)
)
_SESSIONS = select(session_table.c.id, session_table.c.subscription, session_table.c.state).where(
    session_table.c.brand == bindparam("brand"), session_table.c.id.in_(bindparam("sessions", expanding=True))
)


class LiveKey(NamedTuple):
    """The use of one kind in a charging session of a line."""

    subscription: str
    session: str
    kind: Kind


@dataclass(slots=True)
class LiveUse:
    """How much of it was charged live, and how much its records say, in base units."""

    charged: int = 0
    recorded: int = 0


class Difference(NamedTuple):
    """A session whose records do not say what was charged; `charged` and `recorded` in base units of `kind`."""

    subscription: str
    session: str
    kind: Kind
    charged: int
    recorded: int


@dataclass(frozen=True)
class LiveSessions:
    """The live sessions that records belong to: those still open, and all, by line and id; and what they used."""

    opened: frozenset[tuple[str, str]] = frozenset()
    known: frozenset[tuple[str, str]] = frozenset()
    used: dict[LiveKey, LiveUse] = field(default_factory=dict)

    def charged(self, record: UsageRecord, subscription: str) -> bool:
        """Say whether a record tells of use that was charged live, and count it as recorded.

        Raises `Unrateable` when it cannot be said yet, or when more is recorded than was charged.
        """
        if record.session is None:
            return False
        name, key = (subscription, record.session), LiveKey(subscription, record.session, record.kind)
        if name not in self.known and key not in self.used:
            return False
        if name in self.opened:
            raise Unrateable(Reason.CHARGED_LIVE, f"session {record.session} is open; replay when it has closed")
        use = self.used.get(key, LiveUse())
        if use.recorded + record.amount > use.charged:
            told = f"its records say {use.recorded + record.amount}"
            message = f"session {record.session} was charged live for {use.charged} {record.kind.base_unit}s, {told}"
            raise Unrateable(Reason.CHARGED_LIVE, message)
        use.recorded += record.amount
        return True

    def take_back(self, record: UsageRecord, subscription: str, times: int = 1) -> None:
        """Let a record that told of live use tell of it no more, or, with `times` -1, again."""
        use = self.used.get(LiveKey(subscription, str(record.session), record.kind))
        if use is not None:
            use.recorded -= times * record.amount


def live_sessions(conn: Connection, brand: str, records: Iterable[UsageRecord]) -> LiveSessions:
    """Return the live sessions that `records` belong to, with what was charged and recorded so far."""
    ids = sorted({one.session for one in records if one.session is not None})
    if not ids:
        return LiveSessions()
    rows = conn.execute(_SESSIONS, {"brand": brand, "sessions": ids}).all()
    used = {
        LiveKey(line, name, Kind(kind)): LiveUse(int(charged), int(recorded))
        for line, name, kind, charged, recorded in conn.execute(_USED, {"brand": brand, "sessions": ids})
    }
    opened = frozenset((row.subscription, row.id) for row in rows if row.state == SessionState.OPEN)
    return LiveSessions(opened, frozenset((row.subscription, row.id) for row in rows), used)


def differences(conn: Connection, brand: str) -> Iterator[Difference]:
    """Yield sessions charged live whose records came in and say something else; those without a record may wait yet."""
    query = (
        select(usage.c.subscription, usage.c.session, usage.c.kind, _CHARGED, _RECORDED)
        .where(usage.c.brand == brand, usage.c.session.is_not(None), usage.c.state.in_(_KNOWN))
        .group_by(usage.c.subscription, usage.c.session, usage.c.kind)
        .having(_RECORDED > 0, _CHARGED != _RECORDED)
        .order_by(usage.c.subscription, usage.c.session, usage.c.kind)
    )
    for line, name, kind, charged, recorded in conn.execute(query):
        yield Difference(line, name, Kind(kind), int(charged), int(recorded))
