"""Handing a batch to a writer on an event loop, without waiting for it: the loop is told when it is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, runtime_checkable

from mvne_billing.charging.effects import Batch

#: Called on the event loop when a batch is on disk, or with what went wrong when nothing was written.
Told = Callable[[BaseException | None], None]


@runtime_checkable
class Handing(Protocol):
    """A store that takes a batch and says later what became of it; one batch per lane at a time."""

    def begin(self, lane: int, batch: Batch, told: Told) -> None:
        """Take a batch; call `told` later, never at once."""


class InThreads:
    """Hands batches to a store that keeps its caller waiting: a thread per lane waits instead."""

    def __init__(self, write: Callable[[int, Batch], None], lanes: int) -> None:
        self._write = write
        self._threads = [ThreadPoolExecutor(1, f"charging-writer-{lane}") for lane in range(lanes)]

    def begin(self, lane: int, batch: Batch, told: Told) -> None:
        """Write a batch in the lane's thread."""
        writing = asyncio.get_running_loop().run_in_executor(self._threads[lane], self._write, lane, batch)
        writing.add_done_callback(lambda done: told(done.exception()))

    def close(self) -> None:
        """Let the threads end, each after the batch in its hands."""
        for thread in self._threads:
            thread.shutdown()
