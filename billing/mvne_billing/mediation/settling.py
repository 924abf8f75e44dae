"""Pricing a slice of usage records against the store: duplicates, owners, allowances, price, ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select

from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer, move, post
from mvne_billing.mediation.meter import CounterKey, Counters, Crossing, Meter
from mvne_billing.mediation.suspense import Held, held_id, hold, resolve
from mvne_billing.rating.result import Rated, Reason, Unrateable, World, parts_text
from mvne_billing.sql import upsert
from mvne_billing.subscription import addons
from mvne_billing.subscription.subscription import locked
from mvne_billing.tables import allowance, usage
from mvne_billing.usage.record import UsageRecord
from mvne_plans.canonical import dumps
from mvne_plans.catalogue import Plan
from mvne_plans.quantity import Kind

#: Who holds the counters of the brand's own use under tiered wholesale rates.
BRAND = ""


@dataclass(frozen=True)
class Rater:
    """What pricing needs from outside.

    `plan` finds a plan version; `owners` maps the ids of records to the subscriptions that used the network, leaving
    out those that nobody owned at that time.
    """

    world: World
    plan: Callable[[Connection, str, int], Plan]
    owners: Callable[[Connection, Sequence[UsageRecord]], Mapping[str, str]]


@dataclass
class Settled:
    """What became of a slice: ids by outcome, totals in micro-units, marks that were crossed."""

    rated: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    charge_micro: int = 0
    cost_micro: int = 0


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of which batch is being settled, and when: what is written names it."""

    batch: str
    at: datetime


class _Priced(NamedTuple):
    record: UsageRecord
    meter: Meter
    rated: Rated


def settle(conn: Connection, brand: str, rater: Rater, part: Slice, records: Sequence[UsageRecord]) -> Settled:
    """Price `records` in the order of their start and write all that follows from them in this transaction.

    A record without a price is held in suspense; one that is known already is left alone. Whatever waited in suspense
    and is priced now waits no more.
    """
    outcome = Settled()
    owned = rater.owners(conn, records)
    # Locked before anything is looked up: of two that load the same record at once, the second finds it known.
    earliest = min((one.start for one in records), default=part.at)
    meters = _meters(conn, brand, rater, sorted(set(owned.values())), earliest)
    fresh = _fresh(conn, brand, records, outcome)
    priced: list[_Priced] = []
    for record in sorted(fresh, key=lambda one: (one.start, one.id)):
        meter = meters.get(owned.get(record.id, ""))
        try:
            if meter is None:
                raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "no line had this number at that time")
            rated, crossings = meter.price(record, rater.world)
        except Unrateable as problem:
            outcome.held.append(_held(record, problem.reason, problem.message))
            continue
        priced.append(_Priced(record, meter, rated))
        outcome.rated.append(record.id)
        outcome.crossings.extend(crossings)
        outcome.charge_micro += rated.charge_micro
        outcome.cost_micro += rated.cost_micro
    if priced:
        conn.execute(insert(usage), [_row(brand, part.batch, one) for one in priced])
    holders = [*(meter.counters for meter in meters.values()), *_brands_own(meters)]
    upsert(conn, allowance, [row for held in holders for row in _counters(brand, held)], update=("used",))
    hold(conn, brand, outcome.held, part.at)
    resolve(conn, brand, sorted({held_id(one) for one in records} - {one.id for one in outcome.held}), part.at)
    post(conn, brand, list(_transfers(priced, part, ZoneInfo(rater.world.timezone))))
    return outcome


def _fresh(conn: Connection, brand: str, records: Sequence[UsageRecord], outcome: Settled) -> Iterator[UsageRecord]:
    """Yield records seen for the first time; a known id with other content goes to suspense under its own name."""
    query = select(usage.c.id, usage.c.hash).where(usage.c.brand == brand, usage.c.id.in_([one.id for one in records]))
    known = {row.id: row.hash for row in conn.execute(query)}
    for record in records:
        digest = record.content_hash()
        if record.id not in known:
            known[record.id] = digest
            yield record
        elif known[record.id] == digest:
            outcome.duplicates.append(record.id)
        else:
            message = "this id was loaded before with other content; the first one stands"
            outcome.held.append(_held(record, Reason.CONFLICT, message))


def _held(record: UsageRecord, reason: Reason, message: str) -> Held:
    return Held(held_id(record), reason, message, dumps(record), record.source)


