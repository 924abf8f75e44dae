"""Many operators and phones at once: no profile is given twice, none is lost; on both kinds of store."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import IntegrityError

from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.smdp.server.es2 import Operators
from mvne_provisioning.smdp.server.es9 import Phones
from mvne_provisioning.smdp.server.service import Smdp
from mvne_provisioning.smdp.server.tables import calls, profiles
from mvne_provisioning.smdp.server.together import Together
from tests.database import open_engine
from tests.provisioning.server.world import AT, SETTINGS, World, outcome, point, tokens

ORDERS = 64


def smdp(world: World) -> Smdp:
    """Return the running server of a world; it disposes of the engine when its store is closed."""
    phones = Phones(SETTINGS, world.certificates, world.vault, tokens(1000))
    return Smdp(Operators(SETTINGS, tokens(5000)), phones, Together(world.engine), lambda: AT)


def body(call_id: str, **fields: object) -> bytes:
    header = {"functionRequesterIdentifier": "op", "functionCallIdentifier": call_id}
    return json.dumps({"header": header, **fields}).encode()


def test_64_orders_from_64_threads_get_64_profiles(database_url: str, certificates: Certificates) -> None:
    world = World(open_engine(database_url), certificates).stocked(ORDERS)

    def order(number: int) -> str:
        told = world.es2("downloadOrder", call_id=f"o{number}", profileType="consumer")
        assert outcome(told) == "ok", told
        done = world.es2("confirmOrder", call_id=f"c{number}", iccid=told["iccid"], releaseFlag=True)
        return str(done["matchingId"])

    try:
        with ThreadPoolExecutor(16) as threads:
            found = list(threads.map(order, range(ORDERS)))
        assert len(set(found)) == ORDERS
        assert outcome(world.es2("downloadOrder", profileType="consumer")) == "8.2.5/3.7"
        with world.engine.begin() as conn:
            (states,) = conn.execute(select(profiles.c.state).distinct()).all()
        assert states == ("Released",)
    finally:
        world.engine.dispose()


def test_orders_that_come_together_are_written_together_and_differ(
    database_url: str, certificates: Certificates
) -> None:
    world = World(open_engine(database_url), certificates).stocked(ORDERS)

    async def orders() -> list[bytes]:
        its = smdp(world)
        # Every call comes twice at the same time, as from a client that is in a hurry.
        wanted = [body(f"o{number}", profileType="consumer") for number in range(ORDERS)] * 2
        try:
            return await asyncio.gather(*(its.es2("downloadOrder", one) for one in wanted))
        finally:
            await its.store.close()

    answers = [json.loads(one) for one in asyncio.run(orders())]
    assert {outcome(one) for one in answers} == {"ok"}
    assert answers[:ORDERS] == answers[ORDERS:]
    assert len({one["iccid"] for one in answers}) == ORDERS


def test_phones_that_come_together_for_one_profile_get_it_once(database_url: str, certificates: Certificates) -> None:
    world = World(open_engine(database_url), certificates).stocked(1)
    iccid, matching_id = world.released()
    cards = [world.card(matching_id, eid) for eid in (None, "89049032000000000000000000000066")]
    wanted = [card.prepare(world.offered(card)) for card in cards]

    async def downloads() -> list[bytes]:
        its = smdp(world)
        try:
            return await asyncio.gather(
                *(its.es9("getBoundProfilePackage", json.dumps(one).encode()) for one in wanted)
            )
        finally:
            await its.store.close()

    answers = [json.loads(one) for one in asyncio.run(downloads())]
    assert sorted(map(outcome, answers)) == ["8.2/3.7", "ok"]
    assert world.profile(iccid).downloads == 1
    assert [point(one.content) for one in world.take()] == ["3 ok"]
    assert (world.take(), world.sweep()) == ([], 0)
    world.engine.dispose()


def test_work_that_fails_takes_nobody_with_it(engine: Engine, certificates: Certificates) -> None:
    World(engine, certificates)
    row = {"caller": "op", "call_id": "1", "digest": "", "answer": "", "at": AT}

    def good(conn: Connection) -> int:
        conn.execute(calls.insert(), row | {"call_id": "other"})
        return int(conn.execute(select(func.count()).select_from(calls)).scalar_one())

    def bad(conn: Connection) -> None:
        conn.execute(calls.insert(), [row, row])

    async def both() -> tuple[object, ...]:
        store = Together(engine)
        try:
            return tuple(await asyncio.gather(store.do(bad), store.do(good), return_exceptions=True))
        finally:
            await store.close()

    failed, counted = asyncio.run(both())
    assert isinstance(failed, IntegrityError)
    assert counted == 1


def test_a_store_that_fails_is_a_function_error_and_no_crash(engine: Engine, certificates: Certificates) -> None:
    world = World(engine, certificates).stocked(1)
    with engine.begin() as conn:
        profiles.drop(conn)

    async def one() -> bytes:
        its = smdp(world)
        try:
            return await its.es2("downloadOrder", body("1", profileType="consumer"))
        finally:
            await its.store.close()

    told = json.loads(asyncio.run(one()))
    assert outcome(told) == "1.2/4.2"
    assert "smdp_profile" not in json.dumps(told)


def test_what_is_waiting_when_the_store_closes_is_still_done(engine: Engine, certificates: Certificates) -> None:
    World(engine, certificates)

    async def closing() -> object:
        store = Together(engine)
        waiting = asyncio.create_task(store.do(lambda conn: conn.execute(select(1)).scalar_one()))
        await asyncio.sleep(0)
        await store.close()
        return await waiting

    assert asyncio.run(closing()) == 1


@pytest.fixture
def engine() -> Engine:
    return open_engine("sqlite://")
