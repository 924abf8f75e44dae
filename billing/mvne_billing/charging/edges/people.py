"""Whose use it is: the identities that networks name lines by, and the line behind one.

Identities are personal data: whatever is logged of them is masked.

>>> party("imsi-208930000000017").masked, party("msisdn-33199001001").masked
('imsi-20893********17', 'msisdn-33199****01')
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

#: `Supi` and `Gpsi` as TS 29.571 writes them; of their forms those that name a line of ours.
_IDENTITY = re.compile(r"(imsi|msisdn)-([0-9]{5,15})", re.ASCII)


#: Digits in a row that may be a telephone number, an IMSI or an ICCID.
_LONG = re.compile(r"[0-9]{8,}", re.ASCII)


class Naming(StrEnum):
    """What a line can be named by."""

    IMSI = "imsi"
    MSISDN = "msisdn"


class NotAnIdentity(ValueError):
    """This names no line; the message says what does."""


class Party(NamedTuple):
    """A line as a network names it: by its IMSI or its MSISDN, in digits."""

    naming: Naming
    digits: str

    @property
    def masked(self) -> str:
        """How it may be logged: enough to tell the network and to compare, too little to call."""
        return f"{self.naming}-{masked(self.digits) if len(self.digits) > 7 else self.digits[:3].ljust(7, '*')}"


def masked(text: str) -> str:
    """Return a text in which the middle of every long number is hidden.

    >>> masked("line +33199001001 of imsi-208930000000017")
    'line +33199****01 of imsi-20893********17'
    """
    return _LONG.sub(lambda found: f"{found[0][:5]}{'*' * (len(found[0]) - 7)}{found[0][-2:]}", text)


def party(text: str) -> Party:
    """Read an identity as 3GPP writes it; raise `NotAnIdentity`."""
    found = _IDENTITY.fullmatch(text)
    if found is None:
        raise NotAnIdentity("a line is named by imsi- or msisdn- and 5 to 15 digits")
    return Party(Naming(found[1]), found[2])


class Subscriber(NamedTuple):
    """The line behind an identity: its subscription, and its number (E.164) at the time."""

    subscription: str
    msisdn: str


#: Looks a line up at a moment; None when there is none. It may wait for a database.
Lookup = Callable[[Party, datetime], Subscriber | None]

#: What an edge asks: the line behind an identity, None when there is none.
Subscribers = Callable[[Party, datetime], Awaitable[Subscriber | None]]

#: What an edge asks: the subscription that a session is of, None for a session that was never opened.
Owners = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class _Known:
    subscriber: Subscriber
    until: datetime


class RememberedSubscribers:
    """Looks lines up, in a thread of its own so that charging goes on, and remembers whom it found for a while.

    Nobody found is not remembered: a line may begin at any moment. A number rests for months before another line gets
    it, so that a minute of memory mistakes nobody.
    """

    def __init__(
        self,
        lookup: Lookup,
        clock: Callable[[], datetime],
        lasts: timedelta = timedelta(minutes=1),
        most: int = 100_000,
    ) -> None:
        self._lookup = lookup
        self._clock = clock
        self._lasts = lasts
        self._most = most
        self._known: OrderedDict[Party, _Known] = OrderedDict()

    async def __call__(self, wanted: Party, at: datetime) -> Subscriber | None:
        """Return the line behind an identity at a moment, None when there is none."""
        now, known = self._clock(), self._known.get(wanted)
        if known is not None and now < known.until:
            return known.subscriber
        found = await asyncio.to_thread(self._lookup, wanted, at)
        if found is not None:
            self._known[wanted] = _Known(found, now + self._lasts)
            self._known.move_to_end(wanted)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return found
