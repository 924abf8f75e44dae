"""The first pass: every record finds its line, its destination, its place and its route, and which lane it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mvne_billing.rating.engine.dialled import called_number
from mvne_billing.rating.engine.expression import (
    FALSE,
    LONG,
    TRUE,
    Expr,
    call,
    case,
    conditions,
    equals,
    given,
    greatest,
    has,
    is_null,
    least,
    lit,
    number,
    other,
    text,
    within,
)
from mvne_billing.rating.engine.leaves import NOBODY, with_leaf
from mvne_billing.rating.engine.money import ceiling
from mvne_billing.rating.engine.relation import Relation
from mvne_billing.rating.engine.routes import BY_REFERENCE, HELD, KINDS, REASONS, TWIN, Market
from mvne_billing.rating.engine.spans import MICROS, Bands
from mvne_billing.rating.engine.stays import Stays
from mvne_billing.rating.engine.tables import Table
from mvne_billing.rating.result import Reason
from mvne_billing.usage.record import YEARS
from mvne_plans.quantity import MOST, Kind

#: What stands in the place of a number that was not found.
MISSING = -1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Files:
    """What is known of the usage files: the types of their columns, their greatest amount, and their records' count."""

    key: str  #: the type of ids: `long` or `text`
    msisdn: str
    called: str
    count: int
    least: int
    most: int
    optional: tuple[str, ...] = ()  #: which of `label` and `session` there are
    sorts: tuple[tuple[str, str], ...] = ()  #: pairs of kind and country that occur, of those that are known
    has_unknown_sorts: bool = True  #: whether others occur too
    nullable: frozenset[str] = frozenset()  #: columns in which anything may be missing
    called_from: int = LONG[0]  #: the least called number, where they are integers
    micros: tuple[int, int] | None = None  #: the first and last start, if all are in the years that records can have

    @property
    def most_units(self) -> int:
        """The greatest amount that a record can have."""
        return max(min(self.most, MOST), 0)

    @property
    def _amounts(self) -> tuple[int, int]:
        """The bounds of amounts; where any is missing there are two at least, so that none takes the other's place."""
        return self.least, self.most + int("amount" in self.nullable and self.least == self.most)

    @property
    def relation(self) -> Relation:
        """The records as they stand in the files."""
        likes = {
            "id": _like(self.key),
            "msisdn": _like(self.msisdn),
            "kind": other("text"),
            "started": other("time"),
            "amount": number("long", *self._amounts),
            "country": other("text"),
            "called": number("long", self.called_from, LONG[1]) if self.called == "long" else other("text"),
        }
        return Relation({**likes, **{name: other("text") for name in self.optional}}, name="usage")


def _like(store: str) -> Expr:
    return number("long", *LONG) if store == "long" else other(store)


@dataclass(frozen=True)
class Dimensions:
    """What the first pass joins: lines, keys of repeated ids, bands; and when each agreement but the first begins."""

    lines: Stays
    repeated: Relation | None
    agreements: Sequence[int]  #: microseconds since 1970
    bands: Bands

    @property
    def has_bands(self) -> bool:
        """Whether any tariff has time bands."""
        return bool(self.bands.clocks)


def sorts(files: Files, market: Market) -> Table:
    """Return the table of all sorts of use that occur: kind and country, their numbers, the class of the country."""
    places = market.places.classes
    columns: dict[str, Sequence[object]] = {
        "sort": range(len(files.sorts)),
        "kind": [kind for kind, _ in files.sorts],
        "country": [country for _, country in files.sorts],
        "kind_name": [kind for kind, _ in files.sorts],
        "country_name": [country for _, country in files.sorts],
        "kind_no": [KINDS.index(Kind(kind)) for kind, _ in files.sorts],
        "place": [places[country] for _, country in files.sorts],
    }
    names = {"kind": "text", "country": "text", "kind_name": "name", "country_name": "name"}
    return Table("sort", columns, {**names, "sort": "small", "kind_no": "tiny", "place": "small"})


def labels(market: Market) -> Table:
    """Return the table of use labels that tariffs know."""
    columns: dict[str, Sequence[object]] = {
        "label": list(market.labels),
        "label_no": list(market.labels.values()),
    }
    return Table("label", columns, {"label": "text", "label_no": "small"})


def repeat_key(rows: Relation, files: Files) -> Expr:
    """Return what is equal for records of one id: the id, or a hash where ids are texts."""
    return rows["id"] if files.key == "long" else call("hash", rows["id"], like=other("key"))


