"""One run from the first record to the last file: passes, what is left over, what is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree

from mvne_billing.rating.engine.byreference import ByReference
from mvne_billing.rating.engine.duck import DuckEngine
from mvne_billing.rating.engine.leftover import Leftover, leave_over, records_of, spans_of
from mvne_billing.rating.engine.lines import Counters
from mvne_billing.rating.engine.opening import make_opening
from mvne_billing.rating.engine.outputs import rated
from mvne_billing.rating.engine.passes import Passes
from mvne_billing.rating.engine.port import Engine
from mvne_billing.rating.engine.prepare import Prepared, band_table, put_all, small_tables
from mvne_billing.rating.engine.relation import Relation
from mvne_billing.rating.engine.results import EngineRun, suspense_sql, twins
from mvne_billing.rating.engine.routes import HELD, REASONS
from mvne_billing.rating.engine.sources import Source
from mvne_billing.rating.engine.staging import sorts
from mvne_billing.rating.engine.summing import totals_sql
from mvne_billing.rating.engine.tables import Table
from mvne_billing.rating.engine.writing import LeftoverFiles
from mvne_billing.rating.result import Reason
from mvne_plans.tariff import Tariff

#: What is kept in this process and has to be handed to another one that runs the queries.
_HANDED = ("line", "account")


@dataclass
class Run:
    """One run: `duck` prepares, `engine` (the same, or a cluster) runs the passes."""

    duck: DuckEngine
    engine: Engine
    source: Source
    prepared: Prepared
    output: Path
    tariffs: Mapping[str, Tariff]
    folder: Path

    def rate(self, opening: Counters) -> EngineRun:
        """Rate everything and write it."""
        (self.output / "counters.parquet").unlink(missing_ok=True)
        for name in ("rated", "totals", "suspense"):
            rmtree(self.output / name, ignore_errors=True)
            (self.output / name).mkdir()
        put_all(self.engine, small_tables(self.prepared, self.source.files))
        for name in _HANDED:
            self._hand_over(name)
        passes = Passes(self.engine, self.source.files, self.prepared)
        passes.stage(lambda slots: self._open(opening, slots))
        duplicates, conflicts = twins(passes)
        accounts = leave_over(passes, self.duck)
        held = list(suspense_sql(passes, conflicts))
        left = self._by_reference(passes, accounts, opening) if accounts is not None else Leftover()
        self._write_rated(passes)
        if held:
            self.engine.write(" UNION ALL ".join(held), self.output / "suspense" / "engine.parquet")
        return self._summary(passes, left, duplicates, conflicts)

    def _hand_over(self, name: str) -> None:
        if self.engine is not self.duck:
            path = self.folder / f"{name}.parquet"
            self.duck.write(f"SELECT * FROM {self.duck.dialect.identifier(name)}", path)
            self.engine.take(name, [path])

    def _open(self, opening: Counters, slots: Sequence[str]) -> Relation | None:
        relation = make_opening(self.duck, opening, slots)
        if relation is not None:
            self._hand_over("opening")
        return relation

    def _by_reference(self, passes: Passes, accounts: Table, opening: Counters) -> Leftover:
        """Rate what is left over, and leave it out of what the engine does."""
        spans = spans_of(self.duck)
        rater = ByReference(spans, self.tariffs, self.prepared.market.world, opening)
        numbers = {
            (str(one), at): _whole(place) for place, one, at in self.duck.fetch(_LEFT) if isinstance(at, datetime)
        }
        with LeftoverFiles(self.output, passes.files, numbers) as files:
            left = files.rate(rater, records_of(passes, accounts))
        passes.without(accounts.relation)
        return left

    def _write_rated(self, passes: Passes) -> None:
        """Write rated records, totals made of them, and what the numbers of accounts, routes and tallies stand for."""
        known = sorts(self.source.files, self.prepared.market).relation
        bands = band_table(self.prepared).relation if passes.flow.cells is not None else None
        folder = self.output / "rated"
        columns: list[str] = []
        for part in range(self.prepared.parts):
            relation = rated(passes.flow, passes.files, known, bands, passes.finish(part))
            self.engine.write(relation.sql(self.engine.dialect), folder / f"engine-{part}.parquet")
            columns = list(relation.columns)
        self.engine.take("rated", sorted(folder.glob("engine-*.parquet")))
        path = self.output / "totals" / "engine.parquet"
        self.engine.write(totals_sql(columns), path)
        self.engine.take("totals", [path])
        for name in ("account", "route", "tally"):
            self.engine.write(f"SELECT * FROM {name}", self.output / f"{name}.parquet")

    def _summary(self, passes: Passes, left: Leftover, duplicates: int, conflicts: int) -> EngineRun:
        [(count, charge, cost)] = self.engine.fetch(_SUMS)
        held = Counter({REASONS[lane - HELD]: number for lane, number in passes.lanes.items() if lane >= HELD})
        held += left.suspended + Counter({Reason.CONFLICT: conflicts})
        reasons = self.duck.fetch("SELECT reason, count(*) FROM left_over GROUP BY reason ORDER BY reason")
        return EngineRun(
            output=self.output,
            records=passes.files.count,
            rated=_whole(count) + left.rated,
            duplicates=duplicates,
            suspended=dict(sorted(held.items())),
            by_reference=left.rated + left.suspended.total(),
            reasons={str(reason): _whole(number) for reason, number in reasons},
            charge_micro=_whole(charge) + left.charge_micro,
            cost_micro=_whole(cost) + left.cost_micro,
        )


_LEFT = "SELECT account, subscription, opened FROM account JOIN left_over USING (subscription)"
_SUMS = "SELECT coalesce(sum(records), 0), coalesce(sum(charge_micro), 0), coalesce(sum(cost_micro), 0) FROM totals"


def _whole(value: object) -> int:
    return int(str(value))
