"""Session charging: create, update, release by many clients at once, each answer on disk before it is given.

Run: python -m benchmarks.charging [--json]. Beside it, in the same run and on the same kind of store, the bare balance
operation: a guarded update, two ledger rows and an idempotency key per operation, with the same group commit. Then the
charging process is killed in the middle (kill -9), the store is opened again, and every answer that a client had is
looked for: none may be lost, nothing may be charged twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from benchmarks.charging_bare import BareFront, bare_store
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.front import Front
from mvne_billing.charging.postgresql_store import PostgresqlStore
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import Policy, Request, Step, Units
from mvne_billing.charging.sqlite_apart import SqliteApart
from mvne_billing.charging.store import ChargingStore
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Transfer, post
from mvne_billing.tables import balance, metadata, session_request, subscription, usage
from tests.billing.builders import NUMBER, Books
from tests.billing.builders import subscription as a_subscription
from tests.billing.charging.till import CALL, DATA, START, prepaid
from tests.database import SETTINGS, open_engine, running_server

#: The server of the benchmark keeps what it says it has kept.
DURABLE = {**SETTINGS, "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "256MB"}

KINDS = ("sqlite", "postgresql")
CLIENTS = 64
LINES = 1_000
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
            opened = []

            def fresh() -> str:
                opened.append(server.fresh_database())
                return opened[-1].__enter__()

            try:
                yield fresh
            finally:
                for one in opened:
                    one.__exit__(None, None, None)


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
    books.plans["go"] = prepaid()
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


@dataclass
class Tally:
    """What clients saw: how long each operation took."""

    took: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        self.took.sort()
        count = len(self.took)
        return {
            "operations_per_second": round(count / self.seconds),
            "p50_ms": round(self.took[count // 2] * 1000, 2),
            "p99_ms": round(self.took[count * 99 // 100] * 1000, 2),
        }


def session_steps(place: int) -> Sequence[tuple[Step, tuple[Units, ...]]]:
    """Return what one session does: data and calls in turn, in the allowance and beyond it."""
    service, group, used, rest = (CALL, 20, 250, 77) if place % 2 else (DATA, 10, 9_000_000, 3_000_000)
    return (
        (Step.CREATE, (Units(group, service, 0),)),
        (Step.UPDATE, (Units(group, used=used, requested=0),)),
        (Step.RELEASE, (Units(group, used=rest),)),
    )


#: Called with each request that was answered, and its answer.
Answered = Callable[[Request, int], None]


async def client(
    front: Front, brand: str, number: int, sessions: int, lines: int, tally: Tally, answered: Answered | None = None
) -> None:
    """Open, update and release sessions one after the other, each on a line that the dice choose."""
    clock, dice = time.perf_counter, random.Random(number)
    for place in range(sessions):
        count = place * CLIENTS + number
        # As RFC 6733 wants them: a few clients, each with numbers that go up.
        name, owner = f"smf-{number % 4}.example;1803200400;{count // 4:08}", line(dice.randrange(lines))
        at = START + timedelta(seconds=place)
        for sequence, (step, groups) in enumerate(session_steps(place)):
            moment = at + timedelta(seconds=60 * sequence)
            asked = Request(brand, name, sequence, step, owner, moment, groups, NUMBER)
            begin = clock()
            told = await front.ask(asked)
            tally.took.append(clock() - begin)
            if answered is not None:
                answered(asked, told.charged_micro)


async def charge(
    front: Front, brand: str, sessions: int, lines: int, clients: int, answered: Answered | None = None
) -> Tally:
    """Charge sessions by so many clients at once."""
    tally = Tally()
    begin = time.perf_counter()
    each = max(sessions // clients, 1)
    await asyncio.gather(*(client(front, brand, one, each, lines, tally, answered) for one in range(clients)))
    tally.seconds = time.perf_counter() - begin
    return tally


def charged(kind: str, url: str, sessions: int, lines: int, clients: int) -> tuple[dict[str, Any], str]:
    """Charge sessions on a fresh store; return what was measured, and the durability."""
    engine = open_engine(url)
    metadata.create_all(engine)
    books = Books(engine)
    fill(books, lines)
    with store_of(kind, engine) as store:
        charger = Charger(store, lambda conn, brand: Terms(books.rater, Policy()))

        async def run() -> Tally:
            front = Front(charger)
            # Every line is read once before the clock runs.
            reading = [
                front.ask(Request(books.brand, f"warm-{n}", 0, Step.CREATE, line(n), START)) for n in range(lines)
            ]
            await asyncio.gather(*reading)
            tally = await charge(front, books.brand, sessions, lines, clients)
            await front.close()
            return tally

        figures: dict[str, Any] = asyncio.run(run()).figures()
        durability = store.durability
    engine.dispose()
    return figures, durability


def bare(kind: str, url: str, operations: int, lines: int, clients: int) -> dict[str, float]:
    """Do bare balance operations on a fresh store; return what was measured."""
    tally = Tally()

    async def one(front: BareFront, number: int) -> None:
        dice = random.Random(number)
        for place in range(operations // clients):
            count = place * CLIENTS + number
            key = f"smf-{number % 4}.example;1803200400;{count // 4:08}"
            begin = time.perf_counter()
            await front.take(line(dice.randrange(lines)), 100, key)
            tally.took.append(time.perf_counter() - begin)

    async def run(front: BareFront) -> None:
        begin = time.perf_counter()
        await asyncio.gather(*(one(front, number) for number in range(clients)))
        tally.seconds = time.perf_counter() - begin

    engine = open_engine(url)
    with bare_store(kind, engine, [line(number) for number in range(lines)]) as writes:
        asyncio.run(run(BareFront(writes)))
    engine.dispose()
    return tally.figures()


def measured(kind: str, sessions: int, lines: int, runs: int) -> dict[str, Any]:
    """Measure a kind of store: charging beside the bare operation, each several times in turn; medians."""
    found: list[dict[str, Any]] = []
    plain: list[dict[str, float]] = []
    with databases(kind) as fresh:
        for _ in range(runs):
            plain.append(bare(kind, fresh(), 3 * sessions, lines, CLIENTS))
            figures, durability = charged(kind, fresh(), sessions, lines, CLIENTS)
            found.append(figures)
        alone, _ = charged(kind, fresh(), max(sessions // 20, 100), lines, 1)
        bare_alone = bare(kind, fresh(), max(3 * sessions // 20, 300), lines, 1)
        lost, doubled, acknowledged = killed(kind, fresh(), lines)
    medians = {name: statistics.median(one[name] for one in found) for name in found[0]}
    bare_rate = statistics.median(one["operations_per_second"] for one in plain)
    ratios = [
        one["operations_per_second"] / two["operations_per_second"] for one, two in zip(found, plain, strict=True)
    ]
    return {
        **medians,
        "times_bare_operation": round(statistics.median(ratios), 3),
        "bare_operations_per_second": bare_rate,
        "single_commit_operations_per_second": alone["operations_per_second"],
        "single_commit_p99_ms": alone["p99_ms"],
        "single_commit_bare_operations_per_second": bare_alone["operations_per_second"],
        "runs": [one["operations_per_second"] for one in found],
        "bare_runs": [one["operations_per_second"] for one in plain],
        "durability": durability,
        "lost": lost,
        "doubled": doubled,
        "acknowledged_before_kill": acknowledged,
    }


# The charging process dies in the middle.


def killed(kind: str, url: str, lines: int) -> tuple[int, int, int]:
    """Kill a charging process in the middle of its work; return what is lost, what is doubled, what was answered."""
    engine = open_engine(url)
    metadata.create_all(engine)
    books = Books(engine)
    fill(books, lines)
    engine.dispose()
    words = [sys.executable, "-m", "benchmarks.charging", "--victim", kind, url, "--lines", str(lines)]
    victim = subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent)
    told: dict[tuple[str, int], int] = {}
    assert victim.stdout is not None
    for row in victim.stdout:
        if not row.endswith(b"\n"):
            break  # the last word of a process that is gone
        name, sequence, micro = row.decode().split()
        told[name, int(sequence)] = int(micro)
        if len(told) == 5_000:
            os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    return (*checked(kind, url, told, lines), len(told))


def checked(kind: str, url: str, told: Mapping[tuple[str, int], int], lines: int) -> tuple[int, int]:
    """Hold a store against what clients were told, ask everything once more, and prove the books."""
    engine = open_engine(url)
    books = Books(engine)
    books.plans["go"] = prepaid()
    lost = doubled = 0
    columns = (session_request.c.session, session_request.c.sequence)
    with engine.connect() as conn:
        known = {(row.session, row.sequence) for row in conn.execute(select(*columns))}
    lost += sum(key not in known for key in told)
    with store_of(kind, engine) as store:
        charger = Charger(store, lambda conn, brand: Terms(books.rater, Policy()))

        async def again() -> int:
            front = Front(charger)
            wrong = 0
            for asked in repeats(books.brand, told, lines):
                answer = await front.ask(asked)
                wrong += answer.charged_micro != told[asked.session, asked.sequence]
            await front.close()
            return wrong

        doubled += asyncio.run(again())
    with engine.connect() as conn:
        rows = conn.execute(select(usage.c.session)).scalars().all()
    doubled += len(rows) - len(set(rows))
    faults = books.faults()
    engine.dispose()
    if faults:
        raise SystemExit(f"the books do not agree after the kill: {faults[:3]}")
    return lost, doubled


def repeats(brand: str, told: Mapping[tuple[str, int], int], lines: int) -> Iterator[Request]:
    """Give the requests that were answered, once more, as their clients asked them."""
    for number in range(CLIENTS):
        dice = random.Random(number)
        place = 0
        while True:
            count = place * CLIENTS + number
            name, owner = f"smf-{number % 4}.example;1803200400;{count // 4:08}", dice.randrange(lines)
            if (name, 0) not in told:
                break
            for sequence, (step, groups) in enumerate(session_steps(place)):
                if (name, sequence) in told:
                    at = START + timedelta(seconds=place + 60 * sequence)
                    yield Request(brand, name, sequence, step, line(owner), at, groups, NUMBER)
            place += 1


def be_victim(kind: str, url: str, lines: int) -> None:
    """Charge until killed, and say every answer on standard output once it is given."""
    engine = open_engine(url)
    books = Books(engine)
    books.plans["go"] = prepaid()
    out = sys.stdout.buffer

    def answered(asked: Request, micro: int) -> None:
        out.write(f"{asked.session} {asked.sequence} {micro}\n".encode())
        out.flush()

    with store_of(kind, engine) as store:
        charger = Charger(store, lambda conn, brand: Terms(books.rater, Policy()))

        async def run() -> None:
            await charge(Front(charger), books.brand, 10**6, lines, CLIENTS, answered)

        asyncio.run(run())


def over_http(sessions: int, lines: int) -> dict[str, object]:
    """Measure the same sessions over HTTP; empty where that cannot be served."""
    from benchmarks import charging_http

    return {kind: dict(charging_http.measure(kind, sessions, lines, CLIENTS)) for kind in KINDS}


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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.charging", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--sessions", type=int, default=20_000, help="of three operations each")
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--http", action="store_true", help="measure over HTTP too")
    parser.add_argument("--victim", nargs=2, metavar=("KIND", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.victim:
        kind, url = given.victim
        be_victim(kind, url, given.lines)
        return
    with tempfile.TemporaryDirectory() as folder:
        before = fsync_ms(folder)
    figures: dict[str, Any] = {kind: measured(kind, given.sessions, given.lines, given.runs) for kind in given.kinds}
    figures |= {name: sum(figures[kind][name] for kind in given.kinds) for name in ("lost", "doubled")}
    if given.http:
        figures["http"] = over_http(given.sessions // 4, given.lines)
    figures |= {
        "sessions": given.sessions,
        "operations": 3 * given.sessions,
        "clients": CLIENTS,
        "subscribers": given.lines,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "fsync_ms": before,
        "hardware": hardware(),
        "python": sys.version.split()[0],
    }
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    for kind in given.kinds:
        one = figures[kind]
        print(
            f"{kind}: {one['operations_per_second']:,} operations/s, p99 {one['p99_ms']} ms, "
            f"{one['times_bare_operation']} x the bare operation ({one['bare_operations_per_second']:,}/s); alone "
            f"{one['single_commit_operations_per_second']:,}/s; killed: {one['lost']} lost, {one['doubled']} doubled; "
            f"{one['durability']}"
        )
    print(f"peak memory {figures['peak_memory_mb']} MB; fsync {before} ms; {figures['hardware']}")


if __name__ == "__main__":
    main()
