"""Prepaid balances of a brand's lines: opened, adjusted, sent from line to line, spent on add-ons, expired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mvne import lines, outbox, service, versions
from mvne.bills import biller
from mvne.collecting import pay_bill_from_balance
from mvne.errors import MvneError
from mvne.lines import LineEnded
from mvne.platform import Platform
from mvne.selling import Selling, selling
from mvne.states import LineState
from mvne.warning import warn
from mvne_billing.balance import account, adjusting, lapsing, transferring
from mvne_billing.balance.account import Balance, InsufficientBalance
from mvne_billing.balance.holding import Change
from mvne_billing.invoice.drafting import addon_line
from mvne_billing.invoice.issuing import issue
from mvne_billing.subscription import addons, subscription
from mvne_billing.subscription.addons import Purchase
from mvne_billing.subscription.subscription import Subscription
from mvne_plans.catalogue import Pay
from mvne_plans.money import Money, micro_text


class NotPrepaid(MvneError):
    """The line is billed after its use: it has no balance."""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """What a sweep took: from how many balances, and how much in micro-units of the brand's currency."""

    balances: int
    micro: int


@contextmanager
def on_balance(platform: Platform, brand: str, *line_ids: str, at: datetime) -> Iterator[tuple[Connection, Selling]]:
    """Open a transaction on lines in service that have a balance, opened now if they are prepaid and have none yet.

    Raises `LineEnded`, `NotPrepaid`, `LineNotFound`.
    """
    with platform.store.transact() as conn:
        sold = selling(conn, brand)
        for one in line_ids:
            ensure(conn, sold, one, at)
        yield conn, sold


def ensure(conn: Connection, sold: Selling, line_id: str, at: datetime) -> Balance:
    """Return the balance of a line that has not ended; a prepaid one that has none yet gets one.

    Any line that is charged live has a row of money; one that is billed after its use has no use for it, unless there
    is something left from a time when it was prepaid.
    """
    line = lines.get(conn, sold.brand, line_id)
    if line.state is LineState.ENDED:
        raise LineEnded(f"line {line_id} has ended; its balance stays as it is")
    known = account.find(conn, sold.brand, line_id)
    if known is not None and known.held_micro:
        return known
    owner = subscription.get(conn, sold.brand, line_id)
    if versions.plan_version(conn, sold.brand, owner.plan, owner.version).pay is not Pay.PREPAID:
        raise NotPrepaid(f"line {line_id} is billed after its use (plan {owner.plan}); it has no balance")
    return known or account.open_balance(conn, sold.brand, line_id, sold.settings.currency, at)


def adjust(
    platform: Platform,
    brand: str,
    adjustment_id: str,
    line_id: str,
    amount: Money,
    actor: str,
    reason: str,
    at: datetime,
    until: datetime | None = None,
) -> Change:
    """Give a line money, or take some (an amount below 0), with who and why; the same again changes nothing."""
    with on_balance(platform, brand, line_id, at=at) as (conn, sold):
        change = adjusting.adjust(conn, brand, adjustment_id, line_id, amount.micro, actor, reason, at, until)
        content = {"amount": str(amount), "actor": actor, "reason": reason}
        tell(conn, sold, "balance.adjusted", change, content, at)
        return change


def send(
    platform: Platform, brand: str, sending_id: str, giver: str, taker: str, amount: Money, at: datetime
) -> tuple[Change, Change]:
    """Move money from one line to another of the brand, both or neither; the same again changes nothing."""
    with on_balance(platform, brand, giver, taker, at=at) as (conn, sold):
        gave, got = transferring.send(conn, brand, sending_id, giver, taker, amount, sold.prepaid(), at)
        content = {"amount": str(amount), "from": giver, "to": taker}
        tell(conn, sold, "balance.sent", gave, content, at)
        tell(conn, sold, "balance.received", got, content, at)
        return gave, got


def buy_addon(platform: Platform, brand: str, line_id: str, addon_id: str, purchase_id: str, at: datetime) -> Purchase:
    """Buy an add-on with money of the balance: its bill is issued and paid at once, or nothing is bought.

    The same purchase again changes nothing. Raises `InsufficientBalance`, `NotSold`, `NotPrepaid`.
    """

    def settle(conn: Connection, sold: Selling, owner: Subscription, purchase: Purchase) -> None:
        ensure(conn, sold, line_id, at)
        form = biller(sold).form(conn, owner)
        document = issue(conn, brand, f"inv:addon:{purchase.id}", owner, [addon_line(purchase)], form, at)
        addons.billed(conn, brand, [purchase.id], document.id)
        content = {"number": document.number, "total": str(document.total)}
        outbox.emit(conn, brand, "invoice.issued", document.id, content, at)
        if pay_bill_from_balance(conn, sold, document, at) is None:
            free = account.get(conn, brand, line_id).free_micro
            left = micro_text(free, sold.settings.currency)
            raise InsufficientBalance(f"{purchase.addon.name} costs {document.total}; line {line_id} has {left}")

    return service.buy_addon(platform, brand, line_id, addon_id, purchase_id, at, settle)


def lapse(platform: Platform, brand: str, at: datetime) -> Lapsed:
    """Take what has expired by `at` out of every balance of a brand; run again, it changes nothing."""
    with platform.store.read() as conn:
        sold = selling(conn, brand)

    def noticed(conn: Connection, change: Change) -> None:
        micro = change.before.free_micro - change.after.free_micro
        content = {"amount": micro_text(micro, change.after.currency)}
        tell(conn, sold, "balance.expired", change, content, at)

    changes = list(lapsing.run(platform.store.transact, brand, at, noticed))
    return Lapsed(len(changes), sum(one.before.free_micro - one.after.free_micro for one in changes))


def tell(
    conn: Connection, sold: Selling, type_: str, change: Change, content: Mapping[str, object], at: datetime
) -> None:
    """Write the event of a change that is news, with what is free now; warn when a mark was passed."""
    if change.is_new:
        free = micro_text(change.after.free_micro, change.after.currency)
        outbox.emit(conn, sold.brand, type_, change.after.subscription, {**content, "free": free}, at)
        warn(conn, sold, change, at)
