"""A short life of charging under every seed that is tried, and the same life again from what was written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mvne_billing.charging.session import Request, Step, Units
from tests.billing.builders import NUMBER, Books, open_books
from tests.billing.charging.simulation import USES, Broken, Simulation, replayed
from tests.billing.charging.till import Till


@pytest.mark.parametrize("seed", [1, 2])
def test_the_books_hold_through_crashes_doubles_delays_and_clocks_that_step(seed: int) -> None:
    with open_books() as books, open_books() as again:
        life = Simulation(Till(books), seed, risk=0.02)
        for _ in range(700):
            life.step()
        books_of_life = life.finish()
        assert life.tally["sessions closed"] > 50
        for happened in ("crashed before a commit", "crashed inside a commit", "crashed after a commit"):
            assert life.tally[happened]
        for happened in ("doubled", "repeats", "swept", "paid in", "SequenceGap", "ClockBackwards"):
            assert life.tally[happened]
        assert replayed(life, Till(again)) == books_of_life


def test_of_one_request_by_two_clocks_the_one_that_was_written_is_lived_again() -> None:
    """A client whose clock was behind asks again with a better one, and its first request arrives after that."""
    with open_books() as books, open_books() as again:
        life = Simulation(Till(books), 3, risk=0.0)
        service, amount = USES[0]
        units = (Units(1, service, amount),)
        begun = Request(books.brand, "s", 0, Step.CREATE, life.lines[1], life.now, units, NUMBER)
        better = replace(begun, sequence=1, step=Step.UPDATE, at=life.now + timedelta(minutes=2))
        behind = replace(better, at=life.now - timedelta(seconds=13))
        for sent in ([begun], [better, behind]):
            life._deliver(0, [(0, place, one, None) for place, one in enumerate(sent)])
        assert list(life.done()) == [begun, better]
        books_of_life = life.finish()
        assert replayed(life, Till(again)) == books_of_life


def test_a_life_is_the_same_under_the_same_seed() -> None:
    digests = []
    for _ in range(2):
        with open_books() as books:
            life = Simulation(Till(books), 11)
            for _ in range(150):
                life.step()
            digests.append(life.finish())
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE billing_balance SET free_micro = free_micro + 1 WHERE subscription = 'line-03'",
        "UPDATE billing_session SET reserved_micro = 1 WHERE state = 'open' AND subscription = 'line-03'",
        "UPDATE billing_balance SET floor_micro = 0, free_micro = -1 WHERE subscription = 'line-03'",
    ],
)
def test_the_simulation_sees_books_that_are_wrong(harm: str) -> None:
    with open_books() as books:
        life = Simulation(Till(books), 5)
        while not life.driver.execute(
            "SELECT 1 FROM billing_session WHERE state = 'open' AND subscription = 'line-03'"
        ).fetchone():
            life.step()
        life.driver.execute("PRAGMA ignore_check_constraints = ON")
        life.driver.execute(harm)
        with pytest.raises(Broken):
            life._hold("line-03")


def test_lives_on_a_file_and_in_memory_are_the_same(tmp_path: object) -> None:
    digests = []
    for url in ("sqlite://", f"sqlite:///{tmp_path}/life.sqlite"):
        with open_books(url) as books:
            assert isinstance(books, Books)
            till = Till(books)
            life = Simulation(till, 4)
            for _ in range(120):
                life.step()
            digests.append(life.finish())
            for store in life.stores:
                store.close()
    assert digests[0] == digests[1]
