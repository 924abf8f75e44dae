"""Many clients at once on an event loop: group commit, order, other writers, failures of the store, and the end."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from mvne_billing.charging.asking import Sweep
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.effects import Batch
from mvne_billing.charging.front import Front
from mvne_billing.charging.session import (
    Action,
    Answer,
    Contended,
    Event,
    InvalidRequest,
    Request,
    SequenceGap,
    Step,
    Units,
    UnknownSubscription,
)
from mvne_billing.charging.store import ChargingStore, Moved, Unwritten
from mvne_billing.charging.together import MOST_TRIES
from mvne_billing.tables import session, session_request
from tests.billing.builders import NUMBER
from tests.billing.charging.till import CALL, DATA, START, TEXT, A, Till, open_store

EUR = 1_000_000
Result = TypeVar("Result")


class Watched:
    """A store whose commits can be counted, held up and made to fail."""

    def __init__(self, inner: ChargingStore) -> None:
        self.inner = inner
        self.sizes: list[int] = []
        self.failures: list[BaseException] = []
        self.before: Callable[[Batch], None] = lambda batch: None

    @property
    def lanes(self) -> int:
        return self.inner.lanes

    @property
    def durability(self) -> str:
        return self.inner.durability

    def write(self, lane: int, batch: Batch) -> None:
        self.before(batch)
        if self.failures:
            raise self.failures.pop(0)
        self.inner.write(lane, batch)
        self.sizes.append(len(batch.requests))

    def reading(self) -> AbstractContextManager[Connection]:
        return self.inner.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        return self.inner.writing()

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def watched(till: Till) -> Watched:
    till.plan(buckets=())
    for number in range(8):
        till.line(line(number))
    till.open()
    assert till.store is not None
    store = Watched(till.store)
    till.store = store
    till.restart()
    return store


def line(number: int) -> str:
    return A if number == 0 else f"line-{number}"


def drive(till: Till, work: Callable[[Front], Awaitable[Result]]) -> Result:
    """Run work on a front to a fresh charging process."""

    async def main() -> Result:
        front = Front(till.open())
        try:
            return await work(front)
        finally:
            await front.close()

    assert till.store is not None
    close, till.store.close = till.store.close, lambda: None  # type: ignore[method-assign]  # the till closes it itself
    try:
        return asyncio.run(main())
    finally:
        till.store.close = close  # type: ignore[method-assign]  # as it was


def step(till: Till, number: int, step_: Step, sequence: int, *groups: Units, name: str = "s") -> Request:
    at = START + timedelta(seconds=sequence)
    return Request(till.books.brand, f"{name}{number}", sequence, step_, line(number), at, groups, NUMBER)


async def a_session(front: Front, till: Till, number: int, name: str = "s", updates: int = 3) -> Answer:
    await front.ask(step(till, number, Step.CREATE, 0, Units(1, CALL, 60), name=name))
    for sequence in range(1, updates + 1):
        await front.ask(step(till, number, Step.UPDATE, sequence, Units(1, used=60, requested=60), name=name))
    return await front.ask(step(till, number, Step.RELEASE, updates + 1, Units(1, used=0), name=name))


def test_clients_that_ask_together_are_written_together(till: Till, watched: Watched) -> None:
    async def work(front: Front) -> list[Answer]:
        return await asyncio.gather(*(a_session(front, till, number) for number in range(8)))

    told = drive(till, work)
    assert {one.charged_micro for one in told} == {150_000}
    assert sum(watched.sizes) == 40
    assert len(watched.sizes) <= 5 * 2 * watched.lanes + 4
    assert all(till.money(line(number)) == (10 * EUR - 150_000, 0) for number in range(8))


def test_an_answer_is_given_only_when_it_is_written(till: Till, watched: Watched) -> None:
    written: list[str] = []

    def note(batch: Batch) -> None:
        written.extend(str(row[1]) for row in batch.requests)

    watched.before = note

    async def ask(front: Front, number: int) -> None:
        await front.ask(step(till, number, Step.CREATE, 0, Units(1, CALL, 60)))
        assert f"s{number}" in written
        assert till.rows(session_request, session=f"s{number}")

    async def work(front: Front) -> None:
        await asyncio.gather(*(ask(front, number) for number in range(8)))

    drive(till, work)


def test_requests_of_one_session_that_come_at_once_keep_their_order(till: Till, watched: Watched) -> None:
    async def work(front: Front) -> list[Answer]:
        asked = [step(till, 0, Step.CREATE, 0, Units(1, CALL, 60))]
        asked += [step(till, 0, Step.UPDATE, place, Units(1, used=60, requested=60)) for place in range(1, 20)]
        asked += [step(till, 0, Step.RELEASE, 20, Units(1, used=60))]
        return await asyncio.gather(*(front.ask(one) for one in asked))

    told = drive(till, work)
    assert [one.charged_micro for one in told] == [50_000 * place for place in range(21)]
    assert till.money() == (9 * EUR, 0)


def test_a_repeat_beside_the_first_gets_the_same_answer(till: Till, watched: Watched) -> None:
    async def work(front: Front) -> list[Answer]:
        one = step(till, 0, Step.CREATE, 0, Units(1, CALL, 60))
        return await asyncio.gather(*(front.ask(one) for _ in range(10)))

    assert len(set(map(repr, drive(till, work)))) == 1
    assert till.money()[1] == 50_000


@pytest.mark.parametrize(
    "failures",
    [[Moved("another wrote")] * 2, [Unwritten("locked out")] * 5, [RuntimeError("unheard of")]],
    ids=lambda found: type(found[0]).__name__,
)
def test_what_could_not_be_written_is_done_again(till: Till, watched: Watched, failures: list[BaseException]) -> None:
    async def work(front: Front) -> list[Answer]:
        first = await asyncio.gather(*(a_session(front, till, number) for number in range(8)))
        watched.failures = list(failures)
        second = await asyncio.gather(*(a_session(front, till, number, "t") for number in range(8)))
        return [*first, *second]

    told = drive(till, work)
    assert {one.charged_micro for one in told} == {150_000}
    assert watched.failures == []
    assert all(till.money(line(number)) == (10 * EUR - 300_000, 0) for number in range(8))


@pytest.mark.parametrize(
    "failure", [Moved("another wrote"), Unwritten("locked out"), RuntimeError("unheard of")], ids=repr
)
def test_what_was_laid_out_behind_a_batch_that_failed_is_done_again_with_it(
    till: Till, watched: Watched, failure: BaseException
) -> None:
    """So many clients that batches wait for the writer: what they hold rests on what was not written."""
    written = itertools.count(1)

    def fail(batch: Batch) -> None:
        if next(written) == 2:
            raise failure

    watched.before = fail

    async def work(front: Front) -> list[Answer]:
        return await asyncio.gather(*(a_session(front, till, n % 8, f"s{n}-") for n in range(160)))

    told = drive(till, work)
    assert {one.charged_micro for one in told} == {150_000}
    assert [till.money(line(number)) for number in range(8)] == [(10 * EUR - 20 * 150_000, 0)] * 8


def test_a_request_that_the_store_will_not_take_fails_alone(till: Till, watched: Watched) -> None:
    class Poisoned(Exception):
        pass

    def refuse(batch: Batch) -> None:
        if any(row[1] == "s3" for row in batch.requests):
            raise Poisoned

    watched.before = refuse

    async def work(front: Front) -> list[Any]:
        return await asyncio.gather(*(a_session(front, till, number) for number in range(8)), return_exceptions=True)

    told = drive(till, work)
    assert [number for number, one in enumerate(told) if isinstance(one, Poisoned)] == [3]
    assert sum(isinstance(one, Answer) for one in told) == 7
    assert till.money(line(3)) == (10 * EUR, 0)


def test_a_line_that_others_write_to_all_the_time_is_given_up_by_name(till: Till, watched: Watched) -> None:
    def move(batch: Batch) -> None:
        if any(row[4] == A for row in batch.balances):
            raise Moved("again")

    watched.before = move

    async def work(front: Front) -> list[Any]:
        return await asyncio.gather(*(a_session(front, till, number) for number in range(8)), return_exceptions=True)

    told = drive(till, work)
    assert isinstance(told[0], Contended)
    assert all(isinstance(one, Answer) for one in told[1:])
    assert MOST_TRIES > 2


def test_two_fronts_and_top_ups_share_lines_without_losing_any_money(till: Till, watched: Watched) -> None:
    other_store = open_store(till)
    other = Charger(other_store, till.open()._find_terms)

    async def work(front: Front) -> None:
        second = Front(other)
        dice = random.Random(7)

        async def pay(number: int) -> None:
            for _ in range(5):
                await asyncio.sleep(dice.random() / 100)
                await asyncio.to_thread(till.pay_in, "1", line(number))

        jobs: list[Awaitable[Any]] = [pay(number) for number in range(4)]
        jobs += [a_session(front, till, number, "f") for number in range(4)]
        jobs += [a_session(second, till, number, "g") for number in range(4)]
        await asyncio.gather(*jobs)
        await second.close()

    drive(till, work)
    assert [till.money(line(number)) for number in range(4)] == [(15 * EUR - 300_000, 0)] * 4


def test_refusals_are_raised_to_whom_they_concern(till: Till, watched: Watched) -> None:
    async def work(front: Front) -> None:
        with pytest.raises(InvalidRequest):
            await front.ask(step(till, 0, Step.CREATE, -1))
        with pytest.raises(UnknownSubscription):
            await front.ask(Request(till.books.brand, "s", 0, Step.CREATE, "nobody", START, (Units(1, CALL, 0),)))
        await front.ask(step(till, 0, Step.CREATE, 0, Units(1, CALL, 0)))
        with pytest.raises(SequenceGap):
            await front.ask(step(till, 0, Step.UPDATE, 5, Units(1, used=5)))
        told = await front.ask(Event(till.books.brand, "e", Action.CHARGE, A, START, TEXT))
        assert told.charged_micro == 60_000
        told = await front.ask(Event(till.books.brand, "e2", Action.CHECK, A, START, TEXT))
        assert told.durability == front.durability

    drive(till, work)


def test_a_front_sweeps_what_nobody_came_back_for(till: Till, watched: Watched) -> None:
    async def work(front: Front) -> None:
        await front.ask(step(till, 0, Step.CREATE, 0, Units(1, CALL, 600)))
        await front.sweep(Sweep(till.books.brand, "s0", A, START + timedelta(minutes=64)))
        assert till.money()[1] == 500_000
        await front.sweep(Sweep(till.books.brand, "s0", A, START + timedelta(minutes=66)))

    drive(till, work)
    assert till.money() == (10 * EUR, 0)
    assert [row["state"] for row in till.rows(session)] == ["expired"]


def test_memory_is_bounded_and_what_was_forgotten_is_read_again(till: Till, watched: Watched) -> None:
    assert till.store is not None
    charger = Charger(till.store, till.open()._find_terms, most_accounts=2)
    till.charger = charger

    async def work(front: Front) -> None:
        for number in range(8):
            await front.ask(step(till, number, Step.CREATE, 0, Units(1, CALL, 60)))
        for number in range(8):
            await front.ask(step(till, number, Step.UPDATE, 1, Units(1, used=60, requested=60)))
        await asyncio.gather(*(a_session(front, till, number, "t") for number in range(8)))

    drive(till, work)
    assert len(charger._accounts) <= 8
    assert till.money(line(7)) == (10 * EUR - 50_000 - 150_000 - 50_000, 50_000)


def test_what_was_asked_before_the_end_is_answered(till: Till, watched: Watched) -> None:
    async def work(front: Front) -> Answer:
        asking = asyncio.ensure_future(front.ask(step(till, 0, Step.CREATE, 0, Units(1, DATA, 0))))
        await asyncio.sleep(0)
        return await asking

    assert drive(till, work).is_open


def test_a_client_that_goes_away_leaves_no_trace_in_others_answers(till: Till, watched: Watched) -> None:
    async def work(front: Front) -> Answer:
        asking = asyncio.ensure_future(front.ask(step(till, 0, Step.CREATE, 0, Units(1, CALL, 60))))
        await asyncio.sleep(0)
        asking.cancel()
        return await front.ask(step(till, 0, Step.CREATE, 0, Units(1, CALL, 60)))

    assert drive(till, work).is_open
    assert till.money()[1] == 50_000
