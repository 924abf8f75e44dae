"""Batches of vouchers: codes are handed out once, when they are made; the store keeps hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from mvne_billing.balance.account import BalanceConflict, BalanceError
from mvne_billing.balance.codes import Token, WeakChance, code_from, code_hash
from mvne_billing.sql import change_row, row_of
from mvne_billing.tables import voucher as table
from mvne_billing.tables import voucher_batch as batch_table
from mvne_plans.money import Money, round_line
from mvne_plans.period import Every

#: Rows written at once.
_CHUNK = 1000

#: How long an id, and who had a batch made, may be.
_NAME = 60


class BatchNotFound(BalanceError):
    """There is no such batch of vouchers in this brand."""


class NoSuchBatch(BalanceError):
    """A batch has at least one voucher, worth something, and somebody who had it made."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Vouchers made together: `size` of them, each worth `amount`, redeemed until `expires_at` if that is set.

    `lasts` is how long the money of a redeemed one is good, instead of what the brand's rules say.
    """

    id: str
    size: int
    amount: Money
    actor: str
    at: datetime
    expires_at: datetime | None = None
    lasts: Every | None = None
    voided_at: datetime | None = None


def make(conn: Connection, brand: str, wanted: Batch, token: Token, keep: Callable[[Sequence[str]], None]) -> Batch:
    """Make a batch and give its codes to `keep`, before anything is stored: this once, and never again.

    When `keep` fails, there is no batch. Raises `NoSuchBatch`, `WeakChance`, and `BalanceConflict` when the id is
    taken: codes that were given out cannot be shown again.
    """
    is_named = 0 < len(wanted.id) <= _NAME and 0 < len(wanted.actor.strip()) <= _NAME
    if wanted.size < 1 or wanted.amount.minor < 1 or not is_named:
        raise NoSuchBatch(
            "a batch has at least one voucher, worth more than nothing, "
            f"an id and somebody who had it made (at most {_NAME} characters each)"
        )
    if row_of(conn, batch_table, brand, wanted.id) is not None:
        raise BalanceConflict(
            f"batch {wanted.id} exists, and its codes cannot be shown again; void it, or give the new one another id"
        )
    codes = [code_from(token()) for _ in range(wanted.size)]
    hashes = {code_hash(brand, code) for code in codes}
    if len(hashes) < wanted.size:
        raise WeakChance("the source of chance repeats itself; take a better one")
    keep(codes)
    row = {"brand": brand, "id": wanted.id, "size": wanted.size, "micro": wanted.amount.micro}
    row |= {"currency": wanted.amount.currency, "expires_at": wanted.expires_at, "actor": wanted.actor}
    row |= {"lasts": None if wanted.lasts is None else str(wanted.lasts), "at": wanted.at}
    conn.execute(insert(batch_table), row)
    rows = [{"brand": brand, "code_hash": one, "batch": wanted.id} for one in sorted(hashes)]
    for start in range(0, len(rows), _CHUNK):
        conn.execute(insert(table), rows[start : start + _CHUNK])
    return wanted


def void(conn: Connection, brand: str, batch_id: str, at: datetime) -> int:
    """Let nobody redeem what is left of a batch (its codes were lost or stolen) and return how many those were.

    Void already is fine. Raises `BatchNotFound`.
    """
    known = get(conn, brand, batch_id)
    if known.voided_at is None:
        change_row(conn, batch_table, brand, batch_id, values={"voided_at": at})
    return known.size - redeemed(conn, brand, batch_id)


def get(conn: Connection, brand: str, batch_id: str) -> Batch:
    """Return a batch; raise `BatchNotFound`."""
    row = row_of(conn, batch_table, brand, batch_id)
    if row is None:
        raise BatchNotFound(f"there is no batch {batch_id} of vouchers in brand {brand}")
    lasts = None if row.lasts is None else Every.parse(row.lasts)
    amount = round_line(row.micro, row.currency)
    return Batch(row.id, row.size, amount, row.actor, row.at, row.expires_at, lasts, row.voided_at)


def batches(conn: Connection, brand: str) -> list[Batch]:
    """Return the batches of a brand, oldest first."""
    query = select(batch_table.c.id).where(batch_table.c.brand == brand).order_by(batch_table.c.at, batch_table.c.id)
    return [get(conn, brand, one) for one in conn.execute(query).scalars().all()]


def redeemed(conn: Connection, brand: str, batch_id: str) -> int:
    """Return how many vouchers of a batch have been redeemed."""
    query = select(func.count()).where(
        table.c.brand == brand, table.c.batch == batch_id, table.c.redeemed_at.is_not(None)
    )
    return int(conn.execute(query).scalar_one())
