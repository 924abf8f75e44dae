"""The figures of charging: operations a second beside the bare operation's, how long they take, what a kill loses."""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
from typing import Any

from benchmarks import charging_http
from benchmarks.charging_kill import be_victim, killed
from benchmarks.charging_load import CLIENTS, bare, charged
from benchmarks.charging_world import KINDS, databases, fsync_ms, hardware

LINES = 1_000


def measured(kind: str, sessions: int, lines: int, runs: int) -> dict[str, Any]:
    """Measure a kind of store: charging beside the bare operation, each several times in turn; medians."""
    found: list[dict[str, Any]] = []
    plain: list[dict[str, float]] = []
    with databases(kind) as fresh:
        for _ in range(runs):
            plain.append(bare(kind, fresh(), 3 * sessions, lines, CLIENTS))
            figures, durability = charged(kind, fresh(), sessions, lines, CLIENTS)
            found.append(figures)
        alone, _ = charged(kind, fresh(), max(sessions // 20, 100), lines, 1)
        bare_alone = bare(kind, fresh(), max(3 * sessions // 20, 300), lines, 1)
        lost, doubled, acknowledged = killed(kind, fresh(), lines)
    medians = {name: statistics.median(one[name] for one in found) for name in found[0]}
    bare_rate = statistics.median(one["operations_per_second"] for one in plain)
    ratios = [
        one["operations_per_second"] / two["operations_per_second"] for one, two in zip(found, plain, strict=True)
    ]
    return {
        **medians,
        "times_bare_operation": round(statistics.median(ratios), 3),
        "bare_operations_per_second": bare_rate,
        "single_commit_operations_per_second": alone["operations_per_second"],
        "single_commit_p99_ms": alone["p99_ms"],
        "single_commit_bare_operations_per_second": bare_alone["operations_per_second"],
        "runs": [one["operations_per_second"] for one in found],
        "bare_runs": [one["operations_per_second"] for one in plain],
        "durability": durability,
        "lost": lost,
        "doubled": doubled,
        "acknowledged_before_kill": acknowledged,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python benchmarks/charging.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--sessions", type=int, default=20_000, help="of three operations each")
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--no-http", action="store_true", help="do not measure over HTTP too")
    parser.add_argument("--victim", nargs=2, metavar=("KIND", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.victim:
        kind, url = given.victim
        be_victim(kind, url, given.lines)
        return
    with tempfile.TemporaryDirectory() as folder:
        before = fsync_ms(folder)
    figures: dict[str, Any] = {kind: measured(kind, given.sessions, given.lines, given.runs) for kind in given.kinds}
    figures |= {name: sum(figures[kind][name] for kind in given.kinds) for name in ("lost", "doubled")}
    if not given.no_http:
        sessions = given.sessions // 4
        figures["http"] = {
            kind: dict(charging_http.measure(kind, sessions, given.lines, CLIENTS)) for kind in given.kinds
        }
    figures |= {
        "sessions": given.sessions,
        "operations": 3 * given.sessions,
        "clients": CLIENTS,
        "subscribers": given.lines,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "fsync_ms": before,
        "hardware": hardware(),
        "python": sys.version.split()[0],
    }
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    for kind in given.kinds:
        one = figures[kind]
        print(
            f"{kind}: {one['operations_per_second']:,} operations/s, p99 {one['p99_ms']} ms, "
            f"{one['times_bare_operation']} x the bare operation ({one['bare_operations_per_second']:,}/s); alone "
            f"{one['single_commit_operations_per_second']:,}/s; killed: {one['lost']} lost, {one['doubled']} doubled; "
            f"{one['durability']}"
        )
    print(f"peak memory {figures['peak_memory_mb']} MB; fsync {before} ms; {figures['hardware']}")
