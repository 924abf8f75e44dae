"""Measuring a call: the best of a few runs, so that a busy machine disturbs least; and peak memory of the process."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable


def seconds(call: Callable[[], object], runs: int = 3) -> float:
    """Return the seconds of the fastest of `runs` runs."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def report(name: str, count: int, unit: str, took: float, baseline: str, baseline_took: float) -> None:
    """Print one line: units per second, peak memory, and how much longer it took than the baseline."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name}: {count / took:,.0f} {unit}/s ({took:.2f} s for {count:,}); peak memory {peak:,.0f} MB; "
        f"{took / baseline_took:.1f} x {baseline}"
    )