def located(files: Files, market: Market) -> Relation:
    """Return the records with their kind and place as numbers, `units` within bounds, and whether they are `sound`."""
    rows = files.relation
    rows = _sorted(rows, files, sorts(files, market).relation)
    rows = rows.extend(
        micros=call("micros", rows["started"], like=number("long", *(files.micros or LONG))),
        units=within(given(_in_bounds(rows), rows["amount"]), 0, files.most_units),
        silent=_silent(rows, files),
    )
    years = (rows["micros"] >= _year(YEARS[0])) & (rows["micros"] < _year(YEARS[-1] + 1))
    years = TRUE if files.micros else years
    missing = FALSE
    for name in ("id", "msisdn", "amount", "started"):
        missing = missing | (is_null(rows[name]) if name in files.nullable else FALSE)
    in_bounds = _in_bounds(rows)
    is_data = equals(rows["kind_no"], KINDS.index(Kind.DATA))
    fits = (is_data & rows["silent"]) | (~is_data & ~rows["silent"])
    found = (rows["sort"] >= 0) & ~missing
    # What is null is not sound: a condition over it is null too, and only what holds counts.
    sound = case((conditions(found, in_bounds, years, fits), 1))
    return rows.extend(sound=sound)


def _sorted(rows: Relation, files: Files, known: Relation) -> Relation:
    """Add the sort of use to records, `sort`, below 0 for none, with its kind and place as numbers."""
    same = equals(rows["kind"], known.there("kind"))
    if len({country for _, country in files.sorts}) > 1 or files.has_unknown_sorts:
        same = same & equals(rows["country"], known.there("country"))
    if not files.has_unknown_sorts:
        return rows.join(known, same, sort="sort", kind_no="kind_no", place="place")
    missing = lit(MISSING)
    return rows.find(known, same, sort=("sort", missing), kind_no=("kind_no", missing), place=("place", missing))


def _in_bounds(rows: Relation) -> Expr:
    return (rows["amount"] >= 0) & (rows["amount"] <= MOST)


def _silent(rows: Relation, files: Files) -> Expr:
    nothing = is_null(rows["called"])
    return nothing if files.called == "long" else nothing | equals(rows["called"], text(""))


