"""A balance with its lots in the hands of one transaction: read under lock, changed as a value, written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from mvne_billing.balance import account
from mvne_billing.balance.account import Balance, BalanceConflict, BalanceError, InsufficientBalance
from mvne_billing.balance.lots import CreditKind, Lot, Taken, expired, reduced, settled, taken
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer, post
from mvne_billing.sql import row_of
from mvne_billing.subscription import subscription
from mvne_billing.subscription.subscription import SubscriptionNotFound
from mvne_billing.tables import credit as table
from mvne_billing.tables import transfer as transfer_table
from mvne_plans.money import micro_text

_LEFT = (
    select(table)
    .where(
        table.c.brand == bindparam("brand"),
        table.c.subscription.in_(bindparam("subscriptions", expanding=True)),
        table.c.left_micro > 0,
    )
    .order_by(table.c.at, table.c.id)
)
_CHANGE = (
    update(table)
    .where(table.c.brand == bindparam("its_brand"), table.c.id == bindparam("its_id"))
    .values(left_micro=bindparam("left"), expires_at=bindparam("until"))
)


#: How long the id of an operation may be.
_ID = 120


class NoId(BalanceError):
    """An operation on a balance has an id, which is not too long."""


@dataclass(frozen=True, slots=True)
class Held:
    """A balance and its lots that have something left; a change returns a new one, with what it puts in the books."""

    balance: Balance
    lots: tuple[Lot, ...]
    timezone: str
    transfers: tuple[Transfer, ...] = ()

    def credited(self, posting: Transfer, *lots: Lot) -> Held:
        """Return it with what `posting` brings, as one lot or several."""
        return replace(self._moved(sum(lot.micro for lot in lots), posting), lots=(*self.lots, *lots))

    def debited(self, posting: Transfer, least_micro: int) -> Held:
        """Return it less what `posting` takes, out of the lots that expire first.

        Raises `InsufficientBalance` when less than `least_micro` would be left free.
        """
        balance, micro = self.balance, posting.micro
        if balance.free_micro - micro < least_micro:
            spare = micro_text(max(balance.free_micro - least_micro, 0), balance.currency)
            raise InsufficientBalance(
                f"line {balance.subscription} can spend {spare}; {micro_text(micro, balance.currency)} are asked for"
            )
        return replace(self._moved(-micro, posting), lots=reduced(self.lots, self.parts(micro, posting.at)))

    def refunded(self, posting: Transfer) -> Held:
        """Return it with money that had been spent and comes back: it is of no lot and does not expire."""
        return self._moved(posting.micro, posting)

    def parts(self, micro: int, at: datetime) -> Taken:
        """Return which lots free money comes out of at `at`; what is left of an expired one is in open sessions."""
        return taken([lot for lot in self.lots if not lot.is_over(at)], micro)

    def lapsed(self, at: datetime) -> Held:
        """Return it without what has expired by `at`."""
        balance, after = self.balance, self
        parts = expired(self.lots, balance.free_micro, balance.reserved_micro, at)
        for lot, micro in parts:
            # A lot may expire in parts, as sessions give back what they held: the version tells them apart.
            name = f"expiry:{lot.id}:{balance.version}"
            like = Entry(balance.currency, "expiry", at, lot.id, balance.subscription)
            posting = Transfer(name, accounts.wallet(balance.subscription), accounts.BREAKAGE, micro, *like)
            after = after._moved(-micro, posting)
        return replace(after, lots=reduced(self.lots, parts))

    def _moved(self, micro: int, posting: Transfer) -> Held:
        balance = replace(self.balance, free_micro=self.balance.free_micro + micro)
        return replace(self, balance=balance, transfers=(*self.transfers, posting))


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation did to a balance; `is_new` is False when it had been done before and changed nothing."""

    before: Balance
    after: Balance
    is_new: bool = True


def hold(conn: Connection, brand: str, *subscriptions: str) -> dict[str, Held]:
    """Return the balances of these lines with their lots as they stand; nobody else changes them meanwhile.

    Locks are taken in one order, subscriptions before balances, each by id: two who do this never wait for each other.
    Raises `NoBalance`.
    """
    owners = {one.id: one for one in subscription.locked(conn, brand, sorted(subscriptions))}
    balances = account.locked(conn, brand, sorted(subscriptions))
    found: dict[str, list[Lot]] = {one: [] for one in subscriptions}
    for row in conn.execute(_LEFT, {"brand": brand, "subscriptions": list(subscriptions)}):
        found[row.subscription].append(_lot(row))
    for one in subscriptions:
        if one not in owners:
            raise SubscriptionNotFound(f"there is no subscription {one} in brand {brand}, and yet it has a balance")
    return {
        one: Held(balances[one], settled(found[one], balances[one].held_micro), owners[one].timezone)
        for one in subscriptions
    }


def store(conn: Connection, brand: str, before: Held, after: Held) -> Change:
    """Write what became of a balance that is held: its lots, its free money, its next version. Post it in the books."""
    known = {lot.id for lot in before.lots}
    new = [_values(brand, lot) for lot in after.lots if lot.id not in known]
    if new:
        conn.execute(insert(table), new)
    if before.lots:
        conn.execute(_CHANGE, [_changed(brand, lot) for lot in after.lots if lot.id in known])
    account.write(conn, brand, before.balance, after.balance.free_micro)
    post(conn, brand, after.transfers)
    return Change(before.balance, replace(after.balance, version=before.balance.version + 1))


def is_known(conn: Connection, brand: str, wanted: Transfer) -> bool:
    """Say whether this was done before: an operation is known by its first transfer, whenever it comes again.

    Raises `BalanceConflict` when that transfer says something else, `NoId` when the id is none.
    """
    if not 0 < len(wanted.id.partition(":")[2]) <= _ID:
        raise NoId(f"an operation has an id of 1 to {_ID} characters")
    row = row_of(conn, transfer_table, brand, wanted.id)
    if row is None:
        return False
    if any(row._mapping[name] != getattr(wanted, name) for name in _SAID):
        raise BalanceConflict(f"{wanted.id} is in the books with other content; give the new one another id")
    return True


_SAID = ("debit", "credit", "micro", "currency", "code", "reference", "subscription")


def unchanged(held: Held) -> Change:
    """Return that nothing was done."""
    return Change(held.balance, held.balance, is_new=False)


def lots_of(conn: Connection, brand: str, *subscriptions: str) -> Sequence[Lot]:
    """Return the lots of lines that have something left, as they were last written."""
    return [_lot(row) for row in conn.execute(_LEFT, {"brand": brand, "subscriptions": list(subscriptions)})]


def _lot(row: Row[Any]) -> Lot:
    fields: dict[str, Any] = {name: row._mapping[name] for name in Lot.__dataclass_fields__}
    return Lot(**{**fields, "kind": CreditKind(fields["kind"])})


def _values(brand: str, lot: Lot) -> dict[str, object]:
    return {"brand": brand, **{name: getattr(lot, name) for name in Lot.__dataclass_fields__}}


def _changed(brand: str, lot: Lot) -> dict[str, object]:
    return {"its_brand": brand, "its_id": lot.id, "left": lot.left_micro, "until": lot.expires_at}
