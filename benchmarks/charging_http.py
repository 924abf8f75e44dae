"""Session charging over HTTP: a server with the charging behind it in this process, its clients in another.

Run: python -m benchmarks.charging_http [--kind KIND] [--sessions N] [--clients N] [--json]. Each client keeps one
connection and creates, updates and releases sessions, one request after the other; every answer is on disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

from mvne_billing.charging.charger import Charger
from mvne_billing.charging.edges.edge import Edge
from mvne_billing.charging.edges.people import Party, Subscriber
from mvne_billing.charging.front import Front
from mvne_billing.charging.nchf.app import BASE
from mvne_billing.charging.port import Charging
from mvne_billing.charging.serving import Chores, Doors, serve
from mvne_billing.tables import metadata
from scripts.packages import ROOT
from tests.database import free_port

CLIENTS = 64

#: Lines are numbered; networks name them by these numbers.
_FIRST = 33_700_000_000


@dataclass(frozen=True)
class Driven:
    """What clients saw: requests that were answered as they should be, how many a second, and how long they took."""

    operations: int
    operations_per_second: float
    p50_ms: float
    p99_ms: float
    refused: int


def identity(line: int) -> str:
    """Return how a network names a numbered line."""
    return f"msisdn-{_FIRST + line}"


async def drive(port: int, at: datetime, sessions: int, lines: int, clients: int = CLIENTS) -> Driven:
    """Charge `sessions` sessions of `lines` lines over HTTP, by so many clients at once, and say how it went."""
    took: list[float] = []
    refused: list[int] = []
    begin = time.perf_counter()
    each = max(sessions // clients, 1)
    await asyncio.gather(*(_client(port, at, one, each, lines, took, refused) for one in range(clients)))
    seconds = time.perf_counter() - begin
    took.sort()
    count = len(took)
    return Driven(
        operations=count,
        operations_per_second=round(count / seconds, 1),
        p50_ms=round(took[count // 2] * 1000, 2),
        p99_ms=round(took[int(count * 0.99)] * 1000, 2),
        refused=len(refused),
    )


async def _client(
    port: int, at: datetime, number: int, sessions: int, lines: int, took: list[float], refused: list[int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for turn in range(sessions):
        charging_id = number * 1_000_000 + turn
        line = (charging_id * 7919) % lines
        path = BASE
        for sequence, (step, expected) in enumerate((("", 201), ("/update", 200), ("/release", 204))):
            body = _body(line, charging_id, sequence, at + timedelta(seconds=sequence))
            start = time.perf_counter()
            status, location = await _post(reader, writer, path + step, body)
            if status != expected:
                refused.append(status)
                break
            took.append(time.perf_counter() - start)
            path = location or path
    writer.close()


def _body(line: int, charging_id: int, sequence: int, at: datetime) -> bytes:
    usage: dict[str, object] = {"ratingGroup": 10}
    if sequence < 2:
        usage["requestedUnit"] = {"totalVolume": 10_000_000}
    if sequence:
        triggers = [{"triggerType": "QUOTA_THRESHOLD", "triggerCategory": "IMMEDIATE_REPORT"}]
        usage["usedUnitContainer"] = [{"localSequenceNumber": 1, "totalVolume": 9_000_000, "triggers": triggers}]
    network = {"mcc": "208", "mnc": "93"}
    content = {
        "subscriberIdentifier": identity(line),
        "nfConsumerIdentification": {"nFName": "smf-1", "nodeFunctionality": "SMF", "nFPLMNID": network},
        "invocationTimeStamp": at.isoformat(),
        "invocationSequenceNumber": sequence,
        "multipleUnitUsage": [usage],
        "pDUSessionChargingInformation": {
            "chargingId": charging_id,
            "pduSessionInformation": {"pduSessionID": 5, "dnnId": "internet", "servingCNPlmnId": network},
        },
    }
    return json.dumps(content).encode()


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes) -> tuple[int, str]:
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    writer.write(head.encode() + b"\r\n\r\n" + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(one.lower().split(": ", 1) for one in lines[1:] if one)
    await reader.readexactly(int(headers.get("content-length", "0")))
    found = next((one.split(": ", 1)[1] for one in lines if one.lower().startswith("location")), "")
    return int(lines[0].split()[1]), found[found.find(BASE) :] if found else ""


async def over_http(
    charging: Charging, brand: str, line_of: Callable[[int], str], at: datetime, sessions: int, lines: int, clients: int
) -> Driven:
    """Serve `charging` over HTTP in this process, drive it from another one, and return what that one saw.

    `line_of` names the subscription of a numbered line. Charging is closed at the end.
    """

    async def subscribers(wanted: Party, moment: datetime) -> Subscriber | None:
        return Subscriber(line_of(int(wanted.digits) - _FIRST), f"+{wanted.digits}")

    async def owners(session: str) -> str | None:
        return None

    async def nothing(moment: datetime) -> None: ...

    edge = Edge(brand, charging, subscribers, owners, lambda: at)
    port, stop, ready = free_port(), asyncio.Event(), asyncio.Event()
    chores = Chores(nothing, edge.clock)
    serving = asyncio.create_task(serve(edge, Doors("127.0.0.1", port), chores, stop, ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    try:
        words = [str(one) for one in (port, at.isoformat(), sessions, lines, clients)]
        driven = await asyncio.to_thread(_driven_elsewhere, words)
    finally:
        stop.set()
        await serving
    return driven


def _driven_elsewhere(words: list[str]) -> Driven:
    command = [sys.executable, "-m", "benchmarks.charging_http", "--drive", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Driven(**json.loads(done.stdout))


def measure(kind: str, sessions: int, lines: int, clients: int) -> Mapping[str, object]:
    """Measure one kind of store and return the figures."""
    from benchmarks.charging_world import DURABLE, fill, line, store_of
    from mvne_billing.charging.routing import Terms
    from tests.billing.builders import Books
    from tests.billing.charging.till import START, prepaid
    from tests.database import open_engine, running_server

    def run(url: str) -> Mapping[str, object]:
        engine = open_engine(url)
        metadata.create_all(engine)
        books = Books(engine)
        books.plans["go"] = prepaid()
        fill(books, lines)
        with store_of(kind, engine) as store:
            charger = Charger(store, lambda conn, brand: Terms(books.rater))
            measured = partial(_measured, charger, books.brand, line, START, sessions, lines, clients)
            driven = asyncio.run(measured())
        faults = len(books.faults())
        engine.dispose()
        return {**asdict(driven), "durability": charger.durability, "book_faults": faults, "clients": clients}

    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            return run(f"sqlite:///{folder}/store.sqlite")
    with running_server(DURABLE) as server, server.fresh_database() as url:
        return run(url)


async def _measured(
    charger: Charger, brand: str, line_of: Callable[[int], str], at: datetime, sessions: int, lines: int, clients: int
) -> Driven:
    return await over_http(Front(charger), brand, line_of, at, sessions, lines, clients)


def main() -> None:
    """Measure and print; or, in the clients' process, drive and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--sessions", type=int, default=6_400)
    parser.add_argument("--lines", type=int, default=1_000)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--drive", nargs=5, metavar=("PORT", "AT", "SESSIONS", "LINES", "CLIENTS"), help=argparse.SUPPRESS
    )
    given = parser.parse_args()
    if given.drive:
        port, at, sessions, lines, clients = given.drive
        driven = drive(int(port), datetime.fromisoformat(at), int(sessions), int(lines), int(clients))
        print(json.dumps(asdict(asyncio.run(driven))))
        return
    kinds = given.kind or ["sqlite", "postgresql"]
    figures = {kind: measure(kind, given.sessions, given.lines, given.clients) for kind in kinds}
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    for kind, found in figures.items():
        print(
            f"{kind} over HTTP: {found['operations_per_second']:,.0f} operations/s, p50 {found['p50_ms']} ms, "
            f"p99 {found['p99_ms']} ms, {found['refused']} refused, {found['durability']}"
        )


if __name__ == "__main__":
    main()
