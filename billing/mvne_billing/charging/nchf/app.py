"""Nchf_ConvergedCharging over HTTP: paths, sizes, statuses (TS 32.291 clause 6.1.3).

Whatever goes wrong is a problem document; nothing of a request is logged but its cause, with identities masked.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mvne_billing.charging.edges.edge import Edge
from mvne_billing.charging.edges.people import masked
from mvne_billing.charging.nchf import operations
from mvne_billing.charging.nchf.problems import PROBLEM, Cause, Problem

#: Where the service is, below the root that the operator chooses (TS 29.501 clause 4.4.1).
API = "/nchf-convergedcharging"
BASE = f"{API}/v3/chargingdata"

#: A body is a few kilobytes; one of many containers may be larger.
MOST_OCTETS = 256 * 1024

#: How long a body may take to come.
PATIENCE_S = 10

_LOG = logging.getLogger("mvne.charging.nchf")
_JSON = "application/json"
_VERSION = re.compile(rf"{API}/(?!v3/)[^/]+/", re.ASCII)

#: Says how charging is: whether it is well, and content for a health page.
Health = Callable[[], tuple[bool, Mapping[str, object]]]


class Answer(NamedTuple):
    """What is answered: a status, a body of JSON, and where what was created is, below the root."""

    status: HTTPStatus
    body: bytes = b""
    location: str = ""


#: An operation: from the reference in the path (empty at create) and the body to the answer. Raises a `Problem`.
Operation = Callable[[str, bytes], Awaitable[Answer]]


def application(edge: Edge, health: Health) -> Starlette:
    """Return the web application of a brand's charging."""

    async def create(_: str, body: bytes) -> Answer:
        created = await operations.create(edge, body)
        return Answer(HTTPStatus.CREATED, created.body, f"{BASE}/{created.ref}")

    async def update(ref: str, body: bytes) -> Answer:
        return Answer(HTTPStatus.OK, await operations.update(edge, ref, body))

    async def release(ref: str, body: bytes) -> Answer:
        await operations.release(edge, ref, body)
        return Answer(HTTPStatus.NO_CONTENT)

    async def well(request: Request) -> Response:
        is_well, content = health()
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(json.dumps(content, default=str), status, media_type=_JSON)

    return Starlette(
        routes=[
            Route(BASE, Endpoint("create", create), methods=["POST"]),
            Route(f"{BASE}/{{ref}}/update", Endpoint("update", update), methods=["POST"]),
            Route(f"{BASE}/{{ref}}/release", Endpoint("release", release), methods=["POST"]),
            Route("/health", well, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _not_here, Exception: _defect},
    )


class Endpoint:
    """An operation as the web server calls it: straight, because it is on the way of every request."""

    def __init__(self, name: str, operation: Operation) -> None:
        self._name = name
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        try:
            body = await _body(headers, receive)
            answer = await self._operation(scope["path_params"].get("ref", ""), body)
        except Problem as problem:
            _log(self._name, problem)
            await _send(send, problem.status, problem.document(), _headers(problem))
            return
        told = [(b"content-type", _JSON.encode())] if answer.body else []
        if answer.location:
            told.append((b"location", _root(scope, headers) + answer.location.encode()))
        await _send(send, answer.status, answer.body, told)


def _root(scope: Scope, headers: Mapping[bytes, bytes]) -> bytes:
    """Return the root that the client reached us by."""
    host, port = scope["server"]
    own = f"{host}:{port}".encode()
    found = f"{scope['scheme']}://".encode() + headers.get(b"host", own)
    return found + str(scope.get("root_path", "")).encode()


async def _body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """Return the body of a request; raise a `Problem` for one that is not JSON, too large, or never comes."""
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != _JSON.encode():
        raise Problem(None, f"a body is {_JSON}", status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    found, is_more = bytearray(), True
    try:
        async with asyncio.timeout(PATIENCE_S):
            while is_more:
                part = await receive()
                if part["type"] != "http.request":
                    raise Problem(Cause.INVALID_MSG_FORMAT, "the body broke off")
                found += part.get("body", b"")
                is_more = part.get("more_body", False)
                if len(found) > MOST_OCTETS:
                    words = f"a body has at most {MOST_OCTETS} octets"
                    raise Problem(None, words, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except TimeoutError:
        raise Problem(None, "the body did not come", status=HTTPStatus.REQUEST_TIMEOUT) from None
    return bytes(found)


async def _send(send: Send, status: HTTPStatus, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    if status is not HTTPStatus.NO_CONTENT:
        headers = [(b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _headers(problem: Problem) -> list[tuple[bytes, bytes]]:
    told = [(b"content-type", PROBLEM.encode())]
    return [*told, (b"retry-after", b"1")] if problem.status is HTTPStatus.SERVICE_UNAVAILABLE else told


def _log(name: str, problem: Problem) -> None:
    _LOG.info("%s: %s %s: %s", name, int(problem.status), problem.cause, masked(problem.detail))


async def _not_here(request: Request, error: Exception) -> Response:
    """Answer a path or a method that is not here."""
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    problem = Problem(None, f"{status.phrase}: {request.method}", status=status)
    if status is HTTPStatus.NOT_FOUND and _VERSION.match(request.url.path):
        problem = Problem(Cause.INVALID_API, "only version v3 of nchf-convergedcharging is here")
    elif status is HTTPStatus.NOT_FOUND:
        problem = Problem(Cause.RESOURCE_URI_STRUCTURE_NOT_FOUND, "there is nothing at this path")
    _log("elsewhere", problem)
    headers = error.headers if isinstance(error, HTTPException) else None
    return Response(problem.document(), problem.status, headers, PROBLEM)


async def _defect(request: Request, error: Exception) -> Response:
    """Answer where we fail ourselves; what failed goes on to the log of the server."""
    problem = Problem(Cause.SYSTEM_FAILURE, "charging failed; nothing is lost")
    return Response(problem.document(), problem.status, media_type=PROBLEM)
