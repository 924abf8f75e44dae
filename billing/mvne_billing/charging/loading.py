"""Reading lines into memory: money, allowances, open sessions, and what an answered request was told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, func, select

from mvne_billing.balance.holding import lots_of
from mvne_billing.balance.lots import Lot
from mvne_billing.charging.account import Account
from mvne_billing.charging.keeping import called, session_from
from mvne_billing.charging.recording import LIVE_BATCH
from mvne_billing.charging.routing import Terms
from mvne_billing.columns import UtcDateTime
from mvne_billing.mediation.counters import CounterKey, Counters
from mvne_billing.mediation.desk import Desk, open_desk
from mvne_billing.mediation.meter import Meter
from mvne_billing.sql import upsert
from mvne_billing.states import SessionState
from mvne_billing.subscription import own_numbers, pools
from mvne_billing.tables import OPEN_SESSION, allowance, balance, session, session_request, usage_batch

_OF: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_BALANCES = select(balance).where(balance.c.brand == bindparam("brand"), balance.c.subscription.in_(_OF))
_HELD = select(allowance.c.subscription, allowance.c.bucket, allowance.c.period_start, allowance.c.reserved).where(
    allowance.c.brand == bindparam("brand"), allowance.c.subscription.in_(_OF), allowance.c.reserved > 0
)
#: Open sessions, each with its last request.
_SESSIONS = (
    select(session, session_request.c.hash, session_request.c.answer)
    .join_from(
        session,
        session_request,
        and_(
            session_request.c.brand == session.c.brand,
            session_request.c.session == session.c.id,
            session_request.c.sequence == session.c.sequence,
        ),
    )
    .where(session.c.brand == bindparam("brand"), session.c.subscription.in_(_OF), OPEN_SESSION)
)
#: Counters matter from the oldest open session on.
_OLDEST = select(func.min(session.c.opened_at, type_=UtcDateTime)).where(
    session.c.brand == bindparam("brand"), session.c.subscription.in_(_OF), OPEN_SESSION
)


class Known(NamedTuple):
    """What the store knows of a session id: whose it is, where it stands, and what a request in it was answered."""

    subscription: str
    state: SessionState
    sequence: int
    digest: str | None
    answer: str | None


def ensure(conn: Connection, brand: str, terms: Terms, lines: Sequence[str], at: datetime) -> None:
    """Give lines that are charged live for the first time their row of money, with nothing in it."""
    together = _together(conn, brand, lines)
    known = {row.subscription for row in conn.execute(_BALANCES, {"brand": brand, "ids": together})}
    desk = open_desk(conn, brand, terms.rater, together, at, lock=False)
    fresh = [
        {
            "brand": brand,
            "subscription": line.id,
            "currency": desk.plans[line.plan, line.version].tariff.currency,
            "free_micro": 0,
            "reserved_micro": 0,
            "floor_micro": 0,
            "version": 0,
            "opened_at": at,
        }
        for line in desk.lines.values()
        if line.id not in known
    ]
    upsert(conn, balance, fresh)
    upsert(conn, usage_batch, [{"brand": brand, "id": LIVE_BATCH, "source": "charging sessions", "at": at}])


def load(conn: Connection, brand: str, terms: Terms, lines: Sequence[str], at: datetime) -> dict[str, Account]:
    """Return lines as they stand, with all lines of their pools; a line that is not there is left out.

    Every line has its row of money, see `ensure`; one without is left out as well.
    """
    together = _together(conn, brand, lines)
    since = conn.execute(_OLDEST, {"brand": brand, "ids": together}).scalar_one()
    desk = open_desk(conn, brand, terms.rater, together, at if since is None else min(at, since), lock=False)
    if not terms.wholesale:
        terms.wholesale = desk.wholesale
    named = {"brand": brand, "ids": list(desk.lines)}
    money = {row.subscription: row for row in conn.execute(_BALANCES, named)}
    held: dict[str, dict[CounterKey, int]] = defaultdict(dict)
    for line, bucket, start, units in conn.execute(_HELD, named):
        held[line][bucket, start] = units
    lots: dict[str, list[Lot]] = defaultdict(list)
    for lot in lots_of(conn, brand, *money):
        lots[lot.subscription].append(lot)
    found: dict[str, Account] = {}
    for line in sorted(desk.lines, key=lambda one: one in desk.pools):
        if line in money:
            found[line] = _account(brand, desk, terms, line, money[line], held[line], lots[line], found, at)
    # Sorted here: a database asked for the order goes through all sessions there ever were, which are in it.
    rows = sorted(conn.execute(_SESSIONS, named), key=attrgetter("id"))
    if any(account.asks_on_net for account in found.values()):
        terms.look(conn, {number for row in rows for number in called(row.content)}, at)
    for row in rows:
        if row.subscription in found:
            account = found[row.subscription]
            one = session_from(account, terms, row)
            one.answers[one.sequence] = (row.hash, row.answer)
            account.sessions[one.id] = one
    return found


def _together(conn: Connection, brand: str, lines: Sequence[str]) -> list[str]:
    """Return lines with all that share a pool with one of them: they are kept and forgotten together."""
    owners = {one.owner for one in pools.of_lines(conn, brand, lines)}
    members = pools.members(conn, brand, sorted({*lines} | owners))
    return sorted({*lines} | owners | {one.subscription for one in members})


def _account(
    brand: str,
    desk: Desk,
    terms: Terms,
    line: str,
    money: Row[Any],
    held: Mapping[CounterKey, int],
    lots: Sequence[Lot],
    found: Mapping[str, Account],
    at: datetime,
) -> Account:
    """Make a line; owners of pools are made before their members."""
    known = desk.lines[line]
    # What sessions hold is kept beside: it changes with every step.
    counters = Counters(line, dict(desk.counters[line].items()))
    plan = desk.plans[known.plan, known.version]
    meter = Meter(known, plan, desk.bought.get(line, ()), counters, terms.wholesale)
    pool = next((one for one in desk.pools.get(line, ()) if one.holds(at)), None)
    owner = found.get(pool.owner) if pool else None
    own = desk.own.get(line)
    lists = own_numbers.lists_at(own, at) if own else {}
    meter.stand(owner.meter if owner else None, pool.caps if pool and owner else {}, lists)
    account = Account(
        brand, meter, money.free_micro, money.reserved_micro, money.floor_micro, money.version, held, owner, lots
    )
    if owner is not None:
        owner.members.add(line)
    return account


def versions(conn: Connection, brand: str, lines: Sequence[str]) -> dict[str, int]:
    """Return the versions that lines are at."""
    if not lines:
        return {}
    return {row.subscription: row.version for row in conn.execute(_BALANCES, {"brand": brand, "ids": lines})}


def look_up(conn: Connection, brand: str, session_id: str, sequence: int) -> Known | None:
    """Return what the store knows of a session id and a request in it, None when it knows no such session."""
    row = conn.execute(_KNOWN, {"its_brand": brand, "its_session": session_id, "its_sequence": sequence}).one_or_none()
    return None if row is None else Known(row[0], SessionState(row[1]), row[2], row[3], row[4])


_KNOWN = (
    select(
        session.c.subscription, session.c.state, session.c.sequence, session_request.c.hash, session_request.c.answer
    )
    .join_from(
        session,
        session_request,
        and_(
            session_request.c.brand == session.c.brand,
            session_request.c.session == session.c.id,
            session_request.c.sequence == bindparam("its_sequence"),
        ),
        isouter=True,
    )
    .where(session.c.brand == bindparam("its_brand"), session.c.id == bindparam("its_session"))
)
