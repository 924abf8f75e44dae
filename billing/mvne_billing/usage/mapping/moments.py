"""When a row's use began: dates as hosts write them, in the zone they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from mvne_billing.usage.mapping.model import Moment
from mvne_billing.usage.record import InvalidUsage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moments(text: Callable[[Sequence[str]], str], moment: Moment) -> Callable[[Sequence[str]], datetime]:
    """Return the function that gives a row's start; it raises `InvalidUsage` for what is no such time.

    A local time that comes twice in autumn is the first of the two; one that spring leaves out is an error.
    """
    zone = ZoneInfo(moment.zone) if moment.zone else None

    @lru_cache(maxsize=4096)
    def read(written: str) -> datetime:
        try:
            found = _read(written, moment.format)
        except (ValueError, OverflowError):
            raise InvalidUsage(f"start {written[:60]!r} is not a time written {moment.format}") from None
        return found if found.tzinfo is not None else _local(found, zone)

    return lambda cells: read(text(cells))


def _read(written: str, form: str) -> datetime:
    if form == "iso":
        return datetime.fromisoformat(written)
    if form not in ("unix", "unix_ms"):
        return datetime.strptime(written, form)  # noqa: DTZ007 - the zone, where it says none, is the mapping's
    if not (written.isascii() and written.isdigit() and len(written) < 15):
        raise ValueError(written)
    return _EPOCH + (timedelta(seconds=int(written)) if form == "unix" else timedelta(milliseconds=int(written)))


def _local(naive: datetime, zone: ZoneInfo | None) -> datetime:
    if zone is None:
        raise InvalidUsage(f"start {naive.isoformat()} has no time zone; say the zone in the mapping")
    found = naive.replace(tzinfo=zone)
    try:
        back = found.astimezone(UTC).astimezone(zone)
    except OverflowError:
        raise InvalidUsage(f"start {naive.isoformat()} is at the end of time") from None
    if back.replace(tzinfo=None) != naive:
        raise InvalidUsage(f"start {naive.isoformat()} did not exist in {zone.key}: the clocks went forward")
    return found
