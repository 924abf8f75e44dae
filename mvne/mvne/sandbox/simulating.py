"""Simulating a brand's life: a scratch store, a launch, a population, and day after day until the end."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from mvne import phone
from mvne.bootstrap import bootstrap
from mvne.brand import Brand
from mvne.launching import launch
from mvne.margin import seconds
from mvne.platform import Platform
from mvne.sandbox.agenda import Clock, Life, Run
from mvne.sandbox.chance import stream
from mvne.sandbox.closing import accrue_minimum
from mvne.sandbox.directory import directories
from mvne.sandbox.faults import Faults
from mvne.sandbox.files import UsageFiles
from mvne.sandbox.housekeeping import keep_house
from mvne.sandbox.living import expect
from mvne.sandbox.measuring import measure
from mvne.sandbox.population import Person, population
from mvne.sandbox.simulation import Asked, SandboxError, Simulation
from mvne.selling import selling
from mvne.settings import Settings
from mvne_plans.period import MONTH, aware, boundary

#: Called at the end of every simulated day with its number and how many there are.
Watch = Callable[[int, int], None]

#: Lives of up to so many subscribers times months are kept in memory, longer ones in a temporary file.
IN_MEMORY = 6_000

#: The first day of a life, unless the host's agreement begins later.
_USUAL_START = datetime(2027, 1, 1)  # noqa: DTZ001 - a wall clock, in whatever zone the brand has
_DAY = 86_400


def simulate(
    brand: Brand,
    subscribers: int,
    months: int,
    seed: int,
    start: datetime | None = None,
    watch: Watch = lambda day, days: None,
) -> Simulation:
    """Let `subscribers` live with a brand for some months from `start` (see `first_day`) and return what came of it.

    Everything outside is simulated and the store is a scratch one, whatever the settings say. The same arguments give
    the same result. Raises `SandboxError` when the plan file has too few numbers or profiles, or when the books do not
    agree at the end.
    """
    begins = first_day(brand) if start is None else _midnight(brand, start)
    ends = boundary(begins, MONTH, months)
    with scratch(subscribers * months, begins.astimezone(UTC)) as (platform, clock, folder):
        return live(platform, clock, folder, brand, Asked(subscribers, months, seed, begins, ends), watch)


def first_day(brand: Brand) -> datetime:
    """Return the midnight on which a life begins: 1 January 2027, or the first of the month from which a host charges.

    It does not depend on today, so that the same file gives the same report next year.
    """
    zone = ZoneInfo(brand.timezone)
    begins = _USUAL_START.replace(tzinfo=zone)
    first = min((one.starts for one in brand.catalogue.agreements), default=begins.date())
    if first <= begins.date():
        return begins
    if first.day == 1:
        return datetime(first.year, first.month, 1, tzinfo=zone)
    return boundary(datetime(first.year, first.month, 1, tzinfo=zone), MONTH, 1)


@contextmanager
def scratch(size: int, at: datetime) -> Iterator[tuple[Platform, Clock, Path]]:
    """Open a platform that is gone afterwards, with its virtual clock and a folder for files.

    The settings of the installation are not read: no sandbox ever reaches a real store, network or account.
    """
    clock, tokens = Clock(at), count(1)
    with TemporaryDirectory(prefix="mvne-sandbox-") as place, _rare_collections():
        url = "sqlite://" if size <= IN_MEMORY else f"sqlite:///{Path(place) / 'scratch.sqlite'}"
        settings = Settings.model_construct(store=url)
        with bootstrap(settings, clock, token=lambda: f"SANDBOX{next(tokens):025d}") as platform:
            yield platform, clock, Path(place)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python look for garbage in circles less often: a life makes many small objects, and hardly a circle."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    yield
    gc.set_threshold(*usual)


def live(platform: Platform, clock: Clock, folder: Path, brand: Brand, asked: Asked, watch: Watch) -> Simulation:
    """Launch a brand into a platform, live its life there, close its books and measure it."""
    midnights = list(_midnights(asked.begins, asked.ends))
    people = population(brand, asked.subscribers, asked.seed, asked.begins, len(midnights))
    _check_pools(brand, people)
    launch(brand, platform, midnights[0])
    run = _run(platform, clock, folder, brand, asked.seed, people)
    for life in run.lives.values():
        expect(run, life)
    keep_house(run, midnights, watch)
    run.live(asked.ends.astimezone(UTC))
    accrue_minimum(run, asked)
    return measure(run, asked)


def _run(platform: Platform, clock: Clock, folder: Path, brand: Brand, seed: int, people: list[Person]) -> Run:
    with platform.store.read() as conn:
        world = selling(conn, brand.id).world()
    return Run(
        platform=platform,
        brand=brand,
        clock=clock,
        chance=stream(seed, "days"),
        directories=directories(brand, world, clock.at + timedelta(hours=12)),
        lives={person.id: Life(person, stream(seed, "life", person.number)) for person in people},
        faults=Faults(phone.simulated(platform), brand.market.code),
        files=UsageFiles(folder),
        period_days={plan.id: seconds(plan.every) // _DAY for plan in brand.catalogue.plans},
    )


def _midnight(brand: Brand, start: datetime) -> datetime:
    return aware(start).astimezone(ZoneInfo(brand.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)


def _midnights(begins: datetime, ends: datetime) -> Iterator[datetime]:
    """Yield the local midnights of all days, in UTC; a day may have 23 or 25 hours."""
    for day in range((ends.date() - begins.date()).days):
        yield (begins + timedelta(days=day)).astimezone(UTC)


def _check_pools(brand: Brand, people: list[Person]) -> None:
    """Refuse more people than there are numbers and profiles for: the launch's own test takes one of each."""
    swaps = sum((one.fate.new_phone is not None) + (one.fate.loses_phone is not None) for one in people)
    numbers, profiles = len(people) + 2, len(people) + swaps + 2
    if len(brand.host.numbers) < numbers or brand.host.profiles < profiles:
        raise SandboxError(
            f"{len(people)} subscribers need {numbers} numbers and {profiles} eSIM profiles; the plan file has "
            f"{len(brand.host.numbers)} and {brand.host.profiles}: raise them under host:, or ask for fewer subscribers"
        )
