"""Top-ups by card: a charge at once, written down with its key before the gateway hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mvne_billing.balance import topup
from mvne_billing.balance.holding import Change
from mvne_billing.balance.topup import Source, TopUp
from mvne_billing.payments import attempts
from mvne_billing.payments.attempts import Payer, Payment
from mvne_billing.payments.gateway import ChargeResult, PaymentGateway
from mvne_billing.sql import Transact
from mvne_billing.states import PaymentState
from mvne_plans.money import Money
from mvne_plans.prepaid import PrepaidRules

#: Called inside the transaction in which a top-up moved to another state, with what it did to the balance, if anything.
Noticed = Callable[[Connection, TopUp, Change | None], None]


def charge(
    transact: Transact,
    brand: str,
    topup_id: str,
    subscription: str,
    amount: Money,
    payer: Payer,
    gateway: PaymentGateway,
    rules: PrepaidRules,
    at: datetime,
    noticed: Noticed,
) -> TopUp:
    """Charge a card and put the money into the balance; the same top-up again goes on where it stopped.

    One that failed stays failed: a new try is a new top-up. Raises what `topup.begin_charge` does, and
    `GatewayUnavailable` when the outcome is unknown: call again with the same id.
    """
    wanted = TopUp(
        topup_id,
        subscription,
        Source.CARD,
        amount,
        at,
        customer=payer.customer,
        method=payer.method,
        key=f"{brand}:topup:{topup_id}",
    )
    with transact() as conn:
        begun = topup.begin_charge(conn, brand, wanted, rules)
    return finish(transact, brand, begun, gateway, rules, at, noticed) if begun.state in topup.OPEN else begun


def finish(
    transact: Transact,
    brand: str,
    begun: TopUp,
    gateway: PaymentGateway,
    rules: PrepaidRules,
    at: datetime,
    noticed: Noticed,
) -> TopUp:
    """Ask the gateway about a top-up that was begun, charging if it was not charged yet, and write down the answer."""
    result = attempts.ask(gateway, _asked(begun), at)
    with transact() as conn:
        return record(conn, brand, begun, result, rules, at, noticed)


def record(
    conn: Connection,
    brand: str,
    begun: TopUp,
    result: ChargeResult,
    rules: PrepaidRules,
    at: datetime,
    noticed: Noticed,
) -> TopUp:
    """Write down what the gateway said about a top-up, and tell `noticed` if that is news."""
    state = PaymentState(result.status.value)
    outcome = replace(begun, state=state, reference=result.reference, code=result.code, message=result.message)
    before = topup.get(conn, brand, begun.id)
    after, change = topup.record_charge(conn, brand, begun.id, outcome, rules, at)
    if after.state is not before.state:
        noticed(conn, after, change)
    return after


def _asked(begun: TopUp) -> Payment:
    """Return a top-up in the form in which the gateway is asked about any payment."""
    payer = Payer(str(begun.customer), str(begun.method))
    name, key = f"topup:{begun.id}", str(begun.key)
    return Payment(name, name, 1, payer, begun.amount, begun.state, key, begun.at, begun.reference)
