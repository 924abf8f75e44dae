"""What was used of counters before the files begin, by the numbers of accounts and counters that a run has."""

from __future__ import annotations

from collections.abc import Sequence

from mvne_billing.rating.engine.duck import DuckEngine
from mvne_billing.rating.engine.expression import number
from mvne_billing.rating.engine.lines import Counters
from mvne_billing.rating.engine.relation import Relation
from mvne_billing.rating.engine.tables import Table
from mvne_billing.rating.engine.terms import POOL


def make_opening(duck: DuckEngine, opening: Counters, slots: Sequence[str]) -> Relation | None:
    """Make the table `opening` of a run's counters (`counter` is account and slot as one number); None when empty."""
    known = [(holder, _slot(name, slots), at, used) for (holder, name, at), used in opening.items() if used]
    rows = [row for row in known if row[1] >= 0]
    if not rows:
        return None
    names = ("subscription", "slot", "opened", "used")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    duck.put(Table("opening_given", columns, {"opened": "time"}))
    duck.make(
        "opening",
        f"SELECT CAST(a.account AS BIGINT) * {len(slots)} + g.slot AS counter, CAST(sum(g.used) AS BIGINT) AS used "
        "FROM opening_given g JOIN account a ON a.subscription = g.subscription AND a.opened = g.opened GROUP BY 1",
    )
    most = sum(used for *_, used in rows)
    return Relation({"counter": number("long", 0, 2**62), "used": number("long", 0, most)}, name="opening")


def _slot(name: str, slots: Sequence[str]) -> int:
    """Return the number of a counter, -1 for one that this run never asks for."""
    if name in slots:
        return slots.index(name)
    # A member's own limit on a pooled bucket is kept under the bucket and the owner.
    pooled = POOL + name.rpartition("/")[0]
    return slots.index(pooled) if pooled in slots else -1
