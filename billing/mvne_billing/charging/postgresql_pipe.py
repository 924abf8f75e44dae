"""A PostgreSQL connection that an event loop watches: nobody waits in a thread for what a statement does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

#: Called on the event loop when a statement is done, with what went wrong if something did.
Done = Callable[["psycopg.Error | None"], None]


class Pipe:
    """Sends prepared statements over a driver's connection, one at a time; each is a transaction of its own."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._connection = driver.pgconn
        self._names: dict[bytes, bytes] = {}

    def begin(self, statement: bytes, values: Sequence[object], done: Done) -> None:
        """Run a statement with its `%s` filled in; call `done` later, never at once."""
        from psycopg import OperationalError

        loop, connection = asyncio.get_running_loop(), self._connection
        try:
            name = self._names.get(statement) or self._prepared(statement)
            connection.send_query_prepared(name, [str(value).encode() for value in values])
            if connection.flush():
                loop.add_writer(connection.socket, self._flush, loop)
            loop.add_reader(connection.socket, self._came, loop, connection.socket, done)
        except OperationalError as error:
            loop.call_soon(done, error)

    def _prepared(self, statement: bytes) -> bytes:
        name = f"charging_{len(self._names)}".encode()
        numbers = count(1)
        numbered = b"".join(
            part if place == 0 else b"$%d" % next(numbers) + part for place, part in enumerate(statement.split(b"%s"))
        )
        failure = _error(self._connection.prepare(name, numbered))
        if failure is not None:
            raise failure
        self._names[statement] = name
        return name

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._connection.flush():
            loop.remove_writer(self._connection.socket)

    def _came(self, loop: asyncio.AbstractEventLoop, socket: int, done: Done) -> None:
        """Take what came; the statement is done when its last result is there."""
        from psycopg import OperationalError

        connection, failure = self._connection, None
        try:
            connection.consume_input()
            if connection.is_busy():
                return
            while (result := connection.get_result()) is not None:
                failure = failure or _error(result)
        except OperationalError as error:
            failure = error
        loop.remove_reader(socket)
        loop.remove_writer(socket)
        done(failure)


def _error(result: Any) -> psycopg.Error | None:
    from psycopg import errors, pq

    if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        return None
    return errors.error_from_result(result)
