"""Rating whole files by the engine, against a plain copy of the file, the reference and a naive loop.

Run: python benchmarks/rating.py [--records 5000000] [--json]. Usage is made up (`rating_usage`): 100,000 subscribers
call 200 prefixes in 20 zones, under two tariffs, `basic` and `full` (`rating_market`). The copy reads the same Parquet
file with DuckDB, writes all its rows again and sums them per subscriber, with the same threads and compression. Each
step runs in a process of its own; times are medians of runs that take turns. The reference and the naive loop rate the
records of the first subscribers only, and their CPU per record is set against the engine's; the rows of the
reference's subscribers (of all, with --check all) are compared by a hash over each.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.rating_market import PREFIXES, ZONES, lines  # noqa: E402 - as a script this file finds its own packages
from benchmarks.rating_usage import make_usage  # noqa: E402 - see above
from mvne_billing.rating.engine.lines import write_lines  # noqa: E402 - see above

#: Records that the reference rates, about, and those that the naive loop rates, which is the faster of the two.
SAMPLE, NAIVE_SAMPLE = 100_000, 500_000

#: Subscribers of a family have one decimal place of their number in common; the first ones are taken by whole tens.
FAMILY = 10


def step(name: str, folder: Path, tariff: str, *rest: object) -> dict[str, Any]:
    """Run one step in a process of its own and return what it says."""
    words = ["-" if one is None else str(one) for one in rest]
    command = [sys.executable, "-m", "benchmarks.rating_steps", name, str(folder), tariff, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def middle(runs: list[dict[str, Any]], name: str) -> float:
    return statistics.median(float(one[name]) for one in runs)


def measure(folder: Path, tariff: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return all figures of one tariff."""
    copies, engines, tight = [], [], []
    for _ in range(given.runs):
        copies.append(step("copy", folder, tariff, None))
        engines.append(step("engine", folder, tariff, None))
        if given.memory:
            tight.append(step("engine", folder, tariff, given.memory))
    records, took = engines[0]["records"], middle(engines, "seconds")
    figures = {
        "records_per_second": round(records / took),
        "times_copy": round(took / middle(copies, "seconds"), 2),
        "cpu_times_copy": round(middle(engines, "cpu") / middle(copies, "cpu"), 2),
        **held_against(folder, tariff, given, records, middle(engines, "cpu") / records),
        "peak_memory_mb": round(middle(engines, "peak_mb")),
        "seconds": round(took, 2),
        "cpu_microseconds_per_record": round(middle(engines, "cpu") / records * 1e6, 3),
        "copy_seconds": round(middle(copies, "seconds"), 2),
        "copy_peak_memory_mb": round(middle(copies, "peak_mb")),
        **{
            name: engines[0][name]
            for name in ("rated", "duplicates", "suspended", "by_reference", "share_by_reference")
        },
    }
    if tight:
        figures["memory_limit"] = given.memory
        figures["times_unlimited"] = round(middle(tight, "seconds") / took, 2)
        figures["peak_memory_limited_mb"] = round(middle(tight, "peak_mb"))
    if given.spark:
        figures["spark"] = step("spark", folder, tariff)
    return figures


def held_against(folder: Path, tariff: str, given: argparse.Namespace, records: int, cpu: float) -> dict[str, Any]:
    """Return how much more CPU the slow ones take than the engine's `cpu` per record, and whether rows are equal."""

    def first(count: int) -> int:
        """Return how many subscribers made about so many records; families stay together."""
        return max(int(given.subscribers) * min(count, records) // records // FAMILY * FAMILY, FAMILY)

    subscribers = None if given.check == "all" else first(int(given.check))
    loop = step("reference", folder, tariff, subscribers, given.subscribers)
    rows = step("rows", folder, tariff, subscribers)
    naive = step("naive", folder, tariff, first(NAIVE_SAMPLE))
    return {
        "times_reference": round(loop["loop_cpu"] / loop["records"] / cpu, 1),
        "times_decimal_loop": round(naive["loop_cpu"] / naive["records"] / cpu, 1),
        "reference_records": loop["records"],
        "decimal_loop_records": naive["records"],
        "rows_compared": rows["rows"],
        "rows_equal": rows["hash"] == loop["hash"],
        "row_hash": rows["hash"],
    }


def prepare(folder: Path, tariff: str, given: argparse.Namespace) -> None:
    """Make the usage file and the lines of one tariff."""
    make_usage(folder / f"{tariff}.parquet", given.records, given.subscribers, abroad=tariff == "full")
    write_lines(lines(tariff, given.subscribers), folder / f"{tariff}-lines.parquet")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median counts")
    parser.add_argument("--check", default=str(SAMPLE), help="how many records are compared, about, or `all`")
    parser.add_argument("--memory", help="rate once more inside a limit such as 1GB")
    parser.add_argument("--spark", action="store_true", help="rate by Spark in local mode too and compare all rows")
    parser.add_argument("--tariff", choices=["basic", "full"], action="append", help="one tariff only")
    parser.add_argument("--folder", type=Path, help="where the files of the run lie for a while")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    given = arguments()
    result: dict[str, Any] = {
        "records": given.records,
        "subscribers": given.subscribers,
        "prefixes": PREFIXES,
        "zones": ZONES,
        "runs": given.runs,
        "threads": 2,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "measured_on_sample": "times_reference, times_decimal_loop: CPU per record of the first subscribers' records",
    }
    for tariff in given.tariff or ("basic", "full"):
        with tempfile.TemporaryDirectory(dir=given.folder) as place:
            prepare(Path(place), tariff, given)
            result[tariff] = measure(Path(place), tariff, given)
    if "basic" in result and "full" in result:
        result["full"]["times_basic"] = round(result["full"]["seconds"] / result["basic"]["seconds"], 2)
    print(json.dumps(result, indent=2) if given.json else "\n".join(shown(result)))


def shown(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the figures as lines for people."""
    yield (
        f"{result['records']:,} records, {result['subscribers']:,} subscribers, {result['prefixes']} prefixes; "
        f"{result['machine']}"
    )
    for tariff in ("basic", "full"):
        if tariff in result:
            one = result[tariff]
            yield (
                f"{tariff}: {one['records_per_second']:,} records/s, {one['times_copy']} x a copy of the file, peak "
                f"memory {one['peak_memory_mb']:,} MB; the reference takes {one['times_reference']} x its CPU, a naive "
                f"Decimal loop {one['times_decimal_loop']} x; {one['share_by_reference']} by the reference; "
                f"{one['rows_compared']:,} rows compared, {'all equal' if one['rows_equal'] else 'NOT EQUAL'}"
            )


if __name__ == "__main__":
    main()
