"""What charging is measured in: fresh stores of each kind, with lines that have money, and the machine it runs on."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from mvne_billing.charging.charger import Charger
from mvne_billing.charging.postgresql_store import PostgresqlStore
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.sqlite_apart import SqliteApart
from mvne_billing.charging.store import ChargingStore
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Transfer, post
from mvne_billing.tables import balance, metadata, subscription
from tests.billing.builders import Books
from tests.billing.builders import subscription as a_subscription
from tests.billing.charging.till import START, prepaid
from tests.database import SETTINGS, Server, open_engine, running_server

#: The server of the benchmark keeps what it says it has kept.
DURABLE = {
    **SETTINGS,
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "min_wal_size": "1GB",
}

#: Files of 16 MB that the server's log has when the clock starts to run.
_LOG_FILES = 40

KINDS = ("sqlite", "postgresql")
MONEY = 10**12


def line(number: int) -> str:
    return f"line-{number:06}"


@contextmanager
def databases(kind: str) -> Iterator[Callable[[], str]]:
    """Give the URLs of fresh databases of a kind, each call another."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            numbers = iter(range(1000))
            yield lambda: f"sqlite:///{Path(folder) / f'{next(numbers)}.sqlite'}"
            return
        with running_server(DURABLE) as server:
            _runs_in(server)
            opened = []

            def fresh() -> str:
                opened.append(server.fresh_database())
                return opened[-1].__enter__()

            try:
                yield fresh
            finally:
                for one in opened:
                    one.__exit__(None, None, None)


def _runs_in(server: Server) -> None:
    """Bring a new server to where one is that has run for a while: its log goes round through files that are there.

    A new one makes each file when it comes to it, and everybody waits for that.
    """
    with server.connect() as connection:
        for _ in range(_LOG_FILES):
            connection.execute("SELECT pg_logical_emit_message(false, 'benchmark', 'on to the next file')")
            connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")


@contextmanager
def store_of(kind: str, engine: Engine) -> Iterator[ChargingStore]:
    """Open the charging store of an engine's kind."""

    @contextmanager
    def reading() -> Iterator[Any]:
        with engine.connect() as conn:
            conn.connection.info["mvne_read"] = True
            try:
                yield conn
            finally:
                conn.connection.info.pop("mvne_read", None)

    if kind == "sqlite":
        yield SqliteApart(engine.url.database or "", reading, engine.begin)
    else:
        yield PostgresqlStore(engine, reading, engine.begin)


def fill(books: Books, lines: int) -> None:
    """Open lines with money in their wallets."""
    with books.transact() as conn:
        for start in range(0, lines, 1000):
            names = [line(number) for number in range(start, min(start + 1000, lines))]
            rows = []
            for name in names:
                one = a_subscription(name, plan="go")
                fields = {name: getattr(one, name) for name in one.__dataclass_fields__}
                rows.append({"brand": books.brand, **fields, "state": "active"})
            conn.execute(insert(subscription), rows)
            money = {"currency": "EUR", "free_micro": MONEY, "reserved_micro": 0, "floor_micro": 0, "version": 0}
            held = [{"brand": books.brand, "subscription": name, "opened_at": START, **money} for name in names]
            conn.execute(insert(balance), held)
            given = [
                Transfer(
                    f"fund:{name}",
                    accounts.ADJUSTMENT,
                    accounts.wallet(name),
                    MONEY,
                    "EUR",
                    "funded",
                    START,
                    name,
                    name,
                )
                for name in names
            ]
            post(conn, books.brand, given)


@contextmanager
def charging(kind: str, url: str, lines: int) -> Iterator[tuple[Charger, Books]]:
    """Open a charging process over a store; `lines` are opened first where it is fresh, 0 of them where it is not."""
    engine = open_engine(url)
    metadata.create_all(engine)
    books = Books(engine)
    books.plans["go"] = prepaid()
    fill(books, lines)
    with store_of(kind, engine) as store:
        yield Charger(store, lambda conn, brand: Terms(books.rater)), books
    engine.dispose()


def hardware() -> str:
    with open("/proc/cpuinfo") as told:
        models = [one.partition(":")[2].strip() for one in told if one.startswith("model name")]
    return f"{os.cpu_count()} x {models[0] if models else 'unknown processor'}"


def fsync_ms(folder: str) -> float:
    """Return how long the disk takes to keep a page: the median of many."""
    took = []
    with open(Path(folder) / "page", "wb") as page:
        for _ in range(200):
            page.write(b"x" * 4096)
            page.flush()
            begin = time.perf_counter()
            os.fdatasync(page.fileno())
            took.append(time.perf_counter() - begin)
    return round(statistics.median(took) * 1000, 3)
