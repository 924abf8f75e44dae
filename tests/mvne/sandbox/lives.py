"""Lives to test: simulated once, looked at by many tests, with the store they were lived in still open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from functools import cache

from mvne.brand import Brand
from mvne.planfile.reading import load
from mvne.platform import Platform
from mvne.sandbox.simulating import first_day, live, scratch
from mvne.sandbox.simulation import Asked, Simulation
from mvne_plans.period import MONTH, boundary
from scripts.packages import ROOT


@dataclass(frozen=True)
class Lived:
    """A life that is over, and where it was lived."""

    brand: Brand
    platform: Platform
    simulation: Simulation
    watched: list[tuple[int, int]]


@cache
def example(name: str) -> Brand:
    """Return a brand of `examples/`."""
    return load(ROOT / "examples" / name / "plan.yaml")


@contextmanager
def lived(brand: Brand, subscribers: int, months: int, seed: int) -> Iterator[Lived]:
    """Live a life as `simulate` does, and keep its store open."""
    begins = first_day(brand)
    asked = Asked(subscribers, months, seed, begins, boundary(begins, MONTH, months))
    watched: list[tuple[int, int]] = []
    with scratch(subscribers * months, begins.astimezone(UTC)) as (platform, clock, folder):
        done = live(platform, clock, folder, brand, asked, lambda day, days: watched.append((day, days)))
        yield Lived(brand, platform, done, watched)
