"""ES2+ and ES9+ over HTTP (SGP.22, section 6): paths, headers, sizes, statuses.

A refusal is HTTP 200 with `Failed` in it. Nothing that a client sends gives 500.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mvne_provisioning.smdp.server import es2, es9
from mvne_provisioning.smdp.server.service import Function, Smdp
from mvne_provisioning.smdp.server.wire import PROTOCOL, failure, written

ES2_BASE, ES9_BASE = "/gsma/rsp2/es2plus", "/gsma/rsp2/es9plus"

#: The largest request, AuthenticateClient, has some 5,000 octets.
MOST_OCTETS = 64 * 1024

#: How long a body may take to come.
PATIENCE_S = 10

_LOG = logging.getLogger("mvne.smdp.http")
_JSON = b"application/json"


class Unacceptable(Exception):
    """A request is not read to its end: too large, broken off, or too slow."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def operators_app(smdp: Smdp) -> Starlette:
    """Return the web application that operators call."""
    return _app(ES2_BASE, es2.FUNCTIONS, smdp.es2)


def phones_app(smdp: Smdp) -> Starlette:
    """Return the web application that phones call."""
    return _app(ES9_BASE, es9.FUNCTIONS, smdp.es9)


def _app(base: str, names: Iterable[str], function: Function) -> Starlette:
    routes = [Route(f"{base}/{name}", Endpoint(name, function), methods=["POST"]) for name in names]
    app = Starlette(
        routes=[*routes, Route("/health", _well, methods=["GET"])],
        exception_handlers={HTTPException: _not_here, Exception: _defect},
    )
    # A path is right or it is not: a redirect would name whatever host the client said.
    app.router.redirect_slashes = False
    return app


class Endpoint:
    """One function as the web server calls it: straight, because it is on the way of every request."""

    def __init__(self, name: str, function: Function) -> None:
        self._name, self._function = name, function

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            told = await self._function(self._name, await _body(receive))
        except Unacceptable as error:
            _LOG.info("%s: %s", self._name, error.words)
            await _send(send, error.status, written(failure("1.6", "2.1", error.words)))
            return
        await _send(send, HTTPStatus.OK if told else HTTPStatus.NO_CONTENT, told)


async def _body(receive: Receive) -> bytes:
    found, is_more = bytearray(), True
    try:
        async with asyncio.timeout(PATIENCE_S):
            while is_more:
                part = await receive()
                if part["type"] != "http.request":
                    raise Unacceptable(HTTPStatus.BAD_REQUEST, "the body broke off")
                found += part.get("body", b"")
                is_more = part.get("more_body", False)
                if len(found) > MOST_OCTETS:
                    words = f"a body has at most {MOST_OCTETS} octets"
                    raise Unacceptable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
    except TimeoutError:
        raise Unacceptable(HTTPStatus.REQUEST_TIMEOUT, "the body did not come") from None
    return bytes(found)


async def _send(send: Send, status: HTTPStatus, body: bytes) -> None:
    headers = [(b"x-admin-protocol", PROTOCOL.encode())]
    if body:
        headers += [(b"content-type", _JSON), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _well(request: Request) -> Response:
    return Response(b'{"status": "ok"}', media_type=_JSON.decode())


async def _not_here(request: Request, error: Exception) -> Response:
    """Answer a path or a method that is not here."""
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    told: Mapping[str, object] = failure("1.6", "2.1", f"there is no such function: {status.phrase}")
    headers = {**(dict(error.headers or {}) if isinstance(error, HTTPException) else {}), "X-Admin-Protocol": PROTOCOL}
    return Response(written(told), status, headers, _JSON.decode())


async def _defect(request: Request, error: Exception) -> Response:
    """Answer where we fail ourselves; what failed goes on to the log of the server."""
    told = written(failure("1.2", "4.2", "the server failed and changed nothing"))
    return Response(told, HTTPStatus.OK, {"X-Admin-Protocol": PROTOCOL}, _JSON.decode())
