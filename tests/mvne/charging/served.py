"""A real charging process on loopback: started, asked over HTTP, stopped or killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from scripts.packages import ROOT
from tests.database import free_port

_PROGRAM = "from mvne.cli.main import main; main()"
_READY_SECONDS_MAX = 60


class ServerDidNotStart(RuntimeError):
    """The charging process did not come up; the message holds what it said."""


@dataclass
class Served:
    """A running charging process."""

    process: subprocess.Popen[str]
    port: int
    gy_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> str:
        """Tell it to stop; return what it said to the end."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, said
        return said


@contextmanager
def serving(store: str, brand: str = "tilleul", *options: str) -> Iterator[Served]:
    """Serve a brand's charging from a store in a process of its own."""
    port, gy_port = free_port(), free_port()
    words = ["charging", "serve", "--store", store, "--brand", brand, "--port", str(port)]
    words += ["--gy-port", str(gy_port), *options]
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / one) for one in _AREAS)},
    )
    served = Served(process, port, gy_port)
    try:
        _wait(served)
        yield served
    finally:
        if served.process.poll() is None:
            served.kill()


_AREAS = ("mvne", "plans", "provisioning", "billing")


def _wait(served: Served) -> None:
    until = time.monotonic() + _READY_SECONDS_MAX
    while time.monotonic() < until and served.process.poll() is None:
        try:
            if httpx.get(f"{served.url}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    served.process.kill()
    raise ServerDidNotStart("\n".join(served.process.communicate()))
