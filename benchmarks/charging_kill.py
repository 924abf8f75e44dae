"""The charging process dies in the middle (kill -9): nothing that was answered may be lost, nothing charged twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import select

from benchmarks.charging_load import CLIENTS, charge, requests
from benchmarks.charging_world import charging
from mvne_billing.charging.front import Front
from mvne_billing.charging.session import Request
from mvne_billing.tables import session_request, usage
from tests.billing.builders import Books
from tests.database import open_engine

#: Answers that clients have before the process is killed.
ANSWERS = 5_000

#: What each client may ask before that; more than it will.
_SESSIONS = 10_000

#: What a client was told each request costs, by session and sequence.
Told = Mapping[tuple[str, int], int]


def killed(kind: str, url: str, lines: int) -> tuple[int, int, int]:
    """Kill a charging process in the middle of its work; return what is lost, what is doubled, what was answered."""
    with charging(kind, url, lines):
        pass
    script = Path(__file__).with_name("charging.py")
    words = [sys.executable, str(script), "--victim", kind, url, "--lines", str(lines)]
    victim = subprocess.Popen(words, stdout=subprocess.PIPE)
    told: dict[tuple[str, int], int] = {}
    assert victim.stdout is not None
    for row in victim.stdout:
        if not row.endswith(b"\n"):
            break  # the last word of a process that is gone
        name, sequence, micro = row.decode().split()
        told[name, int(sequence)] = int(micro)
        if len(told) == ANSWERS:
            os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    if len(told) < ANSWERS:
        raise SystemExit(f"the process to be killed ended by itself after {len(told)} answers")
    return (*checked(kind, url, told, lines), len(told))


def be_victim(kind: str, url: str, lines: int) -> None:
    """Charge until killed, and say every answer on standard output once it is given."""
    out = sys.stdout.buffer

    def answered(asked: Request, micro: int) -> None:
        out.write(f"{asked.session} {asked.sequence} {micro}\n".encode())
        out.flush()

    with charging(kind, url, 0) as (charger, books):
        asked = [requests(books.brand, client, lines, _SESSIONS) for client in range(CLIENTS)]

        async def run() -> None:
            await charge(Front(charger), asked, answered)

        asyncio.run(run())


def checked(kind: str, url: str, told: Told, lines: int) -> tuple[int, int]:
    """Hold a store against what clients were told, ask everything once more, and prove the books."""
    lost = _missing(url, told)
    with charging(kind, url, 0) as (charger, books):

        async def again() -> int:
            front = Front(charger)
            wrong = 0
            for asked in _repeats(books.brand, told, lines):
                answer = await front.ask(asked)
                wrong += answer.charged_micro != told[asked.session, asked.sequence]
            await front.close()
            return wrong

        doubled = asyncio.run(again())
    engine = open_engine(url)
    with engine.connect() as conn:
        rows = conn.execute(select(usage.c.session)).scalars().all()
    doubled += len(rows) - len(set(rows))
    faults = Books(engine).faults()
    engine.dispose()
    if faults:
        raise SystemExit(f"the books do not agree after the kill: {faults[:3]}")
    return lost, doubled


def _missing(url: str, told: Told) -> int:
    engine = open_engine(url)
    with engine.connect() as conn:
        rows = conn.execute(select(session_request.c.session, session_request.c.sequence))
        known = {(row.session, row.sequence) for row in rows}
    engine.dispose()
    return sum(one not in known for one in told)


def _repeats(brand: str, told: Told, lines: int) -> Iterator[Request]:
    """Give the requests that were answered, once more, as their clients asked them."""
    for client in range(CLIENTS):
        for asked in requests(brand, client, lines, _SESSIONS):
            if (asked.session, asked.sequence) in told:
                yield asked
            elif asked.sequence == 0:
                break
