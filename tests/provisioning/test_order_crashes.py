"""An order that dies anywhere is completed by the next run, and nothing exists twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from mvne_provisioning.network.port import HostRefused, HostUnavailable
from mvne_provisioning.order.errors import CompensationRefused, OrderInterrupted
from mvne_provisioning.order.placing import cancel_order
from mvne_provisioning.order.record import Order
from mvne_provisioning.order.requests import AnyRequest, ChangeNumber, Request, Suspend, SwapSim, Terminate
from mvne_provisioning.smdp.port import Es2Failed, SmdpUnavailable
from mvne_provisioning.states import OrderState, PoolState
from mvne_provisioning.tables import metadata
from tests.database import open_engine
from tests.provisioning.conftest import Outbox
from tests.provisioning.world import AT, MOMENTS, UNTIL, CrashError, Crashing, World, new_world


def activation(world: World, line: str) -> AnyRequest:
    return Request(line)


def refused_activation(world: World, line: str) -> AnyRequest:
    world.smdp.fail_next("release_profile", Es2Failed("1.2", "4.2", "internal"))
    return Request(line)


def swap(world: World, line: str) -> AnyRequest:
    world.live_line(line)
    return SwapSim(line)


def refused_swap(world: World, line: str) -> AnyRequest:
    world.live_line(line)
    world.smdp.fail_next("release_profile", Es2Failed("1.2", "4.2", "internal"))
    return SwapSim(line)


def number_change(world: World, line: str) -> AnyRequest:
    world.live_line(line)
    return ChangeNumber(line, UNTIL)


def suspension(world: World, line: str) -> AnyRequest:
    world.live_line(line)
    return Suspend(line)


def termination(world: World, line: str) -> AnyRequest:
    world.live_line(line)
    return Terminate(line, UNTIL)


def refused_number_change(world: World, line: str) -> AnyRequest:
    world.live_line(line)
    world.host.fail_next("change_msisdn", HostRefused("maintenance", "not today"))
    return ChangeNumber(line, UNTIL)


#: What is prepared and ordered, how it ends, and what the pools hold per order then.
STORIES: list[tuple[Callable[[World, str], AnyRequest], OrderState, dict[PoolState, int], dict[PoolState, int]]] = [
    (activation, OrderState.READY, {PoolState.ASSIGNED: 1}, {PoolState.ASSIGNED: 1}),
    (refused_activation, OrderState.FAILED, {}, {}),
    (swap, OrderState.READY, {PoolState.ASSIGNED: 1, PoolState.RETIRED: 1}, {PoolState.ASSIGNED: 1}),
    (refused_swap, OrderState.FAILED, {PoolState.ASSIGNED: 1}, {PoolState.ASSIGNED: 1}),
    (
        number_change,
        OrderState.COMPLETED,
        {PoolState.ASSIGNED: 1},
        {PoolState.ASSIGNED: 1, PoolState.QUARANTINED: 1},
    ),
    (refused_number_change, OrderState.FAILED, {PoolState.ASSIGNED: 1}, {PoolState.ASSIGNED: 1}),
    (suspension, OrderState.COMPLETED, {PoolState.ASSIGNED: 1}, {PoolState.ASSIGNED: 1}),
    (termination, OrderState.COMPLETED, {PoolState.RETIRED: 1}, {PoolState.QUARANTINED: 1}),
]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    ("story", "ends", "profiles", "numbers"), STORIES, ids=[story.__name__ for story, *_ in STORIES]
)
def test_a_crash_at_any_transaction_is_survived(
    engine: Engine,
    outbox: Outbox,
    moment: str,
    story: Callable[[World, str], AnyRequest],
    ends: OrderState,
    profiles: dict[PoolState, int],
    numbers: dict[PoolState, int],
) -> None:
    world = new_world(engine, outbox)
    world.stock(60)
    crashes = 0
    for die_at in range(1, 20):
        line = f"line-{die_at}"
        world.place(line, story(world, line))
        try:
            order = world.run(line, Crashing(engine.begin, die_at, moment))
        except CrashError:
            crashes += 1
            order = world.run(line)
        assert order.state is ends
        if crashes < die_at:
            break
    assert crashes >= 2
    orders = crashes + 1
    for counts, expected in ((world.counts().profiles, profiles), (world.counts().numbers, numbers)):
        used = {state: number for state, number in counts.items() if number and state is not PoolState.AVAILABLE}
        assert used == {state: number * orders for state, number in expected.items()}
    told = Counter(content["order_id"] for _, content in outbox.events)
    assert {told[f"line-{number}"] for number in range(1, orders + 1)} == {1}
    world.check()


@contextmanager
def small_world() -> Iterator[tuple[World, Counter[str]]]:
    """A world in memory: our side and the other side each in a database of its own."""
    ours, theirs = open_engine("sqlite://"), open_engine("sqlite://")
    told: Counter[str] = Counter()

    def emit(conn: Connection, name: str, content: Mapping[str, object]) -> None:
        told[name] += 1

    metadata.create_all(ours)
    far = new_world(theirs, emit)
    try:
        yield World(ours, far.host, far.smdp, emit), told
    finally:
        ours.dispose()
        theirs.dispose()


OUTAGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["download_order", "confirm_order", "release_profile", "cancel_order", "activate", "terminate"]
        ),
        st.sampled_from(["lost request", "lost answer", "refused"]),
    ),
    max_size=6,
)
CRASHES = st.lists(st.tuples(st.integers(1, 8), st.sampled_from(MOMENTS)), max_size=4)


def order_failures(world: World, outages: list[tuple[str, str]]) -> None:
    for command, failure in outages:
        at_host = command in ("activate", "terminate")
        unavailable = HostUnavailable("no answer") if at_host else SmdpUnavailable("no answer")
        refused = HostRefused("maintenance", "not today") if at_host else Es2Failed("1.2", "4.2", "internal")
        machine = world.host if at_host else world.smdp
        error = refused if failure == "refused" else unavailable
        machine.fail_next(command, error, after_effect=failure == "lost answer")


@settings(max_examples=60)
@given(outages=OUTAGES, crashes=CRASHES, cancelled_after=st.none() | st.integers(0, 4))
def test_any_mixture_of_crashes_outages_refusals_and_cancellation_ends_well(
    outages: list[tuple[str, str]], crashes: list[tuple[int, str]], cancelled_after: int | None
) -> None:
    with small_world() as (world, _):
        world.stock(2)
        order_failures(world, outages)
        world.place("o1", Request("ada"))
        order = run_until_done(world, crashes, cancelled_after)
        assert order.state in (OrderState.READY, OrderState.FAILED, OrderState.CANCELLED)
        alive = order.state is OrderState.READY
        assert (world.line("ada") is not None) == alive
        assert world.counts().profiles[PoolState.ASSIGNED] == world.counts().numbers[PoolState.ASSIGNED] == alive
        world.check()


def run_until_done(world: World, crashes: list[tuple[int, str]], cancelled_after: int | None) -> Order:
    """Run the order again and again as an operator would, through all that was ordered to go wrong."""
    for attempt in range(30):
        if attempt == cancelled_after and world.find("o1").state in (OrderState.PLACED, OrderState.RUNNING):
            with world.engine.begin() as conn:
                cancel_order(conn, world.brand, "o1", AT, UNTIL)
        transact = Crashing(world.engine.begin, *crashes[attempt]) if attempt < len(crashes) else None
        try:
            return world.run("o1", transact)
        except (CrashError, OrderInterrupted, CompensationRefused):
            continue
    raise AssertionError("the order never ended")


def test_eight_runners_of_one_order_do_it_once(engine: Engine, outbox: Outbox) -> None:
    world = new_world(engine, outbox)
    world.stock(5)
    world.place("o1", Request("ada"))
    with ThreadPoolExecutor(8) as threads:
        orders = list(threads.map(lambda _: world.run("o1"), range(8)))
    assert {order.state for order in orders} == {OrderState.READY}
    assert outbox.names == ["order.ready"]
    assert world.counts().profiles[PoolState.ASSIGNED] == 1
    world.check()


def test_eight_threads_bring_lines_to_life_side_by_side(engine: Engine, outbox: Outbox) -> None:
    world = new_world(engine, outbox)
    world.stock(40)
    with ThreadPoolExecutor(8) as threads:
        orders = list(threads.map(lambda n: world.order(f"o{n}", Request(f"line-{n}")), range(40)))
    assert len({order.iccid for order in orders}) == len({order.msisdn for order in orders}) == 40
    assert outbox.names == ["order.ready"] * 40
    world.check()