def _meters(conn: Connection, brand: str, rater: Rater, ids: Sequence[str], earliest: datetime) -> dict[str, Meter]:
    """Lock these subscriptions, in order; return them with plans, add-ons and the counters for use from `earliest`."""
    if not ids:
        return {}
    bought = addons.purchases(conn, brand, ids)
    counters: dict[str, dict[CounterKey, int]] = defaultdict(dict)
    subscriptions = locked(conn, brand, ids)
    sold = {(one.plan, one.version) for one in subscriptions}
    plans = {version: rater.plan(conn, *version) for version in sorted(sold)}
    longest = max((_reach(plan) for plan in plans.values()), default=timedelta(0))
    since = min([earliest - longest, *(one.valid.start for bought_by in bought.values() for one in bought_by)])
    mine = (allowance.c.brand == brand, allowance.c.subscription.in_(ids), allowance.c.period_start >= since)
    columns = (allowance.c.subscription, allowance.c.bucket, allowance.c.period_start, allowance.c.used)
    for subscription, bucket, start, used in conn.execute(select(*columns).where(*mine)):
        counters[subscription][bucket, start] = used
    wholesale = _wholesale(conn, brand, earliest)
    return {
        one.id: Meter(
            one, plans[one.plan, one.version], bought.get(one.id, []), Counters(one.id, counters[one.id]), wholesale
        )
        for one in subscriptions
    }


def _reach(plan: Plan) -> timedelta:
    """Return how far back counters matter: a period, and those from which something may be carried over."""
    carried = max((bucket.rollover.periods for bucket in plan.tariff.buckets if bucket.rollover), default=0)
    return plan.every.at_most * (carried + 1)


def _wholesale(conn: Connection, brand: str, earliest: datetime) -> Counters:
    """Return the brand's own counters under tiered wholesale rates, from the month of `earliest` on, locked."""
    since = earliest.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    mine = (allowance.c.brand == brand, allowance.c.subscription == BRAND, allowance.c.period_start >= since)
    rows = conn.execute(select(allowance).where(*mine).with_for_update())
    return Counters(BRAND, {(row.bucket, row.period_start): row.used for row in rows})


def _brands_own(meters: Mapping[str, Meter]) -> list[Counters]:
    """Return the brand's own counters, which all meters share."""
    return [meter.wholesale for meter in meters.values()][:1]


def _counters(brand: str, held: Counters) -> Iterator[dict[str, object]]:
    for bucket, start in sorted(held.changed):
        key = {"brand": brand, "subscription": held.holder, "bucket": bucket, "period_start": start}
        yield {**key, "used": held[bucket, start]}


def _row(brand: str, batch: str, priced: _Priced) -> dict[str, object]:
    record, meter, rated = priced
    return {
        "brand": brand,
        "id": record.id,
        "hash": record.content_hash(),
        "batch": batch,
        "subscription": meter.subscription.id,
        "plan": meter.plan.id,
        "version": meter.subscription.version,
        "kind": record.kind,
        "start": record.start,
        "amount": record.amount,
        "msisdn": record.msisdn,
        "to": record.to,
        "country": record.country,
        "destination": rated.destination,
        "parts": parts_text(rated.parts),
        "charge_micro": rated.charge_micro,
        "cost_micro": rated.cost_micro,
        "cost_rule": rated.cost_rule,
        "currency": meter.plan.tariff.currency,
    }


def _transfers(priced: Sequence[_Priced], part: Slice, zone: ZoneInfo) -> Iterator[Transfer]:
    """Yield one transfer per subscription, kind of use and day for what it earns, and one for what it costs.

    Each is named after the first record in it: a record is priced once, so no other transfer bears that name, also
    when the same batch comes again with records that had no price the first time.
    """
    days: dict[tuple[str, str, Kind, date], list[_Priced]] = defaultdict(list)
    for one in priced:
        day = one.record.start.astimezone(zone).date()
        days[one.meter.plan.tariff.currency, one.meter.subscription.id, one.record.kind, day].append(one)
    for (currency, subscription, kind, _), together in sorted(days.items()):
        charge, cost = sum(one.rated.charge_micro for one in together), sum(one.rated.cost_micro for one in together)
        like = Entry(currency, "usage", part.at, part.batch, subscription)
        name = f"usage:{together[0].record.id}"
        yield from move(f"{name}:price", accounts.unbilled(subscription), accounts.usage_revenue(kind), charge, like)
        yield from move(f"{name}:cost", accounts.cost(kind), accounts.HOST, cost, like)
