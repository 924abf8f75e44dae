"""A web server for tests: gives what it is asked to a function, and answers what that returns; with TLS if wanted."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Said = tuple[int, bytes]


@dataclass
class Web:
    """What was asked: path, headers in small letters, body; `answer` is what becomes of it."""

    answer: Callable[[str, Mapping[str, object]], Said]
    asked: list[tuple[str, dict[str, str], dict[str, object]]] = field(default_factory=list)
    url: str = ""


def of(post: Callable[[str, Mapping[str, object]], Mapping[str, object] | None]) -> Web:
    """Return the web around an ES9+ function call."""

    def answer(path: str, body: Mapping[str, object]) -> Said:
        found = post(path.rpartition("/")[2], body)
        return (204, b"") if found is None else (200, json.dumps(found).encode())

    return Web(answer)


@contextmanager
def served(web: Web, certificate: Path | None = None, key: Path | None = None) -> Iterator[Web]:
    """Serve on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            web.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status, content = web.answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not trust us hangs up; that is its right."""

    server = Quiet(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    web.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
