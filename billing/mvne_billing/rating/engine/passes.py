"""One run of an engine over usage files, pass after pass; what each pass makes is kept under its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mvne_billing.rating.engine.bounds import sizes_of
from mvne_billing.rating.engine.expression import equals
from mvne_billing.rating.engine.flow import Flow
from mvne_billing.rating.engine.port import Engine
from mvne_billing.rating.engine.prepare import Prepared
from mvne_billing.rating.engine.prices import band_row
from mvne_billing.rating.engine.relation import Relation, union
from mvne_billing.rating.engine.routes import (
    DONE,
    NO_ROUTE,
    TWIN,
    Found,
    Key,
    Market,
    find,
    layout_of,
    next_gate,
    route_rows,
)
from mvne_billing.rating.engine.shapes import Shape
from mvne_billing.rating.engine.staging import Dimensions, Files, keyed, repeat_key, routed
from mvne_billing.rating.engine.tables import Table, rows

#: Up to so many routes are all found beforehand.
MOST_ROUTES = 50_000

#: Gives an engine what was used of counters before the files, from the names of counters and the accounts' tables.
Opening = Callable[[Sequence[str]], Relation | None]


def finds_all(market: Market, records: int) -> bool:
    """Say whether all routes are found beforehand, or those that occur, which takes a further pass over the records."""
    return market.possible <= min(MOST_ROUTES, records)


@dataclass
class Passes:
    """The state of a run: the engine, what was prepared, and the relations that passes have made."""

    engine: Engine
    files: Files
    prepared: Prepared
    flow: Flow = field(init=False)
    found: list[Found] = field(init=False)
    key_routes: Relation = field(init=False)
    fresh: Relation = field(init=False)
    lanes: Mapping[int, int] = field(init=False)
    twins: int = 0

    def keep(self, name: str, relation: Relation) -> Relation:
        """Run a relation and return its rows, kept under a name."""
        self.engine.make(name, relation.sql(self.engine.dialect))
        return Relation(relation.columns, name=name)

    def count(self, sql: str) -> int:
        """Run a query that counts."""
        [(number,)] = self.engine.fetch(sql)
        return int(str(number))

    def stage(self, opening: Opening) -> None:
        """Run the first pass: every record gets its route and lane, and of records with one id the first is kept."""
        usage, dialect, market = self.files.relation, self.engine.dialect, self.prepared.market
        same = repeat_key(usage, self.files)
        self.engine.make("repeated", dialect.repeated(dialect.sql(same), "usage"))
        repeated = Relation({"k": same}, name="repeated") if self.count("SELECT count(*) FROM repeated") else None
        prepared = self.prepared
        records = keyed(self.files, market, Dimensions(prepared.lines, repeated, prepared.agreements, prepared.bands))
        if finds_all(market, self.files.count):
            self._route(market.keys(), opening, range(market.space))
        else:
            records = self.keep("keyed", records)
            # In order: the same files get the same numbers of routes at every run and on every engine.
            seen = sorted(int(str(one)) for (one,) in self.engine.fetch("SELECT DISTINCT key FROM keyed"))
            self._route((market.unpacked(one) for one in seen), opening, seen)
        staged = self._staged(routed(records, self.key_routes, self.flow.routes, self.flow.cells))
        self.fresh = staged
        if repeated is not None:
            self.twins = self.count(f"SELECT count(*) FROM staged WHERE lane >= {TWIN}")
            self.fresh = union([staged.filter(staged["lane"] < TWIN), self._first_of_twins(staged)])
        self.lanes = self._count_lanes(dialect.identifier)

    def _staged(self, rows: Relation) -> Relation:
        if self.prepared.parts == 1:
            return self.keep("staged", rows)
        self.engine.make_apart("staged", rows.sql(self.engine.dialect), "slice")
        return Relation(rows.columns, name="staged")

    def _count_lanes(self, quote: Callable[[str], str]) -> dict[int, int]:
        fresh = self.fresh.keep(["lane"]).as_source(self.engine.dialect)
        lane = quote("lane")
        found = self.engine.fetch(f"SELECT {lane}, count(*) FROM {fresh} AS b GROUP BY {lane}")
        return {int(str(one)): int(str(number)) for one, number in found}

    def _first_of_twins(self, staged: Relation) -> Relation:
        """Number the records of each id by their start and what they say; return the first of each."""
        named = {name: self.engine.dialect.identifier(name) for name in staged.columns}
        said = [named[name] for name in CONTENT if name in named]
        order = f"row_number() OVER (PARTITION BY {named['id']} ORDER BY {', '.join(said)}) AS place"
        own = f"CAST({named['lane']} - {TWIN} AS {self.engine.dialect.types['small']}) AS {named['lane']}"
        columns = ", ".join({**named, "lane": own}.values())
        self.engine.make("twin", f"SELECT {columns}, {order} FROM staged WHERE lane >= {TWIN}")
        self.engine.make("first_twin", f"SELECT {', '.join(named.values())} FROM twin WHERE place = 1")
        return Relation(staged.columns, name="first_twin")

    def _route(self, keys: Iterable[Key], opening: Opening, asked: Iterable[int]) -> None:
        market = self.prepared.market
        self.found = [NO_ROUTE, *find(market, (key for key in keys if market.is_sound(key)))]
        numbers = {market.packed(one.key): place for place, one in enumerate(self.found) if place}
        values = list(asked)
        looked = Table("key_route", {"key": values, "route": [numbers.get(one, 0) for one in values]}, {"route": "int"})
        self.engine.put(looked)
        self.key_routes = looked.relation
        layout = layout_of(market, self.found)
        made, shapes, tallies = route_rows(market, layout, self.found)
        self.engine.put(tallies.table())
        self.engine.put(tallies.kinds())
        priced = [(one.shape, one.cost.rate) for one in self.found if one.shape is not None and one.cost is not None]
        sizes = sizes_of(priced, layout, market.volume)
        routes = rows("route", made, {**_names(made), "route": "int"})
        self.engine.put(routes)
        cells = None
        if len(market.bands) > 1:
            listed = _cells(
                market,
                shapes,
                lambda shape, band: band_row(shape, layout, band) | {"next": next_gate(shape, layout, band)},
            )
            table = rows("cell", listed, _names(listed))
            self.engine.put(table)
            cells = table.relation
        self.flow = Flow(layout, routes.relation, cells, opening(layout.levels.slots), self.files.count, sizes)

    def without(self, accounts: Relation) -> None:
        """Leave the records of some accounts to the reference."""
        self.left = self.fresh
        self.fresh = self.fresh.without(accounts, equals(self.fresh["account"], accounts.there("account")))

    def finish(self, part: int) -> Relation:
        """Run the passes of one part through all gates; return the rows that have passed as far as they go."""
        fresh, flow = self.fresh, self.flow
        fresh = fresh.filter(equals(fresh["slice"], part)) if self.prepared.parts > 1 else fresh
        reached: dict[int, Relation] = {}
        last = max(flow.passes, default=0)
        for number in flow.passes:
            coming = [one.filter(equals(one["next"], number)) for one in reached.values()]
            passed = flow.passed(number, _staged(fresh.filter(equals(fresh["lane"], number))), coming)
            reached[number] = passed if number == last else self.keep(f"passed_{number}", passed)
        done = [flow.entered(_staged(fresh.filter(equals(fresh["lane"], DONE))))]
        done += [one.filter(equals(one["next"], DONE)) for number, one in reached.items() if number != last]
        done += [reached[last]] if last else []
        return union([_plain(flow.complete(one, flow.chain_pass)) for one in done])


#: What a record says beside its id, in the order in which records of one id are told apart.
CONTENT = ("started", "msisdn", "sort", "units", "called", "label", "session")


def _staged(one: Relation) -> Relation:
    """Return staged rows without what only the first pass needs."""
    return one.keep([name for name in one.columns if name not in ("lane", "slice")])


def _plain(one: Relation) -> Relation:
    return one.keep([name for name in sorted(one.columns) if name != "next"])


def _names(made: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """Say that the texts of a table are names, which many rows will show."""
    return {name: "name" for one in made[:1] for name, value in one.items() if isinstance(value, str)}


def _cells(
    market: Market, shapes: Sequence[Shape], row: Callable[[Shape, str], dict[str, object]]
) -> list[dict[str, object]]:
    count = len(market.bands)
    return [
        {"cell": place * count + band, **row(shape, name)}
        for place, shape in enumerate(shapes)
        for band, name in enumerate(market.bands)
    ]
