"""The door to charging: what HTTP, Diameter and programs in process call, whatever store lies behind it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from mvne_billing.charging.session import Answer, Event, Request


class Charging(Protocol):
    """Charges requests and events, in the order in which they are asked for each line.

    `durability` names when an answer leaves, such as `sqlite wal synchronous=full group-commit`.
    """

    @property
    def durability(self) -> str:
        """What was done before an answer is given."""

    def ask(self, asked: Request | Event) -> Awaitable[Answer]:
        """Answer once all that follows is on disk; the answer raises a `ChargingRefused` when nothing follows."""

    async def close(self) -> None:
        """Answer what was asked already, then let go of the store."""
