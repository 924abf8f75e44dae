"""The proof of charging sessions: what open sessions hold is what lines say is held, and their use is in the books."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from mvne_billing.ledger import accounts
from mvne_billing.tables import OPEN_SESSION, allowance, balance, session
from mvne_plans.quantity import Kind


@dataclass(frozen=True)
class OpenUse:
    """What open sessions charged that is in no row of usage yet: by kind, and by line where it is billed after."""

    by_kind: dict[tuple[str, Kind], int] = field(default_factory=lambda: defaultdict(int))
    unbilled: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))


def open_use(conn: Connection, brand: str) -> OpenUse:
    """Return what open sessions charged so far, in micro-units by currency."""
    found = OpenUse()
    query = (
        select(session.c.content, session.c.subscription, balance.c.currency)
        .join(balance, (balance.c.brand == session.c.brand) & (balance.c.subscription == session.c.subscription))
        .where(session.c.brand == brand, OPEN_SESSION)
    )
    for content, line, currency in conn.execute(query):
        kept = json.loads(content)
        for kind, micro in kept["open"].items():
            found.by_kind[currency, Kind(kind)] += micro
            if not kept["paid"]:
                found.unbilled[currency, accounts.unbilled(line)] += micro
    return found


def checks(conn: Connection, brand: str) -> Iterator[str]:
    """Say where what is reserved is not what open sessions hold, of money and of allowances."""
    yield from _money(conn, brand)
    yield from _units(conn, brand)


def _money(conn: Connection, brand: str) -> Iterator[str]:
    query = (
        select(session.c.subscription, func.sum(session.c.reserved_micro))
        .where(session.c.brand == brand, OPEN_SESSION)
        .group_by(session.c.subscription)
    )
    held = {line: int(micro) for line, micro in conn.execute(query)}
    said = select(balance.c.subscription, balance.c.reserved_micro).where(balance.c.brand == brand)
    for line, micro in conn.execute(said.order_by(balance.c.subscription)):
        if held.get(line, 0) != micro:
            yield f"line {line} has {micro} micro-units reserved; its open sessions hold {held.get(line, 0)}"


def _units(conn: Connection, brand: str) -> Iterator[str]:
    held: dict[tuple[str, str, str], int] = defaultdict(int)
    for content in conn.execute(select(session.c.content).where(session.c.brand == brand, OPEN_SESSION)):
        for _, *places in json.loads(content[0])["held"]:
            for line, counter, start, units in places:
                held[line, counter, start] += units
    query = select(allowance).where(allowance.c.brand == brand, allowance.c.reserved != 0)
    said = {
        (row.subscription, row.bucket, row.period_start.isoformat(" ", "microseconds")[:26]): row.reserved
        for row in conn.execute(query)
    }
    for key in sorted(held.keys() | said.keys()):
        if held.get(key, 0) != said.get(key, 0):
            line, counter, _ = key
            told = f"open sessions hold {held.get(key, 0)}"
            yield f"line {line} has {said.get(key, 0)} units of {counter} reserved; {told}"
