"""Pricing a slice of usage records against the store: duplicates, owners, allowances, price, ledger."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mvne_billing.mediation.booking import book
from mvne_billing.mediation.desk import open_desk, write_counters
from mvne_billing.mediation.duplicates import sort_out
from mvne_billing.mediation.live import live_sessions
from mvne_billing.mediation.order import Order, order
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.sessions import reported
from mvne_billing.mediation.settled import Cause, Settled, Slice
from mvne_billing.mediation.stored import by_id
from mvne_billing.mediation.suspense import BY_HAND, held_as, held_id, hold, outcomes, resolve
from mvne_billing.mediation.taking import Taking
from mvne_billing.rating.result import Reason
from mvne_billing.states import UsageState
from mvne_billing.subscription.subscription import reopen
from mvne_billing.usage.record import UsageRecord


def settle(conn: Connection, brand: str, rater: Rater, part: Slice, records: Sequence[UsageRecord]) -> Settled:
    """Price `records` in the order of their start and write all that follows from them in this transaction.

    A record without a price is held in suspense; one that is known already is left alone. Whatever waited in suspense
    and is priced now waits no more. Records that correct others are not for here: see `correcting.correct`.
    """
    names = [held_id(one) for one in records]
    known = outcomes(conn, brand, names)
    by_hand = {name for name, state in known.items() if state in BY_HAND}
    wanted = [one for one, name in zip(records, names, strict=True) if name not in by_hand] if by_hand else records
    taking = _taking(conn, brand, rater, part, wanted)
    outcome, sorted_out = taking.outcome, taking.sorted_out
    for record, name in zip(records, names, strict=True) if by_hand else ():
        if name in by_hand:
            (outcome.dropped if known[name] is UsageState.DROPPED else outcome.duplicates).append(record.id)
    outcome.duplicates += sorted_out.duplicates
    for record, message in sorted_out.conflicts:
        outcome.held.append(held_as(record, Reason.CONFLICT, message, part.batch_of(record.id)))
    for record in sorted([*sorted_out.fresh, *sorted_out.again], key=lambda one: (one.start, one.id)):
        taking.take(record)
    _write(conn, brand, taking)
    waited = {name for name, state in known.items() if state is UsageState.HELD}
    resolve(conn, brand, sorted(waited - {one.id for one in outcome.held}), UsageState.RATED, part.at)
    return outcome


def _taking(conn: Connection, brand: str, rater: Rater, part: Slice, records: Sequence[UsageRecord]) -> Taking:
    """Lay a slice out on the desk, with all that is known of it."""
    owned = rater.owners(conn, records)
    called = [one.to for one in records if one.to is not None]
    # Locked before anything is looked up: of two that load the same record at once, the second finds it known.
    earliest = min((one.start for one in records), default=part.at)
    desk = open_desk(conn, brand, rater, set(owned.values()), earliest, called)
    sorted_out = sort_out(conn, brand, rater.duplicates, records, owned)
    fresh = [*sorted_out.fresh, *sorted_out.again]
    return Taking(
        part=part,
        desk=desk,
        sorted_out=sorted_out,
        owned=owned,
        before=by_id(conn, brand, [one.id for one in sorted_out.again]) if sorted_out.again else {},
        sessions=reported(conn, brand, fresh),
        live=live_sessions(conn, brand, fresh),
        order=order(conn, brand, desk.lines, min(one.start for one in fresh)) if fresh else Order({}),
        outcome=Settled(part.batch),
    )


def _write(conn: Connection, brand: str, taking: Taking) -> None:
    part, desk = taking.part, taking.desk
    cause = Cause(part.batch, part.at)
    taking.outcome.balances = book(conn, brand, cause, taking.priced, ZoneInfo(desk.rater.world.timezone))
    write_counters(conn, brand, desk.holders())
    for line in sorted({one.meter.subscription.id for one in taking.priced}):
        reopen(conn, brand, desk.lines[line], part.at)
    hold(conn, brand, taking.outcome.held, part.at)
