"""The load that charging is measured under: sessions by many clients, and as many bare operations beside them.

What clients ask is made before the clock runs: elsewhere they are other machines.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from benchmarks.charging_bare import BareFront, bare_store
from benchmarks.charging_world import charging, line
from mvne_billing.charging.front import Front
from mvne_billing.charging.serving import collecting_seldom
from mvne_billing.charging.session import Request, Step, Units
from tests.billing.builders import NUMBER
from tests.billing.charging.till import CALL, DATA, START
from tests.database import open_engine

CLIENTS = 64

#: Called with each request that was answered, and what its session has cost.
Answered = Callable[[Request, int], None]


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


def requests(brand: str, client: int, lines: int, sessions: int) -> Iterator[Request]:
    """Give what a client asks: sessions one after the other, each on a line that the dice choose."""
    dice = random.Random(client)
    for place in range(sessions):
        name, owner, at = key(client, place), line(dice.randrange(lines)), START + timedelta(seconds=place)
        for sequence, (step, groups) in enumerate(session_steps(place)):
            yield Request(brand, name, sequence, step, owner, at + timedelta(seconds=60 * sequence), groups, NUMBER)


def key(client: int, place: int) -> str:
    """Return a session id as RFC 6733 wants it: from a few network elements, each with numbers that go up."""
    return f"smf-{client % 4}.example;1803200400;{(place * CLIENTS + client) // 4:08}"


async def charge(front: Front, asked: Sequence[Iterable[Request]], answered: Answered | None = None) -> Tally:
    """Have each client ask what it has to ask, all at once."""
    tally, begin = Tally(), time.perf_counter()
    await asyncio.gather(*(_client(front, its, tally, answered) for its in asked))
    tally.seconds = time.perf_counter() - begin
    return tally


async def _client(front: Front, asked: Iterable[Request], tally: Tally, answered: Answered | None) -> None:
    clock, took = time.perf_counter, tally.took.append
    for one in asked:
        begin = clock()
        told = await front.ask(one)
        took(clock() - begin)
        if answered is not None:
            answered(one, told.charged_micro)


def charged(kind: str, url: str, sessions: int, lines: int, clients: int) -> tuple[dict[str, Any], str]:
    """Charge sessions on a fresh store; return what was measured, and the durability."""
    with charging(kind, url, lines) as (charger, books):
        brand, each = books.brand, max(sessions // clients, 1)
        asked = [list(requests(brand, client, lines, each)) for client in range(clients)]

        async def run() -> Tally:
            front = Front(charger)
            # Every line is read once before the clock runs.
            warm = (Request(brand, f"warm-{n}", 0, Step.CREATE, line(n), START) for n in range(lines))
            await asyncio.gather(*map(front.ask, warm))
            with collecting_seldom():
                tally = await charge(front, asked)
            await front.close()
            return tally

        return asyncio.run(run()).figures(), charger.durability


def bare(kind: str, url: str, operations: int, lines: int, clients: int) -> dict[str, float]:
    """Do bare balance operations on a fresh store; return what was measured."""
    tally = Tally()
    asked = [list(_operations(client, lines, operations // clients)) for client in range(clients)]

    async def one(front: BareFront, its: Sequence[tuple[str, str]]) -> None:
        clock, took = time.perf_counter, tally.took.append
        for account, name in its:
            begin = clock()
            await front.take(account, 100, name)
            took(clock() - begin)

    async def run(front: BareFront) -> None:
        with collecting_seldom():
            begin = time.perf_counter()
            await asyncio.gather(*(one(front, its) for its in asked))
            tally.seconds = time.perf_counter() - begin

    engine = open_engine(url)
    with bare_store(kind, engine, [line(number) for number in range(lines)]) as writes:
        asyncio.run(run(BareFront(writes)))
    engine.dispose()
    return tally.figures()


def _operations(client: int, lines: int, count: int) -> Iterator[tuple[str, str]]:
    dice = random.Random(client)
    for place in range(count):
        yield line(dice.randrange(lines)), key(client, place)
