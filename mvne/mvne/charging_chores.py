"""What is done between charging requests: lost sessions are swept, marks are told, launches are taken up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy import select, update

from mvne import workers
from mvne.charging import open_charger
from mvne.platform import Platform
from mvne.selling import selling
from mvne.usage import noticed
from mvne_billing.charging.asking import Sweep
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.front import Front
from mvne_billing.charging.together import ask_together
from mvne_billing.mediation.marks import Crossing
from mvne_billing.mediation.settled import Settled
from mvne_billing.tables import OPEN_SESSION
from mvne_billing.tables import crossing as crossing_table
from mvne_billing.tables import session as session_table

#: Sessions that are swept, and marks that are told, in one go; the rest follows in the next.
AT_ONCE = 500


def chores(platform: Platform, brand: str, charger: Charger, front: Front) -> Callable[[datetime], Awaitable[None]]:
    """Return what is to be done again and again while charging goes on.

    Sessions whose clients never came back are swept; marks that lines passed become events and work for the network;
    what was launched meanwhile is taken up.
    """
    sold: list[object] = []

    async def do(at: datetime) -> None:
        now = await asyncio.to_thread(_versions, platform, brand)
        if sold and sold != now:
            charger.forget_terms(brand)
        sold[:] = now
        await sweep(platform, brand, front, at)
        await asyncio.to_thread(notice_marks, platform, brand, at)

    return do


async def sweep(platform: Platform, brand: str, front: Front, at: datetime) -> int:
    """End the sessions of a brand whose clients never came back by `at`; return how many were due."""
    swept: set[str] = set()
    while True:
        due = await asyncio.to_thread(_due, platform, brand, at)
        fresh = [one for one in due if one.session not in swept]
        if not fresh:
            return len(swept)
        await asyncio.gather(*(front.sweep(one) for one in fresh))
        swept |= {one.session for one in fresh}


def notice_marks(platform: Platform, brand: str, at: datetime) -> int:
    """Tell of the marks that lines passed while they were charged live, each once; return how many.

    They become events, and work for the network: to slow down, to stop, to guard. The work is done at once.
    """
    waiting = (crossing_table.c.brand == brand, crossing_table.c.noticed_at.is_(None))
    query = select(crossing_table).where(*waiting).order_by(crossing_table.c.at, crossing_table.c.id).limit(AT_ONCE)
    told = 0
    while True:
        with platform.store.read() as conn:
            if conn.execute(query.limit(1)).first() is None:
                break
        with platform.store.transact() as conn:
            rows = conn.execute(query.with_for_update()).all()
            passed = [Crossing(one.subscription, one.mark, one.name, one.period_start, one.record) for one in rows]
            noticed(selling(conn, brand), at)(conn, Settled(crossings=passed))
            ids = [one.id for one in rows]
            where = (crossing_table.c.brand == brand, crossing_table.c.id.in_(ids))
            conn.execute(update(crossing_table).where(*where).values(noticed_at=at))
        told += len(rows)
    if told:
        workers.work(platform, brand, at)
    return told


def sweep_once(platform: Platform, brand: str, at: datetime) -> int:
    """End the sessions whose clients never came back, in this process; return how many were due."""
    charger = open_charger(platform)
    swept: set[str] = set()
    try:
        while fresh := [one for one in _due(platform, brand, at) if one.session not in swept]:
            ask_together(charger, fresh)
            swept |= {one.session for one in fresh}
    finally:
        charger.store.close()
    notice_marks(platform, brand, at)
    return len(swept)


def _due(platform: Platform, brand: str, at: datetime) -> list[Sweep]:
    query = (
        select(session_table.c.id, session_table.c.subscription)
        .where(session_table.c.brand == brand, OPEN_SESSION, session_table.c.valid_until <= at)
        .order_by(session_table.c.valid_until, session_table.c.id)
        .limit(AT_ONCE)
    )
    with platform.store.read() as conn:
        return [Sweep(brand, one.id, one.subscription, at) for one in conn.execute(query)]


def _versions(platform: Platform, brand: str) -> list[object]:
    """Return what a brand sells, as far as it takes to see a change."""
    with platform.store.read() as conn:
        return [(one.kind, one.id, one.version) for one in selling(conn, brand).stored.values()]
