"""Events: a use that is over as it begins, money given back, and questions that change nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mvne_billing.charging import plain, pricing
from mvne_billing.charging.account import Account, Leg, Live
from mvne_billing.charging.deciding import close, is_served, refused
from mvne_billing.charging.effects import Effects
from mvne_billing.charging.fading import spendable
from mvne_billing.charging.keeping import lay_down
from mvne_billing.charging.reporting import count, report
from mvne_billing.charging.routing import Terms, settle
from mvne_billing.charging.session import (
    Action,
    Answer,
    Event,
    Granted,
    InvalidRequest,
    NothingToRefund,
    Result,
    UnknownSubscription,
)
from mvne_billing.ledger import accounts
from mvne_billing.rating.result import Part, Rule, Unrateable
from mvne_billing.rating.walk import Stretch
from mvne_billing.states import SessionState
from mvne_plans.money import micro_text


def enquire(terms: Terms, account: Account, event: Event) -> Answer:
    """Answer a balance check (would so many units be granted?) or a price enquiry (what would they cost?)."""
    leg = _leg(account, event)
    try:
        settle(account, terms, leg)
        found = pricing.grant(account, leg, event.units, _spendable(account, leg, event))
        cost = pricing.more(account, leg, event.units).charge
    except Unrateable as problem:
        return _answer(account, event, refused(event.rating_group, problem), 0)
    if event.action is Action.PRICE:
        return _answer(account, event, Granted(event.rating_group, Result.SUCCESS, event.units), cost)
    if found.is_last or not _may(account, leg, event):
        return _answer(account, event, _limited(event, account, leg, found), cost)
    return _answer(account, event, Granted(event.rating_group, Result.SUCCESS, found.units), cost)


def charge(effects: Effects, terms: Terms, session: Live, event: Event) -> Answer:
    """Charge for a use at once: for all of it, or for nothing when it is not to be had."""
    account = session.account
    _check_line(account, event)
    effects.changes(account)
    leg = _leg(account, event)
    session.state = SessionState.CLOSED
    try:
        settle(account, terms, leg)
    except Unrateable as problem:
        return _answer(account, event, refused(event.rating_group, problem), 0)
    found = pricing.grant(account, leg, event.units, _spendable(account, leg, event))
    if found.units < event.units or not _may(account, leg, event):
        return _answer(account, event, _limited(event, account, leg, found), 0)
    session.legs[leg.group] = leg
    micro = report(effects, session, leg, event.units) if event.units else 0
    source = account.wallet_account if account.is_prepaid else account.unbilled_account
    name = f"session:{session.id}:{session.sequence}:use:{leg.kind}"
    effects.moves(session, name, source, accounts.usage_revenue(leg.service.kind), micro)
    account.free -= micro if account.is_prepaid else 0
    close(effects, terms, session, SessionState.CLOSED)
    granted = Granted(leg.group, Result.SUCCESS, event.units, charged_micro=micro)
    return _answer(account, event, granted, micro)


def refund(effects: Effects, terms: Terms, session: Live, event: Event, original: Live | None) -> Answer:
    """Give back what the last `units` of a rating group of a closed session cost, 0 for all of them.

    Money goes back where it came from, units to the allowances they came from while these are good.
    """
    account = session.account
    if original is None or original.is_open or event.rating_group not in original.legs:
        raise NothingToRefund(
            f"line {account.id} has no closed session {event.refunds!r} with rating group {event.rating_group}"
        )
    leg = original.legs[event.rating_group]
    units = event.units or leg.units
    if not 0 < units <= leg.units:
        raise NothingToRefund(f"session {event.refunds} used {leg.units} units and not {event.units}, refunds included")
    effects.changes(account)
    micro = _take_back(effects, session, leg, units)
    _pay_back(effects, session, original, leg, micro)
    session.state = SessionState.CLOSED
    session.legs = {leg.group: _refunding(session, leg, micro)}
    session.charged = -micro
    session.kinds = {leg.kind: -micro} if micro else {}
    close(effects, terms, session, SessionState.CLOSED)
    original.charged -= micro
    effects.sessions[original] = False
    message = f"{micro_text(micro, account.currency)} given back"
    granted = Granted(leg.group, Result.SUCCESS, units, charged_micro=-micro, message=message)
    return _answer(account, event, granted, -micro)


def _take_back(effects: Effects, session: Live, leg: Leg, units: int) -> int:
    """Take the last units of a leg back, and what they took of its counters; return what they cost."""
    account = session.account
    lay_down(leg)
    left = tuple(_first(leg.stretches, leg.units - units))
    before = Leg(leg.group, leg.service, leg.start)
    before.since, before.route, before.shelves = leg.since, leg.route, leg.shelves
    kept = plain.again(account, leg, left)
    micro = leg.charged - kept.charge if left else leg.charged
    fresh = {(slot.counters.holder, slot.counter, slot.start): some for slot, some in kept.taken}
    for place, taken in list(leg.taken.items()):
        holder, counter, start = place
        back = taken - fresh.get(place, 0)
        keeper = account.of(holder)
        if back > 0 and counter in keeper.counters.since(start):
            count(effects, session, plain.where(keeper, counter, start), -back)
        leg.taken[place] = taken - back
    leg.stretches, leg.units, leg.charged = left, leg.units - units, leg.charged - micro
    return micro


def _first(stretches: tuple[Stretch, ...], units: int) -> Iterator[Stretch]:
    for one in stretches:
        if units <= 0:
            return
        yield Stretch(one.rule, one.name, min(one.units, units), one.rate, one.band)
        units -= one.units


def _pay_back(effects: Effects, session: Live, original: Live, leg: Leg, micro: int) -> None:
    """Post money that goes back: first what nobody had paid, the rest to the wallet or off the next bill."""
    account, kind = session.account, leg.service.kind
    name, earned = f"session:{session.id}:{session.sequence}", accounts.usage_revenue(kind)
    unpaid = min(original.lost, micro)
    original.lost -= unpaid
    effects.moves(session, f"{name}:loss:{kind}", earned, accounts.OVERRUN, unpaid)
    to = account.wallet_account if account.is_prepaid else account.unbilled_account
    effects.moves(session, f"{name}:refund:{kind}", earned, to, micro - unpaid)
    account.free += micro - unpaid if account.is_prepaid else 0


def _refunding(session: Live, leg: Leg, micro: int) -> Leg:
    """Return a leg that used nothing and cost less than nothing: the refund's row of usage."""
    fresh = Leg(leg.group, leg.service, session.at)
    fresh.route, fresh.shelves = leg.route, leg.shelves
    fresh.segment.charge = -micro
    rule = leg.stretches[-1].rule if leg.stretches else Rule.PRICE
    fresh.segment.parts = [Part(rule, f"refund of {session.id}"[:100], 0, 0, "", -micro)]
    return fresh


def _leg(account: Account, event: Event) -> Leg:
    if event.service is None:
        raise InvalidRequest("an event says which service it is for")
    return Leg(event.rating_group, event.service, event.at)


def _check_line(account: Account, event: Event) -> None:
    try:
        account.meter.opening(event.at)
    except Unrateable as problem:
        raise UnknownSubscription(f"line {account.id}: {problem.message}") from None


def _spendable(account: Account, leg: Leg, event: Event) -> int | None:
    return None if leg.route.is_free else spendable(account, event.at)


def _may(account: Account, leg: Leg, event: Event) -> bool:
    return leg.route.is_emergency or is_served(account, event.at)


def _limited(event: Event, account: Account, leg: Leg, found: pricing.Grant) -> Granted:
    is_barred = not _may(account, leg, event)
    result = Result.END_USER_SERVICE_DENIED if is_barred else Result.QUOTA_LIMIT_REACHED
    return Granted(event.rating_group, result, 0, message=found.why)


def _answer(account: Account, event: Event, granted: Granted, micro: int) -> Answer:
    free = account.free - account.faded if account.is_prepaid else None
    return Answer(event.session, event.sequence, granted.result, (granted,), micro, account.currency, free, False)
