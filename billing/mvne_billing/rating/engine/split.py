"""How the units of a record are split over the rules that price them, once its gates have said what buckets cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mvne_billing.rating.engine.expression import Expr, case, equals, given, greatest, has, least, lit, total, within
from mvne_billing.rating.engine.gates import ENDLESS
from mvne_billing.rating.engine.money import raised
from mvne_billing.rating.engine.prices import Layout
from mvne_billing.rating.engine.relation import Relation


@dataclass(frozen=True)
class Split:
    """Writes the columns of units: per piece (the part of a record in one time band) and position (see `Layout`).

    A column of units is named by its position and piece: `s_1`, `taken1_1` (gate 1), `e_1`, `t_1`, `x1_1`, `y_1`, and
    `stop_1` for what comes after the last step.
    """

    layout: Layout
    pieces: Sequence[str]

    def piece(self, rows: Relation, piece: str) -> Expr:
        """Return the units of a piece."""
        if len(self.pieces) == 1:
            return rows["units"]
        first = rows["first"]
        return first if piece == "1" else within(rows["units"] - first, 0, rows["units"].high)

    def _share(self, rows: Relation, piece: str) -> Expr:
        """Return the units of a piece that a number service may serve."""
        before = lit(0) if piece == "1" else rows["first"]
        return least(self.piece(rows, piece), greatest(rows["s_limit"] - before, 0))

    def served(self, rows: Relation, piece: str) -> Expr:
        """Return the units of a piece that a number service takes before any bucket."""
        return given(has(rows["s_on"]), self._share(rows, piece))

    def outside(self, rows: Relation) -> Relation:
        """Add what lies outside the buckets: `s`, `e`, `t`, `y`, and `beyond`, which the steps share."""
        for piece in self.pieces:
            rest, units = rows[f"rest_{piece}"], self.piece(rows, piece)
            served = self.served(rows, piece)
            rows = rows.extend(**{f"s_{piece}": served, f"e_{piece}": given(has(rows[f"e_on_{piece}"]), rest)})
            left = rows[f"rest_{piece}"] - rows[f"e_{piece}"]
            covered = units - rows[f"s_{piece}"] - left
            after = within(greatest(self._share(rows, piece) - covered, 0), 0, units.high)
            rows = rows.extend(**{f"t_{piece}": given(has(rows["t_on"]), after)})
            out = within(rows[f"rest_{piece}"] - rows[f"e_{piece}"] - rows[f"t_{piece}"], 0, units.high)
            rows = rows.extend(**{f"out_{piece}": out})
            roams = has(rows["y_on"]) & has(rows[f"kept_{piece}"])
            rows = rows.extend(**{f"y_{piece}": given(roams, rows[f"out_{piece}"])})
            beyond = within(rows[f"out_{piece}"] - rows[f"y_{piece}"], 0, units.high)
            rows = rows.extend(**{f"beyond_{piece}": beyond})
        return rows

    def steps(self, rows: Relation) -> Relation:
        """Add `x1` and so on, and `stop`, from `beyond` and what earlier records took of the steps, `chain`."""
        start, low = rows["chain"], lit(0)
        ends: list[tuple[Expr, Expr]] = []
        for step in range(1, self.layout.steps + 1):
            amount = rows[f"x{step}_amount"]
            room = greatest(amount - rows[f"x{step}_spent"], 0)
            high = (
                least(low + room, ENDLESS)
                if amount.high < ENDLESS
                else case((amount >= ENDLESS, ENDLESS), otherwise=low + room)
            )
            ends.append((low, high))
            low = high
        for piece in self.pieces:
            beyond = rows[f"beyond_{piece}"]
            left = beyond
            all_taken = False
            for step, (since, until) in enumerate(ends, start=1):
                taken = greatest(least(start + beyond, until) - greatest(start, since), 0)
                taken = beyond if since.is_zero and until.always == ENDLESS else within(taken, 0, beyond.high)
                rows = rows.extend(**{f"x{step}_{piece}": taken})
                all_taken = all_taken or taken == beyond
                left = lit(0) if all_taken else left - rows[f"x{step}_{piece}"]
            rows = rows.extend(**{f"stop_{piece}": left if all_taken else within(left, 0, beyond.high)})
            start = start + beyond
        return rows

    def stretches(self, piece: str) -> Iterator[tuple[str, str]]:
        """Yield the positions of a piece in the order of its units, each with its column; `stop` prices nothing."""
        for position in self.layout.positions:
            yield position, f"taken{position[1:]}_{piece}" if position[0] == "b" else f"{position}_{piece}"
            if position == f"x{self.layout.steps}":
                yield "", f"stop_{piece}"

    def billable(self, rows: Relation, positions: Sequence[str]) -> Relation:
        """Add `bill_x1_1` and so on: the units that are charged for; the last of a record carry its increments."""
        ordered = [(position, name, piece) for piece in self.pieces for position, name in self.stretches(piece)]
        added = {}
        for place, (position, name, piece) in enumerate(ordered):
            if position not in positions:
                continue
            units = rows[name]
            later = total(rows[other] for _, other, _ in ordered[place + 1 :])
            charged = has(rows[f"{position}_charged_{piece}"]) & (units > 0)
            first, step = rows[f"{position}_first_{piece}"], rows[f"{position}_next_{piece}"]
            overrun = within(raised(rows["units"], first, step) - rows["units"], 0, first.high + step.high)
            added[f"bill_{position}_{piece}"] = given(charged, units + given(equals(later, 0), overrun))
        return rows.extend(**added)
