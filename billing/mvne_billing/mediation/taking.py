"""Taking records one after the other on the desk: each is priced and counted, or put aside with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mvne_billing.mediation.desk import Desk
from mvne_billing.mediation.duplicates import Sorted
from mvne_billing.mediation.live import LiveSessions
from mvne_billing.mediation.meter import NOTHING, Meter, Metered
from mvne_billing.mediation.order import Order
from mvne_billing.mediation.priced import NO_PRICE, Priced
from mvne_billing.mediation.sessions import Report, Sessions, earlier, key_of
from mvne_billing.mediation.settled import Settled, Slice
from mvne_billing.mediation.stored import Stored
from mvne_billing.mediation.suspense import held_as
from mvne_billing.rating.result import Reason, Unrateable
from mvne_billing.states import Came, UsageState
from mvne_billing.usage.record import UsageRecord


@dataclass
class Taking:
    """A slice while it is priced."""

    part: Slice
    desk: Desk
    sorted_out: Sorted
    owned: Mapping[str, str]
    before: Mapping[str, Stored]
    sessions: Sessions
    live: LiveSessions
    order: Order
    outcome: Settled = field(default_factory=Settled)
    priced: list[Priced] = field(default_factory=list)

    def take(self, record: UsageRecord) -> None:
        """Price a record and keep what is to be written, or hold it with the reason why not."""
        came_as, _ = self.sorted_out.came_as[record.id]
        try:
            meter = self._meter(record, self.owned.get(came_as.id, ""))
            if self.live.charged(record, meter.subscription.id):
                self._keep(Metered(record, NO_PRICE, (), ()), meter, UsageState.MATCHED)
            else:
                metered = self._price(record, meter)
                self.outcome.crossings += meter.count(metered)
                self._keep(metered, meter)
        except Unrateable as problem:
            batch = self.part.batch_of(came_as.id)
            self.outcome.held.append(held_as(came_as, problem.reason, problem.message, batch))

    def _meter(self, record: UsageRecord, line: str) -> Meter:
        meter = self.desk.meter(line, record.start)
        if meter is None:
            raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "no line had this number at that time")
        self.desk.rater.check_time(record, self.part.at)
        return meter

    def _price(self, record: UsageRecord, meter: Meter) -> Metered:
        key = key_of(record, meter.subscription.id)
        before = earlier(self.sessions.get(key, ()), record, meter) if key else NOTHING
        return meter.rate(record, self.desk.world(record), before)

    def _keep(
        self,
        metered: Metered,
        meter: Meter,
        state: UsageState = UsageState.RATED,
    ) -> None:
        record, rated, outcome = metered.record, metered.rated, self.outcome
        (came_as, digest), time = self.sorted_out.came_as[record.id], self.order.came(record, meter)
        key = key_of(record, meter.subscription.id) if state is UsageState.RATED else None
        reports = self.sessions.setdefault(key, []) if key else []
        batch, before, place = self.part.batch_of(came_as.id), self.before.get(record.id), len(reports)
        wallet = meter.subscription.id in self.desk.wallets
        self.priced.append(Priced(metered, meter, batch, digest, time, place, state, before, wallet))
        reports.append(Report(record.id, record.start, rated.parts, metered.taken))
        (outcome.rated if state is UsageState.RATED else outcome.matched).append(record.id)
        outcome.charge_micro += rated.charge_micro
        outcome.cost_micro += rated.cost_micro
        if time is not Came.IN_ORDER:
            (outcome.late if time is Came.LATE else outcome.out_of_order).append(record.id)
