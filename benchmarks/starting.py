"""Starting: help, and a launch into a fresh store, against an empty Python. Run: python -m benchmarks.starting."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.packages import ROOT

RUNS = 7


def median_seconds(command: list[str], fresh: bool = False) -> float:
    """Return the median seconds of whole processes, after one that is not counted; `fresh` gives each a new home."""
    took = []
    for _ in range(RUNS + 1):
        with tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, "XDG_DATA_HOME": home} if fresh else dict(os.environ)
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=environment)
            took.append(time.perf_counter() - start)
    return statistics.median(took[1:])


def main() -> None:
    """Measure and print."""
    mvne = str(Path(sys.executable).parent / "mvne")
    empty = median_seconds([sys.executable, "-c", ""])
    print(f"an empty Python process: {empty * 1000:.0f} ms")
    for name, words in (("mvne --help", ["--help"]), ("launch tilleul", ["launch", "examples/tilleul/plan.yaml"])):
        took = median_seconds([mvne, *words], fresh=True)
        print(f"{name}: {took:.3f} s, {took / empty:.1f} x an empty Python process (median of {RUNS})")


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
