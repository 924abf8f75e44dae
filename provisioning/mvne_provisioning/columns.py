"""Column helpers: moments in UTC on every database, and columns that hold only the values of an enumeration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Dialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeDecorator

from mvne_provisioning.errors import ProvisioningError


class NaiveDateTime(ProvisioningError, ValueError, DontWrapMixin):
    """A moment without time zone was to be stored; give it one, usually UTC."""


#: From what a driver gives to what we take.
_Reader = Callable[[Any], datetime | None]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in, the same moment in UTC out; SQLite keeps no time zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what is stored; raise `NaiveDateTime`."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise NaiveDateTime(f"{value.isoformat()} has no time zone; give it one, usually UTC")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def result_processor(self, dialect: Dialect, coltype: object) -> _Reader | None:
        """Return what reads a value; on SQLite in one step, because it reads most of what is read."""
        parse: Any = self.impl_instance.result_processor(dialect, coltype)
        if dialect.name != "sqlite" or parse is None:
            return super().result_processor(dialect, coltype)
        return lambda stored: None if stored is None else parse(stored).replace(tzinfo=UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what was stored, aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(column: str, values: type[StrEnum] | frozenset[StrEnum]) -> CheckConstraint:
    """Return the constraint that `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
