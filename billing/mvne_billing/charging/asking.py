"""What is asked of a charging process, on its way to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mvne_billing.charging.answering import digest
from mvne_billing.charging.checking import check
from mvne_billing.charging.session import Answer, ChargingRefused, Event, Request


@dataclass(frozen=True, slots=True)
class Sweep:
    """The end of a session whose client never came back, if it has not by `at`."""

    brand: str
    session: str
    subscription: str
    at: datetime


Asked = Request | Event | Sweep


class Entry:
    """Something that was asked, on its way: how often it was tried, whether the store is to be asked about its session
    first, and what came of it."""

    __slots__ = ("answer", "asked", "digest", "done", "is_sure", "key", "looks", "refusal", "tries")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        #: Which line it is about.
        self.key = (asked.brand, asked.subscription)
        self.digest = ""
        self.tries = 0
        self.looks = False
        #: Whether memory was held against the store since it was asked; a refusal needs that.
        self.is_sure = False
        self.answer: Answer | None = None
        self.refusal: ChargingRefused | None = None
        #: Where a driver on an event loop waits for it.
        self.done: Any = None

    def again(self) -> None:
        """Begin anew: what was decided was not written, and may have been already, by an earlier try."""
        self.answer = self.refusal = None
        self.looks = True
        self.is_sure = False
        self.tries += 1


class Cold(Exception):
    """Something is to be read from the store before this can be decided."""


def entered(asked: Asked) -> Entry:
    """Return something asked on its way; what cannot be asked is refused already."""
    entry = Entry(asked)
    if not isinstance(asked, Sweep):
        try:
            check(asked)
        except ChargingRefused as refusal:
            entry.refusal = refusal
        else:
            entry.digest = digest(asked)
    return entry


def numbers_called(asked: Asked) -> list[str]:
    """Return the numbers that a request or an event calls, as dialled."""
    if isinstance(asked, Request):
        services = [units.service for units in asked.groups]
    else:
        services = [asked.service] if isinstance(asked, Event) else []
    return [one.to for one in services if one is not None and one.to is not None]
