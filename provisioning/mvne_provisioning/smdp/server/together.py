"""Many requests, one transaction: what came meanwhile is written together, and answered when it is on disk.

Waiting for the disk is what a small transaction mostly does; so requests share it. When one of them fails the whole
batch is undone and each is done alone, so that nobody suffers from another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

#: What is done in a transaction. It may be done again when it failed, so it changes nothing but the database.
Work = Callable[[Connection], Any]

T = TypeVar("T")

#: Requests that share a transaction at most: others wait no longer than these take.
_MOST = 32

#: How often work is begun anew when the database undid it for another's sake.
_ATTEMPTS = 3


class Together:
    """The one way of the server into its store. `close` it in the end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="smdp-writer")
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None

    async def do(self, work: Callable[[Connection], T]) -> T:
        """Do this in a transaction; return its result once it is on disk, or raise what it raised."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        return await future

    async def rest(self) -> None:
        """Finish what was begun; nothing may come after it."""
        if self._task is not None:
            await asyncio.wait([self._task])
        self._writer.shutdown()

    async def close(self) -> None:
        """Finish what was begun, and let go of the store."""
        await self.rest()
        self._engine.dispose()

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            done = await self._outcome([work for work, _ in batch])
            if done.exception() is None:
                for (_, future), result in zip(batch, done.result(), strict=True):
                    if not future.done():
                        future.set_result(result)
                continue
            for work, future in batch:
                await self._alone(work, future)

    async def _alone(self, work: Work, future: asyncio.Future[Any]) -> None:
        for _ in range(_ATTEMPTS):
            done = await self._outcome([work])
            if done.exception() is None:
                break
        if future.done():
            return
        if error := done.exception():
            future.set_exception(error)
        else:
            future.set_result(done.result()[0])

    async def _outcome(self, works: Sequence[Work]) -> asyncio.Future[list[Any]]:
        done = asyncio.wrap_future(self._writer.submit(self._transact, works))
        await asyncio.wait([done])
        return done

    def _transact(self, works: Sequence[Work]) -> list[Any]:
        with self._engine.begin() as conn:
            return [work(conn) for work in works]
