"""The SM-DP+ as a whole: two sides that are asked, one store, and what must be told.

Every answer is given after its effect is on disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.smdp.server import chores, es2, es9
from mvne_provisioning.smdp.server.es2 import Operators
from mvne_provisioning.smdp.server.es9 import Phones
from mvne_provisioning.smdp.server.together import Together
from mvne_provisioning.smdp.server.wire import failure, written

_LOG = logging.getLogger("mvne.smdp")

#: From the name of a function and the body of its request to the body of its answer, empty for none.
Function = Callable[[str, bytes], Awaitable[bytes]]


@dataclass
class Smdp:
    """A running SM-DP+. `clock` says what time it is; `news` is set when there is something to tell an operator."""

    operators: Operators
    phones: Phones
    store: Together
    clock: Callable[[], datetime]
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def es2(self, function: str, body: bytes) -> bytes:
        """Answer an operator."""
        return await self._answer(function, lambda conn: es2.answer(self.operators, conn, function, body, self.clock()))

    async def es9(self, function: str, body: bytes) -> bytes:
        """Answer a phone."""
        told = await self._answer(function, lambda conn: es9.answer(self.phones, conn, function, body, self.clock()))
        self.news.set()
        return told

    async def sweep(self) -> None:
        """Do the chores."""
        while await self.store.do(lambda conn: chores.sweep(conn, self.phones.settings.lifetimes, self.clock())):
            self.news.set()

    async def _answer(self, function: str, work: Callable[[Connection], bytes]) -> bytes:
        try:
            return await self.store.do(work)
        except (SQLAlchemyError, ProvisioningError) as error:
            # Of a database's error only the kind is logged: its words hold what was to be written.
            _LOG.error("%s failed and changed nothing: %s", function, type(error).__name__)
            return written(failure("1.2", "4.2", "the server could not do this and changed nothing; try again"))
