"""One process that is an SM-DP+: phones on one port, operators on another, chores in between, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.smdp.server.service import Smdp
from mvne_provisioning.smdp.server.telling import Post, tell_operators

_LOG = logging.getLogger("mvne.smdp")

#: Connections that wait to be taken up, and seconds between two rounds of chores.
_BACKLOG, _CHORES_S = 1024, 30


class ServerMissing(ProvisioningError):
    """What serves is not installed; the message says what to install."""


class CannotListen(ProvisioningError):
    """The port is taken, or the address is not ours."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the SM-DP+ is reached: `host`, and a port for phones and one for operators.

    With `tls` phones are answered over TLS alone. With `operators_ca` (a PEM file) operators are too, and must show a
    certificate from there; without it they come over plain HTTP, which is for loopback.
    """

    host: str
    es9_port: int
    es2_port: int
    tls: Identity | None = None
    operators_ca: Path | None = None


async def serve(
    smdp: Smdp, doors: Doors, stop: asyncio.Event, post: Post | None = None, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve until `stop` is set; then answer what was asked, and let go of the store.

    `post` brings notifications to the operator; without it they stay in the store. `ready` is called when the doors are
    open. Raises `ServerMissing` when what serves is not installed, `CannotListen` when a port is taken.
    """
    async with AsyncExitStack() as closing:
        closing.push_async_callback(smdp.store.close)
        tasks = [asyncio.create_task(_again(smdp.sweep, "chores"))]
        if post is not None:
            tasks.append(asyncio.create_task(_again(lambda: tell_operators(smdp, post), "telling")))
        for task in tasks:
            closing.push_async_callback(_stopped, task)
        serving = await _open_doors(smdp, doors, closing)
        ready()
        stopping = asyncio.create_task(stop.wait())
        closing.push_async_callback(_stopped, stopping)
        await asyncio.wait([*serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        for one in serving:
            if one.done():
                one.result()


async def _open_doors(smdp: Smdp, doors: Doors, closing: AsyncExitStack) -> list[asyncio.Task[None]]:
    try:
        from mvne_provisioning.smdp.server.app import operators_app, phones_app
    except ModuleNotFoundError:
        raise ServerMissing('serving HTTP needs a server: pip install "mvne[server]"') from None
    files = _tls_files(doors.tls, closing) if doors.tls else None
    for_operators = files if doors.operators_ca else None
    return [
        await _open(phones_app(smdp), doors.host, doors.es9_port, files, None, closing),
        await _open(operators_app(smdp), doors.host, doors.es2_port, for_operators, doors.operators_ca, closing),
    ]


async def _open(
    app: Any,
    host: str,
    port: int,
    files: tuple[Path, Path] | None,
    client_ca: Path | None,
    closing: AsyncExitStack,
) -> asyncio.Task[None]:
    try:
        from granian.constants import Interfaces, SSLProtocols
        from granian.server.embed import Server
    except ModuleNotFoundError:
        raise ServerMissing('serving HTTP needs a server: pip install "mvne[server]"') from None
    _check_free(host, port)
    certificate, key = files or (None, None)
    server = Server(
        app,
        host,
        port,
        interface=Interfaces.ASGINL,
        backlog=_BACKLOG,
        websockets=False,
        ssl_cert=certificate,
        ssl_key=key,
        # SGP.22, section 2.6.6: phones may speak TLS 1.2.
        ssl_protocol_min=SSLProtocols.tls12,
        ssl_ca=client_ca,
        ssl_client_verify=client_ca is not None,
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
        raise CannotListen(f"cannot listen on {host}, port {port}: {str(error).splitlines()[0]}") from None
    return serving


def _check_free(host: str, port: int) -> None:
    """Raise `CannotListen` when somebody listens there; the web server would share the port with whoever lets it."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen()
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}, port {port}: {error.strerror or error}") from None


def _tls_files(tls: Identity, closing: AsyncExitStack) -> tuple[Path, Path]:
    """Write certificate and key as the web server wants them, where nobody else reads, until the end."""
    if tls.key is None:
        raise CannotListen("TLS needs the private key of the DPtls certificate")
    folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="mvne-smdp-")))
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(tls.pem)
    plain = tls.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(plain)
    return certificate, key


async def _again(do: Callable[[], Awaitable[None]], name: str) -> None:
    """Do something now and after every pause; a failure is logged, and does not end it."""
    while True:
        task = asyncio.ensure_future(do())
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            await _stopped(task)
            raise
        if (error := task.exception()) is not None:
            _LOG.error("%s failed with %s; it is tried again", name, type(error).__name__)
        await asyncio.sleep(_CHORES_S)


async def _stopped(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
