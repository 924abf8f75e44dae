"""All that pricing lines takes in one transaction: their meters, pools and number lists, and the world of the day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select, update

from mvne_billing.balance import account
from mvne_billing.mediation.counters import CounterKey, Counters
from mvne_billing.mediation.meter import Meter, month_of
from mvne_billing.mediation.rater import Held, Rater
from mvne_billing.rating.result import World
from mvne_billing.rating.wholesale import WHOLESALE
from mvne_billing.sql import upsert
from mvne_billing.subscription import addons, own_numbers, pools
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.own_numbers import OwnNumber
from mvne_billing.subscription.pools import Membership
from mvne_billing.subscription.subscription import Subscription, from_row, locked
from mvne_billing.tables import allowance, balance
from mvne_billing.tables import subscription as subscription_table
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import Pay, Plan
from mvne_plans.tariff import ON_NET

_Kept = TypeVar("_Kept", Membership, OwnNumber)

#: Who holds the counters of the brand's own use under tiered wholesale rates.
BRAND = ""

#: Where the row is that whoever changes those waits for: before anything was used.
_GATE = datetime(1970, 1, 1, tzinfo=UTC)

_LINES = select(subscription_table).where(
    subscription_table.c.brand == bindparam("brand"), subscription_table.c.id.in_(bindparam("ids", expanding=True))
)
_COUNTERS = select(
    allowance.c.subscription, allowance.c.bucket, allowance.c.period_start, allowance.c.used, allowance.c.reserved
).where(
    allowance.c.brand == bindparam("brand"),
    allowance.c.subscription.in_(bindparam("ids", expanding=True)),
    allowance.c.period_start >= bindparam("since"),
)
_TOUCH = (
    update(balance)
    .where(
        balance.c.brand == bindparam("its_brand"),
        balance.c.subscription.in_(bindparam("its_subscriptions", expanding=True)),
    )
    .values(version=balance.c.version + 1)
)


@dataclass
class Desk:
    """Lines on the desk. `numbers` says when called numbers were the brand's own, `wallets` which lines pay by one."""

    rater: Rater
    lines: Mapping[str, Subscription]
    plans: Mapping[tuple[str, int], Plan]
    bought: Mapping[str, Sequence[Purchase]]
    counters: Mapping[str, Counters]
    wholesale: Counters
    pools: Mapping[str, Sequence[Membership]]
    own: Mapping[str, Sequence[OwnNumber]]
    numbers: Mapping[str, Sequence[Held]] = field(default_factory=dict)
    wallets: Container[str] = ()
    _meters: dict[tuple[str, str, int], Meter] = field(default_factory=dict)

    def meter(self, line: str, moment: datetime, sold: tuple[str, int] | None = None) -> Meter | None:
        """Return the meter of a line as it stood at `moment`, None when there is no such line.

        `sold` is the plan version to price by, None for the line's own.
        """
        known = self.lines.get(line)
        if known is None:
            return None
        found = self._meter(known, sold or (known.plan, known.version))
        member, own = self.pools.get(line), self.own.get(line)
        if member or own:
            pool = next((one for one in member or () if one.holds(moment)), None)
            owner = self.lines.get(pool.owner) if pool else None
            found.stand(
                self._meter(owner, (owner.plan, owner.version)) if owner else None,
                pool.caps if pool else {},
                own_numbers.lists_at(own, moment) if own else {},
            )
        return found

    def world(self, record: UsageRecord) -> World:
        """Return the world on the day of a record; whether its called number is on-net is in it."""
        world = self.rater.on(record.start)
        if not self.numbers or record.to is None:
            return world
        number = world.numbering.normalise(record.to)
        ours = any(
            since <= record.start and (until is None or record.start < until)
            for since, until in self.numbers.get(number, ())
        )
        return replace(world, on_net=frozenset([number])) if ours else world

    def holder(self, name: str) -> Counters | None:
        """Return the counters of a holder, None when they are not on the desk."""
        return self.wholesale if name == BRAND else self.counters.get(name)

    def holders(self) -> Iterator[Counters]:
        """Yield all counters on the desk."""
        yield from self.counters.values()
        yield self.wholesale

    def _meter(self, line: Subscription, sold: tuple[str, int]) -> Meter:
        key = (line.id, *sold)
        if key not in self._meters:
            purchases, counters = self.bought.get(line.id, ()), self.counters[line.id]
            self._meters[key] = Meter(line, self.plans[sold], purchases, counters, self.wholesale)
        return self._meters[key]


