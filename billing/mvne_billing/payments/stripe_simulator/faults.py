"""Failures to order: an error of the server, a lost connection, before or after the request took effect."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

#: An HTTP status, or a connection that breaks.
Failure = int | Literal["timeout"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure to come.

    `after_effect`: the request is carried out and only its answer is lost. `stored`: the failure itself is kept as
    the answer to the idempotency key, which Stripe may do with a 500 of its own. `path`: only requests whose address
    begins so.
    """

    status: Failure
    after_effect: bool = False
    stored: bool = False
    path: str = "/"


class Faults:
    """The failures still to come, first ordered first served; kept in memory, safe between threads."""

    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()
        self._lock = threading.Lock()

    def order(self, fault: Fault, times: int) -> None:
        """Let the next `times` requests fail."""
        with self._lock:
            self._waiting.extend([fault] * times)

    def take(self, path: str) -> Fault | None:
        """Return the failure meant for a request, and count it off."""
        with self._lock:
            for fault in self._waiting:
                if path.startswith(fault.path):
                    self._waiting.remove(fault)
                    return fault
        return None
