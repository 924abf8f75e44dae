"""Counters of use: how much of each allowance, step and limit is taken, and by whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

#: A counter is a bucket's id, or a rule's name, and the start of the time it is good for.
CounterKey = tuple[str, datetime]

_NONE: Mapping[str, int] = {}


class Counters:
    """The counters of one holder: a subscription, or the brand itself for its wholesale use. Notes what changed.

    `held` are units that open charging sessions have reserved: they count as gone, and are not ours to change.
    """

    def __init__(
        self, holder: str, known: Mapping[CounterKey, int] | None = None, held: Mapping[CounterKey, int] | None = None
    ) -> None:
        self.holder = holder
        self.changed: set[CounterKey] = set()
        self._used: dict[datetime, dict[str, int]] = {}
        self._held = {key: units for key, units in (held or {}).items() if units}
        for (name, start), units in (known or {}).items():
            self._used.setdefault(start, {})[name] = units

    def __bool__(self) -> bool:
        return bool(self._used)

    def used(self, name: str, start: datetime) -> int:
        """Return how much was used."""
        return self._used.get(start, _NONE).get(name, 0)

    def gone(self, name: str, start: datetime) -> int:
        """Return how much is used, or held by an open session."""
        used = self._used.get(start, _NONE).get(name, 0)
        return used + self._held.get((name, start), 0) if self._held else used

    def since(self, start: datetime) -> Mapping[str, int]:
        """Return the counters whose time starts at `start`, by name, as they are now."""
        return self._used.get(start, _NONE)

    def add(self, name: str, start: datetime, units: int) -> tuple[int, int]:
        """Count `units` more, or fewer; return the counter before and after."""
        here = self._used.setdefault(start, {})
        before = here.get(name, 0)
        here[name] = before + units
        self.changed.add((name, start))
        return before, before + units

    def items(self) -> Iterator[tuple[CounterKey, int]]:
        """Yield every counter."""
        for start, names in self._used.items():
            for name, units in names.items():
                yield (name, start), units

    def copy(self) -> Counters:
        """Return the same counters, to be changed apart."""
        return Counters(self.holder, dict(self.items()), self._held)


class Taken(NamedTuple):
    """What a record added to a counter. `place` is how much the counter held before, where the price went by that."""

    holder: str
    counter: str
    start: datetime
    units: int
    place: int | None = None


def taken_text(subscription: str, taken: Iterable[Taken]) -> str:
    """Return what a record took as the compact JSON it is stored in; the subscription's own counters name no holder.

    >>> taken_text("a", [Taken("a", "voice", datetime(2027, 3, 1, tzinfo=UTC), 60)])
    '[["voice","2027-03-01T00:00:00+00:00",60]]'
    """
    rows = []
    for holder, counter, start, units, place in taken:
        more = f",{quoted(holder)}" if holder != subscription or place is not None else ""
        rows.append(f'[{quoted(counter)},"{_written(start)}",{units}{more}{"" if place is None else f",{place}"}]')
    return f"[{','.join(rows)}]"


def taken_from(subscription: str, text: str) -> tuple[Taken, ...]:
    """Return what `taken_text` wrote."""
    return tuple(
        Taken(row[3] if len(row) > 3 else subscription, row[0], _read(row[1]), row[2], row[4] if len(row) > 4 else None)
        for row in json.loads(text)
    )


# The records of a period share a few starts of counters.


@lru_cache(maxsize=4096)
def _written(start: datetime) -> str:
    return start.astimezone(UTC).isoformat()


@lru_cache(maxsize=4096)
def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
