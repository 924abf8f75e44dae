"""Holding an engine to the reference: the same records, lines and tariffs through both, row by row."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from mvne_billing.rating.engine import passes
from mvne_billing.rating.engine.api import Cluster, Limits, rate_files
from mvne_billing.rating.engine.byreference import ByReference
from mvne_billing.rating.engine.lines import Counters, LineSpan, line_table
from mvne_billing.rating.engine.numbers import as_integer
from mvne_billing.rating.engine.reading import Split, stretches_of
from mvne_billing.rating.engine.results import EngineRun
from mvne_billing.rating.engine.summing import counters_of
from mvne_billing.rating.result import Rated, Reason, Unrateable, World
from mvne_billing.usage.record import UsageRecord
from mvne_plans.numbering import NumberingPlan
from mvne_plans.tariff import Tariff

START = datetime(2027, 3, 1, tzinfo=UTC)
END = datetime(2027, 4, 1, tzinfo=UTC)


def span(msisdn: str = "+33639980001", **changes: Any) -> LineSpan:
    """One line with one period, all of March 2027."""
    built = LineSpan(msisdn, START, END, f"sub{msisdn[-3:]}", "plan", "Europe/Paris", START, END)
    return dataclasses.replace(built, **changes)


@dataclass(frozen=True)
class Case:
    """Records in the order of a file, with all that prices them."""

    records: Sequence[UsageRecord]
    spans: Sequence[LineSpan]
    tariffs: Mapping[str, Tariff]
    world: World
    opening: Counters = field(default_factory=dict)
    every_route: bool = False  #: whether an engine finds all routes beforehand, however few records there are


@dataclass(frozen=True)
class Row:
    """What both sides have to agree on about a rated record."""

    stretches: tuple[Split, ...]
    billable: int
    charge_micro: int
    cost_micro: int
    cost_rule: str
    destination: str


@dataclass(frozen=True)
class Outcome:
    """All that became of some records: rows by id, held ids with their reason, duplicates, counters."""

    rows: Mapping[str, Row]
    held: Counter[tuple[str, Reason]]
    duplicates: int
    taken: Mapping[tuple[str, str, datetime], int]


def by_reference(case: Case) -> Outcome:
    """Rate by the reference: the first of each id in the order of start and content, each record in order."""
    rater = ByReference(case.spans, case.tariffs, case.world, case.opening)
    known: dict[str, str] = {}
    rows: dict[str, Row] = {}
    held: Counter[tuple[str, Reason]] = Counter()
    duplicates = 0
    for one in sorted(case.records, key=_order):
        if one.id in known:
            same = known[one.id] == one.content_hash()
            duplicates += same
            held.update([] if same else [(one.id, Reason.CONFLICT)])
            continue
        known[one.id] = one.content_hash()
        try:
            rows[one.id] = _row(one, rater.rate(one), case.world.numbering)
        except Unrateable as problem:
            held[one.id, problem.reason] += 1
    return Outcome(rows, held, duplicates, {key: units for key, units in rater.taken.items() if units})


def _order(one: UsageRecord) -> tuple[object, ...]:
    kinds = ("voice", "sms", "data")
    to = as_integer(one.to) if one.to else 0
    said = (one.msisdn, kinds.index(one.kind), one.country, one.amount, to, one.label, one.session or "")
    return (one.start, one.id, *said)


def _row(record: UsageRecord, one: Rated, numbering: NumberingPlan) -> Row:
    nameless = record.to is not None and one.destination == numbering.normalise(record.to)
    stretches = tuple(Split(part.rule, part.name, part.units, part.band) for part in one.parts)
    billable = sum(part.billable for part in one.parts)
    money = (billable, one.charge_micro, one.cost_micro, one.cost_rule)
    return Row(stretches, *money, "" if nameless else one.destination)


def usage_table(records: Sequence[UsageRecord], numbering: NumberingPlan, as_numbers: bool = False) -> pa.Table:
    """Return records as a usage file has them; `as_numbers` with msisdn and called numbers as integers."""

    def called(one: UsageRecord) -> object:
        return one.to if not as_numbers else as_integer(numbering.normalise(one.to)) if one.to else None

    numbers = pa.int64() if as_numbers else pa.string()
    columns = {
        "id": pa.array([one.id for one in records], pa.string()),
        "msisdn": pa.array([int(one.msisdn[1:]) if as_numbers else one.msisdn for one in records], numbers),
        "kind": pa.array([str(one.kind) for one in records], pa.string()),
        "start": pa.array([one.start for one in records], pa.timestamp("us", "UTC")),
        "amount": pa.array([one.amount for one in records], pa.int64()),
        "country": pa.array([one.country for one in records], pa.string()),
        "to": pa.array([called(one) for one in records], numbers),
        "session": pa.array([one.session for one in records], pa.string()),
        "label": pa.array([one.label for one in records], pa.string()),
    }
    return pa.table(columns)


def by_engine(
    case: Case, folder: Path, as_numbers: bool = False, cluster: Cluster | None = None
) -> tuple[Outcome, EngineRun]:
    """Rate by the engine and read back what it wrote."""
    usage, output = folder / "usage.parquet", folder / "out"
    pq.write_table(usage_table(case.records, case.world.numbering, as_numbers), usage)
    given = ([usage], output, line_table(case.spans), case.tariffs, case.world)
    finds_all = passes.finds_all
    with patch.object(passes, "finds_all", lambda *known: case.every_route or finds_all(*known)):
        run = rate_files(*given, opening=case.opening, limits=Limits(threads=1), cluster=cluster)
    return read_outcome(output, run), run


def assert_equal(expected: Outcome, found: Outcome) -> None:
    """Hold what an engine made of records to what the reference made of them, record by record."""
    different = {
        one: (expected.rows.get(one), found.rows.get(one))
        for one in {*expected.rows, *found.rows}
        if expected.rows.get(one) != found.rows.get(one)
    }
    assert different == {}
    assert found.held == expected.held
    assert found.duplicates == expected.duplicates
    assert counted(found) == counted(expected)


def read_outcome(output: Path, run: EngineRun) -> Outcome:
    """Return what a run wrote."""
    rows: dict[str, Row] = {}
    rules = {one["route"]: one["cost_rule"] for one in pq.ParquetFile(output / "route.parquet").read().to_pylist()}
    for one in _read(output / "rated"):
        assert one["id"] not in rows
        rule = one["cost_rule"] if "cost_rule" in one else rules[one["route"]]
        money = (one["billable"], one["charge_micro"], one["cost_micro"], rule)
        rows[one["id"]] = Row(stretches_of(one), *money, one["destination"])
    held = Counter((one["id"], Reason(one["reason"])) for one in _read(output / "suspense"))
    assert run.rated == len(rows)
    assert run.records == run.rated + run.duplicates + sum(run.suspended.values())
    assert sum(run.suspended.values()) == held.total()
    return Outcome(rows, held, run.duplicates, counters_of(output))


def _read(folder: Path) -> list[dict[str, Any]]:
    return [row for path in _files(folder) for row in pq.ParquetFile(path).read().to_pylist()]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.parquet") if path.is_file())


def counted(outcome: Outcome) -> dict[tuple[str, str, datetime], int]:
    """Return the counters of use, without those of guards."""
    return {key: units for key, units in outcome.taken.items() if not key[1].startswith("guard:")}