def _year(year: int) -> int:
    return (datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def keyed(files: Files, market: Market, dims: Dimensions) -> Relation:
    """Return the records with their line, the bands they begin and end in, and the `key` of their route."""
    rows = dims.lines.found(located(files, market))
    number_ = called_number(rows, files.called, market.world.numbering)
    rows = rows.extend(number=case((rows["silent"], 0), otherwise=number_))
    rows = with_leaf(rows, market.leaves)
    if len(market.members.sets) > 1:
        members = market.members.table.relation
        rows = rows.find(members, equals(rows["number"], members.there("number")), member=("member", lit(0)))
    if market.labels and "label" in files.optional:
        names = labels(market).relation
        rows = rows.find(names, equals(rows["label"], names.there("label")), label_no=("label_no", lit(0)))
    rows = _banded(rows, dims.bands) if dims.has_bands else rows
    twin = FALSE
    if dims.repeated is not None:
        rows = rows.find(dims.repeated, equals(repeat_key(rows, files), dims.repeated.there("k")), twin=("k", None))
        twin = has(rows["sound"]) & ~is_null(rows["twin"])
    return rows.extend(key=_key(rows, market, dims.agreements), repeated=case((twin, 1)))


def _banded(rows: Relation, bands: Bands) -> Relation:
    """Add the band of the start, until when it lasts, and the band after it, to rows with a `clock`."""
    slots = bands.table.relation
    rows = rows.extend(slot=within(rows["micros"], 0, 2**62) // bands.slot)
    on = equals(rows["clock"], slots.there("clock")) & equals(rows["slot"], slots.there("slot"))
    found = {name: (name, lit(0)) for name in ("until", "band_next", "until_next")}
    return rows.find(slots, on, band_1=("band", lit(0)), **found)


def _key(rows: Relation, market: Market, starts: Sequence[int]) -> Expr:
    later = reversed(list(enumerate(starts, start=1)))
    version = case(*((rows["micros"] >= start, place) for place, start in later))
    # Below 0 is what was not found; it gets some route all the same, and another lane.
    leaf = case((rows["silent"], market.leaves.numbers[NOBODY]), otherwise=greatest(rows["leaf"], 0))
    label = rows["label_no"] if "label_no" in rows else lit(0)
    member = rows["member"] if "member" in rows else lit(0)
    packed, most = lit(0), 1
    kind, place = greatest(rows["kind_no"], 0), greatest(rows["place"], 0)
    parts = (rows["terms"], version, kind, leaf, place, label, member)
    for part, size in zip(parts, market.sizes, strict=True):
        packed, most = packed * size + part, most * size
    return within(packed, 0, most - 1)


def routed(rows: Relation, key_routes: Relation, routes: Relation, cells: Relation | None) -> Relation:
    """Return keyed records with their `route` and `lane`, and with no more columns than what follows needs.

    `key_routes` gives the route of every key that there can be, or of those that there are: then not all are found.
    """
    on = equals(rows["key"], key_routes.there("key"))
    rows = rows.join(key_routes, on, route="route")
    names = ["lane_unused", "lane_used", "safe", *(name for name in ("next", "splits", "shape") if name in routes)]
    rows = rows.join(routes, equals(rows["route"], routes.there("route")), **{name: name for name in names})
    third = FALSE
    if cells is not None:
        rows = _cut(rows, cells)
        rest = greatest(rows["until_next"] - rows["micros"] - rows["seconds"] * MICROS, 0)
        third = has(rows["splits"]) & (rows["second"] > ceiling(rest, MICROS))
    left_over = has(rows["by_reference"]) if "by_reference" in rows else FALSE
    exceptions = case(
        (~has(rows["sound"]), HELD + REASONS.index(Reason.MALFORMED)),
        (rows["account"] < 0, HELD + REASONS.index(Reason.UNKNOWN_SUBSCRIBER)),
        (left_over | (rows["leaf"] < 0), BY_REFERENCE),
        (equals(rows["units"], 0), rows["lane_unused"]),
        (rows["lane_used"] >= BY_REFERENCE, rows["lane_used"]),
        otherwise=BY_REFERENCE,
    )
    found = has(rows["sound"]) & (rows["account"] >= 0) & (rows["leaf"] >= 0) & ~left_over
    priced = (rows["units"] > 0) & (rows["lane_used"] < BY_REFERENCE) & (rows["units"] <= rows["safe"]) & ~third
    # Nearly all records pass; what became of the others is asked of them alone.
    lane = case((found & priced, rows["next"]), otherwise=exceptions)
    # One column for both: what has few values takes longer to keep than what has many.
    return _slim(rows.extend(lane=lane + rows["repeated"] * TWIN))


def _cut(rows: Relation, cells: Relation) -> Relation:
    """Cut calls where the band changes: `first` units in `band_1`, `second` in `band_2`; add the next gate of both."""
    rows = rows.extend(seconds=ceiling(greatest(rows["until"] - rows["micros"], 0), MICROS))
    first = least(rows["units"], rows["seconds"])
    rows = rows.extend(first=case((has(rows["splits"]), first), otherwise=rows["units"]))
    rows = rows.extend(second=within(rows["units"] - rows["first"], 0, rows["units"].high))
    rows = rows.extend(band_2=given(rows["second"] > 0, rows["band_next"]))
    count = rows.columns["band_1"].high + 1
    for piece in ("1", "2"):
        cell = rows["shape"] * count + rows[f"band_{piece}"]
        rows = rows.find(cells, equals(cell, cells.there("cell")), **{f"next_{piece}": ("next", lit(0))})
    one, two = rows["next_1"], rows["next_2"]
    both = (rows["second"] > 0) & (two > 0)
    return rows.extend(next=case((both & (equals(one, 0) | (two < one)), two), otherwise=one))


#: What later passes need, and the type of each number.
_KEPT = {
    "id": "",
    "msisdn": "",
    "started": "",
    "units": "long",
    "called": "",
    "label": "",
    "session": "",
    "sort": "small",
    "account": "int",
    "holder": "int",
    "guest": "int",
    "route": "int",
    "slice": "small",
    "first": "long",
    "band_1": "tiny",
    "band_2": "tiny",
    "lane": "small",
}


def _slim(rows: Relation) -> Relation:
    """Return only the columns that later passes need, each as small as it can be stored."""
    kept = [name for name in _KEPT if name in rows]
    return rows.keep(kept).stored(**{name: store for name in kept if (store := _KEPT[name])})
