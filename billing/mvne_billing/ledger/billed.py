"""The proof of billed use: every bill's lines are what its records came to, and nothing that stood before is lost."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from mvne_billing.tables import invoice, usage, usage_correction, usage_past

#: What stands for an invoice where nothing was due.
NOTHING_DUE = "nothing_due"

#: Micro-units by bill, sort of line and kind of use.
_Lines = dict[tuple[str, str, str], int]


def checks(conn: Connection, brand: str) -> Iterator[str]:
    """Say which lines of bills do not agree with the records on them, and which earlier prices are missing."""
    expected, told = _expected(conn, brand), _told(conn, brand)
    for key in sorted(expected.keys() | told.keys()):
        if expected[key] != told[key]:
            bill, sort, kind = key
            yield f"bill {bill} has {told[key]} micro-units of {sort} {kind}; its records come to {expected[key]}"
    yield from _history(conn, brand)


def _expected(conn: Connection, brand: str) -> _Lines:
    """Return what records say: what they cost when they were billed, which later corrections do not change."""
    found: _Lines = defaultdict(int)
    rated = (
        select(usage.c.invoice, usage.c.kind, func.sum(usage.c.charge_micro))
        .where(usage.c.brand == brand, usage.c.invoice.is_not(None))
        .group_by(usage.c.invoice, usage.c.kind)
    )
    changed = (
        select(usage_correction.c.billed_on, usage_correction.c.kind, func.sum(usage_correction.c.micro))
        .where(usage_correction.c.brand == brand)
        .group_by(usage_correction.c.billed_on, usage_correction.c.kind)
    )
    taken = (
        select(usage_correction.c.invoice, usage_correction.c.kind, func.sum(usage_correction.c.micro))
        .where(usage_correction.c.brand == brand, usage_correction.c.invoice.is_not(None))
        .group_by(usage_correction.c.invoice, usage_correction.c.kind)
    )
    for query, sort, sign in ((rated, "usage", 1), (changed, "usage", -1), (taken, "correction", 1)):
        for bill, kind, micro in conn.execute(query):
            found[bill, sort, kind] += sign * int(micro)
    bills = set(conn.execute(select(invoice.c.id).where(invoice.c.brand == brand)).scalars()) | {NOTHING_DUE}
    return defaultdict(int, {key: micro for key, micro in found.items() if key[0] in bills})


def _told(conn: Connection, brand: str) -> _Lines:
    """Return what bills say."""
    found: _Lines = defaultdict(int)
    query = select(invoice.c.id, invoice.c.content).where(invoice.c.brand == brand, invoice.c.kind == "invoice")
    for row in conn.execute(query, execution_options={"yield_per": 1000}):
        for line in json.loads(row.content)["lines"]:
            if line["kind"] in ("usage", "correction"):
                found[row.id, line["kind"], line["name"].partition(" ")[0]] += line["micro"]
    return found


def _history(conn: Connection, brand: str) -> Iterator[str]:
    """Every price that a record had before the one that stands is kept."""
    kept = (
        select(usage_past.c.id, func.count().label("times"))
        .where(usage_past.c.brand == brand)
        .group_by(usage_past.c.id)
        .subquery()
    )
    query = (
        select(usage.c.id, usage.c.rating, func.coalesce(kept.c.times, 0))
        .outerjoin(kept, kept.c.id == usage.c.id)
        .where(usage.c.brand == brand, usage.c.rating != func.coalesce(kept.c.times, 0) + 1)
        .order_by(usage.c.id)
    )
    for id_, rating, times in conn.execute(query):
        yield f"record {id_} was priced {rating} times; {times} of the prices before are there"
