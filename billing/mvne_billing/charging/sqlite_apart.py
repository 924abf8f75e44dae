"""SQLite with its writer in a process of its own, so that deciding and writing take a processor each."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import AbstractContextManager, suppress
from typing import BinaryIO, cast

from sqlalchemy import Connection

from mvne_billing.charging.effects import Batch
from mvne_billing.charging.handing import Told
from mvne_billing.charging.sqlite_rows import UNWRITTEN, Outcome
from mvne_billing.charging.sqlite_store import WriterFailed, check, lists_of
from mvne_billing.charging.sqlite_writer import receive, send
from mvne_billing.charging.store import Moved, Opens, Unwritten

#: Bytes that may be on their way: a batch goes out whole while the writer is still waking up.
_ROOM = 1 << 20


class SqliteApart:
    """Batches go to the writer of a SQLite file over a socket; a writer that is gone is started again.

    `reading` and `writing` are as `SqliteStore` has them.
    """

    #: A SQLite file has one writer.
    lanes = 1

    def __init__(self, path: str, reading: Opens, writing: Opens) -> None:
        self._path = path
        self._reading, self._writing = reading, writing
        self._start()

    def _start(self) -> None:
        near, far = socket.socketpair()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)
        words = [sys.executable, "-m", "mvne_billing.charging.sqlite_writer", self._path]
        with far:
            self._process = subprocess.Popen(words, stdin=far.fileno(), stdout=far.fileno())
        self._near = near
        self._stream = cast("BinaryIO", near.makefile("rwb"))
        told = self._receive()
        if told is None:
            self.close()
            raise WriterFailed(f"the writer of {self._path} does not start")
        #: The journal mode and the synchronous setting of the file.
        self.durability = told[1]

    def write(self, lane: int, batch: Batch) -> None:
        """Write a batch whole; raise `Moved` or `Unwritten` when nothing was written.

        A writer that is gone may have written it: trying again finds out.
        """
        self._send(batch)
        check(self._receive() or self._again())

    def begin(self, lane: int, batch: Batch, told: Told) -> None:
        """Have a batch written while the event loop goes on: see `handing.Handing`."""
        loop, near = asyncio.get_running_loop(), self._near
        self._send(batch)

        def came() -> None:
            loop.remove_reader(near)
            try:
                check(self._receive() or self._again())
            except (Moved, Unwritten, WriterFailed) as failure:
                told(failure)
            else:
                told(None)

        loop.add_reader(near, came)

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that reads."""
        return self._reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a short transaction that may write beside the batches."""
        return self._writing()

    def close(self) -> None:
        """Let the writer end, after the batch in its hands."""
        with suppress(ConnectionError):
            self._stream.close()
        self._near.close()
        self._process.wait()

    def _again(self) -> Outcome:
        self.close()
        self._start()
        return UNWRITTEN, "the writer was gone"

    def _send(self, batch: Batch) -> None:
        # Whether somebody is there to take it shows when the answer does not come.
        with suppress(ConnectionError):
            send(self._stream, lists_of(batch))

    def _receive(self) -> Outcome | None:
        return cast("Outcome | None", receive(self._stream))
