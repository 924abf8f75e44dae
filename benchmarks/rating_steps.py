"""What the rating benchmark measures, each in a process of its own: copy, engine, reference and naive loop.

Run by `benchmarks/rating.py` as `python -m benchmarks.rating_steps STEP FOLDER TARIFF ...`; prints one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import benchmarks.rating_market as market
from benchmarks.rating_naive import Naive
from mvne_billing.rating.engine.api import Limits, rate_files
from mvne_billing.rating.engine.byreference import ByReference
from mvne_billing.rating.engine.hashing import row_hash
from mvne_billing.rating.engine.leftover import number_text
from mvne_billing.rating.engine.lines import LineSpan
from mvne_billing.rating.engine.reading import stretches_of
from mvne_billing.rating.result import Rated, Unrateable
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind

THREADS = 2


def measured(call: Callable[[], Mapping[str, object]]) -> dict[str, object]:
    """Run a step; return what it says, and the seconds, CPU seconds and peak memory that it took."""
    begin, cpu = time.perf_counter(), time.process_time()
    said = call()
    took = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
    return {**took, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, **said}


def copy(usage: Path, folder: Path, memory: str | None) -> dict[str, object]:
    """Read the file, write all its rows again, and sums per subscriber and kind: what no rating can be faster than."""
    import duckdb

    connection = duckdb.connect()
    for setting in (f"threads = {THREADS}", "preserve_insertion_order = false", "TimeZone = 'UTC'"):
        connection.execute(f"SET {setting}")
    if memory:
        connection.execute(f"SET memory_limit = '{memory}'")
    form = "(FORMAT parquet, COMPRESSION snappy)"
    connection.execute(f"COPY (SELECT * FROM read_parquet('{usage}')) TO '{folder / 'copy.parquet'}' {form}")
    sums = (
        f"SELECT msisdn, kind, count(*) AS records, CAST(sum(amount) AS BIGINT) AS amount FROM read_parquet('{usage}')"
    )
    connection.execute(f"COPY ({sums} GROUP BY ALL) TO '{folder / 'sums.parquet'}' {form}")
    return {}


def engine(usage: Path, folder: Path, name: str, memory: str | None) -> dict[str, object]:
    """Rate the file."""
    lines, output = folder / f"{name}-lines.parquet", folder / f"rated-{name}"
    limits = Limits(memory=memory, threads=THREADS)
    run = rate_files([usage], output, lines, market.tariffs(name), market.world(), limits=limits)
    return {
        "records": run.records,
        "rated": run.rated,
        "duplicates": run.duplicates,
        "suspended": sum(run.suspended.values()),
        "by_reference": run.by_reference,
        "share_by_reference": run.share_percent,
        "charge_micro": run.charge_micro,
        "cost_micro": run.cost_micro,
    }


def rows_of(usage: Path, subscribers: int | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a usage file in the order of time, of the first subscribers alone or of all."""
    yield from sorted(rows_in(usage, subscribers), key=lambda row: (row["start"], row["id"]))


