"""The writer of a SQLite file as a process of its own, so that deciding and writing take a processor each.

Run by `SqliteApart` as `python -m mvne_billing.charging.sqlite_writer FILE`: batches come on standard input, how each
came out goes to standard output. It ends with whoever started it, after the batch in its hands.
"""

from __future__ import annotations

import marshal
import sqlite3
import struct
import sys
from typing import Any, BinaryIO

from mvne_billing.charging.sqlite_rows import prepared, write

#: How a message begins: with its length.
LENGTH = struct.Struct("!I")

#: An error that is no matter of trying again.
FAILED = "failed"


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


def main(path: str) -> None:
    """Write batches until there are no more."""
    driver = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "busy_timeout=20000", "synchronous=FULL", "foreign_keys=ON"):
        driver.execute(f"PRAGMA {pragma}").close()
    source, to = sys.stdin.buffer, sys.stdout.buffer
    send(to, ("ready", prepared(driver)))
    while (lists := receive(source)) is not None:
        try:
            told = write(driver, lists)
        except (sqlite3.Error, OverflowError) as error:
            told = (FAILED, f"{type(error).__name__}: {error}")
        send(to, told)
    driver.close()


if __name__ == "__main__":
    main(sys.argv[1])