def open_desk(
    conn: Connection,
    brand: str,
    rater: Rater,
    lines: Iterable[str],
    earliest: datetime,
    called: Iterable[str] = (),
    versions: Iterable[tuple[str, int]] = (),
    lock: bool = True,
) -> Desk:
    """Lay out lines, the owners of their pools with them, and the counters for use from `earliest` on.

    With `lock` nobody else prices them before this transaction ends: subscriptions are locked in the order of their
    ids, and the balances of those that are charged live get another version. `called` are numbers that were called, as
    dialled; `versions` are plan versions to price by beside the lines' own.
    """
    members = _grouped(pools.of_lines(conn, brand, sorted(lines)))
    owners = {one.owner for known in members.values() for one in known if one.until is None or one.until > earliest}
    ids = sorted({*lines} | owners)
    known = {one.id: one for one in (locked(conn, brand, ids) if lock else _read(conn, brand, ids))}
    if lock and known:
        announce(conn, brand, ids)
    sold = {(one.plan, one.version) for one in known.values()} | {*versions}
    plans = {one: rater.plan(conn, *one) for one in sorted(sold)}
    bought = addons.purchases(conn, brand, ids) if known else {}
    counters = _counters(conn, brand, ids, _since(plans.values(), bought, earliest)) if known else {}
    numbers: Mapping[str, Sequence[Held]] = {}
    added = [one for purchases in bought.values() for one in purchases]
    if any(asks_on_net(plan, added) for plan in plans.values()):
        normalise = rater.world.numbering.normalise
        numbers = rater.on_net(conn, {normalise(number) for number in called})
    ahead = [one.id for one in known.values() if plans[one.plan, one.version].pay is Pay.PREPAID]
    return Desk(
        rater=rater,
        lines=known,
        plans=plans,
        bought=bought,
        counters={id_: counters.get(id_) or Counters(id_) for id_ in known},
        wholesale=open_wholesale(conn, brand, rater, earliest, lock),
        pools=members,
        own=_grouped(own_numbers.of_lines(conn, brand, ids)) if known else {},
        numbers=numbers,
        wallets=frozenset(account.having(conn, brand, ahead)) if ahead else (),
    )


def announce(conn: Connection, brand: str, lines: Sequence[str]) -> None:
    """Let charging know that lines are about to change: a process that keeps a copy of one finds out when it writes.

    To be called before what changes is read: from then on nobody else writes to the balances of these lines.
    """
    conn.execute(_TOUCH, {"its_brand": brand, "its_subscriptions": lines})


def write_counters(conn: Connection, brand: str, counters: Iterable[Counters]) -> None:
    """Write the counters that changed; what was taken back below nothing is nothing."""
    rows = [
        {
            "brand": brand,
            "subscription": held.holder,
            "bucket": name,
            "period_start": start,
            "used": max(held.used(name, start), 0),
        }
        for held in counters
        for name, start in sorted(held.changed)
    ]
    upsert(conn, allowance, rows, update=("used",))


def _read(conn: Connection, brand: str, ids: Sequence[str]) -> list[Subscription]:
    return [from_row(row) for row in conn.execute(_LINES, {"brand": brand, "ids": ids})]


def _grouped(found: Iterable[_Kept]) -> dict[str, list[_Kept]]:
    grouped: dict[str, list[_Kept]] = defaultdict(list)
    for one in found:
        grouped[one.subscription].append(one)
    return grouped


def _since(plans: Iterable[Plan], bought: Mapping[str, Sequence[Purchase]], earliest: datetime) -> datetime:
    """Return from when on counters matter: a period back, those carried over, and add-ons that began before."""
    longest = max((_reach(plan) for plan in plans), default=timedelta(0))
    starts = (one.valid.start for purchases in bought.values() for one in purchases if one.valid.end > earliest)
    return min([earliest - longest, *starts])


def _reach(plan: Plan) -> timedelta:
    carried = max((bucket.rollover.periods for bucket in plan.tariff.buckets if bucket.rollover), default=0)
    return plan.every.at_most * (carried + 1)


def _counters(conn: Connection, brand: str, ids: Sequence[str], since: datetime) -> dict[str, Counters]:
    known: dict[str, dict[CounterKey, int]] = defaultdict(dict)
    reserved: dict[str, dict[CounterKey, int]] = defaultdict(dict)
    for holder, bucket, start, used, held in conn.execute(_COUNTERS, {"brand": brand, "ids": ids, "since": since}):
        known[holder][bucket, start] = used
        if held:
            reserved[holder][bucket, start] = held
    return {holder: Counters(holder, counters, reserved.get(holder)) for holder, counters in known.items()}


def open_wholesale(conn: Connection, brand: str, rater: Rater, earliest: datetime, lock: bool) -> Counters:
    """Return the brand's own counters under tiered wholesale rates, from the month of `earliest` on.

    With `lock` nobody else counts there before this transaction ends.
    """
    if not rater.pays_by_tiers:
        return Counters(BRAND)
    if lock:
        # One row to wait for: counters of a month that begins are not there yet.
        gate = {"brand": brand, "subscription": BRAND, "bucket": WHOLESALE, "period_start": _GATE, "used": 0}
        upsert(conn, allowance, [gate])
        conn.execute(_COUNTERS.with_for_update(), {"brand": brand, "ids": [BRAND], "since": _GATE}).first()
    rows = conn.execute(_COUNTERS, {"brand": brand, "ids": [BRAND], "since": month_of(earliest)})
    return Counters(BRAND, {(row.bucket, row.period_start): row.used for row in rows})


def asks_on_net(plan: Plan, bought: Iterable[Purchase]) -> bool:
    """Say whether anything in a plan, or in what was bought with it, looks at whether a number is of the brand."""
    added = (bucket for one in bought for bucket in one.addon.buckets)
    return any(ON_NET in bucket.to for bucket in (*plan.tariff.buckets, *added))
