"""When records came in: late, after their time was billed, or out of order, after later use had the allowance first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from mvne_billing.mediation.meter import Meter
from mvne_billing.states import Came, UsageState
from mvne_billing.subscription.subscription import Subscription
from mvne_billing.tables import usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.period import Every

#: The start of the latest use of a line, by kind.
Latest = Mapping[tuple[str, str], datetime]

_LATEST = (
    select(usage.c.subscription, usage.c.kind, func.max(usage.c.start))
    .where(
        usage.c.brand == bindparam("brand"),
        usage.c.subscription.in_(bindparam("lines", expanding=True)),
        usage.c.start > bindparam("since"),
        usage.c.state.in_((UsageState.RATED, UsageState.LIVE)),
    )
    .group_by(usage.c.subscription, usage.c.kind)
)


def order(conn: Connection, brand: str, lines: Collection[str], since: datetime) -> Order:
    """Return what is there already of these lines, where it began after `since`."""
    if not lines:
        return Order({})
    found = conn.execute(_LATEST, {"brand": brand, "lines": sorted(lines), "since": since})
    return Order({(line, kind): start for line, kind, start in found})


@dataclass(frozen=True, slots=True)
class Order:
    """What is there already of some lines: their latest use, and until when each is billed."""

    latest: Latest
    _billed: dict[str, datetime | None] = field(default_factory=dict)

    def came(self, record: UsageRecord, meter: Meter) -> Came:
        """Say when a record came in, set against what is there of its line already."""
        line = meter.subscription.id
        if line not in self._billed:
            self._billed[line] = billed_until(meter.subscription, meter.plan.every)
        billed = self._billed[line]
        if billed is not None and record.start < billed:
            return Came.LATE
        after = self.latest.get((line, record.kind))
        return Came.OUT_OF_ORDER if after is not None and record.start < after else Came.IN_ORDER


def billed_until(owner: Subscription, every: Every) -> datetime | None:
    """Return until when a subscription's use is billed; None when none of it is."""
    if owner.next_bill_at is None and owner.ends_at is not None:
        return owner.ends_at
    return owner.starts_period(every, owner.next_period - 1) if owner.next_period > 0 else None
