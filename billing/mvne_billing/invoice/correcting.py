"""Corrections of bills: what re-rating changed of use that was billed already is on the next bill.

A correction in the subscriber's favour takes a bill down to nothing at most: what is left of it is for the one after.
A last bill takes up all, and what is then owed to the subscriber stands in the books.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from mvne_billing.invoice.invoice import Line, LineKind
from mvne_billing.tables import invoice as invoice_table
from mvne_billing.tables import usage_correction as table
from mvne_plans.money import Money, round_line, total
from mvne_plans.quantity import Kind

_OPEN = (
    select(table, invoice_table.c.number)
    .outerjoin(invoice_table, (invoice_table.c.brand == table.c.brand) & (invoice_table.c.id == table.c.billed_on))
    .where(
        table.c.brand == bindparam("brand"),
        table.c.subscription == bindparam("subscription"),
        table.c.invoice.is_(None),
    )
    .order_by(table.c.at, table.c.id)
)
_TAKE = (
    update(table)
    .where(table.c.brand == bindparam("its_brand"), table.c.id == bindparam("its_id"))
    .values(invoice=bindparam("its_invoice"), micro=bindparam("its_micro"))
)


@dataclass(frozen=True, slots=True)
class Correction:
    """A change of what a record cost that bill `number` (empty: none) had on it; `taken` of `micro` is on this bill."""

    id: str
    kind: Kind
    number: str
    micro: int
    taken: int
    row: Any


def due(conn: Connection, brand: str, subscription: str, bill: Money, is_last: bool) -> list[Correction]:
    """Return the corrections for a bill that comes to `bill` without them, oldest first."""
    rows = conn.execute(_OPEN, {"brand": brand, "subscription": subscription}).all()
    room = bill.micro + sum(row.micro for row in rows if row.micro > 0)
    found = []
    for row in rows:
        taken = row.micro if row.micro > 0 or is_last else -min(-row.micro, max(room, 0))
        room += min(taken, 0)
        found.append(Correction(row.id, Kind(row.kind), row.number or "", row.micro, taken, row))
    while not is_last and (over := _over(found, bill)):
        # Lines are rounded one by one: what that makes of a bill of nothing is made good where most was taken.
        most = min(range(len(found)), key=lambda place: found[place].taken)
        found[most] = replace(found[most], taken=min(found[most].taken + over, 0))
    return [one for one in found if one.taken]


def _over(found: Sequence[Correction], bill: Money) -> int:
    """Return by how much, in micro-units, corrections bring a bill below nothing."""
    amounts = [line.amount for line in lines(found, bill.currency)]
    return max(-(bill + total(amounts, bill.currency)).micro, 0)


def lines(corrections: Iterable[Correction], currency: str) -> Iterator[Line]:
    """Yield the lines of corrections: one for each bill that is corrected and kind of use."""
    sums: dict[tuple[str, Kind], int] = defaultdict(int)
    for one in corrections:
        sums[one.number, one.kind] += one.taken
    for (number, kind), micro in sorted(sums.items()):
        if micro:
            yield Line(LineKind.CORRECTION, f"{kind} {number}".strip(), round_line(micro, currency), micro)


def take(conn: Connection, brand: str, corrections: Sequence[Correction], invoice: str) -> None:
    """Note that a bill has taken corrections up; what it left of one is a correction of its own."""
    if not corrections:
        return
    named = [
        {"its_brand": brand, "its_id": one.id, "its_invoice": invoice, "its_micro": one.taken} for one in corrections
    ]
    conn.execute(_TAKE, named)
    left = [one for one in corrections if one.taken != one.micro]
    if left:
        conn.execute(insert(table), [_rest(one) for one in left])


def _rest(one: Correction) -> dict[str, object]:
    values = {column.name: one.row._mapping[column.name] for column in table.columns}
    return values | {"id": f"{one.id}+", "micro": one.micro - one.taken, "invoice": None}
