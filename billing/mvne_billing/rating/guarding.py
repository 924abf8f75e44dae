"""Guards against fraud and bill shock: what a use adds to each limit on spending and velocity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mvne_billing.rating.route import Route
from mvne_plans.tariff import Guard

#: Begins the counters of guards, see `Rated.taken`.
GUARD = "guard:"


def watches(guard: Guard, found: Route) -> bool:
    """Say whether a guard counts this use; emergency use never counts."""
    if found.is_emergency or (guard.kinds and found.kind not in guard.kinds):
        return False
    if guard.within and not any(found.tariff.in_zone(found.country, zone) for zone in guard.within):
        return False
    return not guard.to or (found.destination is not None and found.destination.kind in guard.to)


def measured(found: Route, units: int, charge_micro: int, is_first: bool) -> Iterator[tuple[str, int]]:
    """Yield the counters of the tariff's guards with what a report of a session adds; `is_first` opens the session."""
    adds = {"spend": charge_micro, "count": int(is_first), "units": units}
    for guard in found.tariff.guards:
        if watches(guard, found) and adds[guard.measure]:
            yield GUARD + guard.id, adds[guard.measure]


def window_start(guard: Guard, at: datetime, timezone: str, period_start: datetime) -> datetime:
    """Return when the window began in which `at` lies, in UTC: hours and days are the subscriber's."""
    if guard.window == "period":
        return period_start
    local = at.astimezone(ZoneInfo(timezone))
    hour = local.hour if guard.window == "hour" else 0
    return local.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(UTC)
