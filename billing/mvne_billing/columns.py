"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator


class NaiveDateTime(ValueError):
    """A moment without a time zone is not stored."""


#: From what a driver gives to what we take.
_Reader = Callable[[Any], datetime | None]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC and returned aware in UTC; SQLite, which has no zones, included."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; raise `NaiveDateTime` when the zone is missing."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise NaiveDateTime(f"{value.isoformat()} has no time zone; say which, for instance +00:00")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def result_processor(self, dialect: Dialect, coltype: object) -> _Reader | None:
        """Return what reads a value; on SQLite in one step, because it reads most of what is read."""
        parse: Any = self.impl_instance.result_processor(dialect, coltype)
        if dialect.name != "sqlite" or parse is None:
            return super().result_processor(dialect, coltype)
        return lambda stored: None if stored is None else parse(stored).replace(tzinfo=UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
