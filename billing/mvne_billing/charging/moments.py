"""Moments as the stores keep them, and as the books hash them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=4096)
def stamp(at: datetime) -> str:
    """Return a moment in UTC as the text that SQLite keeps and PostgreSQL, told that times are UTC, reads.

    >>> stamp(datetime.fromisoformat("2027-03-01T10:00:00+01:00"))
    '2027-03-01 09:00:00.000000'
    """
    return at.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def read_stamp(text: str) -> datetime:
    """Return the moment that `stamp` wrote.

    >>> read_stamp("2027-03-01 09:00:00.000000").isoformat()
    '2027-03-01T09:00:00+00:00'
    """
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
