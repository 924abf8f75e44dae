"""The way of a record through its gates: each pass sums what came before it and takes what is left.

A pass sees only the records that reach it. What a bucket has left before a record is its amount less the running sum of
what all earlier records of the counter asked for: once one record finds too little, none after it finds anything, so
the sum of what was asked for is the sum of what was taken for as long as that matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mvne_billing.rating.engine.bounds import Sizes
from mvne_billing.rating.engine.expression import (
    Expr,
    case,
    equals,
    given,
    greatest,
    has,
    least,
    lit,
    running,
    times,
    total,
    whole,
    within,
)
from mvne_billing.rating.engine.gates import ENDLESS
from mvne_billing.rating.engine.money import ceiling, raised
from mvne_billing.rating.engine.prices import Layout
from mvne_billing.rating.engine.relation import Relation, union
from mvne_billing.rating.engine.split import Split
from mvne_billing.rating.engine.terms import Scope
from mvne_plans.quantity import MOST


@dataclass(frozen=True)
class Flow:
    """The tables that passes look up: routes; cells (a shape in a time band) where there are bands; opening counters.

    `opening` holds what was used of a counter before the first record: `counter` (account and slot as one number) and
    `used`. `count` is the number of records, `sizes` how large its prices can get.
    """

    layout: Layout
    routes: Relation
    cells: Relation | None
    opening: Relation | None
    count: int
    sizes: Sizes

    @cached_property
    def split(self) -> Split:
        """The writer of units."""
        return Split(self.layout, ("1",) if self.cells is None else ("1", "2"))

    @property
    def chain_pass(self) -> int:
        """The number of the pass that counts steps beyond; those that count their tiers follow it."""
        return self.layout.levels.count + 1

    @property
    def passes(self) -> Sequence[int]:
        """The numbers of all passes that some record may need, in order."""
        numbers = [level for level in range(1, self.chain_pass) if self._may_be(f"g{level}_on")]
        numbers += [self.chain_pass] if self._may_be("chained") else []
        return numbers + [self.chain_pass + step for step in self.tiered]

    @property
    def tiered(self) -> Sequence[int]:
        """The steps beyond that may have tiers, by their number."""
        steps = range(1, self.layout.steps + 1) if self.layout.tiers else range(0)
        return [step for step in steps if self._may_be(f"x{step}_tiered")]

    def _may_be(self, name: str) -> bool:
        table = self.routes if name in self.routes or self.cells is None else self.cells
        return table.columns[name].high > 0

    def described(self, rows: Relation, names: Sequence[str], by_band: Sequence[str] = ()) -> Relation:
        """Add columns of the routes, and once per piece those that depend on the time band, as `name_1`."""
        names = [name for name in names if name not in rows]
        by_band = [name for name in by_band if f"{name}_1" not in rows]
        if not names and not by_band:
            return rows
        routes = self.routes
        on = equals(rows["route"], routes.there("route"))
        if self.cells is None:
            return rows.join(routes, on, **{name: name for name in names}, **{f"{name}_1": name for name in by_band})
        wanted = {name: name for name in (*names, "shape") if name not in rows}
        rows = rows.join(routes, on, **wanted)
        for piece in self.split.pieces if by_band else ():
            cell = rows["shape"] * len(self.layout.bands) + rows[f"band_{piece}"]
            found = {f"{name}_{piece}": name for name in by_band}
            rows = rows.join(self.cells, equals(cell, self.cells.there("cell")), **found)
        return rows

    def _counts_apart(self, level: int) -> bool:
        """Say whether a bucket of a level counts other units than those of use."""
        return any(self.routes[f"g{level}_{name}"].always != 1 for name in ("first", "next", "times", "over"))

    def everything(self, rows: Relation) -> Relation:
        """Add all that is known of a route at once: one look instead of several; what is not used costs nothing."""
        fixed = [name for name in self.routes.columns if name not in ("key", "route")]
        if self.cells is None:
            by_band = [name for name in fixed if _is_by_band(name)]
            return self.described(rows, [name for name in fixed if name not in by_band], by_band)
        return self.described(rows, fixed, [name for name in self.cells.columns if name != "cell"])

    def entered(self, rows: Relation) -> Relation:
        """Return rows with what is left of each piece for the buckets, `rest_1`, where no pass has left it yet."""
        names, pieces = list(rows.columns), self.split.pieces
        if f"rest_{pieces[0]}" in rows:
            return rows
        if not self._may_be("s_on"):
            return rows.extend(**{f"rest_{one}": self.split.piece(rows, one) for one in pieces})
        rows = self.described(rows, ("s_on", "s_limit"))
        most = rows["units"].high
        left = {one: within(self.split.piece(rows, one) - self.split.served(rows, one), 0, most) for one in pieces}
        rows = rows.extend(**{f"rest_{one}": rest for one, rest in left.items()})
        return rows.keep([*names, *(f"rest_{one}" for one in pieces)])

    def complete(self, rows: Relation, until: int) -> Relation:
        """Return rows with all of the state that passes before number `until` could have left."""
        state = [f"taken{level}_{one}" for level in range(1, min(until, self.chain_pass)) for one in self.split.pieces]
        state += [f"{name}_{one}" for name in ("allowed", "kept") for one in self.split.pieces]
        state += [f"counted{level}" for level in range(1, min(until, self.chain_pass)) if self._counts_apart(level)]
        state += ["chain", *(f"tier{step}" for step in self.tiered)]
        return rows.extend(**{name: lit(0) for name in state if name not in rows})

    def passed(self, number: int, staged: Relation, coming: Sequence[Relation]) -> Relation:
        """Return the rows that come to a pass with what it made of them, and `next`, the pass that follows."""
        if number < self.chain_pass and not coming:
            return self._gate(number, staged)
        several = [self.complete(self.entered(one), number) for one in (staged, *coming)]
        here = union([one.keep([name for name in sorted(one.columns) if name != "next"]) for one in several])
        if number < self.chain_pass:
            return self._gate(number, here)
        return self._chain(here) if number == self.chain_pass else self._tier(number - self.chain_pass, here)

    def _gate(self, level: int, rows: Relation) -> Relation:
        """Pass a gate: sum what is asked, by few columns, and look up the rest afterwards."""
        base = list(rows.columns)
        rows = self._summed(self._asked(level, rows), "asked", "before").keep([*base, "before"])
        rows = self.complete(self.entered(rows), level)
        kept = [name for name in rows.columns if name != "before"]
        return self._taken(level, self._wanted(level, rows), kept)

    def _wanted(self, level: int, rows: Relation) -> Relation:
        """Add what the pieces of rows ask of a gate, `ask_1`, with all that is known of the gate."""
        later = range(level + 1, self.chain_pass)
        flags = ("chained", *(f"x{step}_tiered" for step in self.tiered))
        gate = [f"g{level}_{name}" for name in _GATE]
        rows = self.described(rows, (*gate, *flags), (f"g{level}_on", *(f"g{one}_on" for one in later)))
        for one in self.split.pieces:
            asked = case((has(rows[f"g{level}_limited"]), rows[f"allowed_{one}"]), otherwise=rows[f"rest_{one}"])
            rows = rows.extend(**{f"ask_{one}": given(has(rows[f"g{level}_on_{one}"]), asked)})
        return rows

    def _asked(self, level: int, rows: Relation) -> Relation:
        """Add what rows ask of the counter of a gate, `asked`, and the number of the counter."""
        base, gate = list(rows.columns), {name: f"g{level}_{name}" for name in _GATE}
        rows = self._wanted(level, self.complete(self.entered(rows), level))
        asks = total([rows[f"ask_{one}"] for one in self.split.pieces])
        counted = ceiling(
            raised(asks, rows[gate["first"]], rows[gate["next"]]) * rows[gate["times"]], rows[gate["over"]]
        )
        # Whoever asks for more than there is finds the end; how much more does not matter, and small sums are fast.
        counted = least(counted, rows[gate["amount"]] + 1)
        scope, account = rows[gate["scope"]], rows["account"]
        if "holder" in rows:
            pooled = [
                (equals(scope, int(Scope.HOLDER)), rows["holder"]),
                (equals(scope, int(Scope.GUEST)), rows["guest"]),
            ]
            account = case(*pooled, otherwise=account)
        number_ = account * len(self.layout.levels.slots) + rows[gate["slot"]]
        return rows.extend(asked=counted, counter=number_).keep([*base, "asked", "counter"])

    def _taken(self, level: int, rows: Relation, base: Sequence[str]) -> Relation:
        """Take what a gate has left `before` rows, and say which pass follows; keep `base` and the state."""
        pieces, gate = self.split.pieces, {name: f"g{level}_{name}" for name in _GATE}
        amount = rows[gate["amount"]]
        left = case((rows["before"] >= amount, 0), otherwise=within(amount - rows["before"], 0, amount.high))
        rows = rows.extend(left=left)
        rows = rows.extend(room=rows["left"] * rows[gate["over"]] // rows[gate["times"]])
        already: dict[str, Expr] = {}
        for one in pieces:
            got = _covered(rows, gate, lit(0) if one == "1" else rows["got_1"], rows[f"ask_{one}"])
            already[one] = lit(0) if one == "1" else rows["got_1"]
            rows = rows.extend(**{f"got_{one}": got})
        state: dict[str, Expr] = {}
        is_limit, roams = has(rows[gate["limit"]]), has(rows[gate["roams"]])
        for one in pieces:
            got, rest = rows[f"got_{one}"], rows[f"rest_{one}"]
            taken = case((is_limit, 0), otherwise=got)
            wanted = _covered(rows, gate, already[one], rest)
            kept_out = roams & has(rows[f"g{level}_on_{one}"]) & (rows[f"allowed_{one}"] < wanted)
            state |= {
                f"taken{level}_{one}": taken,
                f"rest_{one}": within(rest - taken, 0, rest.high),
                f"allowed_{one}": given(is_limit, got),
                f"kept_{one}": case((kept_out, 1), otherwise=rows[f"kept_{one}"]),
            }
        if not all(rows[gate[name]].always == 1 for name in ("first", "next", "times", "over")):
            got = total([rows[f"got_{one}"] for one in pieces])
            units = ceiling(
                raised(got, rows[gate["first"]], rows[gate["next"]]) * rows[gate["times"]], rows[gate["over"]]
            )
            state[f"counted{level}"] = case((is_limit, 0), otherwise=units)
        rows = rows.extend(**state)
        rows = rows.extend(next=self._next(rows, level, is_limit=has(rows[gate["limit"]])))
        return rows.keep(list(dict.fromkeys([*base, *state, "next"])))

    def _next(self, rows: Relation, level: int, is_limit: Expr) -> Expr:
        """Return the pass that rows go to after a gate."""
        pieces = self.split.pieces
        anything = total([rows[f"rest_{one}"] for one in pieces]) > 0
        ways = [(is_limit, whole(level + 1))]
        for one in range(level + 1, self.chain_pass):
            here = equals(lit(0), lit(1))
            for piece in pieces:
                here = here | (has(rows[f"g{one}_on_{piece}"]) & (rows[f"rest_{piece}"] > 0))
            ways.append((here, whole(one)))
        ways.append((anything & has(rows["chained"]), whole(self.chain_pass)))
        ways += [(anything & has(rows[f"x{step}_tiered"]), whole(self.chain_pass + step)) for step in self.tiered]
        return case(*ways)

    def _summed(self, rows: Relation, asked: str, name: str) -> Relation:
        """Add the sum of `asked` over all earlier rows of the same `counter`, opening amount included."""
        value = rows[asked]
        so_far = running(value, rows["counter"], (rows["started"], rows["id"]), max(value.high * self.count, 1))
        rows = rows.extend(so_far=so_far)
        used = lit(0)
        if self.opening is not None:
            known = self.opening
            rows = rows.find(known, equals(rows["counter"], known.there("counter")), used=("used", lit(0)))
            used = rows["used"]
        earlier = within(rows["so_far"] - rows[asked], 0, rows["so_far"].high)
        return rows.extend(**{name: earlier + used})

    def spread(self, rows: Relation) -> Relation:
        """Add to rows, passed as far as they go, all that splits their units outside the buckets."""
        steps = range(1, self.layout.steps + 1)
        names = (
            "s_on",
            "s_limit",
            "t_on",
            "y_on",
            "chained",
            *(f"x{one}_{name}" for one in steps for name in ("amount", "slot")),
        )
        rows = self.split.outside(self.described(rows, names, ("e_on",)))
        for one in steps:
            spent = lit(0)
            if self.opening is not None and rows.columns["chained"].high:
                known = self.opening
                counter = rows["account"] * len(self.layout.levels.slots) + rows[f"x{one}_slot"]
                on = equals(counter, known.there("counter")) & (rows[f"x{one}_slot"] >= 0)
                rows = rows.find(known, on, spent=("used", lit(0)))
                spent = rows["spent"]
            rows = rows.extend(**{f"x{one}_spent": spent})
        return self.split.steps(rows)

    def _chain(self, rows: Relation) -> Relation:
        base = list(rows.columns)
        rows = self.spread(rows)
        flags = ("chain_slot", *(f"x{step}_tiered" for step in self.tiered))
        rows = self.described(rows, flags)
        finite = total([_finite(rows[f"x{step}_amount"]) for step in range(1, self.layout.steps + 1)])
        asked = least(total([rows[f"beyond_{one}"] for one in self.split.pieces]), finite + 1)
        rows = rows.extend(asked=asked, counter=rows["account"] * len(self.layout.levels.slots) + rows["chain_slot"])
        # The opening amounts of the steps are taken off each of them, not off their sum.
        rows = replace(self, opening=None)._summed(rows, "asked", "chain")
        tiered = [
            ((rows["asked"] > 0) & has(rows[f"x{one}_tiered"]), whole(self.chain_pass + one)) for one in self.tiered
        ]
        return rows.extend(next=case(*tiered)).keep(list(dict.fromkeys([*base, "next"])))

    def _tier(self, step: int, rows: Relation) -> Relation:
        base = list(rows.columns)
        rows = self.charged(rows)
        rows = self.described(rows, (f"x{step}_counter", *(f"x{one}_tiered" for one in self.tiered)))
        asked = total([rows[f"bill_x{step}_{one}"] for one in self.split.pieces])
        rows = rows.extend(
            asked=asked, counter=rows["account"] * len(self.layout.levels.slots) + rows[f"x{step}_counter"]
        )
        rows = self._summed(rows, "asked", f"tier{step}")
        later = [one for one in self.tiered if one > step]
        ways = [(has(rows[f"x{one}_tiered"]), whole(self.chain_pass + one)) for one in later]
        return rows.extend(next=case(*ways)).keep(list(dict.fromkeys([*base, "next"])))

    @cached_property
    def priced_positions(self) -> Sequence[str]:
        """The positions at which anything is ever charged."""
        return [one for one in self.layout.positions if self._may_be(f"{one}_charged")]

    def charged(self, rows: Relation) -> Relation:
        """Add all units of rows, passed as far as they go, and those that are charged for."""
        rows = self.spread(rows)
        names = [f"{one}_{name}" for one in self.priced_positions for name in ("charged", "first", "next")]
        return self.split.billable(self.described(rows, (), names), self.priced_positions)


def _finite(amount: Expr) -> Expr:
    """Return the amount of a step, 0 where it has none."""
    return amount if amount.high < ENDLESS else within(given(amount < ENDLESS, amount), 0, MOST)


def _is_by_band(name: str) -> bool:
    """Say whether a column of the routes would be one of the cells if there were time bands."""
    place, _, what = name.partition("_")
    if name in ("e_on", "e_name") or (place[0] == "g" and what == "on"):
        return True
    return place[0] in "sbetxy" and what in ("charged", "num", "first", "next", "setup", "least", "most", "share")


_GATE = ("slot", "scope", "amount", "limit", "limited", "roams", "times", "over", "first", "next")


def _covered(rows: Relation, gate: dict[str, str], already: Expr, units: Expr) -> Expr:
    """Return how many of `units` more a counter with `room` covers, `already` covered included: `buckets.coverable`."""
    room, first, step = rows["room"], rows[gate["first"]], rows[gate["next"]]
    if first.always == step.always == 1:
        return within(least(units, greatest(room - already, 0)), 0, units.high)
    steps = times(within(greatest(room - first, 0), 0, room.high) // step, step, room.high)
    whole_ = given(room >= first, first + steps)
    part = within(greatest(whole_ - already, 0), 0, units.high)
    return case((raised(already + units, first, step) <= room, units), otherwise=part)
