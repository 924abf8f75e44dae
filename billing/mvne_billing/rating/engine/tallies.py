"""What rated records add to which counter: the engine's answer to `Rated.taken`, summed per account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mvne_billing.rating.engine.prices import Layout
from mvne_billing.rating.engine.shapes import Shape
from mvne_billing.rating.engine.tables import Table, rows
from mvne_billing.rating.engine.terms import Scope, limit_counter, limit_scope
from mvne_billing.rating.price import BILLABLE
from mvne_billing.rating.result import Rule
from mvne_plans.quantity import Kind


class Tally(NamedTuple):
    """A column of rated records that a counter sums, and whose account keeps it."""

    column: str
    counter: str
    scope: int


#: What a shape counts: by column, the counters that sum it (none where it is used and nobody counts it).
Counted = Mapping[str, frozenset[Tally]]


def counted_of(shape: Shape, layout: Layout) -> Counted:
    """Return what uses of a shape are counted by; an endless bucket goes by the name in its own column."""
    found: dict[str, set[Tally]] = {}
    for gate in layout.levels.gates(shape):
        if not gate.is_limit:
            column = found.setdefault(f"taken_{gate.level}", set())
            column.add(Tally(f"taken_{gate.level}", gate.counter, gate.scope))
            for limit in gate.use.limits:
                scope = limit_scope(gate.use, limit)
                column.add(Tally(f"taken_{gate.level}", limit_counter(gate.use, limit), scope))
    for place, step in enumerate(shape.steps, start=1):
        counter, over = f"{step.rule}:{step.name}", found.setdefault(f"over_{place}", set())
        counted = step.rule is Rule.PRICE and step.amount is not None
        if counted or step.rule in (Rule.SLOW, Rule.STOP, Rule.NEXT):
            over.add(Tally(f"over_{place}", counter, Scope.OWN))
        billed = found.setdefault(f"billed_{place}", set())
        if step.rate.tiers:
            billed.add(Tally(f"billed_{place}", counter + BILLABLE, Scope.OWN))
    if shape.is_counted:
        found["stopped"] = {Tally("stopped", f"{Rule.STOP}:{shape.kind}", Scope.OWN)}
    return {name: frozenset(tallies) for name, tallies in found.items()}


class Tallies:
    """The tallies of a run: shapes of one kind share one where no column of theirs is counted by different counters.

    Few tallies make few sums: what a shape does not use is 0 in its records.
    """

    def __init__(self) -> None:
        self._known: list[tuple[Kind, dict[str, frozenset[Tally]]]] = []

    def number(self, shape: Shape, layout: Layout) -> int:
        """Return the number of the tally of a shape."""
        counted = counted_of(shape, layout)
        for place, (kind, known) in enumerate(self._known):
            if kind is shape.kind and all(known.get(name, tallies) == tallies for name, tallies in counted.items()):
                known.update(counted)
                return place
        self._known.append((shape.kind, dict(counted)))
        return len(self._known) - 1

    def kinds(self) -> Table:
        """Return the table of the kinds of use that tallies sum."""
        made: list[dict[str, object]] = [
            {"tally": place, "kind": str(kind)} for place, (kind, _) in enumerate(self._known)
        ]
        return rows("tally_kind", made, {"tally": "tiny", "kind": "name"})

    def table(self) -> Table:
        """Return the table of tallies: a row per `tally`, which is a number, and counter of a column."""
        listed = enumerate(known for _, known in self._known)
        several = [(place, one) for place, known in listed for tallies in known.values() for one in sorted(tallies)]
        made = [
            {"tally": place, "column_name": one.column, "counter": one.counter, "scope": int(one.scope)}
            for place, one in several
        ]
        return rows("tally", made, {"tally": "tiny", "column_name": "text", "counter": "name", "scope": "tiny"})


def sums(rated: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns of rated records that are summed, each with what makes it up: both parts of a cut call."""
    found: dict[str, tuple[str, ...]] = {}
    for name in rated:
        stem = name if name.startswith("taken_endless") else name.removesuffix("_after")
        if stem.startswith(("taken_", "over_", "billed_", "counted_")) or stem == "stopped":
            found[stem] = (*found.get(stem, ()), name)
    return found
