"""Correcting: a record that names another stands in its place, and what came after is priced as if it always had.

The record corrected stays, without a price. All that shared an allowance or a session with it is priced again, so that
the books get exactly the difference; what was billed is corrected on the next bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mvne_billing.mediation.booking import book
from mvne_billing.mediation.desk import Desk, open_desk
from mvne_billing.mediation.duplicates import sort_out
from mvne_billing.mediation.live import live_sessions
from mvne_billing.mediation.meter import Metered
from mvne_billing.mediation.order import billed_until
from mvne_billing.mediation.priced import NO_PRICE, Priced
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.repricing import Again, Repriced, reprice, sharing
from mvne_billing.mediation.rewriting import write
from mvne_billing.mediation.settled import Cause, Settled, Slice
from mvne_billing.mediation.stored import Stored, by_id
from mvne_billing.mediation.suspense import held_as, held_id, hold, outcomes, resolve
from mvne_billing.rating.result import Reason, Unrateable
from mvne_billing.states import Came, UsageState
from mvne_billing.usage.record import UsageRecord
from mvne_plans.period import Period

#: States in which a record can be corrected by another.
_IN_FORCE = (UsageState.RATED, UsageState.MATCHED)


def correct(conn: Connection, brand: str, rater: Rater, part: Slice, record: UsageRecord) -> Settled:
    """Let `record` stand in the place of the one that it corrects, and write all that follows in this transaction.

    Where it cannot, it is held in suspense and everything stays as it is.
    """
    outcome, name = Settled(part.batch), held_id(record)
    known = outcomes(conn, brand, [name]).get(name)
    if known in (UsageState.DROPPED, UsageState.REPLACED):
        (outcome.dropped if known is UsageState.DROPPED else outcome.duplicates).append(record.id)
        return outcome
    try:
        _settle(conn, brand, rater, part, record, outcome)
    except Unrateable as problem:
        outcome.held.append(held_as(record, problem.reason, problem.message, part.batch_of(record.id)))
    hold(conn, brand, outcome.held, part.at)
    if known is UsageState.HELD and not outcome.held:
        resolve(conn, brand, [name], UsageState.RATED, part.at)
    return outcome


def _settle(conn: Connection, brand: str, rater: Rater, part: Slice, record: UsageRecord, outcome: Settled) -> None:
    """Correct, or raise `Unrateable` with the reason why not."""
    owned = rater.owners(conn, [record])
    line = owned.get(record.id)
    targets = by_id(conn, brand, [str(record.corrects)])
    first = min([record.start, *(old.record.start for old in targets.values())])
    lines = sharing(conn, brand, line, first) if line else []
    # Locked before anything is looked up: of two that load the same record at once, the second finds it known.
    desk = open_desk(conn, brand, rater, lines, first)
    sorted_out = sort_out(conn, brand, rater.duplicates, [record], owned)
    outcome.duplicates = sorted_out.duplicates
    if sorted_out.duplicates:
        return
    if sorted_out.conflicts:
        raise Unrateable(Reason.CONFLICT, sorted_out.conflicts[0][1])
    if line is None or line not in desk.lines:
        raise Unrateable(Reason.UNKNOWN_SUBSCRIBER, "no line had this number at that time")
    rater.check_time(record, part.at)
    old = _target(record, line, by_id(conn, brand, [str(record.corrects)]))
    (fresh,) = (*sorted_out.fresh, *sorted_out.again)
    found = _reprice(conn, brand, rater, desk, lines, _Correction(old, fresh, line, record.content_hash(), part))
    cause = Cause(part.batch, part.at)
    outcome.balances = write(conn, brand, rater, cause, found)
    before = by_id(conn, brand, [fresh.id]) if sorted_out.again else {}
    new = _priced(desk, found, before.get(fresh.id))
    outcome.balances += book(conn, brand, cause, [new], ZoneInfo(rater.world.timezone))
    _tell(outcome, found, new)


@dataclass(frozen=True, slots=True)
class _Correction:
    """A record `new` of a line in the place of `old`."""

    old: Stored
    new: UsageRecord
    line: str
    hash: str
    part: Slice

    @property
    def span(self) -> Period:
        """The time from the one to the other."""
        starts = (self.old.record.start, self.new.start)
        return Period(min(starts), max(starts) + timedelta(microseconds=1))


def _target(record: UsageRecord, line: str, targets: dict[str, Stored]) -> Stored:
    old = targets.get(str(record.corrects))
    if old is None or old.state is UsageState.VOID:
        message = f"there is no record {record.corrects} to correct; replay when it has come"
        raise Unrateable(Reason.NOTHING_TO_CORRECT, message)
    if old.subscription != line or old.state not in _IN_FORCE:
        raise Unrateable(Reason.CONFLICT, f"record {record.corrects} is {old.state}, of line {old.subscription}")
    return old


def _reprice(conn: Connection, brand: str, rater: Rater, desk: Desk, lines: list[str], one: _Correction) -> Repriced:
    """Price everything again with the new record in the place of the old one."""
    live = live_sessions(conn, brand, [one.new, one.old.record])
    if one.old.state is UsageState.MATCHED:
        live.take_back(one.old.record, one.line)
    state = UsageState.MATCHED if live.charged(one.new, one.line) else UsageState.RATED
    again = Again(replaced=frozenset({one.old.record.id}), added=(_stored(desk, one),), added_as=state)
    found = reprice(conn, brand, rater, lines, one.span, again, lock=True)
    for kept, problem in found.kept:
        if kept.record.id == one.new.id:
            raise problem
    return found


def _stored(desk: Desk, one: _Correction) -> Stored:
    """Return the new record as it would be in the store before it has a price."""
    owner = desk.lines[one.line]
    plan = desk.plans[owner.plan, owner.version]
    until = billed_until(owner, plan.every)
    return Stored(
        record=one.new,
        hash=one.hash,
        batch=one.part.batch_of(one.new.id),
        subscription=one.line,
        plan=owner.plan,
        version=owner.version,
        state=UsageState.READ,
        came=_came(one.new.start, until),
        place=0,
        rating=0,
        entry="",
        destination="",
        parts=(),
        taken=(),
        charge_micro=0,
        cost_micro=0,
        cost_rule="",
        currency=plan.tariff.currency,
        invoice=one.old.invoice,
        row=None,
    )


def _came(start: datetime, billed: datetime | None) -> Came:
    return Came.LATE if billed is not None and start < billed else Came.IN_ORDER


def _priced(desk: Desk, found: Repriced, before: Stored | None) -> Priced:
    """Return the new record to be written down."""
    (one,) = (change for change in found.changes if not change.old.rating)
    meter = desk.meter(one.old.subscription, one.old.record.start)
    if meter is None:
        raise LookupError(f"line {one.old.subscription} was on the desk a moment ago")
    return Priced(
        metered=one.metered or Metered(one.old.record, NO_PRICE, (), ()),
        meter=meter,
        batch=one.old.batch,
        hash=one.old.hash,
        came=Came(one.old.came),
        place=one.place,
        state=one.state,
        before=before,
        wallet=one.old.subscription in desk.wallets,
        invoice=one.old.invoice,
    )


def _tell(outcome: Settled, found: Repriced, new: Priced) -> None:
    record = new.metered.record
    (outcome.rated if new.state is UsageState.RATED else outcome.matched).append(record.id)
    outcome.corrected.append(record.id)
    if new.came is Came.LATE:
        outcome.late.append(record.id)
    outcome.crossings = found.crossings
    outcome.charge_micro = sum(one.charge_micro for one in found.changes)
    outcome.cost_micro = sum(one.cost_micro for one in found.changes)
