"""One process that charges: HTTP, Diameter, the work in between, and an end at which nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mvne_billing.charging.edges.edge import Edge
from mvne_billing.errors import BillingError

_LOG = logging.getLogger("mvne.charging")

#: Connections that wait to be taken up.
_BACKLOG = 1024

#: How many objects come to be before the young ones are looked through for garbage, and how many such rounds before
#: older ones are. Lines and sessions live long and form no rings: looking them through again and again is a
#: twentieth of the time of a request.
_COLLECTED_AFTER = (50_000, 50, 100)


class ServerMissing(BillingError):
    """What serves is not installed; the message says what to install."""


class CannotListen(BillingError):
    """The port is taken, or the address is not ours."""


@dataclass(frozen=True, slots=True)
class Peering:
    """How Diameter is spoken: our identity and realm, and who may connect, in lower case: nobody named, anybody."""

    port: int
    host: str
    realm: str
    peers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Doors:
    """Where charging is reached: HTTP on `host` and `port`, and Diameter when there is a `gy`.

    With a `certificate` and its `key` (PEM files) HTTP is spoken over TLS alone.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    certificate: Path | None = None
    key: Path | None = None
    gy: Peering | None = None


@dataclass
class Chores:
    """What is done again and again between requests: sessions are swept, what lines passed is told.

    One that fails is logged and tried again; until it succeeds, charging says that it is not well.
    """

    do: Callable[[datetime], Awaitable[None]]
    clock: Callable[[], datetime]
    every_s: int = 30
    done_at: datetime | None = field(default=None, init=False)
    failure: str = field(default="", init=False)

    async def run(self) -> None:
        """Do them until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(self.every_s)

    async def once(self) -> None:
        """Do them now."""
        at = self.clock()
        task = asyncio.ensure_future(self.do(at))
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            raise
        if (error := task.exception()) is None:
            self.done_at, self.failure = at, ""
        else:
            self.failure = type(error).__name__
            _LOG.error("chores failed; they are tried again", exc_info=error)


def health(edge: Edge, chores: Chores) -> tuple[bool, Mapping[str, object]]:
    """Return whether charging is well, and what there is to say of it."""
    content = {
        "status": "failing" if chores.failure else "ok",
        "brand": edge.brand,
        "durability": edge.charging.durability,
        "swept_at": chores.done_at.isoformat() if chores.done_at else None,
    }
    return not chores.failure, content | ({"failure": chores.failure} if chores.failure else {})


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for garbage less often, as suits a process that keeps much for long; what there is now is kept for good."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def serve(
    edge: Edge, doors: Doors, chores: Chores, stop: asyncio.Event, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve until `stop` is set; then answer what was asked, and let go of the store.

    `ready` is called when the doors are open. Raises `ServerMissing` when what serves is not installed, `CannotListen`
    when a port is taken.
    """
    async with AsyncExitStack() as closing:
        closing.push_async_callback(edge.charging.close)
        closing.push_async_callback(_stopped, asyncio.create_task(chores.run()))
        if doors.gy is not None:
            await _diameter(edge, doors.host, doors.gy, closing)
        serving = await _http(edge, doors, chores, closing)
        closing.enter_context(collecting_seldom())
        ready()
        stopping = asyncio.create_task(stop.wait())
        closing.push_async_callback(_stopped, stopping)
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()


async def _stopped(task: asyncio.Task[object]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _diameter(edge: Edge, address: str, peering: Peering, closing: AsyncExitStack) -> None:
    try:
        from mvne_billing.charging.gy.server import DiameterServer, Identity
    except ModuleNotFoundError:
        raise ServerMissing('Diameter needs a codec: pip install "mvne[diameter]"') from None
    server = DiameterServer(edge, Identity(peering.host, peering.realm, address, peering.peers))
    try:
        await server.start(address, peering.port)
    except OSError as error:
        raise CannotListen(f"cannot listen on {address}, port {peering.port}: {error.strerror}") from None
    closing.push_async_callback(server.stop)


async def _http(edge: Edge, doors: Doors, chores: Chores, closing: AsyncExitStack) -> asyncio.Task[None]:
    try:
        from granian.constants import Interfaces
        from granian.server.embed import Server

        from mvne_billing.charging.nchf.app import application
    except ModuleNotFoundError:
        raise ServerMissing('serving HTTP needs a server: pip install "mvne[server]"') from None
    app = application(edge, lambda: health(edge, chores))
    server = Server(
        app,
        doors.host,
        doors.port,
        interface=Interfaces.ASGINL,
        backlog=_BACKLOG,
        websockets=False,
        ssl_cert=doors.certificate,
        ssl_key=doors.key,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())

    async def stop() -> None:
        server.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        await asyncio.wait([serving])

    closing.push_async_callback(stop)
    # It listens, or fails, before it first waits for anything.
    await asyncio.wait([serving], timeout=0)
    if serving.done() and (error := serving.exception()) is not None:
        raise CannotListen(f"cannot listen on {doors.host}, port {doors.port}: {str(error).splitlines()[0]}") from None
    return serving
