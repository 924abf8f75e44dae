"""What is written: rated records with enough detail to explain them, and totals per account and rule."""

from __future__ import annotations

from collections.abc import Iterator

from mvne_billing.rating.engine.expression import equals
from mvne_billing.rating.engine.flow import Flow
from mvne_billing.rating.engine.rating import priced
from mvne_billing.rating.engine.relation import Relation
from mvne_billing.rating.engine.staging import Files


def rated(flow: Flow, files: Files, sorts: Relation, bands: Relation | None, rows: Relation) -> Relation:
    """Return rated records as they are written, from rows that have passed as far as they go.

    Beside the record's own columns: `account`, `destination` (empty where it has no name but its number), `band`; per
    bucket in burn order `bucket_1` and `taken_1` (units of use, `counted_1` in units of the bucket), an endless one
    last as `bucket_endless`; `service` and `served`; per step beyond `rule_1` and `over_1`; `stopped`; `billable`,
    `charge_micro` and `cost_micro`. Of a call that is cut where the time band changes, `band_after` and each column of
    units again with `_after` hold its second part.
    """
    rows = priced(flow, flow.everything(flow.complete(rows, flow.chain_pass)))
    named = dict(_named(flow, rows))
    on = equals(rows["sort"], sorts.there("sort"))
    rows = rows.join(sorts, on, country="country_name", kind_name="kind_name")
    for piece in flow.split.pieces if bands is not None else ():
        if bands is not None:
            same = equals(rows[f"band_{piece}"], bands.there("band_no"))
            rows = rows.join(bands, same, **{f"band_name_{piece}": "band"})
    chosen = {new: old for new, old in _columns(flow, files, rows, named) if old in rows}
    return rows.rename(**chosen)


def _named(flow: Flow, rows: Relation) -> Iterator[tuple[str, str]]:
    """Yield the columns of names that any row needs, with the columns of the routes that hold them."""
    for level in range(1, flow.chain_pass):
        if _is_used(flow, rows, f"taken{level}"):
            yield f"bucket_{level}", f"g{level}_name"
    if _is_used(flow, rows, "s") or _is_used(flow, rows, "t"):
        yield "service", "s_name"
    for step in range(1, flow.layout.steps + 1):
        if _is_used(flow, rows, f"x{step}"):
            yield f"rule_{step}", f"x{step}_name"
    if _is_used(flow, rows, "y"):
        yield "surcharge", "y_name"


def _is_used(flow: Flow, rows: Relation, position: str) -> bool:
    return any(rows.columns[f"{position}_{piece}"].high > 0 for piece in flow.split.pieces)


def _columns(flow: Flow, files: Files, rows: Relation, named: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield from (("id", "id"), ("msisdn", "msisdn"), ("account", "account"), ("holder", "holder"), ("guest", "guest"))
    yield ("kind", "kind_name")
    yield from (("start", "started"), ("amount", "units"), ("country", "country"), ("to", "called"))
    yield from ((name, name) for name in files.optional)
    yield from (("route", "route"), ("destination", "destination"))
    for piece, after in zip(flow.split.pieces, ("", "_after"), strict=False):
        yield f"band{after}", f"band_name_{piece}"
        for new, old in _units(flow, named):
            if _is_used(flow, rows, old):
                yield f"{new}{after}", f"{old}_{piece}"
        if _is_used(flow, rows, "e"):
            yield f"bucket_endless{after}", f"e_name_{piece}"
    for level in range(1, flow.chain_pass):
        yield f"counted_{level}", f"counted{level}"
    yield from ((f"billed_{step}", f"units_x{step}") for step in flow.tiered)
    yield from named.items()
    yield from ((name, name) for name in ("billable", "charge_micro", "cost_micro"))


def _units(flow: Flow, named: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the columns of units as they are written, with their names inside."""
    yield from ((f"taken_{level}", f"taken{level}") for level in range(1, flow.chain_pass))
    yield "taken_endless", "e"
    yield "served_before", "s"
    yield "served", "t"
    yield from ((f"over_{step}", f"x{step}") for step in range(1, flow.layout.steps + 1))
    yield from (("surcharged", "y"), ("stopped", "stop"))
