"""The last pass: units become money, and the columns of a rated record are written."""

from __future__ import annotations

from collections.abc import Iterator

from mvne_billing.rating.engine.bounds import MOST_MICRO
from mvne_billing.rating.engine.expression import Expr, case, equals, given, has, lit, number, times, total, within
from mvne_billing.rating.engine.flow import Flow
from mvne_billing.rating.engine.money import MODES, bounded, raised, rounded, through
from mvne_billing.rating.engine.prices import NO_MAXIMUM
from mvne_billing.rating.engine.relation import Relation
from mvne_plans.money import Mode

_TERMS = ("setup", "least", "most", "share")


def priced(flow: Flow, rows: Relation) -> Relation:
    """Return rows, passed as far as they go, with `billable`, `charge_micro` and `cost_micro`."""
    rows = flow.charged(rows)
    positions, pieces = flow.priced_positions, flow.split.pieces
    rows = flow.described(
        rows, _route_columns(flow), [f"{one}_{name}" for one in positions for name in ("num", *_TERMS)]
    )
    added = {}
    for one in positions:
        bills = [rows[f"bill_{one}_{piece}"] for piece in pieces]
        added[f"units_{one}"] = total(bills)
        most = flow.sizes.product[one]
        added[f"sum_{one}"] = total(
            times(rows[f"bill_{one}_{piece}"], rows[f"{one}_num_{piece}"], most) for piece in pieces
        )
    rows = rows.extend(**added)
    rows = _tiered(flow, rows)
    rows = rows.extend(lead=_lead(flow, rows))
    charged = total([_position(flow, rows, place, one) for place, one in enumerate(positions, start=1)])
    most = MOST_MICRO * rows["den"].high
    rows = rows.extend(exact=within(charged, -most, most), billable=total([rows[f"units_{one}"] for one in positions]))
    steps = rounded(rows["exact"], rows["den"], rows["mode"], MOST_MICRO)
    rows = rows.extend(charge_micro=within(steps * rows["unit"], -MOST_MICRO, MOST_MICRO))
    return _costed(flow, rows)


def _route_columns(flow: Flow) -> list[str]:
    tiers = [f"x{step}_{name}{tier}" for step, tier, name in _tier_columns(flow)]
    volumes = [f"x{step}_volume" for step in flow.tiered] + [f"x{step}_tiered" for step in flow.tiered]
    return ["den", "unit", "mode", *tiers, *volumes, *_WHOLESALE]


_WHOLESALE = tuple(
    f"w_{name}"
    for name in ("num", "first", "next", "setup", "least", "most", "share", "den", "retail", "retail_num", "retail_den")
)
_TIER = ("low", "high", "num", "flat", "per")


def _tier_columns(flow: Flow) -> Iterator[tuple[int, int, str]]:
    for step in flow.tiered:
        for tier in range(1, flow.layout.tiers + 1):
            for name in _TIER:
                yield step, tier, name


def _tiered(flow: Flow, rows: Relation) -> Relation:
    """Put the price by tiers in the place of the price by unit where a step has tiers."""
    for step in flow.tiered:
        tiers = [{name: rows[f"x{step}_{name}{tier}"] for name in _TIER} for tier in range(1, flow.layout.tiers + 1)]
        volume, before = rows[f"x{step}_volume"], rows[f"tier{step}"]
        rows = rows.extend(after=before + rows[f"units_x{step}"])
        most = flow.sizes.tiers[f"x{step}"]
        cost = through(rows["after"], tiers, volume, most) - through(rows[f"tier{step}"], tiers, volume, most)
        by_tiers = has(rows[f"x{step}_tiered"]) & (rows[f"units_x{step}"] > 0)
        rows = rows.extend(**{f"sum_x{step}": case((by_tiers, cost), otherwise=rows[f"sum_x{step}"])})
    return rows


def _lead(flow: Flow, rows: Relation) -> Expr:
    """Return the number of the position that is charged first: it brings its set-up fee."""
    setups = [one for one in flow.priced_positions if not rows[f"{one}_setup_1"].is_zero]
    if not setups:
        return lit(0)
    ways = []
    for piece in flow.split.pieces:
        for position, _ in flow.split.stretches(piece):
            if position in flow.priced_positions:
                place = flow.priced_positions.index(position) + 1
                ways.append((rows[f"bill_{position}_{piece}"] > 0, place))
    return case(*ways)


def _position(flow: Flow, rows: Relation, place: int, one: str) -> Expr:
    """Return what one position costs in all: set-up, bounds and percentage included."""
    setup = given(equals(rows["lead"], place), rows[f"{one}_setup_1"])
    least, most, share = (rows[f"{one}_{name}_1"] for name in ("least", "most", "share"))
    charged = rows[f"sum_{one}"]
    limit = flow.sizes.total[one]
    if setup.is_zero and least.is_zero and most.always == NO_MAXIMUM:
        return times(charged, share, limit)
    return given(rows[f"units_{one}"] > 0, times(bounded(charged + setup, least, most), share, limit))


def _costed(flow: Flow, rows: Relation) -> Relation:
    """Add what the host charges."""
    half_up = number("tiny", MODES[Mode.HALF_UP], MODES[Mode.HALF_UP])
    rows = rows.extend(w_units=raised(rows["units"], rows["w_first"], rows["w_next"]))
    least, most = rows["w_least"], rows["w_most"]
    charged = times(rows["w_units"], rows["w_num"], flow.sizes.product["w"]) + rows["w_setup"]
    if not (least.is_zero and most.always == NO_MAXIMUM and rows["w_setup"].is_zero):
        charged = given(rows["w_units"] > 0, bounded(charged, least, most))
    limit = min(MOST_MICRO * rows["w_den"].high, flow.sizes.total["w"])
    rows = rows.extend(w_exact=within(times(charged, rows["w_share"], flow.sizes.total["w"]), 0, limit))
    by_rate = rounded(rows["w_exact"], rows["w_den"], half_up, MOST_MICRO)
    by_retail = rounded(rows["charge_micro"] * rows["w_retail_num"], rows["w_retail_den"], half_up, MOST_MICRO)
    cost = case((has(rows["w_retail"]), by_retail), otherwise=by_rate)
    return rows.extend(cost_micro=within(cost, -MOST_MICRO, MOST_MICRO))
