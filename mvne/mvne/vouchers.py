"""Vouchers of a brand: batches of codes that are handed out once, and their money on its way into balances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from mvne import outbox
from mvne.balances import on_balance, tell
from mvne.collecting import pay_from_balance
from mvne.platform import Platform
from mvne.selling import selling
from mvne_billing.balance import redeeming, voucher
from mvne_billing.balance.codes import Token
from mvne_billing.balance.holding import Change
from mvne_billing.balance.voucher import Batch
from mvne_plans.money import CurrencyMismatch


def make(platform: Platform, brand: str, wanted: Batch, token: Token, keep: Callable[[Sequence[str]], None]) -> Batch:
    """Make a batch of vouchers; its codes go to `keep` before anything is stored, this once and never again.

    `token` is the source of chance: whoever guesses what it gives has the money. When `keep` fails there is no batch.
    """
    with platform.store.transact() as conn:
        currency = selling(conn, brand).settings.currency
        if wanted.amount.currency != currency:
            raise CurrencyMismatch(f"{brand} sells in {currency}, not in {wanted.amount.currency}")
        made = voucher.make(conn, brand, wanted, token, keep)
        content = {"size": made.size, "amount": str(made.amount), "actor": made.actor}
        outbox.emit(conn, brand, "vouchers.made", made.id, content, made.at)
        return made


def void(platform: Platform, brand: str, batch_id: str, actor: str, at: datetime) -> int:
    """Let nobody redeem what is left of a batch, and return how many vouchers those were; void already is fine."""
    with platform.store.transact() as conn:
        is_new = voucher.get(conn, brand, batch_id).voided_at is None
        left = voucher.void(conn, brand, batch_id, at)
        if is_new:
            outbox.emit(conn, brand, "vouchers.voided", batch_id, {"left": left, "actor": actor}, at)
        return left


def redeem(platform: Platform, brand: str, redemption_id: str, line_id: str, code: str, at: datetime) -> Change:
    """Put a voucher's money into a line's balance; the same redemption again changes nothing.

    Bills that waited for money are paid from it. Raises `WrongCode` (counted), `TooManyWrongCodes`, `VoucherOver`,
    `NotAllowed`, `NotPrepaid`, `LineEnded`.
    """
    with on_balance(platform, brand, line_id, at=at) as (_, sold):
        rules = sold.prepaid()

    def noticed(conn: Connection, change: Change) -> None:
        tell(conn, sold, "balance.redeemed", change, {}, at)
        pay_from_balance(conn, sold, line_id, at)

    return redeeming.redeem(platform.store.transact, brand, redemption_id, line_id, code, rules, at, noticed)
