"""A charging process as the network meets it: killed and started again, or stopped while it is asked."""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal
import threading
from collections.abc import Callable
from typing import Any

import httpx
from diameter.message.avp.grouped import SubscriptionId  # type: ignore[import-untyped]  # the library has no types
from sqlalchemy import func, select

from mvne_billing.ledger import verifying
from mvne_billing.tables import session, session_request, usage
from tests.billing.edges import bodies, diameter
from tests.mvne.charging.conftest import Home
from tests.mvne.charging.served import serving

BASE = "/nchf-convergedcharging/v3/chargingdata"


def asked(home: Home, sequence: int, *groups: dict[str, Any], charging_id: int = 7) -> dict[str, Any]:
    return bodies.body(
        sequence,
        subscriberIdentifier=home.imsi,
        invocationTimeStamp=home.at(sequence).isoformat(),
        pDUSessionChargingInformation=bodies.pdu(charging_id=charging_id),
        multipleUnitUsage=list(groups),
    )


def test_a_repeat_after_a_crash_gets_the_same_answer_and_is_charged_once(home: Home) -> None:
    opening = asked(home, 0, bodies.usage(10, {}))
    report = asked(home, 1, bodies.usage(10, {}, {"totalVolume": 3_000_000}))
    last = asked(home, 2, bodies.usage(10, None, {"totalVolume": 1_000_000}))
    with serving(home.url) as first, first.client() as client:
        opened = client.post(BASE, json=opening)
        place = opened.headers["location"].removeprefix(first.url)
        updated = client.post(f"{place}/update", json=report)
        assert (opened.status_code, updated.status_code) == (201, 200)
        first.kill()
    with serving(home.url) as second, second.client() as client:
        again = client.post(BASE, json=opening)
        assert (again.status_code, again.content) == (201, opened.content)
        assert again.headers["location"] == f"{second.url}{place}"
        assert client.post(f"{place}/update", json=report).content == updated.content
        assert client.post(f"{place}/release", json=last).status_code == 204
        second.kill()
    with serving(home.url) as third, third.client() as client:
        assert client.post(f"{place}/release", json=last).status_code == 204
        assert client.post(f"{place}/update", json=report).content == updated.content
        assert "on disk" in third.stop()
    with home.house.platform.store.read() as conn:
        (row,) = conn.execute(select(usage).where(usage.c.session == "7@smf-1")).all()
        assert (row.amount, row.subscription) == (4_000_000, home.line.id)
        assert verifying.verify(conn, "tilleul").faults == ()


def test_nothing_that_was_answered_is_lost_when_the_process_is_stopped_under_load(home: Home) -> None:
    answered: list[int] = []
    began = threading.Event()

    def client(number: int) -> None:
        with httpx.Client(base_url=served.url, timeout=20) as web:
            for turn in range(50):
                charging_id = number * 1_000 + turn
                try:
                    found = web.post(BASE, json=asked(home, 0, bodies.usage(10, {}), charging_id=charging_id))
                except httpx.TransportError:
                    return
                if found.status_code == 201:
                    answered.append(charging_id)
                    if len(answered) > 20:
                        began.set()

    with serving(home.url) as served, concurrent.futures.ThreadPoolExecutor(8) as clients:
        running = [clients.submit(client, number) for number in range(8)]
        assert began.wait(30)
        served.stop()
        concurrent.futures.wait(running)
        assert [one.exception() for one in running] == [None] * 8
    with home.house.platform.store.read() as conn:
        kept = set(conn.execute(select(session.c.id)).scalars())
        assert {f"{one}@smf-1" for one in answered} <= kept
        assert conn.execute(select(func.count()).select_from(session_request)).scalar_one() == len(kept)
        assert verifying.verify(conn, "tilleul").faults == ()


def test_a_process_that_is_interrupted_at_the_keyboard_stops_in_order(home: Home) -> None:
    with serving(home.url) as served:
        served.process.send_signal(signal.SIGINT)
        _, said = served.process.communicate(timeout=30)
        assert (served.process.returncode, "everything that was answered is on disk" in said) == (0, True)


def test_diameter_is_served_beside_http_and_says_goodbye_at_the_end(home: Home) -> None:
    async def talking(port: int, leave: Callable[[], str]) -> list[int]:
        client = diameter.Client(*await asyncio.open_connection("127.0.0.1", port))
        await client.hello()
        told = []
        for kind, number, used in (
            (diameter.INITIAL, 0, 0),
            (diameter.UPDATE, 1, 3_000_000),
            (diameter.TERMINATION, 2, 5),
        ):
            group = diameter.service(10, {}, *([{"cc_total_octets": used}] if used else []))
            subscriber = [SubscriptionId(1, str(home.line.imsi))]
            asked = diameter.ccr(kind, number, group, at=home.at(number), subscription_id=subscriber)
            told.append((await client.ask(asked)).result_code)
        stopping = asyncio.create_task(asyncio.to_thread(leave))
        told.append((await client.receive()).header.command_code)
        await client.close()
        await stopping
        return told

    with serving(home.url) as served:
        assert asyncio.run(talking(served.gy_port, served.stop)) == [2001, 2001, 2001, 282]
    with home.house.platform.store.read() as conn:
        (row,) = conn.execute(select(usage).where(usage.c.session == "pgw;1;7")).all()
        assert (row.amount, row.subscription) == (3_000_005, home.line.id)
        assert verifying.verify(conn, "tilleul").faults == ()


def test_http_2_is_spoken_to_those_who_begin_with_it(home: Home) -> None:
    """Network functions speak HTTP/2 with prior knowledge (TS 29.500 clause 5.2.1, RFC 9113 clause 3.3)."""
    import socket

    with serving(home.url) as served, socket.create_connection(("127.0.0.1", served.port), 10) as line:
        line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        head = line.recv(9)
        # A SETTINGS frame on stream 0.
        assert (head[3], head[5:9]) == (4, bytes(4))
