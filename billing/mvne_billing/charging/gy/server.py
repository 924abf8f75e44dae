"""A Diameter server for credit control: connections, the exchange of capabilities, watchdogs, and an orderly end.

The base protocol of RFC 6733 as far as a server over TCP needs it. It runs in the loop of charging itself: no threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mvne_billing.charging.edges.edge import Edge
from mvne_billing.charging.edges.people import masked
from mvne_billing.charging.gy import avps
from mvne_billing.charging.gy.codes import Code, Refused
from mvne_billing.charging.gy.credit import Names, credit_control
from mvne_billing.charging.gy.wire import (
    HEADER_OCTETS,
    Broken,
    Group,
    Pair,
    Unwritable,
    answer,
    needed,
    read_header,
    read_message,
    request,
)

_LOG = logging.getLogger("mvne.charging.gy")

CAPABILITIES_EXCHANGE, DEVICE_WATCHDOG, DISCONNECT_PEER, CREDIT_CONTROL = 257, 280, 282, 272
_REBOOTING = 0  # Disconnect-Cause, RFC 6733, 5.4.3
_APPLICATIONS = {avps.CREDIT_CONTROL, avps.RELAY}

#: Requests of one peer that are worked on at once; it is read no further until there are fewer.
MOST_AT_ONCE = 512
#: How long a peer may say nothing before it has said who it is, and after a farewell.
_PATIENCE_S = 10
_FAREWELL_S = 2


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are to our peers, and who they may be: Diameter identities in lower case; none named means anybody."""

    host: str
    realm: str
    address: str = "127.0.0.1"
    peers: frozenset[str] = frozenset()