def rows_in(path: Path, subscribers: int | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file, of the first subscribers alone or of all."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=50_000):
            mine = batch
            if subscribers is not None:
                mine = batch.filter(pc.less(batch.column("msisdn"), market.msisdn(subscribers)))
            yield from mine.to_pylist()


def spans_of(name: str, subscribers: int) -> list[LineSpan]:
    return list(market.lines(name, subscribers))


def naive(usage: Path, name: str, subscribers: int) -> dict[str, object]:
    """Rate the records of the first subscribers by the naive loop; only the loop is measured."""
    rater = Naive(market.tariffs(name), market.world(), spans_of(name, subscribers))
    rows = list(rows_of(usage, subscribers))
    begin, charge, cost = time.process_time(), 0, 0
    for row in rows:
        if (found := rater.rate(row)) is not None:
            charge, cost = charge + int(found[0]), cost + int(found[1])
    return {"records": len(rows), "loop_cpu": time.process_time() - begin, "charge_micro": charge, "cost_micro": cost}


def record_of(row: Mapping[str, Any]) -> UsageRecord:
    return UsageRecord(
        id=str(row["id"]),
        msisdn=f"+{row['msisdn']}",
        kind=Kind(row["kind"]),
        start=row["start"].astimezone(UTC),
        amount=row["amount"],
        country=row["country"],
        to=None if row["to"] is None else number_text(row["to"]),
    )


def reference(usage: Path, name: str, subscribers: int | None, everybody: int) -> dict[str, object]:
    """Rate the same records by the integer reference; measure the loop, and hash every row that it answers."""
    rater = ByReference(spans_of(name, subscribers or everybody), market.tariffs(name), market.world())
    took, records, charge, cost, digest, seen = 0, 0, 0, 0, 0, set()
    clock = time.process_time_ns
    for row in rows_of(usage, subscribers):
        records += 1
        begin = clock()
        if row["id"] in seen:
            continue
        seen.add(row["id"])
        try:
            one = rater.rate(record_of(row))
        except Unrateable:
            continue
        finally:
            took += clock() - begin
        charge, cost = charge + one.charge_micro, cost + one.cost_micro
        digest += _digest(row["id"], _said(one))
    answer = {"charge_micro": charge, "cost_micro": cost, "hash": f"{digest % 2**64:016x}"}
    return {"records": records, "loop_cpu": took / 1e9, **answer}


def rated_rows(folder: Path, name: str, subscribers: int | None) -> dict[str, object]:
    """Hash every row that the engine wrote for the first subscribers, or for all."""
    digest, rows = 0, 0
    for path in sorted((folder / f"rated-{name}" / "rated").glob("*.parquet")):
        for row in rows_in(path, subscribers):
            rows += 1
            money = (row["billable"], row["charge_micro"], row["cost_micro"])
            parts = [(one.rule, one.name, one.units, one.band) for one in stretches_of(row)]
            digest += _digest(row["id"], (parts, *money, row["destination"]))
    return {"rows": rows, "hash": f"{digest % 2**64:016x}"}


def _said(one: Rated) -> tuple[object, ...]:
    parts = [(part.rule, part.name, part.units, part.band) for part in one.parts]
    return parts, sum(part.billable for part in one.parts), one.charge_micro, one.cost_micro, one.destination


def _digest(record: int, said: tuple[object, ...]) -> int:
    parts = [(str(rule), *rest) for rule, *rest in said[0]]  # type: ignore[attr-defined]  # the first is the list of parts
    text = repr((record, parts, *said[1:]))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def spark(usage: Path, folder: Path, name: str) -> dict[str, object]:
    """Rate the file by Spark in local mode and by DuckDB; return the hash over all rows of each."""
    from mvne_billing.rating.engine.spark import SparkCluster

    lines, cluster, hashes, took = folder / f"{name}-lines.parquet", SparkCluster(), {}, {}
    for engine_name, where in (("duckdb", None), ("spark", cluster)):
        begin = time.perf_counter()
        output = folder / f"rated-{name}-{engine_name}"
        rate_files([usage], output, lines, market.tariffs(name), market.world(), cluster=where)
        took[engine_name], hashes[engine_name] = time.perf_counter() - begin, row_hash(output / "rated")
    cluster.close()
    return {"hashes": hashes, "equal": len(set(hashes.values())) == 1, "took": took}


def main(step: str, folder: Path, name: str, *rest: str) -> None:
    """Run one step and print what it took."""
    usage = folder / f"{name}.parquet"
    values = [None if one == "-" else one for one in rest]
    count = int(values[0]) if values and values[0] and values[0].isdigit() else None
    steps: dict[str, Callable[[], Mapping[str, object]]] = {
        "copy": lambda: copy(usage, folder, values[0]),
        "engine": lambda: engine(usage, folder, name, values[0]),
        "naive": lambda: naive(usage, name, count or 0),
        "reference": lambda: reference(usage, name, count, int(values[1] or 0)),
        "rows": lambda: rated_rows(folder, name, count),
        "spark": lambda: spark(usage, folder, name),
    }
    if step in ("copy", "engine"):
        import duckdb  # noqa: F401 - imports are no part of what is measured
        import pyarrow.parquet  # noqa: F401
    print(json.dumps(measured(steps[step])))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
