"""One step of a session: what was used is charged, what was held comes back, what is asked for is held anew.

Nothing here touches a store. A step changes the line and the session in memory and leaves what is to be written in
`Effects`; whoever calls gives the answer away only when that is on disk.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mvne_billing.charging import pricing
from mvne_billing.charging.account import Account, Leg, Live
from mvne_billing.charging.effects import Effects
from mvne_billing.charging.fading import spendable
from mvne_billing.charging.keeping import lay_down
from mvne_billing.charging.recording import record
from mvne_billing.charging.reporting import go_on, release, report, suspend, turn
from mvne_billing.charging.routing import Terms, find, settle
from mvne_billing.charging.session import (
    Answer,
    Granted,
    Request,
    Result,
    Service,
    Step,
    Units,
    UnknownRatingGroup,
    UnknownSubscription,
)
from mvne_billing.ledger import accounts
from mvne_billing.rating.result import Reason, Unrateable
from mvne_billing.states import SessionState, SubscriptionState
from mvne_plans.quantity import Kind

_SECOND = timedelta(seconds=1)


def check(session: Live, request: Request, at: datetime) -> None:
    """Refuse what cannot be a step of this session at `at`: an unknown rating group, a line that had not begun.

    A line that has ended is charged for what it used, and granted nothing.
    """
    for units in request.groups:
        if units.service is None and units.rating_group not in session.legs:
            raise UnknownRatingGroup(
                f"session {request.session} has no rating group {units.rating_group}; say what service it is for"
            )
    try:
        session.account.meter.opening(at)
    except Unrateable as problem:
        raise UnknownSubscription(f"line {session.account.id}: {problem.message}") from None


def run(effects: Effects, terms: Terms, session: Live, request: Request, durability: str) -> Answer:
    """Do a checked step of an open session at its moment and return the answer."""
    account = session.account
    effects.changes(account)
    is_last = request.step is Step.RELEASE
    charges, released, failed = _reports(effects, terms, session, request)
    for leg in session.legs.values() if is_last else ():
        released += release(effects, session, leg)
    paid = pay(effects, session, charges, released)
    left = spendable(account, session.at, released, paid)
    granted: list[Granted] = []
    held = 0
    for units in request.groups:
        if is_last or units.requested is None or units.rating_group in failed:
            leg_ = session.legs.get(units.rating_group)
            granted.append(failed.get(units.rating_group) or _told(units, leg_))
            continue
        one, micro = grant(effects, terms, session, units, left)
        granted.append(one)
        held += micro
        if left is not None:
            left -= micro
    hold(effects, session, released, paid, held)
    result = _overall(granted)
    if is_last or (request.step is Step.CREATE and result is not Result.SUCCESS):
        close(effects, terms, session, SessionState.CLOSED)
    return Answer(
        session.id,
        request.sequence,
        result,
        tuple(granted),
        session.charged,
        account.currency,
        account.free - account.faded if account.is_prepaid else None,
        session.state is SessionState.OPEN,
        durability,
    )


def close(effects: Effects, terms: Terms, session: Live, state: SessionState) -> None:
    """End a session that holds nothing any more: its use becomes rows of usage."""
    for leg in session.legs.values():
        record(effects, terms, session, leg)
    session.state = state


def expire(effects: Effects, terms: Terms, session: Live, at: datetime) -> None:
    """Sweep a session whose client never came back: all that it holds returns."""
    account = session.account
    effects.changes(account)
    session.at = max(session.at, at)
    released = sum(release(effects, session, leg) for leg in session.legs.values())
    session.sequence += 1
    hold(effects, session, released, 0, 0)
    close(effects, terms, session, SessionState.EXPIRED)


def _reports(
    effects: Effects, terms: Terms, session: Live, request: Request
) -> tuple[dict[str, int], int, dict[int, Granted]]:
    """Charge what is reported; return the charges by kind, the money that came back, and the groups that failed."""
    charges: dict[str, int] = {}
    failed: dict[int, Granted] = {}
    released = 0
    for units in request.groups:
        leg = session.legs.get(units.rating_group)
        if leg is not None:
            released += release(effects, session, leg)
            if units.used:
                charges[leg.kind] = charges.get(leg.kind, 0) + report(effects, session, leg, units.used)
            if units.service is not None and units.service != leg.service:
                try:
                    _change(effects, terms, session, leg, units.service)
                except Unrateable as problem:
                    failed[units.rating_group] = refused(units.rating_group, problem)
        else:
            leg = _begin(session, units.rating_group, units.service)
            try:
                settle(session.account, terms, leg)
            except Unrateable as problem:
                failed[units.rating_group] = refused(units.rating_group, problem)
                if units.used:
                    suspend(effects, session, leg, units.used, problem)
                continue
            session.legs[units.rating_group] = leg
            if units.used:
                charges[leg.kind] = charges.get(leg.kind, 0) + report(effects, session, leg, units.used)
    return charges, released, failed


def _change(effects: Effects, terms: Terms, session: Live, leg: Leg, service: Service) -> None:
    """Let a rating group go on as another service: the same one elsewhere is the same use, another is a new leg."""
    before = leg.service
    find(session.account, terms, service, session.at)
    leg.since = session.at
    if (service.kind, service.to, service.label) == (before.kind, before.to, before.label):
        if leg.segment.units:
            lay_down(leg)
            record(effects, terms, session, leg)
        turn(terms, session, leg, service)
        return
    fresh = _begin(session, leg.group, service)
    settle(session.account, terms, fresh)
    record(effects, terms, session, leg)
    session.legs[leg.group] = fresh


def _begin(session: Live, group: int, service: Service | None) -> Leg:
    if service is None:
        raise UnknownRatingGroup(f"session {session.id} has no rating group {group}")
    return Leg(group, service, session.at)


def pay(effects: Effects, session: Live, charges: dict[str, int], released: int) -> int:
    """Post what use costs; return what of it comes out of the wallet.

    More than was held comes out of what is free; what is not there either is the brand's loss, and named.
    """
    account, paid = session.account, 0
    whole = spendable(account, session.at) if charges else 0
    name = f"session:{session.id}:{session.sequence}"
    for kind, micro in charges.items():
        earned = _EARNED[kind]
        if whole is None:
            effects.moves(session, f"{name}:use:{kind}", account.unbilled_account, earned, micro)
            continue
        there = whole + released - paid
        part = micro if micro <= there else max(there, 0)
        effects.moves(session, f"{name}:use:{kind}", account.reserved_account, earned, part)
        if part != micro:
            effects.moves(session, f"{name}:loss:{kind}", accounts.OVERRUN, earned, micro - part)
            session.lost += micro - part
        paid += part
    return paid


#: What use of each kind earns.
_EARNED = {str(kind.value): accounts.usage_revenue(kind) for kind in Kind}


def hold(effects: Effects, session: Live, released: int, paid: int, held: int) -> None:
    """Move money between free and reserved so that the session holds `held` for what it held before."""
    account = session.account
    if not account.is_prepaid:
        return
    micro = held - released + paid
    name = f"session:{session.id}:{session.sequence}:hold"
    effects.moves(session, name, account.wallet_account, account.reserved_account, micro)
    account.free -= micro
    account.reserved += held - released
    session.reserved += held - released


def grant(effects: Effects, terms: Terms, session: Live, units: Units, left: int | None) -> tuple[Granted, int]:
    """Hold what a group asks for, as far as money and allowances go; return the answer and the money held."""
    account, leg = session.account, session.legs[units.rating_group]
    try:
        go_on(effects, terms, session, leg)
    except Unrateable as problem:
        return refused(units.rating_group, problem), 0
    route, kind = leg.route, leg.terms
    final = kind.final
    if not route.is_emergency and not is_served(account, session.at):
        return Granted(leg.group, Result.END_USER_SERVICE_DENIED, 0, final=final, charged_micro=leg.charged), 0
    wanted = units.requested or kind.quota
    wanted = wanted if wanted < kind.most else kind.most
    found = pricing.grant(account, leg, wanted, None if route.is_free else left)
    if not found.units:
        result = Result.QUOTA_LIMIT_REACHED
        return Granted(leg.group, result, 0, final=final, charged_micro=leg.charged, message=found.why), 0
    leg.held = found.taken
    if leg.guards:
        leg.held = (*found.taken, *pricing.measured(account, leg, found.units, found.charge))
    for slot, count in leg.held:
        holder = account.of(slot.counters.holder)
        holder.hold(slot.counter, slot.start, count)
        if holder is not account:
            effects.changes(holder)
    leg.granted = found.units
    leg.held_micro = found.charge if account.is_prepaid else 0
    return _granted(leg, session.at, found), leg.held_micro


def _granted(leg: Leg, at: datetime, found: pricing.Grant) -> Granted:
    kind, calendar = leg.terms, leg.route.tariff.calendar
    valid, until, change = kind.validity_s, leg.shelves.until, None
    if at + kind.validity > until:
        valid = max((until - at) // _SECOND, 1)
    if calendar.bands:
        change = calendar.change_after(at, leg.route.timezone)
        change = change if change is not None and change < at + valid * _SECOND else None
    return Granted(
        leg.group,
        Result.SUCCESS,
        found.units,
        valid,
        None if found.is_last else found.units * kind.threshold_percent // 100,
        kind.holding_s,
        kind.final if found.is_last else None,
        change,
        leg.charged,
        found.why if found.is_last else "",
    )


def is_served(account: Account, at: datetime) -> bool:
    """Say whether a line may use anything but emergency numbers: it is active, and has not ended."""
    line = account.meter.subscription
    return line.state is SubscriptionState.ACTIVE and (line.ends_at is None or at < line.ends_at)


#: What it means for a client that a use has no price; what is not here is a fault of the tariff.
_DENIED = frozenset({Reason.ROAMING_REFUSED})


def refused(group: int, problem: Unrateable) -> Granted:
    """Return the answer for a rating group whose use has no price."""
    result = Result.END_USER_SERVICE_DENIED if problem.reason in _DENIED else Result.RATING_FAILED
    return Granted(group, result, 0, message=problem.message)


def _told(units: Units, leg: Leg | None) -> Granted:
    return Granted(units.rating_group, Result.SUCCESS, charged_micro=leg.charged if leg else 0)


def _overall(granted: list[Granted]) -> Result:
    results = [one.result for one in granted]
    return Result.SUCCESS if not results or Result.SUCCESS in results else results[0]
