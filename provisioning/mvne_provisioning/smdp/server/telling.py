"""Brings what waits in the outbox to the operator over HTTP: again and again, until it was taken."""

from __future__ import annotations

import asyncio
import http
import http.client
import json
import logging
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.smdp.server import outbox
from mvne_provisioning.smdp.server.outbox import Waiting
from mvne_provisioning.smdp.server.service import Smdp
from mvne_provisioning.smdp.server.wire import PROTOCOL

_LOG = logging.getLogger("mvne.smdp.operator")
_FUNCTION = "/gsma/rsp2/es2plus/handleDownloadProgressInfo"

#: How long the operator may take to answer, and how long to wait for news before looking again.
_PATIENCE_S, _PAUSE_S = 10, 1

#: Delivers one notification, given its body; says whether it was taken. Raises `OperatorUnreached`.
Post = Callable[[bytes], bool]


class OperatorUnreached(ProvisioningError):
    """The operator does not answer at all."""


class InvalidNotifyUrl(ProvisioningError, ValueError):
    """Nothing can be sent to this address."""


class HttpPost:
    """Posts to the operator over a connection that it keeps. `url` is the operator's base, such as `https://op.example`.

    Raises `InvalidNotifyUrl`. For one thread at a time.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidNotifyUrl(f"{url!r} is not the operator's base URL; write it like https://operator.example")
        self._path = parts.path.rstrip("/").removesuffix(_FUNCTION) + _FUNCTION
        host, port = parts.hostname, parts.port
        self._connection = (
            http.client.HTTPSConnection(host, port, timeout=_PATIENCE_S, context=context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
        )

    def __call__(self, body: bytes) -> bool:
        """Post one body; say whether the operator took it (any 2xx); raise `OperatorUnreached`."""
        headers = {"Content-Type": "application/json", "X-Admin-Protocol": PROTOCOL}
        try:
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise OperatorUnreached(f"the operator was not reached: {type(error).__name__}") from None
        if not http.HTTPStatus.OK <= response.status < http.HTTPStatus.MULTIPLE_CHOICES:
            _LOG.warning("the operator answered %s", response.status)
            return False
        return True

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


async def tell_operators(smdp: Smdp, post: Post) -> None:
    """Deliver until cancelled."""
    while True:
        if not await deliver(smdp, post):
            smdp.news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(smdp.news.wait(), _PAUSE_S)


async def deliver(smdp: Smdp, post: Post) -> int:
    """Deliver what is due now, of each profile the first; return how many were tried."""
    waiting = await smdp.store.do(lambda conn: outbox.take(conn, smdp.clock()))
    if waiting:
        taken = await asyncio.to_thread(_post_all, smdp.operators.settings.address, waiting, post)
        await smdp.store.do(lambda conn: outbox.settle(conn, waiting, taken, smdp.clock()))
    return len(waiting)


def _post_all(address: str, waiting: Sequence[Waiting], post: Post) -> frozenset[int]:
    """Return the numbers of those that were taken; nothing more is tried when the operator cannot be reached."""
    taken = set()
    try:
        for one in waiting:
            header = {"functionRequesterIdentifier": address, "functionCallIdentifier": str(one.sequence)}
            if post(json.dumps({"header": header, **one.content}).encode()):
                taken.add(one.sequence)
    except OperatorUnreached as error:
        _LOG.warning("%s; %d notifications wait", error, len(waiting) - len(taken))
    return frozenset(taken)
