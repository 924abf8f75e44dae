"""ES9+ over HTTP (GSMA SGP.22, section 6.5): TLS vouched for by the issuers on the card; plain on loopback only."""

from __future__ import annotations

import ipaddress
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone.es9 import Answer, BadAnswer, ServerUnreachable

_PATH = "/gsma/rsp2/es9plus/"
_HEADERS = {
    "content-type": "application/json",
    "x-admin-protocol": "gsma/rsp/v2.2.2",
    "user-agent": "gsma-rsp-lpad",
}
_PATIENCE_S = 30
#: No answer is longer than a profile of some hundred kilobytes in base64.
_MOST_BYTES = 16 << 20


class InsecureServer(ProvisioningError):
    """The server is to be called without TLS, and it is not on this machine."""


@dataclass
class HttpTransport:
    """Calls one SM-DP+: the one at `address`, whose name its certificate has to bear.

    `server` is a URL at which it is reached instead, such as `https://127.0.0.1:9443`. Raises `InsecureServer`.
    """

    address: str
    issuers: Sequence[bytes]
    server: str | None = None
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the address; nothing is sent yet."""
        base = (self.server or f"https://{self.address}").rstrip("/")
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InsecureServer(f"{base} is not the URL of a server; write https://127.0.0.1:9443")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise InsecureServer(f"{base} is not on this machine: use https://")
        context: ssl.SSLContext | bool = tls(self.issuers) if parts.scheme == "https" else False
        self._client = httpx.Client(
            base_url=f"{base}{_PATH}", verify=context, headers=_HEADERS, timeout=_PATIENCE_S, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def post(self, function: str, body: Mapping[str, object]) -> Answer | None:
        """Call a function; return the answer's JSON, None when it is empty. Raises `ServerUnreachable`, `BadAnswer`."""
        name = urlsplit(f"//{self.address}").hostname or self.address
        headers, extensions = {"host": self.address}, {"sni_hostname": name}
        try:
            with self._client.stream("POST", function, json=body, headers=headers, extensions=extensions) as response:
                content = b"".join(_limited(response))
        except httpx.ConnectError as error:
            raise ServerUnreachable(_unreachable(self.address, error)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerUnreachable(f"no answer from {self.address}: {error or type(error).__name__}") from None
        return _read(response.status_code, content)


@dataclass
class Servers:
    """Reaches any SM-DP+ by its address, with one transport for each; `server` as in `HttpTransport`."""

    issuers: Sequence[bytes]
    server: str | None = None
    _open: dict[str, HttpTransport] = field(init=False, default_factory=dict, repr=False)

    def __call__(self, address: str) -> HttpTransport:
        """Return the transport to an address; raise `InsecureServer`."""
        if address not in self._open:
            self._open[address] = HttpTransport(address, self.issuers, self.server)
        return self._open[address]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._open.values():
            one.close()


def tls(issuers: Sequence[bytes]) -> ssl.SSLContext:
    """Return what TLS is checked by: version 1.2 at least, and nobody trusted but these issuers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for one in issuers:
        context.load_verify_locations(cadata=one)
    return context


def _limited(response: httpx.Response) -> Sequence[bytes]:
    found, size = [], 0
    for piece in response.iter_bytes():
        found.append(piece)
        size += len(piece)
        if size > _MOST_BYTES:
            raise BadAnswer(f"the server's answer is longer than {_MOST_BYTES} bytes")
    return found


def _read(status: int, content: bytes) -> Answer | None:
    if status == httpx.codes.NO_CONTENT or (status == httpx.codes.OK and not content.strip()):
        return None
    if status != httpx.codes.OK:
        raise (ServerUnreachable if status >= 500 else BadAnswer)(f"the server answered HTTP {status}")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise BadAnswer("the server's answer is not JSON") from None
    if not isinstance(found, dict):
        raise BadAnswer("the server's answer is not an object in JSON")
    return found


def _unreachable(address: str, error: httpx.ConnectError) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"{address} has a TLS certificate that this card does not trust: {error}"
    return f"no connection to {address}: {error}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
