"""Prepaid use that comes in records: paid from the wallet as it is priced, as live use is paid as it happens.

What the wallet does not have is the brand's loss, as with a session that used more than it was granted. What a lower
price gives back makes up for that loss first, and goes into the wallet beyond it. A prepaid line that nobody ever paid
in for has no wallet, and its use is on the next bill.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, case, func, or_, select

from mvne_billing.balance.holding import Change, Held, hold, store
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer, move, post
from mvne_billing.mediation.settled import Cause
from mvne_billing.tables import transfer

#: What stands in place of a bill where the wallet paid for a record.
PAID = "paid_from_balance"

_CODE = "usage_paid"
_LOSS = func.sum(case((transfer.c.debit == accounts.OVERRUN, transfer.c.micro), else_=-transfer.c.micro))
_LOST = (
    select(transfer.c.subscription, _LOSS)
    .where(
        transfer.c.brand == bindparam("brand"),
        transfer.c.subscription.in_(bindparam("lines", expanding=True)),
        transfer.c.code == _CODE,
        or_(transfer.c.debit == accounts.OVERRUN, transfer.c.credit == accounts.OVERRUN),
    )
    .group_by(transfer.c.subscription)
)


class Due(NamedTuple):
    """What an entry in the books, by its name, asks of a prepaid line in micro-units; below 0 it gives back."""

    entry: str
    subscription: str
    currency: str
    micro: int


def pay(conn: Connection, brand: str, cause: Cause, dues: Sequence[Due]) -> list[Change]:
    """Let wallets pay for priced use, or get back, post it, and return what became of their balances.

    The lines are locked and announced beforehand.
    """
    asked: dict[str, list[Due]] = defaultdict(list)
    for one in dues:
        if one.micro:
            asked[one.subscription].append(one)
    held = hold(conn, brand, *sorted(asked)) if asked else {}
    back = sorted({one.subscription for one in dues if one.micro < 0})
    lost = {line: int(micro) for line, micro in conn.execute(_LOST, {"brand": brand, "lines": back})} if back else {}
    changes = []
    for line, its in sorted(asked.items()):
        purse = _Purse(cause, held[line].lapsed(cause.at), lost.get(line, 0), [])
        for due in its:
            (purse.take if due.micro > 0 else purse.give)(due)
        post(conn, brand, purse.losses)
        changes.append(store(conn, brand, held[line], purse.held))
    return changes


@dataclass
class _Purse:
    """What a line has, and what the brand lost on its records so far."""

    cause: Cause
    held: Held
    lost: int
    losses: list[Transfer]

    def take(self, due: Due) -> None:
        """Pay with what is there; the rest is lost."""
        there = self.held.balance.free_micro - self.held.balance.floor_micro
        paid = min(due.micro, max(there, 0))
        if paid:
            wallet, owed = accounts.wallet(due.subscription), accounts.unbilled(due.subscription)
            one = Transfer(f"{due.entry}:wallet", wallet, owed, paid, *self._like(due))
            self.held = self.held.debited(one, self.held.balance.floor_micro)
        self._lose(due, due.micro - paid)

    def give(self, due: Due) -> None:
        """Make up for what was lost, and put the rest into the wallet."""
        regained = min(-due.micro, self.lost)
        self._lose(due, -regained)
        if -due.micro > regained:
            wallet, owed = accounts.wallet(due.subscription), accounts.unbilled(due.subscription)
            one = Transfer(f"{due.entry}:wallet", owed, wallet, -due.micro - regained, *self._like(due))
            self.held = self.held.refunded(one)

    def _lose(self, due: Due, micro: int) -> None:
        self.lost += micro
        owed = accounts.unbilled(due.subscription)
        self.losses += move(f"{due.entry}:loss", accounts.OVERRUN, owed, micro, self._like(due))

    def _like(self, due: Due) -> Entry:
        return Entry(due.currency, _CODE, self.cause.at, self.cause.name, due.subscription)
