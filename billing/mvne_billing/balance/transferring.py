"""Sending money from one line to another: both or neither, within limits, and it expires when it would have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mvne_billing.balance.account import BalanceError
from mvne_billing.balance.crediting import Origin
from mvne_billing.balance.holding import Change, Held, hold, is_known, store, unchanged
from mvne_billing.balance.lots import CreditKind, Lot
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer
from mvne_billing.tables import NOT_OF_A_SESSION
from mvne_billing.tables import transfer as table
from mvne_plans.canonical import dumps
from mvne_plans.money import CurrencyMismatch, Money, round_line
from mvne_plans.prepaid import NotAllowed, PrepaidRules

#: What a sending is called in the books.
CODE = "balance_transfer"

#: The time in which what a line sends is added up.
_DAY = timedelta(hours=24)


class SameLine(BalanceError):
    """Money is sent from one line to another."""


def send(
    conn: Connection,
    brand: str,
    sending_id: str,
    giver: str,
    taker: str,
    amount: Money,
    rules: PrepaidRules,
    at: datetime,
) -> tuple[Change, Change]:
    """Move money from one line's balance to another's and return both changes; the same again is left alone.

    Only money that is there moves, never credit below 0, and it keeps the expiry it has. Raises `NotAllowed` (limits),
    `InsufficientBalance`, `CurrencyMismatch`, `SameLine`, `NoBalance`, `BalanceConflict`.
    """
    if giver == taker:
        raise SameLine(f"line {giver} cannot send money to itself")
    both = hold(conn, brand, giver, taker)
    like = Entry(amount.currency, CODE, at, f"to {taker}", giver)
    wanted = Transfer(f"sending:{sending_id}", accounts.wallet(giver), accounts.wallet(taker), amount.micro, *like)
    if is_known(conn, brand, wanted):
        return unchanged(both[giver]), unchanged(both[taker])
    currencies = {amount.currency, *(one.balance.currency for one in both.values())}
    if len(currencies) > 1:
        raise CurrencyMismatch(f"{' and '.join(sorted(currencies))} do not mix; send in the currency of both lines")
    _check(conn, brand, giver, amount, rules, at)
    given, received = (both[one].lapsed(at) for one in (giver, taker))
    rules.check_holding(received.balance.held_micro + amount.micro)
    left = given.debited(wanted, 0)
    got = received.credited(wanted, *_arriving(given, wanted, taker))
    return store(conn, brand, both[giver], left), store(conn, brand, both[taker], got)


def sent_since(conn: Connection, brand: str, giver: str, since: datetime, currency: str) -> Money:
    """Return what a line has sent to others after `since`, by the books."""
    query = select(func.coalesce(func.sum(table.c.micro), 0)).where(
        table.c.brand == brand,
        table.c.debit == accounts.wallet(giver),
        NOT_OF_A_SESSION,
        table.c.code == CODE,
        table.c.at > since,
    )
    return round_line(int(conn.execute(query).scalar_one()), currency)


def _check(conn: Connection, brand: str, giver: str, amount: Money, rules: PrepaidRules, at: datetime) -> None:
    if rules.sending is None:
        raise NotAllowed("this brand's lines cannot send each other money")
    rules.sending.check(amount, sent_since(conn, brand, giver, at - _DAY, amount.currency))


def _arriving(given: Held, wanted: Transfer, taker: str) -> Iterator[Lot]:
    """Yield the lots that arrive: what the giver's lots are taken for, each good as long as there."""
    origin = dumps(Origin(given.balance.subscription))
    rest = wanted.micro
    for place, (lot, micro) in enumerate(given.parts(wanted.micro, wanted.at)):
        rest -= micro
        name = f"{wanted.id}:{place}"
        yield Lot(name, taker, CreditKind.TRANSFER, micro, micro, wanted.at, lot.expires_at, origin)
    if rest:  # money that no lot accounts for, such as a refund, never expires
        yield Lot(f"{wanted.id}:rest", taker, CreditKind.TRANSFER, rest, rest, wanted.at, None, origin)
