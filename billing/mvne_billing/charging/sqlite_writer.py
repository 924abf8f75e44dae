"""The writer of a SQLite file as a process of its own, so that deciding and writing take a processor each.

Run by `SqliteApart` as `python -m mvne_billing.charging.sqlite_writer FILE`: batches come on standard input, how each
came out goes to standard output. It ends with whoever started it, after the batch in its hands.
"""

from __future__ import annotations

import marshal
import sqlite3
import struct
import sys
from contextlib import closing, suppress
from itertools import count
from threading import Event, Thread
from typing import Any, BinaryIO

from mvne_billing.charging.sqlite_rows import prepared, write

#: How a message begins: with its length.
LENGTH = struct.Struct("!I")

#: An error that is no matter of trying again.
FAILED = "failed"

#: After so many batches what the log holds is carried over into the database, while the next ones are written.
CARRIED_AFTER = 32

#: Pages in the log at which the writer itself carries over the rest, so that the log can begin anew.
_LOG_PAGES = 40_000


def send(to: BinaryIO, message: Any) -> None:
    """Send one message."""
    packed = marshal.dumps(message)
    to.write(LENGTH.pack(len(packed)) + packed)
    to.flush()


def receive(source: BinaryIO) -> Any:
    """Return the next message, None at the end: the other side is gone, whole or in the middle of a message."""
    try:
        head = source.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return None
        length = LENGTH.unpack(head)[0]
        packed = source.read(length)
    except ConnectionError:
        return None
    return marshal.loads(packed) if len(packed) == length else None


class _Carrier:
    """Carries the log over beside the writer, so that few batches ever wait for that.

    What it cannot carry over now stays in the log, and is as safe there.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._is_due, self._is_over = Event(), False
        self._thread = Thread(target=self._carry, name="carrier")
        self._thread.start()

    def due(self) -> None:
        """Have what is in the log now carried over."""
        self._is_due.set()

    def close(self) -> None:
        """Let it end, after what is due."""
        self._is_over = True
        self._is_due.set()
        self._thread.join()

    def _carry(self) -> None:
        driver = sqlite3.connect(self._path, isolation_level=None)
        while not self._is_over:
            self._is_due.wait()
            self._is_due.clear()
            with suppress(sqlite3.OperationalError):
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        driver.close()


def main(path: str) -> None:
    """Write batches until there are no more."""
    driver = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "busy_timeout=20000", "synchronous=FULL", "foreign_keys=ON"):
        driver.execute(f"PRAGMA {pragma}").close()
    source, to = sys.stdin.buffer, sys.stdout.buffer
    send(to, ("ready", prepared(driver)))
    driver.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    with closing(_Carrier(path)) as carrier:
        for number in count(1):
            lists = receive(source)
            if lists is None:
                break
            try:
                told = write(driver, lists)
            except (sqlite3.Error, OverflowError) as error:
                told = (FAILED, f"{type(error).__name__}: {error}")
            send(to, told)
            if number % CARRIED_AFTER == 0:
                carrier.due()
    driver.close()


if __name__ == "__main__":
    main(sys.argv[1])
