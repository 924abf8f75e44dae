"""PyHSS over HTTP: sends its requests and says in plain words why one failed.

PyHSS has habits: it answers 200 or 400 with `null` for what it does not have, and its error texts quote the very row
it could not write, keys included. So no text of its answers gets into a message here. (The `httpx` logger writes
addresses with IMSIs at level INFO: leave it at WARNING.)
"""

from __future__ import annotations

from typing import Any

import httpx

from mvne_provisioning.network.port import HostRefused, HostUnavailable
from mvne_provisioning.network.pyhss import Request


class NoAnswer(HostUnavailable):
    """PyHSS could not be reached, or its answer was lost: worth another try at once."""


def connect(
    address: str,
    provisioning_key: str | None = None,
    timeout: float = 10,
    transport: httpx.BaseTransport | None = None,
) -> httpx.Client:
    """Return a connection to PyHSS at `address`, like `http://10.0.0.5:8080`; close it when done.

    `provisioning_key` is the `provisioning_key` of PyHSS's own settings; `timeout` in seconds for each wait.
    """
    headers = {"Provisioning-Key": provisioning_key} if provisioning_key else {}
    return httpx.Client(base_url=address, headers=headers, timeout=timeout, transport=transport)


def send(http: httpx.Client, request: Request) -> dict[str, Any] | list[Any] | None:
    """Return what PyHSS answers; None when it does not have the thing.

    Raise `NoAnswer`, `HostUnavailable` when it cannot do it now, `HostRefused` with the code `rejected`.
    """
    try:
        response = http.request(request.method, request.path, json=request.body)
    except httpx.RequestError as error:
        # The request is in the error's attributes; only the kind of failure is told.
        raise NoAnswer(
            f"PyHSS gave no answer when asked to {request.purpose} ({type(error).__name__}); "
            "check its address and that it runs, then retry"
        ) from None
    return _answer(request, response)


def _answer(request: Request, response: httpx.Response) -> dict[str, Any] | list[Any] | None:
    status = response.status_code
    if status in (401, 403):
        raise HostUnavailable("PyHSS does not accept our provisioning key; correct it in the settings, then retry")
    if status >= 500:
        raise HostUnavailable(f"PyHSS failed when asked to {request.purpose} ({status}); see its log, then retry")
    body = _body(request, response)
    if status < 300:
        return body
    if request.method == "GET" and (status == 404 or body is None):
        return None
    if status in (404, 405):
        raise HostUnavailable(
            f"PyHSS does not know how to {request.purpose} ({status}); check its address and its version, then retry"
        )
    if isinstance(body, dict) and "ntegrity" in str(body.get("reason")):
        raise HostUnavailable("PyHSS says that two commands collided; retry with the same key")
    raise HostRefused("rejected", f"PyHSS did not accept the request to {request.purpose} ({status}); see its log")


def _body(request: Request, response: httpx.Response) -> dict[str, Any] | list[Any] | None:
    try:
        body = response.json()
    except ValueError:
        if response.status_code == 404:
            return None
        body = ""
    if body is None or isinstance(body, (dict, list)):
        return body
    raise HostUnavailable(f"what answered when asked to {request.purpose} is not PyHSS; check its address, then retry")
