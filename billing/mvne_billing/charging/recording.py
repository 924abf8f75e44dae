"""Rows of usage that a session leaves: what was used, its price, its cost, with the session that it was charged in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from mvne_billing.charging.account import Leg, Live, Segment
from mvne_billing.charging.costing import Host, host_price
from mvne_billing.charging.effects import Effects
from mvne_billing.charging.moments import stamp
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import Service
from mvne_billing.ledger import accounts
from mvne_billing.mediation.counters import Taken, taken_text
from mvne_billing.rating.result import parts_text
from mvne_billing.states import UsageState
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind

#: The batch of everything that is charged live, and what stands in place of a bill where a wallet paid.
LIVE_BATCH = "live"
PAID_LIVE = "paid_live"

#: Names of the examples below.
__all__ = ["LIVE_BATCH", "PAID_LIVE", "UTC", "Kind", "UsageRecord", "Used", "content_hash", "record"]

_LIVE = UsageState.LIVE.value

#: What use of each kind costs.
_COSTS = {str(kind.value): accounts.cost(kind) for kind in Kind}


def record(effects: Effects, terms: Terms, session: Live, leg: Leg) -> None:
    """Write a leg's segment as a row of usage, with its cost in the books, and begin the next one."""
    account, segment, service = session.account, leg.segment, leg.service
    plan = leg.plan
    parts = parts_text(tuple(segment.parts)) if plan is None else plan.parts_text(leg.route, leg.walked)
    session.rows += 1
    name = f"{session.id}:{session.rows}"
    msisdn = session.msisdn or account.id[:20]
    line, is_prepaid = account.meter.subscription, account.is_prepaid
    host = _host(terms, leg, segment)
    begun = session.stamp if segment.start is session.at else stamp(segment.start)
    for one in host.taken:
        effects.batch.wholesale.append((account.brand, one.counter, stamp(one.start), one.units))
    effects.moves(session, f"session:{name}:cost", _COSTS[leg.kind], accounts.HOST, host.micro)
    effects.batch.usages.append(
        (
            account.brand,
            name,
            content_hash(Used(name, msisdn, segment.start, segment.units, service, session.id)),
            LIVE_BATCH,
            account.id,
            line.plan,
            line.version,
            leg.kind,
            begun,
            segment.units,
            msisdn,
            service.to,
            service.country,
            leg.route.name,
            parts,
            segment.charge,
            host.micro,
            host.rule,
            account.currency,
            PAID_LIVE if is_prepaid else None,
            session.id,
            service.label,
            _LIVE,
            session.rows,
            taken_text(account.id, _taken(segment, host)),
            f"session:{session.id}",
        )
    )
    if segment.charge:
        left = session.kinds.get(leg.kind, 0) - segment.charge
        session.kinds[leg.kind] = left
        if not left:
            del session.kinds[leg.kind]
    leg.segment = Segment(leg.since)


def _host(terms: Terms, leg: Leg, segment: Segment) -> Host:
    if leg.host is not None:
        return leg.host.of(segment.units)
    world = terms.rater.on(segment.start)
    return host_price(leg.route, segment.units, segment.start, world, segment.charge, terms.wholesale)


class Used(NamedTuple):
    """A use by its content: see `UsageRecord`."""

    id: str
    msisdn: str
    start: datetime
    amount: int
    service: Service
    session: str


def content_hash(used: Used) -> str:
    """Return what `UsageRecord.content_hash` says of the same use.

    >>> at, service = datetime(2027, 3, 1, tzinfo=UTC), Service(Kind.VOICE, "112", "FR")
    >>> record = UsageRecord("s:1", "+336", Kind.VOICE, at, 60, "FR", "112", session="s")
    >>> content_hash(Used("s:1", "+336", at, 60, service, "s")) == record.content_hash()
    True
    """
    service = used.service
    what = (
        f"{service.kind.value}\x1f{used.start.isoformat()}\x1f{used.amount}\x1f{service.country}\x1f{service.to or ''}"
    )
    said = f"{used.id}\x1f{used.msisdn}\x1f{what}\x1f{used.session}\x1f{service.label}"
    return sha256(said.encode()).hexdigest()[:32]


def _taken(segment: Segment, host: Host) -> Iterator[Taken]:
    for (holder, counter, start), units in segment.taken.items():
        yield Taken(holder, counter, start, units)
    yield from host.taken
