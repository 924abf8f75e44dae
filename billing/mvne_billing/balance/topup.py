"""Top-ups: money paid into a balance, each with where it came from and, over a counter, who took it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select

from mvne_billing.balance.account import BalanceConflict, BalanceError
from mvne_billing.balance.crediting import Origin, paid_in, posting, with_bonus
from mvne_billing.balance.holding import Change, Held, NoId, hold, store, unchanged
from mvne_billing.balance.lots import CreditKind
from mvne_billing.ledger import accounts
from mvne_billing.sql import change_row, row_of
from mvne_billing.states import PAYMENT_MOVES, PaymentState
from mvne_billing.tables import topup as table
from mvne_plans.money import CurrencyMismatch, Money
from mvne_plans.prepaid import PrepaidRules

#: States in which a top-up may still become money.
OPEN = (PaymentState.CREATED, PaymentState.PROCESSING, PaymentState.REQUIRES_ACTION)

#: How long an id, who took the money, and what for may be.
_ID, _ACTOR, _REASON = 120, 60, 120

_OPEN = (
    select(table).where(table.c.brand == bindparam("brand"), table.c.state.in_(OPEN)).order_by(table.c.at, table.c.id)
)


class Source(StrEnum):
    """Where the money of a top-up comes from."""

    CARD = "card"  #: the subscriber's payment method, through the gateway
    CASH = "cash"
    SHOP = "shop"
    BANK = "bank"

    @property
    def account(self) -> str:
        """The account of the books that it goes through."""
        return accounts.CASH if self is Source.CARD else accounts.cash(self)


class TopUpNotFound(BalanceError):
    """There is no such top-up in this brand."""


class TopUpUnderWay(BalanceError):
    """Another top-up of the line by card has no outcome yet; two at once might be one that was asked for twice."""


class NotAnOperator(BalanceError):
    """Money that does not come through the gateway needs somebody who says that it is there."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """One payment into a balance. `actor` is who took the money and `reason` what they say about it.

    By card, `customer` and `method` are the gateway's references of who pays, `key` names the call to the gateway, and
    `reference` is the gateway's own name of the payment.
    """

    id: str
    subscription: str
    source: Source
    amount: Money
    at: datetime
    actor: str = ""
    reason: str = ""
    state: PaymentState = PaymentState.SUCCEEDED
    customer: str | None = None
    method: str | None = None
    key: str | None = None
    reference: str | None = None
    code: str | None = None
    message: str | None = None


def take(conn: Connection, brand: str, wanted: TopUp, rules: PrepaidRules) -> Change:
    """Put money that an operator took into a balance, with the bonus that comes with it; the same again is left alone.

    Raises `NotAnOperator`, `NotAllowed`, `CurrencyMismatch`, `NoBalance`, `BalanceConflict`.
    """
    is_said = 0 < len(wanted.actor.strip()) <= _ACTOR and 0 < len(wanted.reason.strip()) <= _REASON
    if wanted.source is Source.CARD or not is_said:
        raise NotAnOperator(
            f"money taken by hand is cash, shop or bank, and says who took it (at most {_ACTOR} characters) "
            f"and what for (at most {_REASON})"
        )
    held = hold(conn, brand, wanted.subscription)[wanted.subscription]
    if _known(conn, brand, wanted) is not None:
        return unchanged(held)
    _add(conn, brand, held, wanted, rules)
    return _credit(conn, brand, held, wanted, rules, wanted.at)


def begin_charge(conn: Connection, brand: str, wanted: TopUp, rules: PrepaidRules) -> TopUp:
    """Write down a top-up by card before the gateway hears of it, or return it as it stands if it is known.

    Raises `TopUpUnderWay`, `NotAllowed`, `CurrencyMismatch`, `NoBalance`, `BalanceConflict`.
    """
    held = hold(conn, brand, wanted.subscription)[wanted.subscription]
    known = _known(conn, brand, wanted)
    if known is not None:
        return known
    other = next((one for one in unfinished(conn, brand) if one.subscription == wanted.subscription), None)
    if other is not None:
        raise TopUpUnderWay(f"top-up {other.id} of {other.amount} is {other.state}; finish it first, under its own id")
    created = replace(wanted, state=PaymentState.CREATED)
    _add(conn, brand, held, created, rules)
    return created


def record_charge(
    conn: Connection, brand: str, topup_id: str, outcome: TopUp, rules: PrepaidRules, at: datetime
) -> tuple[TopUp, Change | None]:
    """Write down what the gateway said about a top-up: its state, reference, code and message, as in `outcome`.

    Money received is in the balance, once. A state never goes back. Returns how the top-up stands, and what it did to
    the balance, None when nothing.
    """
    subscription = get(conn, brand, topup_id).subscription
    held = hold(conn, brand, subscription)[subscription]
    known = get(conn, brand, topup_id)
    if outcome.state not in PAYMENT_MOVES[known.state]:
        return known, None
    said = {name: getattr(outcome, name) for name in ("state", "reference", "code", "message")}
    change_row(conn, table, brand, topup_id, values=said)
    moved = replace(known, **said)
    if moved.state is not PaymentState.SUCCEEDED:
        return moved, None
    return moved, _credit(conn, brand, held, moved, rules, at)


def get(conn: Connection, brand: str, topup_id: str) -> TopUp:
    """Return a top-up; raise `TopUpNotFound`."""
    row = row_of(conn, table, brand, topup_id)
    if row is None:
        raise TopUpNotFound(f"there is no top-up {topup_id} in brand {brand}")
    return _from_row(row)


def by_reference(conn: Connection, brand: str, reference: str) -> TopUp | None:
    """Return the top-up that the gateway calls `reference`, or None."""
    query = select(table).where(table.c.brand == brand, table.c.reference == reference)
    row = conn.execute(query).one_or_none()
    return _from_row(row) if row else None


def unfinished(conn: Connection, brand: str) -> Sequence[TopUp]:
    """Return top-ups by card whose outcome is not known, oldest first."""
    return [_from_row(row) for row in conn.execute(_OPEN, {"brand": brand})]


def _known(conn: Connection, brand: str, wanted: TopUp) -> TopUp | None:
    row = row_of(conn, table, brand, wanted.id)
    known = _from_row(row) if row else None
    if known is not None and any(getattr(known, name) != getattr(wanted, name) for name in _SAID):
        raise BalanceConflict(f"top-up {wanted.id} exists with other content; give the new one another id")
    return known


#: What a caller says: the same id with anything else here is another top-up.
_SAID = ("subscription", "source", "amount", "actor", "reason")


def _add(conn: Connection, brand: str, held: Held, wanted: TopUp, rules: PrepaidRules) -> None:
    """Write a top-up down after checking that the rules allow it."""
    if not 0 < len(wanted.id) <= _ID:
        raise NoId(f"a top-up has an id of 1 to {_ID} characters, not of {len(wanted.id)}")
    if wanted.amount.currency != held.balance.currency:
        raise CurrencyMismatch(f"the balance of line {wanted.subscription} is in {held.balance.currency}")
    rules.check_topup(wanted.amount)
    rules.check_holding(held.lapsed(wanted.at).balance.held_micro + wanted.amount.micro)
    row = {name: getattr(wanted, name) for name in TopUp.__dataclass_fields__ if name != "amount"}
    row |= {"amount_minor": wanted.amount.minor, "currency": wanted.amount.currency}
    conn.execute(insert(table), {"brand": brand, **row})


def _credit(conn: Connection, brand: str, held: Held, paid: TopUp, rules: PrepaidRules, at: datetime) -> Change:
    amount, name = paid.amount, f"topup:{paid.id}"
    money = posting(name, paid.subscription, paid.source.account, amount.micro, amount.currency, "topup", at, paid.id)
    origin = Origin(paid.source, paid.actor, paid.reason)
    after = paid_in(held.lapsed(at), CreditKind.TOPUP, money, rules, None, origin)
    return store(conn, brand, held, with_bonus(after, money, amount, rules))


def _from_row(row: Row[Any]) -> TopUp:
    fields: dict[str, Any] = {name: row._mapping[name] for name in TopUp.__dataclass_fields__ if name != "amount"}
    money = Money(row.amount_minor, row.currency)
    return TopUp(
        **{**fields, "amount": money, "source": Source(row.source), "state": PaymentState(row.state)},
    )
