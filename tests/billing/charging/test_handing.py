"""Batches handed to a writer that the event loop watches: answers, failures, writers and connections that are gone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest

from mvne_billing.charging.charger import Charger
from mvne_billing.charging.effects import Batch
from mvne_billing.charging.front import Front
from mvne_billing.charging.handing import Handing
from mvne_billing.charging.postgresql_store import PostgresqlStore
from mvne_billing.charging.session import Answer, Step, Units
from mvne_billing.charging.sqlite_apart import SqliteApart
from mvne_billing.charging.sqlite_store import WriterFailed
from mvne_billing.charging.store import Moved, Unwritten
from mvne_billing.tables import session_request
from tests.billing.builders import Books
from tests.billing.charging.till import CALL, A, Till

EUR = 1_000_000
AT = "2027-03-05 10:00:00.000000"
Watched = SqliteApart | PostgresqlStore


@pytest.fixture
def till(books: Books) -> Iterator[Till]:
    made = Till(books).plan(buckets=())
    for number in range(8):
        made.line(line(number))
    if books.engine.dialect.name == "postgresql":
        made.store = PostgresqlStore(books.engine, made.reading, books.transact)
    else:
        made.store = SqliteApart(str(books.engine.url.database), made.reading, books.transact)
    yield made
    made.close()
    assert books.faults() == ()


def line(number: int) -> str:
    return A if number == 0 else f"line-{number}"


def store(till: Till) -> Watched:
    assert isinstance(till.store, SqliteApart | PostgresqlStore)
    assert isinstance(till.store, Handing)
    return till.store


async def a_session(front: Front, till: Till, number: int, name: str) -> Answer:
    whole = (
        till.request(Step.CREATE, 0, Units(1, CALL, 60), session=name, line=line(number)),
        till.request(Step.UPDATE, 1, Units(1, used=60, requested=60), session=name, line=line(number), at=60),
        till.request(Step.RELEASE, 2, Units(1, used=60), session=name, line=line(number), at=120),
    )
    for one in whole:
        answer = await front.ask(one)
    return answer


async def handed(where: Watched, batch: Batch) -> BaseException | None:
    """Have a batch written and return what went wrong."""
    done: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
    where.begin(0, batch, done.set_result)
    assert not done.done()
    return await done


def test_clients_at_once_are_answered_and_charged_once(till: Till) -> None:
    async def work() -> list[Answer]:
        front = Front(till.open())
        told = await asyncio.gather(*(a_session(front, till, n % 8, f"s{n}") for n in range(64)))
        kill(till)
        return [*told, *await asyncio.gather(*(a_session(front, till, n % 8, f"t{n}") for n in range(64)))]

    assert {one.charged_micro for one in asyncio.run(work())} == {100_000}
    assert [till.money(line(number)) for number in range(8)] == [(10 * EUR - 1_600_000, 0)] * 8


def kill(till: Till) -> None:
    """Take away what the store writes with, while it is idle."""
    where = store(till)
    if isinstance(where, SqliteApart):
        where._process.send_signal(signal.SIGKILL)
        where._process.wait()
        return
    with till.books.engine.begin() as conn:
        conn.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%%WITH balances%%'"
        )


def test_what_became_of_a_batch_is_told_by_name(till: Till) -> None:
    brand = till.books.brand

    async def work() -> None:
        assert await handed(store(till), a_batch(brand, 1, "x" * 5_000_000)) is None
        assert isinstance(await handed(store(till), a_batch(brand, 1, "[]")), Moved)
        assert isinstance(await handed(store(till), a_batch(brand, 2, "[]")), Moved)  # the same request again
        kill(till)
        assert isinstance(await handed(store(till), a_batch(brand, 2, "[]", "t")), Unwritten)
        assert await handed(store(till), a_batch(brand, 2, "[]", "t")) is None
        wrong = a_batch(brand, 3, "[]", "u")
        wrong.balances[0] = (-1, *wrong.balances[0][1:])
        failure = await handed(store(till), wrong)
        assert failure is not None
        assert not isinstance(failure, Moved | Unwritten)
        assert isinstance(failure, WriterFailed) or "not_overdrawn" in str(failure)

    asyncio.run(work())
    assert [row["session"] for row in till.rows(session_request)] == ["s", "t"]


def a_batch(brand: str, version: int, answer: str, name: str = "s") -> Batch:
    batch = Batch()
    batch.balances.append((10 * EUR, 0, version + 1, brand, A, version))
    batch.requests.append((brand, name, 0, "0" * 32, answer, AT))
    return batch


def test_a_second_loop_goes_on_with_the_same_store(till: Till) -> None:
    async def work(name: str) -> Answer:
        front = Front(Charger(store(till), till.open()._find_terms))
        return await a_session(front, till, 0, name)

    assert asyncio.run(work("s")).charged_micro == 100_000
    assert asyncio.run(work("t")).charged_micro == 100_000
    assert till.money() == (10 * EUR - 200_000, 0)
