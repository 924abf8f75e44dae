"""A long life of charging: a million requests shuffled, doubled, delayed and crashed, the books held at every commit.

Run as `python -m tests.soak_charging --seed 7 --requests 1000000`, or for so many `--seconds` instead. The same seed is
the same life, for as long as it lasts. At the end all that was written is done once more, in one process that never
dies, and must give the same books.
"""

from __future__ import annotations

import argparse
import tempfile
import time

from tests.billing.builders import open_books
from tests.billing.charging.simulation import Simulation, replayed
from tests.billing.charging.till import Till

#: How much of the time is for the life; the rest is enough to live it again.
_LIVE = 0.7


def main() -> None:
    """Read the command line, live, prove, live again."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak_charging", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, help="of life and replay together, however many requests that is")
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--risk", type=float, default=0.003, help="of a crash, around every commit")
    given = parser.parse_args()
    begin = time.monotonic()
    ends = begin + _LIVE * given.seconds if given.seconds else float("inf")
    most = float("inf") if given.seconds else given.requests
    with open_books() as books, tempfile.TemporaryFile() as log:
        life = Simulation(Till(books), given.seed, given.lines, given.risk, log)
        while life.tally["requests"] < most and time.monotonic() < ends:
            life.step()
            if life.steps % 10_000 == 0:
                print(f"{life.tally['requests']:>10,} requests, {time.monotonic() - begin:,.0f} s", flush=True)
        first = life.finish()
        print(f"seed {given.seed}: {time.monotonic() - begin:,.0f} s; all well: " + told(life), flush=True)
        with open_books() as again:
            second = replayed(life, Till(again))
    if first != second:
        raise SystemExit(f"seed {given.seed}: the replay gives other books: {first} and {second}")
    print(
        f"seed {given.seed}: the replay gives the same books ({first[:16]}); {time.monotonic() - begin:,.0f} s in all"
    )


def told(life: Simulation) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(life.tally.items()))


if __name__ == "__main__":
    main()
