"""The bare balance operation, to hold charging against: no tariff, no session, no allowance, only what moves money.

One operation is a guarded update of a balance, two ledger rows and an idempotency key. As in charging, clients on an
event loop wait while a thread commits for all of them, and their answers leave when that is on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from sqlalchemy import Engine

Operation = tuple[str, int, str]
Write = Callable[[Sequence[Operation]], None]


class BareFront:
    """Bare operations of many clients: accounts are spread over writers, as charging spreads lines over lanes."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self._lanes = [_Lane(write) for write in writes]

    async def take(self, account: str, micro: int, key: str) -> None:
        """Take money from an account; return when it is on disk."""
        await self._lanes[crc32(account.encode()) % len(self._lanes)].take(account, micro, key)


class _Lane:
    """Group commit: what comes while one batch is written is the next."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[tuple[Operation, asyncio.Future[None]]] = []
        self._is_busy = False
        self._writer = ThreadPoolExecutor(1)

    async def take(self, account: str, micro: int, key: str) -> None:
        """Take money from an account of this lane."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append(((account, micro, key), done))
        if not self._is_busy:
            self._is_busy = True
            loop.call_soon(self._flush)
        await done

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._writer, self._write, [one for one, _ in batch])
        writing.add_done_callback(lambda written: self._written(batch, written))

    def _written(self, batch: Sequence[tuple[Operation, asyncio.Future[None]]], written: asyncio.Future[None]) -> None:
        written.result()
        for _, done in batch:
            done.set_result(None)
        if self._waiting:
            self._flush()
        else:
            self._is_busy = False


_TABLES = (
    "CREATE TABLE bare_balance (id varchar(80) PRIMARY KEY, free_micro bigint NOT NULL CHECK (free_micro >= 0))",
    "CREATE TABLE bare_ledger"
    " (key varchar(120), side smallint, account varchar(120), micro bigint, PRIMARY KEY (key, side))",
    "CREATE TABLE bare_key (key varchar(120) PRIMARY KEY, answer text)",
)


@contextmanager
def bare_store(kind: str, engine: Engine, accounts: Sequence[str]) -> Iterator[Sequence[Write]]:
    """Make the tables of the bare operation and give what writes batches of them."""
    raws = [engine.raw_connection() for _ in range(2 if kind == "postgresql" else 1)]
    drivers: list[Any] = [raw.driver_connection for raw in raws]
    if kind == "postgresql":
        for raw in raws:
            raw.detach()
    make(kind, drivers[0], accounts)
    try:
        yield [{"sqlite": _sqlite, "postgresql": _postgresql}[kind](driver) for driver in drivers]
    finally:
        for raw in raws:
            raw.close()


def make(kind: str, driver: Any, accounts: Sequence[str]) -> None:
    """Make the tables, with money in every account."""
    for table in _TABLES:
        driver.execute(table)
    if kind == "sqlite":
        driver.executemany("INSERT INTO bare_balance VALUES (?, ?)", [(one, 10**12) for one in accounts])
        return
    with driver.cursor().copy("COPY bare_balance FROM STDIN") as copy:
        for one in accounts:
            copy.write_row((one, 10**12))
    driver.commit()


def _sqlite(driver: Any) -> Write:
    driver.execute("PRAGMA cache_size = -65536")
    driver.execute("PRAGMA wal_autocheckpoint = 4000")

    def write(batch: Sequence[Operation]) -> None:
        run = driver.executemany
        driver.execute("BEGIN IMMEDIATE")
        update = "UPDATE bare_balance SET free_micro = free_micro - ? WHERE id = ? AND free_micro >= ?"
        if run(update, [(micro, account, micro) for account, micro, _ in batch]).rowcount != len(batch):
            raise ValueError("overdrawn")
        sides = [
            row for account, micro, key in batch for row in ((key, 0, account, -micro), (key, 1, "revenue", micro))
        ]
        run("INSERT INTO bare_ledger VALUES (?, ?, ?, ?)", sides)
        run("INSERT INTO bare_key VALUES (?, ?)", [(key, "ok") for _, _, key in batch])
        driver.execute("COMMIT")

    return write


#: One statement per batch, as charging has it.
_BATCH = b"""
WITH given AS (
    SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS v (account, micro, key)
), summed AS (
    SELECT account, sum(micro) AS micro FROM given GROUP BY account
), taken AS (
    UPDATE bare_balance t SET free_micro = t.free_micro - s.micro FROM summed s
    WHERE t.id = s.account AND t.free_micro >= s.micro RETURNING 1
), sides AS (
    INSERT INTO bare_ledger
    SELECT key, 0, account, -micro FROM given UNION ALL SELECT key, 1, 'revenue', micro FROM given
), keys AS (
    INSERT INTO bare_key SELECT key, 'ok' FROM given
)
SELECT 1 / (CASE WHEN (SELECT count(*) FROM taken) = (SELECT count(*) FROM summed) THEN 1 ELSE 0 END)
"""


def _postgresql(driver: Any) -> Write:
    driver.autocommit = True
    for setting in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_hashjoin = off"):
        driver.execute(f"SET {setting}".encode())

    def write(batch: Sequence[Operation]) -> None:
        columns = [list(column) for column in zip(*batch, strict=True)]
        driver.execute(_BATCH, columns, prepare=True)

    return write
