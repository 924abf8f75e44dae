"""Reading rated records back: the stretches of a use in order, as the reference's parts have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mvne_billing.rating.result import Rule, parts_from


class Split(NamedTuple):
    """Units of a record under one rule, in one time band."""

    rule: Rule
    name: str
    units: int
    band: str


def stretches_of(row: Mapping[str, Any]) -> tuple[Split, ...]:
    """Return how the units of a rated record, a row of `rated/`, were split, in their order."""
    if row.get("parts") is not None:
        return tuple(Split(part.rule, part.name, part.units, part.band) for part in parts_from(row["parts"]))
    return tuple(one for after in ("", "_after") for one in _piece(row, after) if one.units)


def _piece(row: Mapping[str, Any], after: str) -> Iterator[Split]:
    band = row.get(f"band{after}") or ""

    def units(name: str) -> int:
        return int(row.get(f"{name}{after}") or 0)

    service = row.get("service") or ""
    yield Split(Rule.SERVICE, service, units("served_before"), band)
    for name in _numbered(row, "bucket_"):
        yield Split(Rule.BUCKET, row[name], units(f"taken_{name.removeprefix('bucket_')}"), band)
    yield Split(Rule.BUCKET, row.get(f"bucket_endless{after}") or "", units("taken_endless"), band)
    yield Split(Rule.SERVICE, service, units("served"), band)
    for name in _numbered(row, "rule_"):
        rule, _, what = str(row[name] or "stop:").partition(":")
        yield Split(Rule(rule), what, units(f"over_{name.removeprefix('rule_')}"), band)
    yield Split(Rule.STOP, row["kind"], units("stopped"), band)
    if row.get("surcharge"):
        yield Split(Rule.ROAMING, str(row["surcharge"]).partition(":")[2], units("surcharged"), band)


def _numbered(row: Mapping[str, Any], stem: str) -> list[str]:
    """Return the columns that are a stem and a number, in the order of their numbers."""
    names = [name for name in row if name.startswith(stem) and name.removeprefix(stem).isdigit()]
    return sorted(names, key=lambda name: int(name.removeprefix(stem)))
