"""Topping up a balance: by the subscriber's card at once, or with money that somebody took over a counter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from mvne import lines, outbox
from mvne.balances import on_balance, tell
from mvne.collecting import pay_from_balance, payer_of
from mvne.errors import MvneError
from mvne.platform import Platform
from mvne.selling import Selling, selling
from mvne.service import add_to_line
from mvne_billing.balance import topup
from mvne_billing.balance.holding import Change
from mvne_billing.balance.topup import Source, TopUp
from mvne_billing.payments import topups
from mvne_billing.payments.gateway import GatewayUnavailable
from mvne_billing.states import PaymentState
from mvne_billing.subscription import addons, subscription
from mvne_plans.catalogue import Addon
from mvne_plans.money import Money

#: What stands for a bill where nothing was due.
_NO_INVOICE = "nothing_due"


class TopUpDeclined(MvneError):
    """The card did not pay; the balance stays as it was."""


def by_card(platform: Platform, brand: str, topup_id: str, line_id: str, amount: Money, at: datetime) -> TopUp:
    """Charge the subscriber's card and fill the balance; the same top-up again goes on where it stopped.

    Bills that waited for money are paid from it. Raises `TopUpDeclined`, `NoPaymentMethod`, `NotAllowed`,
    `TopUpUnderWay`, and `GatewayUnavailable` when the outcome is unknown: call again with the same id.
    """
    with on_balance(platform, brand, line_id, at=at) as (conn, sold):
        payer = payer_of(conn, brand, lines.get(conn, brand, line_id).subscriber)
    transact, gateway, noticed = platform.store.transact, platform.gateway, _noticed(sold, at)
    try:
        paid = topups.charge(transact, brand, topup_id, line_id, amount, payer, gateway, sold.prepaid(), at, noticed)
    except GatewayUnavailable as failure:
        raise GatewayUnavailable(
            f"{failure}. Whether top-up {topup_id} was paid is not known; say it again with this id"
        ) from failure
    if paid.state is PaymentState.FAILED:
        why = (paid.message or paid.code or paid.state).rstrip(".")
        raise TopUpDeclined(f"top-up {topup_id} was declined: {why}. A new try needs another id")
    return paid


def by_hand(
    platform: Platform,
    brand: str,
    topup_id: str,
    line_id: str,
    amount: Money,
    source: Source,
    actor: str,
    reason: str,
    at: datetime,
) -> TopUp:
    """Fill a balance with money that `actor` took (cash, shop, bank); the same top-up again changes nothing.

    Bills that waited for money are paid from it. Raises `NotAnOperator`, `NotAllowed`, `BalanceConflict`.
    """
    wanted = TopUp(topup_id, line_id, source, amount, at, actor, reason)
    with on_balance(platform, brand, line_id, at=at) as (conn, sold):
        change = topup.take(conn, brand, wanted, sold.prepaid())
        _noticed(sold, at)(conn, wanted, change)
    return wanted


def finish(platform: Platform, brand: str, at: datetime) -> list[TopUp]:
    """Ask the gateway about every top-up whose outcome is not known, and return those that have one now.

    One that gets no answer stays open, for the next time.
    """
    with platform.store.read() as conn:
        sold, left = selling(conn, brand), topup.unfinished(conn, brand)
    transact, gateway = platform.store.transact, platform.gateway
    done = []
    for begun in left:
        with suppress(GatewayUnavailable):
            done.append(topups.finish(transact, brand, begun, gateway, sold.prepaid(), at, _noticed(sold, at)))
    return [one for one in done if one.state not in topup.OPEN]


def _noticed(sold: Selling, at: datetime) -> Callable[[Connection, TopUp, Change | None], None]:
    """Return what follows from a step of a top-up, in its transaction: events, a bonus, bills that are paid."""
    brand = sold.brand

    def notice(conn: Connection, done: TopUp, change: Change | None) -> None:
        content: dict[str, object] = {"topup": done.id, "amount": str(done.amount), "source": done.source}
        if done.state is PaymentState.FAILED:
            outbox.emit(conn, brand, "topup.failed", done.subscription, {**content, "code": done.code}, at)
        if change is None or not change.is_new:
            return
        tell(conn, sold, "balance.topped_up", change, content, at)
        _give_units(conn, sold, done, at)
        pay_from_balance(conn, sold, done.subscription, at)

    return notice


def _give_units(conn: Connection, sold: Selling, done: TopUp, at: datetime) -> None:
    """Add the add-on that comes with a top-up, if one does; it costs nothing and is on no bill.

    The money is paid, so it is taken whatever became of the add-on: one that is not sold any more is told, not given.
    """
    bonus = sold.prepaid().bonus(done.amount)
    if bonus is None or bonus.addon is None:
        return
    stored = sold.stored.get(("addon", bonus.addon))
    if stored is None:
        content = {"topup": done.id, "addon": bonus.addon, "reason": "the add-on is not sold any more"}
        outbox.emit(conn, sold.brand, "bonus.not_given", done.subscription, content, at)
        return
    given: Addon = stored.load()
    owner = subscription.get(conn, sold.brand, done.subscription, lock=True)
    name = f"bonus-{hashlib.sha256(done.id.encode()).hexdigest()[:32]}"
    purchase = add_to_line(conn, sold.brand, owner, given, name, at)
    addons.billed(conn, sold.brand, [purchase.id], _NO_INVOICE)
