"""The base protocol of Diameter: who may connect, what keeps a connection alive, how it ends, what breaks it."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest
from diameter.message import Message  # type: ignore[import-untyped]  # the library has no types
from diameter.message.commands import ReAuthRequest  # type: ignore[import-untyped]
from diameter.node import Node  # type: ignore[import-untyped]
from diameter.node.application import SimpleThreadingApplication  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as some

from mvne_billing.charging.gy.wire import MOST_OCTETS
from mvne_billing.charging.session import Answer, Event, Request, UnknownSession
from tests.billing.edges.diameter import (
    HOST,
    INITIAL,
    PEER,
    REALM,
    UPDATE,
    Client,
    ccr,
    goodbye,
    hello,
    service,
    serving,
    talk,
    watchdog,
)
from tests.billing.edges.scripted import ANSWER, IMSI, Scripted


def connected(said: Any, **identity: Any) -> None:
    """Let a client that has not said hello talk to a server."""

    async def talking() -> None:
        async with serving(Scripted(), **identity) as (_, port):
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            try:
                await said(client)
            finally:
                await client.close()

    asyncio.run(talking())


@pytest.mark.parametrize(
    ("peers", "message", "code"),
    [
        (frozenset(), hello(), 2001),
        (frozenset({PEER}), hello(), 2001),
        (frozenset({PEER}), hello(PEER.upper()), 2001),
        (frozenset({PEER}), hello(applications=(0xFFFFFFFF,)), 2001),
        (frozenset({"other.host.example"}), hello(), 3010),
        (frozenset(), hello(applications=(16777238,)), 5010),
        (frozenset(), hello(applications=()), 5010),
    ],
)
def test_only_a_peer_that_may_and_speaks_credit_control_is_welcome(
    peers: frozenset[str], message: Any, code: int
) -> None:
    async def said(client: Client) -> None:
        answer = await client.ask(message)
        assert (answer.result_code, answer.origin_host) == (code, HOST.encode())
        if code == 2001:
            assert answer.auth_application_id == [4]
            assert (await client.ask(watchdog())).result_code == 2001
        else:
            assert await client.receive() is None

    connected(said, peers=peers)


def test_whoever_asks_before_saying_who_it_is_is_disconnected() -> None:
    async def said(client: Client) -> None:
        assert await client.ask(ccr(INITIAL, 0)) is None

    connected(said)


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        bytes(20),
        b"\x01" + (19).to_bytes(3, "big") + bytes(16),
        b"\x01" + (22).to_bytes(3, "big") + bytes(18),
        b"\x01" + (MOST_OCTETS + 4).to_bytes(3, "big") + bytes(16),
        b"\x01" + (24).to_bytes(3, "big") + b"\x80\x00\x01\x01" + bytes(12) + b"\x00\x00\x01\x07",
    ],
    ids=["http", "zeros", "short", "odd", "gigantic", "torn"],
)
def test_octets_that_are_no_message_end_the_connection_and_nothing_else(octets: bytes) -> None:
    async def said(client: Client) -> None:
        client.send_octets(octets)
        assert await client.receive() is None

    connected(said)


def test_a_command_that_is_not_served_is_a_protocol_error() -> None:
    message = ReAuthRequest()
    message.session_id, message.origin_host, message.origin_realm = "a", PEER.encode(), b"host.example"
    message.destination_realm, message.destination_host = REALM.encode(), HOST.encode()
    message.auth_application_id, message.re_auth_request_type = 4, 0

    async def said(client: Client) -> None:
        answer = await client.ask(message)
        assert (answer.result_code, answer.header.is_error) == (3001, True)

    talk(Scripted(), said)


def test_a_peer_that_says_goodbye_is_answered_first() -> None:
    charging, release = Scripted(), asyncio.Event()

    async def slowly(asked: Request | Event) -> Answer:
        await release.wait()
        return ANSWER._replace(session=asked.session, sequence=asked.sequence)

    charging.ask = slowly  # type: ignore[method-assign]  # stands in for a busy disk

    async def said(client: Client) -> None:
        client.send(ccr(INITIAL, 0))
        client.send(goodbye())
        release.set()
        first, second = await client.receive(), await client.receive()
        assert (first.header.command_code, second.header.command_code) == (272, 282)
        assert await client.receive() is None

    talk(charging, said)


def test_a_server_that_stops_answers_what_was_asked_and_says_goodbye() -> None:
    charging = Scripted()

    async def slowly(asked: Request | Event) -> Answer:
        await asyncio.sleep(0.1)
        return ANSWER._replace(session=asked.session, sequence=asked.sequence)

    charging.ask = slowly  # type: ignore[method-assign]  # stands in for a busy disk

    async def talking() -> None:
        async with serving(charging) as (server, port):
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            await client.hello()
            client.send(ccr(INITIAL, 0))
            await asyncio.sleep(0.02)
            stopping = asyncio.create_task(server.stop())
            answered, farewell = await client.receive(), await client.receive()
            assert answered.result_code == 2001
            assert (farewell.header.command_code, farewell.disconnect_cause) == (282, 0)
            await client.close()
            await stopping
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(talking())


def test_a_defect_of_ours_is_answered_and_the_connection_goes_on() -> None:
    async def said(client: Client) -> None:
        assert (await client.ask(ccr(INITIAL, 0, service(10, {})))).result_code == 5012
        assert (await client.ask(ccr(INITIAL, 0, service(10, {})))).result_code == 2001

    talk(Scripted([ZeroDivisionError("a secret")]), said)


def test_nothing_that_is_logged_names_a_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def said(client: Client) -> None:
        octets = bytearray(ccr(INITIAL, 0, service(10, {})).as_bytes())
        client.send_octets(bytes(octets).replace(IMSI.encode(), IMSI.encode()[:-1] + b"\xff"))
        assert (await client.receive()).result_code == 5004
        client.send_octets(bytes(octets).replace(IMSI.encode(), b"208930000000099"))
        assert (await client.receive()).result_code == 5030
        client.send_octets(bytes(octets))
        assert (await client.receive()).result_code == 5002

    talk(Scripted([UnknownSession(f"there is no session of {IMSI}")]), said)
    ours = [one.getMessage() for one in caplog.records if one.name.startswith(("mvne", "diameter"))]
    assert len(ours) >= 3
    assert not re.search(r"[0-9]{8}", " ".join(ours))


WHOLE = ccr(UPDATE, 1, service(10, {"cc_total_octets": 7}, {"cc_total_octets": 5, "reporting_reason": 3})).as_bytes()


@given(some.lists(some.tuples(some.integers(4, len(WHOLE) - 1), some.integers(0, 255)), min_size=1, max_size=4))
def test_whatever_octets_change_on_the_way_the_server_goes_on(changes: list[tuple[int, int]]) -> None:
    octets = bytearray(WHOLE)
    for place, octet in changes:
        octets[place] = octet

    async def talking() -> None:
        async with serving(Scripted()) as (_, port):
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            await client.hello()
            client.send_octets(bytes(octets))
            answer = None
            if octets[4] & 0x80:
                answer = await client.receive()
            await client.close()
            assert answer is None or answer.find_avps((268, 0))
            other = Client(*await asyncio.open_connection("127.0.0.1", port))
            assert (await other.hello()).result_code == 2001
            await other.close()

    asyncio.run(talking())


def test_a_node_of_another_implementation_is_served() -> None:
    """The library's own node connects, keeps its connection, sends a session's requests and leaves."""

    def spoken(port: int) -> list[int]:
        node = Node(PEER, "host.example")
        node.wakeup_interval = 1
        peer = node.add_peer(f"aaa://{HOST}:{port}", REALM, ["127.0.0.1"], is_persistent=True)
        app = SimpleThreadingApplication(4, is_auth_application=True)
        node.add_application(app, [peer])
        node.start()
        try:
            app.wait_for_ready(10)
            messages = [ccr(INITIAL, 0, service(10, {})), ccr(UPDATE, 1, service(10, {}))]
            return [app.send_request(one, 10).result_code for one in messages]
        finally:
            node.stop(wait_timeout=5)
            for end in (node.interrupt_read, node.interrupt_write):
                _close(end)

    async def talking() -> list[int]:
        async with serving(Scripted()) as (_, port):
            return await asyncio.to_thread(spoken, port)

    assert asyncio.run(talking()) == [2001, 2001]


def _close(end: int) -> None:
    import os

    os.close(end)


def test_every_answer_of_ours_can_be_read_by_the_library() -> None:
    async def said(client: Client) -> None:
        await client.ask(ccr(INITIAL, 0, service(10, {})))
        assert Message.from_bytes(client.octets).as_bytes()

    talk(Scripted(), said)
