"""Redeeming a voucher: its money into a balance, once, whoever comes first; who guesses has to wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, select, update

from mvne_billing.balance import voucher
from mvne_billing.balance.account import BalanceError
from mvne_billing.balance.codes import code_hash, masked
from mvne_billing.balance.crediting import Origin, paid_in, posting
from mvne_billing.balance.holding import Change, Held, hold, is_known, store, unchanged
from mvne_billing.balance.lots import CreditKind
from mvne_billing.balance.voucher import Batch
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Transfer
from mvne_billing.sql import Transact, row_of, upsert
from mvne_billing.tables import voucher as table
from mvne_billing.tables import voucher_attempt as attempt_table
from mvne_plans.money import CurrencyMismatch
from mvne_plans.prepaid import PrepaidRules


class VoucherRefused(BalanceError):
    """This voucher cannot be redeemed."""


class WrongCode(VoucherRefused):
    """No voucher of this brand has this code, or it has been redeemed: it counts as a guess."""


class VoucherOver(VoucherRefused):
    """The voucher has expired or was made void."""


class TooManyWrongCodes(VoucherRefused):
    """The line has tried too many wrong codes and has to wait."""


#: Called inside the transaction in which a voucher was redeemed.
Noticed = Callable[[Connection, Change], None]


def unnoticed(conn: Connection, change: Change) -> None:
    """Nobody needs to know."""


def redeem(
    transact: Transact,
    brand: str,
    redemption_id: str,
    subscription: str,
    code: str,
    rules: PrepaidRules,
    at: datetime,
    noticed: Noticed = unnoticed,
) -> Change:
    """Put a voucher's money into a line's balance; the same redemption again is left alone.

    A wrong code is counted, which is why this opens a transaction of its own. Raises `WrongCode`, `VoucherOver`,
    `TooManyWrongCodes`, `NotAllowed`, `CurrencyMismatch`, `NoBalance`, `BalanceConflict`.
    """
    with transact() as conn:
        try:
            change = _redeem(conn, brand, redemption_id, subscription, code, rules, at)
        except WrongCode as wrong:
            # Nothing was written before it was raised; that it was tried is, and stays.
            upsert(conn, attempt_table, [{"brand": brand, "id": redemption_id, "subscription": subscription, "at": at}])
            refusal = wrong
        else:
            if change.is_new:
                noticed(conn, change)
            return change
    raise refusal


def _redeem(
    conn: Connection, brand: str, redemption_id: str, subscription: str, code: str, rules: PrepaidRules, at: datetime
) -> Change:
    held = hold(conn, brand, subscription)[subscription]
    digest = code_hash(brand, code)
    row = row_of(conn, table, brand, digest)
    if row is not None:
        batch = voucher.get(conn, brand, row.batch)
        paid = _posting(redemption_id, subscription, batch, digest, at)
        if is_known(conn, brand, paid):
            return unchanged(held)
    _check_tries(conn, brand, subscription, rules, at)
    if row is None or row.redeemed_at is not None:
        raise WrongCode(f"no voucher with the code {masked(code)} is left; look at the code again")
    _check(batch, held, code, at)
    current = held.lapsed(at)
    rules.check_holding(current.balance.held_micro + paid.micro)
    _claim(conn, brand, digest, subscription, at, code)
    return store(conn, brand, held, _credited(current, paid, batch, rules))


def _posting(redemption_id: str, subscription: str, batch: Batch, digest: str, at: datetime) -> Transfer:
    amount, source = batch.amount, accounts.vouchers(batch.id)
    told = f"{batch.id}:{digest[:16]}"
    name = f"voucher:{redemption_id}"
    return posting(name, subscription, source, amount.micro, amount.currency, "voucher", at, told)


def _credited(held: Held, paid: Transfer, batch: Batch, rules: PrepaidRules) -> Held:
    return paid_in(held, CreditKind.VOUCHER, paid, rules, batch.lasts, Origin(f"batch {batch.id}"))


def _check_tries(conn: Connection, brand: str, subscription: str, rules: PrepaidRules, at: datetime) -> None:
    """Raise `TooManyWrongCodes` while a line has tried as many wrong codes as it may, right or wrong the next."""
    table = attempt_table.c
    mine = (table.brand == brand, table.subscription == subscription, table.at > at - rules.code_pause)
    tries = conn.execute(select(table.at).where(*mine).order_by(table.at.desc()).limit(rules.wrong_codes)).scalars()
    found = list(tries)
    if len(found) >= rules.wrong_codes:
        until = (found[-1] + rules.code_pause).isoformat(timespec="minutes")
        raise TooManyWrongCodes(f"line {subscription} tried {len(found)} wrong voucher codes; it can try again {until}")


def _check(batch: Batch, held: Held, code: str, at: datetime) -> None:
    """Raise `VoucherOver` or `CurrencyMismatch` when a voucher that is there cannot be redeemed into this balance."""
    if batch.voided_at is not None:
        raise VoucherOver(f"the voucher {masked(code)} was made void")
    if batch.expires_at is not None and batch.expires_at <= at:
        raise VoucherOver(f"the voucher {masked(code)} expired {batch.expires_at.isoformat(timespec='minutes')}")
    if batch.amount.currency != held.balance.currency:
        raise CurrencyMismatch(f"the voucher is in {batch.amount.currency}, the balance in {held.balance.currency}")


def _claim(conn: Connection, brand: str, digest: str, subscription: str, at: datetime, code: str) -> None:
    """Take a voucher for a line; of two who try at once, the database lets one have it."""
    free = (table.c.brand == brand, table.c.code_hash == digest, table.c.redeemed_at.is_(None))
    claimed = conn.execute(update(table).where(*free).values(redeemed_by=subscription, redeemed_at=at))
    if not claimed.rowcount:
        raise WrongCode(f"the voucher {masked(code)} was redeemed a moment ago")
