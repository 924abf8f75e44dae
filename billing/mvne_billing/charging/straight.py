"""A step of one rating group that nothing unusual befalls, as nearly all are: what `deciding.run` says, written out.

Whatever is unusual is left to `deciding`, as a whole or from there on; tests hold the two to each other.
"""

from __future__ import annotations

from mvne_billing.charging import deciding, pricing
from mvne_billing.charging.account import Leg, Live
from mvne_billing.charging.effects import Effects
from mvne_billing.charging.reporting import took
from mvne_billing.charging.routing import Terms, settle
from mvne_billing.charging.session import Answer, Granted, Request, Result, Step, Units
from mvne_billing.ledger.accounts import usage_revenue
from mvne_billing.rating.result import Unrateable
from mvne_billing.states import SessionState
from mvne_plans.quantity import Kind

#: What use of each kind earns.
_EARNED = {str(kind.value): usage_revenue(kind) for kind in Kind}


def run(effects: Effects, terms: Terms, session: Live, request: Request, durability: str) -> Answer:
    """Do a checked step of an open session at its moment and return the answer."""
    account = session.account
    is_plain = (
        account.is_prepaid and account.owner is None and (account.fades_at is None or session.at < account.fades_at)
    )
    if is_plain and len(request.groups) == 1:
        leg = _leg(terms, session, request.groups[0])
        if leg is not None:
            told = _run(effects, terms, session, leg, request, durability)
            if told is not None:
                return told
    return deciding.run(effects, terms, session, request, durability)


def _leg(terms: Terms, session: Live, units: Units) -> Leg | None:
    """Return the leg that a request is about if it goes by a compiled plan and stays the same service."""
    leg = session.legs.get(units.rating_group)
    if leg is None:
        if units.service is None or units.used:
            return None
        leg = Leg(units.rating_group, units.service, session.at)
        try:
            settle(session.account, terms, leg)
        except Unrateable:
            return None
        session.legs[leg.group] = leg
    elif units.service is not None and units.service != leg.service:
        return None
    return None if leg.plan is None or leg.guards else leg


def _run(effects: Effects, terms: Terms, session: Live, leg: Leg, request: Request, durability: str) -> Answer | None:
    account, (units,), is_last = session.account, request.groups, request.step is Step.RELEASE
    effects.accounts[account] = None
    if is_last and len(session.legs) > 1:
        return None
    # Units come back before the report is priced, and money with the transfer at the end.
    for slot, count in leg.held:
        account.hold(slot.counter, slot.start, -count)
    leg.held = ()
    released, paid = leg.held_micro, 0
    if units.used:
        plan = leg.plan
        assert plan is not None  # for the reader: see `_leg`
        try:
            found = plan.more(leg, units.used)
        except Unrateable:
            return None
        paid = took(effects, session, leg, units.used, found)
        if 0 <= paid <= account.free - account.floor + released:
            name = f"session:{session.id}:{session.sequence}:use:{leg.kind}"
            effects.moves(session, name, account.reserved_account, _EARNED[leg.kind], paid)
        else:
            paid = deciding.pay(effects, session, {leg.kind: paid}, released)
    leg.held_micro = leg.granted = held = 0
    if is_last or units.requested is None:
        granted = Granted(leg.group, Result.SUCCESS, charged_micro=leg.charged)
    else:
        granted, held = _grant(effects, terms, session, leg, units, account.free - account.floor + released - paid)
    deciding.hold(effects, session, released, paid, held)
    if is_last or (request.step is Step.CREATE and granted.result is not Result.SUCCESS):
        deciding.close(effects, terms, session, SessionState.CLOSED)
    return Answer(
        session.id,
        request.sequence,
        granted.result,
        (granted,),
        session.charged,
        account.currency,
        account.free,
        session.state is SessionState.OPEN,
        durability,
    )


def _grant(
    effects: Effects, terms: Terms, session: Live, leg: Leg, units: Units, spendable: int
) -> tuple[Granted, int]:
    """Hold all that is asked for, where money and allowances go that far; see `deciding.grant`."""
    account, kind, plan = session.account, leg.terms, leg.plan
    leg_shelves, at = leg.shelves, session.at
    wanted = units.requested or kind.quota
    if (
        plan is None
        or wanted > kind.most
        or leg.route.is_free
        or not leg_shelves.since <= at
        or at + kind.validity > leg_shelves.until
        or not deciding.is_served(account, at)
    ):
        return deciding.grant(effects, terms, session, units, spendable)
    leg.since = at
    found = pricing.allowed(account, leg, wanted, spendable)
    if found is None:
        return deciding.grant(effects, terms, session, units, spendable)
    leg.held, leg.granted, leg.held_micro = found.taken, wanted, max(found.charge, 0)
    for slot, count in found.taken:
        account.hold(slot.counter, slot.start, count)
    threshold = wanted * kind.threshold_percent // 100
    told = Granted(
        leg.group, Result.SUCCESS, wanted, kind.validity_s, threshold, kind.holding_s, None, None, leg.charged
    )
    return told, leg.held_micro