@dataclass(eq=False)
class Connection:
    """A peer's connection: what is being worked on, and whether it has said who it is."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    is_known: bool = False
    is_leaving: bool = False

    def send(self, octets: bytes) -> None:
        """Send a message, if the peer is still there."""
        if not self.writer.is_closing():
            self.writer.write(octets)


#: Answers a request: the connection it came by, its header, its AVPs.
_Handler = Callable[[Connection, Any, Group], Awaitable[None]]


class DiameterServer:
    """Serves credit control to network elements over TCP."""

    def __init__(self, edge: Edge, identity: Identity) -> None:
        self._edge = edge
        self._identity = identity
        self._names = Names()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._handlers: dict[int, _Handler] = {
            CAPABILITIES_EXCHANGE: self._capabilities,
            DEVICE_WATCHDOG: self._watchdog,
            DISCONNECT_PEER: self._disconnect,
            CREDIT_CONTROL: self._credit_control,
        }

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port, which is a free one where 0 was asked for."""
        self._server = await asyncio.start_server(self._serve, host, port)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Take no more requests, answer those that are there, say goodbye, close."""
        if self._server is None:
            return
        self._server.close()
        connections = list(self._connections)
        for one in connections:
            one.is_leaving = True
        await asyncio.gather(*(task for one in connections for task in one.tasks), return_exceptions=True)
        cause: list[Pair] = [(avps.DISCONNECT_CAUSE, _REBOOTING)]
        for number, one in enumerate(connections, start=1):
            if one.is_known:
                identity = self._identity
                one.send(request(DISCONNECT_PEER, identity.host, identity.realm, number, cause))
        gone = [asyncio.ensure_future(one.writer.wait_closed()) for one in connections]
        if gone:
            await asyncio.wait(gone, timeout=_FAREWELL_S if any(one.is_known for one in connections) else 0)
        for one in connections:
            one.writer.close()
        await asyncio.gather(*gone, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        self._connections.add(connection)
        try:
            await self._listen(connection)
        except Broken as problem:
            _LOG.warning("a peer is disconnected: %s", problem)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            _LOG.info("a peer is gone")
        finally:
            await asyncio.gather(*connection.tasks, return_exceptions=True)
            writer.close()
            self._connections.discard(connection)

    async def _listen(self, connection: Connection) -> None:
        while not connection.writer.is_closing():
            patience = None if connection.is_known else _PATIENCE_S
            async with asyncio.timeout(patience):
                head = await connection.reader.readexactly(HEADER_OCTETS)
                header = read_header(head)
                rest = await connection.reader.readexactly(header.length - HEADER_OCTETS)
            await self._take(connection, header, head + rest)
            await connection.writer.drain()

    async def _take(self, connection: Connection, header: Any, octets: bytes) -> None:
        """Answer a message: at once what the protocol itself asks, in a task of its own what charging does."""
        asked = read_message(octets)
        if not header.is_request:
            if header.command_code == DISCONNECT_PEER:
                connection.writer.close()
            return
        if not connection.is_known and header.command_code != CAPABILITIES_EXCHANGE:
            raise Broken("it asks before it says who it is")
        handler = self._handlers.get(header.command_code)
        if handler is None:
            self._answer(connection, header, Code.COMMAND_UNSUPPORTED, asked, [])
        elif header.command_code != CREDIT_CONTROL:
            await handler(connection, header, asked)
        elif connection.is_leaving:
            self._answer(connection, header, Code.TOO_BUSY, asked, [])
        else:
            await connection.room.acquire()
            task = asyncio.create_task(self._in_room(connection, handler, header, asked))
            connection.tasks.add(task)
            task.add_done_callback(connection.tasks.discard)

    async def _in_room(self, connection: Connection, handler: _Handler, header: Any, asked: Group) -> None:
        try:
            await handler(connection, header, asked)
        except Unwritable:
            # What cannot be answered must not be waited for: the peer is to ask again elsewhere.
            _LOG.exception("an answer cannot be written")
            connection.writer.close()
        finally:
            connection.room.release()

    async def _capabilities(self, connection: Connection, header: Any, asked: Group) -> None:
        """Learn who a peer is (RFC 6733, 5.3); one that is not known, or has nothing to ask us, is sent away."""
        identity = self._identity
        try:
            who = str(needed(asked.text(avps.ORIGIN_HOST), avps.ORIGIN_HOST)).lower()
            code = self._welcome(who, _applications(asked))
        except Refused as refused:
            who, code = "somebody unnamed", refused.code
        own: list[Pair] = [
            (avps.HOST_IP_ADDRESS, identity.address),
            (avps.VENDOR_ID, 0),
            (avps.PRODUCT_NAME, "mvne"),
            (avps.SUPPORTED_VENDOR_ID, avps.TGPP),
            (avps.AUTH_APPLICATION_ID, avps.CREDIT_CONTROL),
        ]
        self._answer(connection, header, code, asked, own)
        if code is Code.SUCCESS:
            connection.is_known = True
            _LOG.info("peer %s is connected", who)
        else:
            _LOG.warning("peer %s is sent away: %s", who, code.name)
            await connection.writer.drain()
            connection.writer.close()

    def _welcome(self, who: str, applications: set[int]) -> Code:
        if self._identity.peers and who not in self._identity.peers:
            return Code.UNKNOWN_PEER
        return Code.SUCCESS if applications & _APPLICATIONS else Code.NO_COMMON_APPLICATION

    async def _watchdog(self, connection: Connection, header: Any, asked: Group) -> None:
        self._answer(connection, header, Code.SUCCESS, asked, [])

    async def _disconnect(self, connection: Connection, header: Any, asked: Group) -> None:
        """Let a peer go: what it asked is answered first."""
        await asyncio.gather(*connection.tasks, return_exceptions=True)
        self._answer(connection, header, Code.SUCCESS, asked, [])
        await connection.writer.drain()
        connection.writer.close()

    async def _credit_control(self, connection: Connection, header: Any, asked: Group) -> None:
        code, pairs = self._misrouted(header, asked), list[Pair]()
        if code is None:
            code, pairs = await self._charged(asked)
        if code is not Code.SUCCESS:
            words = next((str(value) for name, value in pairs if name == avps.ERROR_MESSAGE), "")
            _LOG.info("credit control: %s: %s", code.name, masked(words))
        self._answer(connection, header, code, asked, pairs)

    async def _charged(self, asked: Group) -> tuple[Code, list[Pair]]:
        """Ask charging; a defect of ours is answered too, and goes on to the log of the loop."""
        answered = asyncio.create_task(credit_control(self._edge, self._names, asked))
        await asyncio.wait([answered])
        if (defect := answered.exception()) is not None:
            _LOG.error("charging failed; nothing is lost", exc_info=defect)
            return Code.UNABLE_TO_COMPLY, [(avps.ERROR_MESSAGE, "charging failed; nothing is lost")]
        return answered.result()

    def _misrouted(self, header: Any, asked: Group) -> Code | None:
        """Return why a request is not for us, None when it is."""
        try:
            host = (asked.text(avps.DESTINATION_HOST) or self._identity.host).lower()
            realm = (asked.text(avps.DESTINATION_REALM) or "").lower()
        except Refused as refused:
            return refused.code
        if header.application_id != avps.CREDIT_CONTROL:
            return Code.APPLICATION_UNSUPPORTED
        if realm != self._identity.realm.lower():
            return Code.REALM_NOT_SERVED if realm else Code.MISSING_AVP
        return None if host == self._identity.host.lower() else Code.UNABLE_TO_DELIVER

    def _answer(self, connection: Connection, header: Any, code: Code, asked: Group, pairs: list[Pair]) -> None:
        identity = self._identity
        connection.send(answer(header, identity.host, identity.realm, code, asked, pairs))


def _applications(asked: Group) -> set[int]:
    """Return the applications that a peer has."""
    found = {asked.number(avps.AUTH_APPLICATION_ID), asked.number(avps.ACCT_APPLICATION_ID)}
    for one in asked.groups(avps.VENDOR_SPECIFIC_APPLICATION_ID):
        found.add(one.number(avps.AUTH_APPLICATION_ID))
    return {one for one in found if one is not None}
