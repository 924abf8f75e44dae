"""Long fuzzing: every property and state machine of the tests, again and again, until the time is up.

Tests marked `soak` are in it too: they visit some places of many, and others with each seed.

Run as `make soak SEED=7 SECONDS=600` or `python -m tests.soak`. Each round is a pytest run of all that Hypothesis
drives, under its profile `soak`, with the seed of the round: the first seed, then the next. The same seed gives the
same examples in the same order, so a failure comes back with `make soak SEED=<the seed printed>`.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import pytest

#: How the process that soaks tells the pytest runs it starts when to stop and how to shuffle.
UNTIL, SEED = "SOAK_UNTIL", "SOAK_SEED"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shuffle by the seed, so that a short soak does not always stop before the same tests."""
    random.Random(os.environ[SEED]).shuffle(items)


def pytest_runtest_logfinish() -> None:
    """Stop the run between two tests when the time is up; what it found until then counts."""
    if time.time() >= int(os.environ[UNTIL]):
        pytest.exit("the time is up", returncode=0)


def command(seed: int, chosen: Sequence[str] = ()) -> list[str]:
    """Return the pytest run of one round, over `chosen` paths or all."""
    options = [
        f"--hypothesis-seed={seed}",
        "--hypothesis-profile=soak",
        "--timeout=0",
        "--maxfail=1",
        "-p",
        "tests.soak",
    ]
    return [sys.executable, "-m", "pytest", "-q", "-m", "hypothesis or soak", *options, *chosen]


def run_round(seed: int, until: int, environment: Mapping[str, str], chosen: Sequence[str] = ()) -> int:
    """Run one round; return pytest's exit code: 0 for all well, 5 when there is nothing that Hypothesis drives."""
    extra = {UNTIL: str(until), SEED: str(seed)}
    return subprocess.run(command(seed, chosen), env={**environment, **extra}).returncode


def soak(seed: int, seconds: int, chosen: Sequence[str] = ()) -> int:
    """Run rounds for `seconds`, one at least; say the seed, the time and the result; return the exit code."""
    begin = time.time()
    until = int(begin) + seconds
    now = seed
    print(f"soak: seed {seed}, {seconds} s", flush=True)
    while not (code := run_round(now, until, os.environ, chosen)) and time.time() < until:
        now += 1
    verdict = f"all well, seeds {seed} to {now}" if not code else f"FAILED; again with: make soak SEED={now}"
    print(f"soak: {verdict}, {time.time() - begin:.0f} s", flush=True)
    return code


def main() -> int:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="where the seeds begin")
    parser.add_argument("--seconds", type=int, default=300, help="for how long")
    parser.add_argument("paths", nargs="*", help="which tests; all of them by default")
    given = parser.parse_args()
    return soak(given.seed, given.seconds, given.paths)


if __name__ == "__main__":
    sys.exit(main())
