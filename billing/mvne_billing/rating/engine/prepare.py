"""Everything that is known before the first record is read: terms, bands, leaves, places, numbers, agreements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mvne_billing.rating.engine.accounts import Accounts, number_lines
from mvne_billing.rating.engine.bounds import Volume
from mvne_billing.rating.engine.duck import DuckEngine
from mvne_billing.rating.engine.leaves import dictionary, leaves_of, short_codes
from mvne_billing.rating.engine.lines import Counters
from mvne_billing.rating.engine.numbers import known_prefixes, labels_of, members_of
from mvne_billing.rating.engine.places import places_of
from mvne_billing.rating.engine.port import Engine, EngineError
from mvne_billing.rating.engine.routes import Market
from mvne_billing.rating.engine.sources import Source
from mvne_billing.rating.engine.spans import Bands, Clock, bands_of
from mvne_billing.rating.engine.staging import Files, labels, sorts
from mvne_billing.rating.engine.stays import Stays, by_number
from mvne_billing.rating.engine.supports import engine_supports
from mvne_billing.rating.engine.tables import Table
from mvne_billing.rating.engine.terms import ties
from mvne_billing.rating.result import World
from mvne_plans.agreement import Agreement
from mvne_plans.tariff import Tariff

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Prepared:
    """The market, how records find their lines, the bands; when agreements but the first begin (microseconds)."""

    market: Market
    lines: Stays
    bands: Bands
    agreements: tuple[int, ...]
    refused: Mapping[str, tuple[str, ...]]
    parts: int  #: in how many goes the passes through gates are made, so that each fits into memory


def prepare(
    engine: DuckEngine,
    source: Source,
    accounts: Accounts,
    tariffs: Mapping[str, Tariff],
    world: World,
    opening: Counters,
    parts: int,
) -> Prepared:
    """Return what is known before the first record is read; raise `EngineError` when a line has an unknown plan."""
    used = {name for one in accounts.terms for name in (one.plan, one.owner_plan) if name}
    if missing := sorted(used - set(tariffs)):
        raise EngineError(f"lines have plans without a tariff: {', '.join(missing)}")
    sold = {name: tariffs[name] for name in sorted(used)}
    refused = {name: reasons for name, one in sold.items() if (reasons := engine_supports(one, world))}
    # What nobody rates here makes no table larger: a plan that is refused is as good as one that sells nothing.
    rated = {name: _nothing(one) if name in refused else one for name, one in sold.items()}
    since = max(source.since or accounts.since, accounts.since)
    until = max(min(source.until or accounts.until, accounts.until), since)
    versions, starts = _in_force(world, since, until)
    clocks = {one: Clock(rated[one.plan].calendar, one.timezone) for one in accounts.terms}
    bands = bands_of(clocks.values(), since, until)
    says = number_lines(
        engine,
        accounts,
        source.files.msisdn,
        {one: bands.clock(*clock) for one, clock in clocks.items()},
        {name: reasons[0] for name, reasons in refused.items()},
        [one for one in accounts.terms if ties(one, rated)],
        parts,
    )
    files = source.files
    market = Market(
        tariffs=rated,
        world=world,
        terms=accounts.terms,
        agreements=versions,
        leaves=leaves_of(world.numbering, known_prefixes(rated.values(), world)),
        places=places_of(rated.values(), world.agreements, sorted({country for _, country in files.sorts})),
        labels=labels_of(rated.values()),
        members=members_of(rated.values(), world),
        bands=bands.names,
        volume=Volume(files.most_units, files.most_units * files.count + sum(opening.values()), files.count),
    )
    first, last = source.since or since, source.until or until
    return Prepared(market, by_number(engine, says, files.msisdn, first, last), bands, starts, refused, parts)


def _nothing(tariff: Tariff) -> Tariff:
    return Tariff(tariff.currency, tariff.home, tariff.zones)


def _in_force(world: World, since: datetime, until: datetime) -> tuple[tuple[Agreement | None, ...], tuple[int, ...]]:
    """Return the agreements in force from `since` to `until`, and when each but the first begins."""
    zone = ZoneInfo(world.timezone)
    begun: dict[datetime, Agreement] = {}
    for one in sorted(world.agreements, key=lambda version: version.starts):
        begun.setdefault(datetime.combine(one.starts, time(0), zone).astimezone(UTC), one)
    first: Agreement | None = None
    later: list[tuple[datetime, Agreement]] = []
    for at, one in begun.items():
        if at <= since:
            first = one
        elif at <= until:
            later.append((at, one))
    micros = tuple((at - _EPOCH) // timedelta(microseconds=1) for at, _ in later)
    return (first, *(one for _, one in later)), micros


def small_tables(prepared: Prepared, files: Files) -> Iterator[Table]:
    """Yield the tables that the first pass joins, lines apart."""
    market = prepared.market
    yield sorts(files, market)
    yield from dictionary(market.leaves)
    yield short_codes(market.leaves)
    yield market.members.table
    yield prepared.bands.table
    yield band_table(prepared)
    if "label" in files.optional and market.labels:
        yield labels(market)


def band_table(prepared: Prepared) -> Table:
    """Return the table of time bands by their numbers."""
    columns: dict[str, Sequence[object]] = {"band": prepared.bands.names, "band_no": range(len(prepared.bands.names))}
    return Table("band", columns, {"band": "name", "band_no": "tiny"})


def put_all(engine: Engine, tables: Iterator[Table]) -> None:
    """Give an engine its small tables."""
    for table in tables:
        engine.put(table)
