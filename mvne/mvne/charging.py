"""Charging a brand's lines live: its terms, and who its lines are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, or_, select

from mvne.bootstrap import charging_store
from mvne.platform import Platform
from mvne.selling import selling
from mvne.tables import number_use
from mvne.usage import rater
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.edges.edge import Edge
from mvne_billing.charging.edges.people import Naming, Party, RememberedSubscribers, Subscriber
from mvne_billing.charging.front import Front
from mvne_billing.charging.loading import look_up
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import Policy
from mvne_billing.usage.facts import PLAIN, Conventions
from mvne_provisioning.identifiers.identifier import IdentifierError
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.inventory.profiles import holder_of_imsi


def open_charger(platform: Platform, policy: Policy | None = None, apart: bool = False) -> Charger:
    """Open charging over a platform's store; a `Front` to it serves programs on an event loop.

    `apart` is for a process that stays: see `bootstrap.charging_store`.
    """

    def terms(conn: Connection, brand: str) -> Terms:
        return Terms(rater(selling(conn, brand)), policy or Policy())

    return Charger(charging_store(platform.store, apart), terms)


def open_edge(
    platform: Platform, brand: str, front: Front, clock: Callable[[], datetime], conventions: Conventions = PLAIN
) -> Edge:
    """Return what the protocols of charging work with."""

    def lookup(wanted: Party, at: datetime) -> Subscriber | None:
        with platform.store.read() as conn:
            return find_line(conn, brand, wanted, at)

    def owner(session: str) -> str | None:
        with platform.store.read() as conn:
            known = look_up(conn, brand, session, 0)
        return None if known is None else known.subscription

    async def owners(session: str) -> str | None:
        return await asyncio.to_thread(owner, session)

    return Edge(brand, front, RememberedSubscribers(lookup, clock), owners, clock, conventions)


def find_line(conn: Connection, brand: str, wanted: Party, at: datetime) -> Subscriber | None:
    """Return the line behind an identity at a moment: who holds the profile, or the number; None if nobody does."""
    if wanted.naming is Naming.MSISDN:
        number = f"+{wanted.digits}"
        query = select(number_use.c.line).where(
            number_use.c.brand == brand,
            number_use.c.msisdn == number,
            number_use.c.since <= at,
            or_(number_use.c.until.is_(None), number_use.c.until > at),
        )
        line = conn.execute(query).scalar_one_or_none()
        return None if line is None else Subscriber(line, number)
    try:
        line = holder_of_imsi(conn, brand, Imsi.parse(wanted.digits))
    except IdentifierError:
        return None
    return None if line is None else Subscriber(line, _number(conn, brand, line, at))


def _number(conn: Connection, brand: str, line: str, at: datetime) -> str:
    """Return the number that a line has; empty while it has none."""
    query = select(number_use.c.msisdn).where(
        number_use.c.brand == brand,
        number_use.c.line == line,
        number_use.c.since <= at,
        or_(number_use.c.until.is_(None), number_use.c.until > at),
    )
    return str(conn.execute(query).scalars().first() or "")
