"""Adjustments: a person gives or takes prepaid money, with a reason, and is named."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from mvne_billing.balance.account import BalanceError
from mvne_billing.balance.crediting import Origin, credited
from mvne_billing.balance.holding import Change, hold, is_known, store, unchanged
from mvne_billing.balance.lots import CreditKind
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, move

#: What `actor: reason` may take in the books.
_LONGEST = 200


class NoReason(BalanceError):
    """Money that nobody paid needs somebody who answers for it, a reason, and an amount."""


def adjust(
    conn: Connection,
    brand: str,
    adjustment_id: str,
    subscription: str,
    micro: int,
    actor: str,
    reason: str,
    at: datetime,
    until: datetime | None = None,
) -> Change:
    """Give a line money (`micro` above 0, good until `until`) or take it (below 0), never below the balance's floor.

    The same adjustment again is left alone. Raises `NoReason`, `InsufficientBalance`, `NoBalance`, `BalanceConflict`.
    """
    told = f"{actor.strip()}: {reason.strip()}"
    if not micro or not actor.strip() or not reason.strip() or len(told) > _LONGEST:
        raise NoReason(
            f"an adjustment says who, why (at most {_LONGEST} characters together) and an amount that is not 0"
        )
    held = hold(conn, brand, subscription)[subscription]
    like = Entry(held.balance.currency, "adjustment", at, told, subscription)
    name = f"adjustment:{adjustment_id}"
    wanted = move(name, accounts.ADJUSTMENT, accounts.wallet(subscription), micro, like)[0]
    if is_known(conn, brand, wanted):
        return unchanged(held)
    current = held.lapsed(at)
    if micro > 0:
        after = credited(current, CreditKind.ADJUSTMENT, wanted, until, Origin("adjustment", actor, reason))
    else:
        after = current.debited(wanted, held.balance.floor_micro)
    return store(conn, brand, held, after)
