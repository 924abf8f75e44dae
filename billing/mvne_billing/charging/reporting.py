"""Use that is reported: priced, counted, and told of where it passes a mark."""

from __future__ import annotations

from mvne_billing.charging import plain, pricing
from mvne_billing.charging.account import Account, Leg, Live
from mvne_billing.charging.compiled import More as Compiled
from mvne_billing.charging.effects import Effects
from mvne_billing.charging.keeping import lay_down, stretches, take_up
from mvne_billing.charging.moments import stamp
from mvne_billing.charging.recording import record
from mvne_billing.charging.routing import Terms, find, settle
from mvne_billing.charging.session import Service
from mvne_billing.mediation.marks import passed
from mvne_billing.mediation.shelves import Slot
from mvne_billing.mediation.suspense import held_id
from mvne_billing.rating.result import Part, Reason, Unrateable
from mvne_billing.usage.record import UsageRecord
from mvne_plans.canonical import dumps


def release(effects: Effects, session: Live, leg: Leg) -> int:
    """Give back what a leg holds of counters; return the money it held, which is the caller's to move."""
    account, micro = session.account, leg.held_micro
    for slot, units in leg.held:
        holder = account.of(slot.counters.holder)
        holder.hold(slot.counter, slot.start, -units)
        if holder is not account:
            effects.changes(holder)
    leg.held, leg.held_micro, leg.granted = (), 0, 0
    return micro


def report(effects: Effects, session: Live, leg: Leg, units: int) -> int:
    """Count `units` more of a leg as used, of which nothing is held any more, and return what they cost.

    What the tariff has no price for goes to suspense: never free, never lost.
    """
    account = session.account
    try:
        found = pricing.more(account, leg, units)
    except Unrateable as problem:
        priced = pricing.rateable(account, leg, units)
        suspend(effects, session, leg, units - priced, problem)
        if not priced:
            return 0
        units, found = priced, pricing.more(account, leg, priced)
    return took(effects, session, leg, units, found)


def took(effects: Effects, session: Live, leg: Leg, units: int, found: pricing.More) -> int:
    """Count what `units` more of a leg were found to take, and return what they cost."""
    account, segment = session.account, leg.segment
    for slot, some in pricing.measured(account, leg, units, found.charge) if leg.guards else ():
        count(effects, session, slot, some)
    for slot, some in found.taken:
        count(effects, session, slot, some)
        place = (slot.counters.holder, slot.counter, slot.start)
        leg.taken[place] = leg.taken.get(place, 0) + some
        segment.taken[place] = segment.taken.get(place, 0) + some
    if isinstance(found, Compiled):
        leg.walked, leg.through, leg.paid = found.walked, found.through, found.paid
    else:
        leg.stretches = found.stretches
        _add_parts(segment.parts, found.parts)
    leg.units += units
    leg.charged += found.charge
    segment.units += units
    segment.charge += found.charge
    session.charged += found.charge
    if found.charge:
        session.kinds[leg.kind] = session.kinds.get(leg.kind, 0) + found.charge
    return found.charge


def count(effects: Effects, session: Live, slot: Slot, units: int) -> None:
    """Count units, and tell of the marks that they pass."""
    account = session.account
    holder = account.of(slot.counters.holder)
    effects.changes(holder)
    before, after = holder.use(slot.counter, slot.start, units)
    if slot.bucket is None and slot.guard is None and before > 0:
        return
    for mark, name in passed(slot, before, after):
        cross(effects, session, holder, mark, name, slot)


def cross(effects: Effects, session: Live, holder: Account, mark: str, name: str, slot: Slot) -> None:
    """Tell of a mark that a line passed; under the same name it is told once in a session."""
    row_id = f"{session.id}:{session.sequence}:{mark}:{name}"[:200]
    effects.batch.crossings.append(
        (holder.brand, row_id, holder.id, mark, name, stamp(slot.start), session.id, session.stamp)
    )


def _add_parts(known: list[Part], parts: tuple[Part, ...]) -> None:
    """Add the parts of a report to those before it; the same rule at the same rate is one part."""
    for one in parts:
        last = known[-1] if known else None
        if last and (last.rule, last.name, last.rate, last.band) == (one.rule, one.name, one.rate, one.band):
            units, billable = last.units + one.units, last.billable + one.billable
            charge = last.charge_micro + one.charge_micro
            known[-1] = Part(one.rule, one.name, units, billable, one.rate, charge, one.band)
        else:
            known.append(one)


def suspend(effects: Effects, session: Live, leg: Leg, units: int, problem: Unrateable) -> None:
    """Put use without a price in suspense, under a name of the session's."""
    service = leg.service
    session.rows += 1
    one = UsageRecord(
        f"{session.id}:{session.rows}",
        session.msisdn or session.account.id[:20],
        service.kind,
        leg.since,
        units,
        service.country,
        service.to,
        "charging",
        None,
        service.label,
    )
    reason = Reason(problem.reason).value
    effects.batch.suspense.append(
        (session.account.brand, held_id(one), reason, problem.message, dumps(one), "charging", session.stamp)
    )


def go_on(effects: Effects, terms: Terms, session: Live, leg: Leg) -> None:
    """Let the next use of a leg begin at the session's moment, under the allowances that are open then.

    Where the allowance period turned, what was used so far becomes a row of usage of its own.
    """
    meter, before = session.account.meter, leg.since
    leg.since = session.at
    if meter.shelves(leg.since) is leg.shelves:
        return
    if leg.segment.units and meter.opening(before) != meter.opening(leg.since):
        lay_down(leg)
        record(effects, terms, session, leg)
    turn(terms, session, leg, leg.service)


def turn(terms: Terms, session: Live, leg: Leg, service: Service) -> None:
    """Take a leg over to the allowances open now and to where it goes on; raises `Unrateable` when it may not."""
    account = session.account
    find(account, terms, service, leg.since)
    if leg.plan is not None:
        leg.segment.parts = list(leg.plan.parts(leg.route, leg.walked)) if leg.segment.units else []
    leg.stretches = stretches(leg)
    leg.plan, leg.walked, leg.through, leg.paid = None, [], 0, 0
    leg.stretches = plain.turned(account, leg, account.meter.shelves(leg.since))
    leg.service = service
    settle(account, terms, leg)
    take_up(leg)
