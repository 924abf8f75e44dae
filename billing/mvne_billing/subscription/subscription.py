"""A subscription: which plan version a customer is billed for, since when, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from mvne_billing.errors import BillingError
from mvne_billing.sql import change_row, row_of
from mvne_billing.states import SUBSCRIPTION_MOVES, SubscriptionState
from mvne_billing.tables import balance
from mvne_billing.tables import subscription as table
from mvne_plans.period import Every, Period, boundary, number_at, period_number


class SubscriptionError(BillingError):
    """The subscription refuses this."""


class SubscriptionConflict(SubscriptionError):
    """A subscription with this id exists and says something else."""


class SubscriptionNotFound(SubscriptionError):
    """There is no such subscription in this brand."""


class MoveNotAllowed(SubscriptionError):
    """The subscription cannot go from its state to that one."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is billed: a version of a plan, for periods counted from `anchor` in the customer's time zone.

    `promotion` is the canonical JSON of the promotion agreed at sign-up. `next_period` is the number of the period
    whose opening is billed next, at `next_bill_at` (None when nothing is left to bill). A cancellation sets `ends_at`.
    """

    id: str
    customer: str
    plan: str
    version: int
    state: SubscriptionState
    anchor: datetime
    timezone: str
    term_periods: int = 1
    promotion: str | None = None
    tax_region: str | None = None
    next_period: int = 0
    next_bill_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def local_anchor(self) -> datetime:
        """The anchor on the customer's wall clock: months and days are counted there."""
        return self.anchor.astimezone(ZoneInfo(self.timezone))

    def period(self, every: Every, number: int) -> Period:
        """Return allowance period `number`."""
        return period_number(self.local_anchor, every, number)

    def starts_period(self, every: Every, number: int) -> datetime:
        """Return the moment at which period `number` starts."""
        return boundary(self.local_anchor, every, number)

    def number_at(self, every: Every, moment: datetime) -> int:
        """Return the number of the period that holds `moment`; negative before the anchor."""
        return number_at(self.local_anchor, every, moment)


#: What a caller may say again without it being a conflict: the rest moves with time.
_AGREED = ("id", "customer", "plan", "version", "anchor", "timezone", "term_periods", "promotion", "tax_region")


_TOUCH = (
    update(balance)
    .where(
        balance.c.brand == bindparam("its_brand"),
        balance.c.subscription.in_(bindparam("its_subscriptions", expanding=True)),
    )
    .values(version=balance.c.version + 1)
)


def touch(conn: Connection, brand: str, *ids: str) -> None:
    """Let whoever charges these lines live, and keeps copies of them, notice that something about them changed."""
    conn.execute(_TOUCH, {"its_brand": brand, "its_subscriptions": ids})


def subscribe(conn: Connection, brand: str, wanted: Subscription) -> Subscription:
    """Store a subscription, first bill at its anchor; the same one again is left alone.

    Raises `SubscriptionConflict` when the id is taken by another content.
    """
    known = find(conn, brand, wanted.id)
    if known is None:
        first = replace(wanted, next_bill_at=wanted.anchor)
        conn.execute(insert(table), {"brand": brand, **asdict(first)})
        return first
    if any(getattr(known, name) != getattr(wanted, name) for name in _AGREED):
        raise SubscriptionConflict(f"subscription {wanted.id} exists with other content; give the new one another id")
    return known


def find(conn: Connection, brand: str, subscription_id: str, lock: bool = False) -> Subscription | None:
    """Return a subscription or None; with `lock` nobody else changes it before this transaction ends."""
    row = row_of(conn, table, brand, subscription_id, lock=lock)
    return from_row(row) if row else None


def get(conn: Connection, brand: str, subscription_id: str, lock: bool = False) -> Subscription:
    """Return a subscription; raise `SubscriptionNotFound`."""
    found = find(conn, brand, subscription_id, lock)
    if found is None:
        raise SubscriptionNotFound(f"there is no subscription {subscription_id} in brand {brand}")
    return found


def locked(conn: Connection, brand: str, ids: Sequence[str]) -> list[Subscription]:
    """Return these subscriptions, locked in the order of their ids until this transaction ends."""
    query = select(table).where(table.c.brand == brand, table.c.id.in_(ids)).order_by(table.c.id).with_for_update()
    return [from_row(row) for row in conn.execute(query)]


def due(conn: Connection, brand: str, as_of: datetime, after: str = "", limit: int = 1000) -> list[str]:
    """Return ids of subscriptions with something to bill by `as_of`, in order, at most `limit` after id `after`."""
    query = (
        select(table.c.id)
        .where(table.c.brand == brand, table.c.next_bill_at <= as_of, table.c.id > after)
        .order_by(table.c.id)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def move(conn: Connection, brand: str, subscription_id: str, to: SubscriptionState) -> Subscription:
    """Move a subscription to a state; being there already is fine. Raises `MoveNotAllowed` by the table of moves."""
    current = get(conn, brand, subscription_id, lock=True)
    if current.state == to:
        return current
    if to not in SUBSCRIPTION_MOVES[current.state]:
        raise MoveNotAllowed(f"subscription {subscription_id} is {current.state}; it cannot become {to}")
    _change(conn, brand, subscription_id, state=to)
    touch(conn, brand, subscription_id)
    return replace(current, state=to)


def cancel(conn: Connection, brand: str, subscription_id: str, ends_at: datetime) -> Subscription:
    """Set when a subscription ends; what was used until then is billed at that moment.

    An earlier end than one already set wins; a later one is ignored, and so is any for one that has ended.
    """
    current = get(conn, brand, subscription_id, lock=True)
    if current.state is SubscriptionState.ENDED or (current.ends_at is not None and current.ends_at <= ends_at):
        return current
    bill_at = min(ends_at, current.next_bill_at) if current.next_bill_at else ends_at
    _change(conn, brand, subscription_id, ends_at=ends_at, next_bill_at=bill_at)
    touch(conn, brand, subscription_id)
    return replace(current, ends_at=ends_at, next_bill_at=bill_at)


def billed(conn: Connection, brand: str, current: Subscription, every: Every) -> Subscription:
    """Note that the opening of `next_period` has been billed, or that the end has: nothing is left to bill."""
    if current.state is SubscriptionState.ENDED:
        advanced = replace(current, next_bill_at=None)
    else:
        following = current.starts_period(every, current.next_period + 1)
        bill_at = min(following, current.ends_at) if current.ends_at else following
        advanced = replace(current, next_period=current.next_period + 1, next_bill_at=bill_at)
    _change(conn, brand, current.id, next_period=advanced.next_period, next_bill_at=advanced.next_bill_at)
    return advanced


def reopen(conn: Connection, brand: str, current: Subscription, at: datetime) -> None:
    """Let a subscription that has ended and is billed in full be billed once more, for use that came after all."""
    if current.state is SubscriptionState.ENDED and current.next_bill_at is None:
        _change(conn, brand, current.id, next_bill_at=at)


def from_row(row: Row[tuple[Any, ...]]) -> Subscription:
    """Return the subscription of a row of its table."""
    stored = row._mapping
    fields: dict[str, Any] = {name: stored[name] for name in Subscription.__dataclass_fields__}
    return Subscription(**{**fields, "state": SubscriptionState(fields["state"])})


def _change(conn: Connection, brand: str, subscription_id: str, **values: object) -> None:
    change_row(conn, table, brand, subscription_id, values=values)
