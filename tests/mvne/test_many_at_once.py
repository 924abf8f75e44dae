"""Many at once: eight threads on one pool, writers of events, launches and sign-ups that meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import select

from mvne import outbox, phone
from mvne.errors import MvneError
from mvne.launching import launches
from mvne.signup import sign_up
from mvne.states import LaunchState, LineState
from mvne.tables import brand as brand_table
from mvne_billing.errors import BillingError
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.inventory import numbers, profiles
from mvne_provisioning.inventory.counting import count_by_state
from mvne_provisioning.states import PoolState
from tests.mvne.house import House, Stores, example, open_house
from tests.mvne.wholeness import faults, stripe_objects

THREADS = 8
POOL = 1000

T = TypeVar("T")


def at_once(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """Do a piece of work in several threads that start together; an error of any is raised here."""
    start = Barrier(threads)

    def one(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as workers:
        return list(workers.map(one, range(threads)))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def big(request: pytest.FixtureRequest, stores: Stores) -> Iterator[House]:
    """A house whose brand has a pool of a thousand numbers and profiles."""
    brand = example("tilleul", POOL + 1)  # the test journey uses up one of each
    numbers = tuple(brand.market.fictional.first(POOL + 1))
    named = tuple(one for one in brand.defaults if one.path != "host.numbers")
    with stores.copy(request.param) as url, open_house(url) as house:
        house.launch(replace(brand, id="big", host=replace(brand.host, numbers=numbers), defaults=named))
        yield house


def test_eight_threads_take_a_thousand_numbers_and_profiles_each_once(big: House) -> None:
    def take(thread: int) -> Sequence[tuple[str, str]]:
        taken = []
        for place in range(POOL // THREADS):
            holder = f"holder-{thread}-{place}"
            with big.platform.store.transact() as conn:
                number = numbers.reserve_number(conn, "big", holder, big.now)
                profile = profiles.reserve_profile(conn, "big", holder, big.now)
            taken.append((str(number), str(profile.iccid)))
        return taken

    taken = [pair for part in at_once(take) for pair in part]
    assert len(taken) == len({number for number, _ in taken}) == len({iccid for _, iccid in taken}) == POOL
    with big.platform.store.read() as conn:
        pools = count_by_state(conn, "big")
    assert pools.numbers[PoolState.AVAILABLE] == pools.profiles[PoolState.AVAILABLE] == 0


def test_eight_people_sign_up_at_once_and_get_a_line_each(tilleul: House) -> None:
    def join(thread: int) -> str | None:
        wish = tilleul.wish(f"person-{thread}")
        return sign_up(tilleul.platform, "tilleul", wish, tilleul.now).msisdn

    given = at_once(join)
    assert len({*given}) == THREADS
    for thread in range(THREADS):
        phone.install(tilleul.platform, "tilleul", f"line-person-{thread}", tilleul.now)
    assert faults(tilleul.platform, "tilleul") == []


def test_one_person_who_signs_up_twice_at_once_has_one_line_and_pays_once(tilleul: House) -> None:
    def join(thread: int) -> str | None:
        return sign_up(tilleul.platform, "tilleul", tilleul.wish("ada"), tilleul.now).msisdn

    first, second = at_once(join, threads=2)
    assert first == second
    assert len(tilleul.documents("line-ada")) == len(tilleul.payments("line-ada")) == 1
    assert tilleul.told().count("subscriber.signed_up") == 2, "one of them by the test journey"
    assert faults(tilleul.platform, "tilleul") == []


def test_two_bill_runs_at_once_bill_and_collect_once(tilleul: House) -> None:
    for name in ("ada", "bob", "eve"):
        tilleul.join(name)
    tilleul.after(days=31)
    at_once(lambda thread: tilleul.bill(), threads=2)
    for name in ("ada", "bob", "eve"):
        assert len(tilleul.documents(f"line-{name}")) == len(tilleul.payments(f"line-{name}")) == 2
    assert faults(tilleul.platform, "tilleul") == []


def test_events_are_numbered_without_gaps_whoever_writes_them(tilleul: House) -> None:
    with tilleul.platform.store.read() as conn:
        before = len(outbox.events(conn, "tilleul"))

    def write(thread: int) -> None:
        for number in range(25):
            try:
                with tilleul.platform.store.transact() as conn:
                    outbox.emit(conn, "tilleul", "test.event", f"{thread}", {"number": number}, tilleul.now)
                    if number % 5 == 4:
                        raise TimeoutError
            except TimeoutError:
                continue

    at_once(write, threads=4)
    with tilleul.platform.store.read() as conn:
        events = outbox.events(conn, "tilleul")
    assert [one.number for one in events] == list(range(1, before + 80 + 1))
    for thread in range(4):
        mine = [one.content["number"] for one in events if one.subject == f"{thread}"]
        assert mine == [number for number in range(25) if number % 5 != 4]


def test_two_launches_of_one_file_at_once_are_one(kind: str, stores: Stores) -> None:
    with stores.copy(kind) as url, open_house(url) as house:

        def launch(thread: int) -> None:
            # Whoever comes second to a step may be told to try again, in words; never by an error of the database.
            with suppress(MvneError, BillingError, ProvisioningError):
                house.launch(example("tilleul"))

        at_once(launch, threads=2)
        house.launch(example("tilleul"))
        with house.platform.store.read() as conn:
            assert [state for _, state, _ in launches(conn, "tilleul")] == [LaunchState.DONE]
        assert len(stripe_objects(house.platform, "payment_intent")) == 1
        assert len(stripe_objects(house.platform, "price")) == 2
        assert house.line("smoke-1").state is LineState.ENDED
        assert faults(house.platform, "tilleul") == []


def test_two_brands_launched_at_once_share_no_number_and_no_profile(kind: str, stores: Stores) -> None:
    names = ("tilleul", "rival")
    with stores.copy(kind) as url, open_house(url) as house:
        at_once(lambda thread: house.launch(replace(example("tilleul"), id=names[thread])), threads=2)
        with house.platform.store.read() as conn:
            assert sorted(conn.execute(select(brand_table.c.ordinal)).scalars()) == [1, 2]
        lines = [house.join("ada", name) for name in names]
        assert len({line.msisdn for line in lines}) == len({line.iccid for line in lines}) == 2
        for name in names:
            assert faults(house.platform, name) == []
