"""What pricing a brand's use needs from outside: its world, its plans, its lines, and what it takes for one record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection

from mvne_billing.mediation.duplicates import BY_ID, Duplicates
from mvne_billing.rating.result import Reason, Unrateable, World
from mvne_billing.usage.record import UsageRecord
from mvne_plans.agreement import Agreement
from mvne_plans.catalogue import Plan
from mvne_plans.rate import Rate

#: From when until when (None: still) a number was the brand's own.
Held = tuple[datetime, datetime | None]


def nobody(conn: Connection, numbers: Collection[str]) -> Mapping[str, Sequence[Held]]:
    """Say that no number is the brand's own."""
    return {}


@dataclass(frozen=True)
class Rater:
    """What pricing needs from outside.

    `plan` finds a plan version; `owners` maps the ids of records to the subscriptions that used the network, leaving
    out those that nobody owned at that time. `world_at` is the world of another day, its number lists above all; None
    when it was always as it is. `on_net` tells when numbers (E.164) were the brand's own. Use may be dated `ahead` of
    the moment it comes in by as much as clocks differ.
    """

    world: World
    plan: Callable[[Connection, str, int], Plan]
    owners: Callable[[Connection, Sequence[UsageRecord]], Mapping[str, str]]
    world_at: Callable[[datetime], World] | None = None
    on_net: Callable[[Connection, Collection[str]], Mapping[str, Sequence[Held]]] = nobody
    duplicates: Duplicates = BY_ID
    ahead: timedelta = timedelta(hours=1)

    def on(self, moment: datetime) -> World:
        """Return the world as it was at `moment`."""
        return self.world if self.world_at is None else self.world_at(moment)

    def check_time(self, record: UsageRecord, at: datetime) -> None:
        """Raise `Unrateable` when a record that comes in at `at` tells of use that is still to come."""
        if record.start > at + self.ahead:
            message = f"it begins at {record.start.isoformat()}, after it came in: one of two clocks is wrong"
            raise Unrateable(Reason.FUTURE_DATED, message)

    @cached_property
    def pays_by_tiers(self) -> bool:
        """Whether a price of the host goes by what the brand used before."""
        return any(rate.tiers for agreement in self.world.agreements for rate in _rates(agreement))


def _rates(agreement: Agreement) -> Iterator[Rate]:
    for rates in agreement.rates.values():
        yield from rates.values()
    for row in agreement.deck.rows:
        yield from (rate for rate in (row.voice, row.sms) if rate is not None)
