"""Orders: a line from sold to active, changed and ended; refused, cancelled, interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.numbers import add_numbers, retire_number
from mvne_provisioning.moves import MoveNotAllowed
from mvne_provisioning.network.port import Barring, HostLine, HostRefused, HostState, HostUnavailable, UsageKind
from mvne_provisioning.order.errors import (
    CompensationRefused,
    LineBusy,
    OrderConflict,
    OrderInterrupted,
    OrderNotCancellable,
    UnknownOrder,
)
from mvne_provisioning.order.flows import FLOWS
from mvne_provisioning.order.journal import Journal
from mvne_provisioning.order.placing import cancel_order, find_order, lines_by_imsi, open_orders, place_order
from mvne_provisioning.order.progress import on_progress
from mvne_provisioning.order.record import Order
from mvne_provisioning.order.requests import (
    KINDS,
    AnyRequest,
    Bar,
    ChangeNumber,
    Request,
    Resume,
    Suspend,
    SwapSim,
    Terminate,
    Throttle,
)
from mvne_provisioning.smdp.port import DownloadProgress, Es2Failed, NotificationPoint, SmdpUnavailable
from mvne_provisioning.smdp.simulated_phone import Es9Failed
from mvne_provisioning.smdp.states import ProfileState
from mvne_provisioning.states import OrderKind, OrderState, PoolState, StepState
from mvne_provisioning.tables import provisioning_order_step
from tests.provisioning.conftest import Outbox
from tests.provisioning.world import AT, BRAND, EID, NUMBERS, UNTIL, World, new_world


@pytest.fixture
def world(engine: Engine, outbox: Outbox) -> World:
    world = new_world(engine, outbox)
    world.stock(3)
    return world


def host_line(world: World, order: Order) -> HostLine:
    assert order.imsi is not None
    line = world.host.line(order.imsi)
    assert line is not None
    return line


def cancel(world: World, order_id: str) -> Order:
    with world.engine.begin() as conn:
        return cancel_order(conn, world.brand, order_id, AT, UNTIL)


def steps(world: World, order_id: str) -> list[tuple[str, StepState]]:
    table = provisioning_order_step
    query = select(table.c.step, table.c.state).where(table.c.order_id == order_id).order_by(table.c.position)
    with world.engine.begin() as conn:
        return [(step, StepState(state)) for step, state in conn.execute(query)]


def test_every_kind_of_request_has_its_flow() -> None:
    assert set(KINDS.values()) == set(FLOWS) == set(OrderKind)
    for flow in FLOWS.values():
        assert len({step.name for step in flow.steps}) == len(flow.steps)


def test_a_line_goes_from_sold_to_active(world: World, outbox: Outbox) -> None:
    assert world.place("o1", Request("ada", "simulated", NUMBERS[1])).state is OrderState.PLACED
    ready = world.run("o1")
    assert (ready.state, ready.msisdn) == (OrderState.READY, NUMBERS[1])
    assert str(ready.activation_code) == "1$smdp.simulated.example$TILLEUL-1"
    assert host_line(world, ready).state is HostState.ACTIVE
    assert world.line("ada") == (ready.iccid, ready.imsi, ready.msisdn)
    world.check()
    world.scan(ready)
    assert world.listen() == 2
    active = world.find("o1")
    assert (active.state, active.downloaded_at, active.installed_at) == (OrderState.ACTIVE, AT, AT)
    assert outbox.names == ["order.ready", "order.active"]
    _, content = outbox.events[0]
    assert (content["brand"], content["line_id"], content["msisdn"]) == (BRAND, "ada", NUMBERS[1])
    assert "TILLEUL-1" not in str(content)
    assert [state for _, state in steps(world, "o1")] == [StepState.DONE] * 6
    world.check()


def test_an_order_for_one_phone_is_linked_to_it(world: World) -> None:
    order = world.order("o1", Request("ada", eid=EID))
    assert order.activation_code
    with pytest.raises(Es9Failed):
        world.smdp.download(order.activation_code.format(), EID.with_check_digits("7" * 30), AT)
    world.scan(order)


def test_running_again_changes_nothing(world: World, outbox: Outbox) -> None:
    ready = world.order("o1", Request("ada"))
    assert world.run("o1") == ready
    assert world.counts().profiles[PoolState.ASSIGNED] == 1
    assert outbox.names == ["order.ready"]


def test_placing_again_changes_nothing_and_another_request_is_refused(world: World) -> None:
    request = ChangeNumber("ada", UNTIL, NUMBERS[2])
    assert world.place("o1", request) == world.place("o1", request)
    others: list[AnyRequest] = [
        replace(request, wanted=None),
        replace(request, quarantine_until=UNTIL + timedelta(days=1)),
        replace(request, line_id="bob"),
        Terminate("ada", UNTIL),
    ]
    for other in others:
        with pytest.raises(OrderConflict):
            world.place("o1", other)


def test_a_line_has_one_order_under_way(world: World) -> None:
    world.place("o1", Request("ada"))
    with pytest.raises(LineBusy):
        world.place("o2", Request("ada"))
    world.run("o1")
    world.place("o2", Suspend("ada"))


def test_an_order_that_does_not_exist_is_unknown(world: World) -> None:
    with pytest.raises(UnknownOrder):
        world.run("o1")
    with pytest.raises(UnknownOrder):
        world.find("o1")
    with pytest.raises(UnknownOrder):
        cancel(world, "o1")


def test_orders_left_open_are_listed_oldest_first(world: World) -> None:
    for order_id, line in (("o2", "ada"), ("o1", "bob")):
        with world.engine.begin() as conn:
            place_order(conn, BRAND, order_id, Request(line), AT - timedelta(days=line == "ada"))
    with world.engine.begin() as conn:
        assert open_orders(conn, BRAND) == ["o2", "o1"]
        assert open_orders(conn, "comet") == []
        assert open_orders(conn, BRAND, "bob") == ["o1"]
    world.run("o2")
    with world.engine.begin() as conn:
        assert open_orders(conn, BRAND) == ["o1"]


REFUSALS: list[tuple[str, str, HostRefused | Es2Failed]] = [
    ("smdp", "download_order", Es2Failed("8.2.5", "3.7", "none left")),
    ("smdp", "confirm_order", Es2Failed("8.2.6", "3.3", "in use")),
    ("host", "activate", HostRefused("msisdn_in_use", "the number is in use")),
    ("smdp", "release_profile", Es2Failed("1.2", "4.2", "internal")),
]


@pytest.mark.parametrize(("machine", "command", "error"), REFUSALS, ids=[row[1] for row in REFUSALS])
def test_a_refused_step_is_undone_backwards_and_the_reason_kept(
    world: World, outbox: Outbox, machine: str, command: str, error: HostRefused | Es2Failed
) -> None:
    getattr(world, machine).fail_next(command, error)
    failed = world.order("o1", Request("ada"))
    assert (failed.state, failed.reason, failed.activation_code) == (OrderState.FAILED, str(error), None)
    assert outbox.names == ["order.failed"]
    assert outbox.events[0][1]["reason"] == str(error)
    assert world.counts().profiles[PoolState.AVAILABLE] == world.counts().numbers[PoolState.AVAILABLE] == 3
    assert {state for _, state in steps(world, "o1")} <= {StepState.REFUSED, StepState.UNDONE}
    world.check()
    assert world.order("o2", Request("ada")).state is OrderState.READY
    world.check()


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request("ada", "gold"), "no available profile of type gold"),
        (Request("ada", None, Msisdn("+33199009999")), "has no number"),
        (Request("old"), "is alive already"),
        (SwapSim("ada"), "has no living line"),
        (Suspend("ada"), "has no living line"),
        (Terminate("ada", UNTIL), "has no living line"),
        (ChangeNumber("old", UNTIL, NUMBERS[0]), "is assigned"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_our_own_pools_refuse_fails_the_order_and_leaves_nothing(
    world: World, request_: AnyRequest, reason: str
) -> None:
    world.order("o0", Request("old", wanted=NUMBERS[0]))
    before = world.counts()
    failed = world.order("o1", request_)
    assert failed.state is OrderState.FAILED
    assert reason in str(failed.reason)
    assert world.counts() == before
    world.check()


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("command", ["download_order", "confirm_order", "activate", "release_profile"])
def test_an_outage_interrupts_and_the_next_run_completes(world: World, command: str, after_effect: bool) -> None:
    if command == "activate":
        world.host.fail_next(command, HostUnavailable("no answer"), after_effect=after_effect)
    else:
        world.smdp.fail_next(command, SmdpUnavailable("no answer"), after_effect=after_effect)
    world.place("o1", Request("ada"))
    with pytest.raises(OrderInterrupted, match=command):
        world.run("o1")
    assert world.find("o1").state is OrderState.RUNNING
    assert world.run("o1").state is OrderState.READY
    assert world.counts().profiles[PoolState.ASSIGNED] == 1
    world.check()


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("command", ["download_order", "confirm_order", "activate", "release_profile"])
def test_an_order_cancelled_while_interrupted_leaves_nothing(
    world: World, outbox: Outbox, command: str, after_effect: bool
) -> None:
    machine, error = ("host", HostUnavailable) if command == "activate" else ("smdp", SmdpUnavailable)
    getattr(world, machine).fail_next(command, error("no answer"), after_effect=after_effect)
    world.place("o1", Request("ada"))
    with pytest.raises(OrderInterrupted):
        world.run("o1")
    assert cancel(world, "o1").state is OrderState.COMPENSATING
    assert cancel(world, "o1").state is OrderState.COMPENSATING
    cancelled = world.run("o1")
    assert (cancelled.state, cancelled.reason) == (OrderState.CANCELLED, "cancelled")
    assert cancel(world, "o1").state is OrderState.CANCELLED
    assert world.counts().numbers[PoolState.AVAILABLE] == 3
    assert outbox.names == ["order.cancelled"]
    world.check()


def test_an_order_cancelled_before_it_ran_is_simply_cancelled(world: World) -> None:
    world.place("o1", Suspend("ada"))
    cancel(world, "o1")
    assert world.run("o1").state is OrderState.CANCELLED
    assert steps(world, "o1") == []


def test_a_ready_order_that_is_cancelled_lets_its_number_rest(world: World, outbox: Outbox) -> None:
    ready = world.order("o1", Request("ada"))
    cancel(world, "o1")
    assert world.run("o1").state is OrderState.CANCELLED
    assert world.counts().numbers[PoolState.QUARANTINED] == 1
    assert world.counts().profiles[PoolState.AVAILABLE] == 3
    assert ready.activation_code
    with pytest.raises(Es9Failed):
        world.smdp.download(ready.activation_code.format(), EID, AT)
    assert outbox.names == ["order.ready", "order.cancelled"]
    world.check()


def test_a_profile_downloaded_before_its_cancellation_is_never_used_again(world: World) -> None:
    ready = world.order("o1", Request("ada"))
    world.scan(ready)
    cancel(world, "o1")
    cancelled = world.run("o1")
    assert (cancelled.state, cancelled.profile_spent) == (OrderState.CANCELLED, True)
    assert world.counts().profiles == {**world.counts().profiles, PoolState.RETIRED: 1, PoolState.AVAILABLE: 2}
    assert world.listen() == 2
    assert world.find("o1").state is OrderState.CANCELLED
    world.check()


def test_a_downloaded_order_cannot_be_cancelled(world: World) -> None:
    world.live_line("ada")
    with pytest.raises(OrderNotCancellable, match="was downloaded"):
        cancel(world, "new-ada")


def test_an_order_whose_profile_is_on_its_way_to_the_phone_cannot_be_cancelled(world: World) -> None:
    ready = world.order("o1", Request("ada"))
    assert ready.activation_code
    with pytest.raises(Es9Failed):
        world.smdp.download(ready.activation_code.format(), EID, AT, install_error=11)
    world.listen()
    with pytest.raises(OrderNotCancellable, match="was downloaded"):
        cancel(world, "o1")


@pytest.mark.parametrize("request_", [SwapSim("ada"), ChangeNumber("ada", UNTIL), Suspend("ada")])
def test_an_order_about_a_living_line_cannot_be_cancelled_once_it_ran(world: World, request_: AnyRequest) -> None:
    world.live_line("ada")
    world.order("o1", request_)
    with pytest.raises(OrderNotCancellable):
        cancel(world, "o1")


def test_a_failed_order_cannot_be_cancelled(world: World) -> None:
    world.order("o1", Request("ada", "gold"))
    with pytest.raises(OrderNotCancellable):
        cancel(world, "o1")


def test_a_step_that_cannot_be_undone_is_reported_and_asked_again(world: World) -> None:
    world.smdp.fail_next("release_profile", Es2Failed("1.2", "4.2", "internal"))
    world.host.fail_next("terminate", HostRefused("maintenance", "not today"))
    world.place("o1", Request("ada"))
    with pytest.raises(CompensationRefused, match=r"undoing activate: .*not today"):
        world.run("o1")
    stuck = world.find("o1")
    assert (stuck.state, stuck.outcome) == (OrderState.COMPENSATING, OrderState.FAILED)
    assert ("activate", StepState.UNDOING) in steps(world, "o1")
    assert world.run("o1").state is OrderState.FAILED
    assert "internal" in str(world.find("o1").reason)
    world.check()


def test_a_line_that_is_gone_at_the_host_counts_as_terminated(world: World) -> None:
    order = world.live_line("ada")
    assert order.imsi
    world.host.terminate("somebody else's key", order.imsi)
    assert world.order("o1", Terminate("ada", UNTIL)).state is OrderState.COMPLETED
    world.check()


@pytest.mark.parametrize("after_effect", [False, True])
def test_an_outage_while_undoing_is_resumed(world: World, after_effect: bool) -> None:
    world.smdp.fail_next("release_profile", Es2Failed("1.2", "4.2", "internal"))
    world.host.fail_next("terminate", HostUnavailable("no answer"), after_effect=after_effect)
    world.smdp.fail_next("cancel_order", SmdpUnavailable("no answer"), after_effect=after_effect)
    world.place("o1", Request("ada"))
    for _ in range(2):
        with pytest.raises(OrderInterrupted):
            world.run("o1")
    assert world.run("o1").state is OrderState.FAILED
    world.check()


@pytest.mark.parametrize("told", ["twice", "only installed", "installed first", "before it was ready"])
def test_progress_may_come_twice_in_part_or_in_disorder(world: World, outbox: Outbox, told: str) -> None:
    world.place("o1", Request("ada"))
    if told == "before it was ready":
        world.smdp.fail_next("release_profile", SmdpUnavailable("no answer"), after_effect=True)
        with pytest.raises(OrderInterrupted):
            world.run("o1")
        world.smdp.download("1$smdp.simulated.example$TILLEUL-1", EID, AT)
    else:
        world.scan(world.run("o1"))
    downloaded, installed = (pending.progress for pending in world.smdp.pending_notifications())
    heard = {
        "twice": [downloaded, downloaded, installed, installed],
        "only installed": [installed],
        "installed first": [installed, downloaded],
        "before it was ready": [downloaded, installed],
    }[told]
    for progress in heard:
        with world.engine.begin() as conn:
            on_progress(conn, BRAND, progress, AT, outbox)
    assert world.run("o1").state is OrderState.ACTIVE
    assert (world.find("o1").downloaded_at, world.find("o1").installed_at) == (AT, AT)
    assert outbox.names == ["order.ready", "order.active"]


def test_a_failed_download_is_told_once_and_may_be_tried_again(world: World, outbox: Outbox) -> None:
    ready = world.order("o1", Request("ada"))
    assert ready.activation_code
    with pytest.raises(Es9Failed):
        world.smdp.download(ready.activation_code.format(), EID, AT, install_error=10)
    failure = world.smdp.pending_notifications()[-1].progress
    world.listen()
    with world.engine.begin() as conn:
        on_progress(conn, BRAND, failure, AT, outbox)
    order = world.find("o1")
    assert order.state is OrderState.READY
    assert "installation error 10" in str(order.reason)
    world.scan(ready)
    world.listen()
    assert (world.find("o1").state, world.find("o1").reason) == (OrderState.ACTIVE, None)
    assert outbox.names == ["order.ready", "order.download_failed", "order.active"]


def test_what_happens_on_the_phone_later_leaves_the_order_alone(world: World) -> None:
    order = world.live_line("ada")
    assert order.iccid
    world.smdp.enable(order.iccid, EID, AT)
    assert world.listen() == 1
    assert world.find("new-ada") == order


def test_progress_of_a_profile_that_no_order_had_is_an_error(world: World, outbox: Outbox) -> None:
    world.scan(world.order("o1", Request("ada")))
    progress: DownloadProgress = world.smdp.pending_notifications()[0].progress
    assert progress.point is NotificationPoint.DOWNLOADED
    with world.engine.begin() as conn:
        place_order(conn, "comet", "o1", Request("ada"), AT)
    with pytest.raises(UnknownOrder), world.engine.begin() as conn:
        on_progress(conn, "comet", progress, AT, outbox)


def test_a_swap_moves_the_line_to_a_new_profile(world: World, outbox: Outbox) -> None:
    old = world.live_line("ada")
    swapped = world.order("o1", SwapSim("ada"))
    assert swapped.state is OrderState.READY
    assert (swapped.old_iccid, swapped.old_imsi, swapped.msisdn) == (old.iccid, old.imsi, old.msisdn)
    assert world.line("ada") == (swapped.iccid, swapped.imsi, old.msisdn)
    assert host_line(world, old).state is HostState.TERMINATED
    assert world.counts().profiles[PoolState.RETIRED] == 1
    world.scan(swapped)
    world.listen()
    assert world.find("o1").state is OrderState.ACTIVE
    assert outbox.names[-2:] == ["order.ready", "order.active"]
    world.check()


def test_a_swap_before_the_first_download_withdraws_the_old_profile(world: World) -> None:
    old = world.order("o1", Request("ada"))
    world.order("o2", SwapSim("ada"))
    assert old.iccid
    assert world.smdp.state(old.iccid) is ProfileState.UNAVAILABLE
    world.check()


def test_a_refused_swap_leaves_the_line_as_it_was(world: World) -> None:
    before = world.live_line("ada")
    world.smdp.fail_next("release_profile", Es2Failed("1.2", "4.2", "internal"))
    assert world.order("o1", SwapSim("ada")).state is OrderState.FAILED
    assert world.line("ada") == (before.iccid, before.imsi, before.msisdn)
    assert host_line(world, before).state is HostState.ACTIVE
    assert world.counts().profiles[PoolState.AVAILABLE] == 2
    world.check()


def test_a_number_is_changed_and_the_old_one_rests(world: World) -> None:
    before = world.live_line("ada")
    changed = world.order("o1", ChangeNumber("ada", UNTIL, NUMBERS[2]))
    assert (changed.state, changed.msisdn, changed.old_msisdn) == (OrderState.COMPLETED, NUMBERS[2], before.msisdn)
    assert host_line(world, before).msisdn == NUMBERS[2]
    assert world.counts().numbers[PoolState.QUARANTINED] == 1
    world.check()


def test_a_refused_number_change_gives_the_number_back(world: World) -> None:
    world.live_line("ada")
    world.host.fail_next("change_msisdn", HostRefused("maintenance", "not today"))
    assert world.order("o1", ChangeNumber("ada", UNTIL)).state is OrderState.FAILED
    assert world.counts().numbers[PoolState.AVAILABLE] == 2
    world.check()


def test_a_number_change_that_our_pool_refuses_is_changed_back_at_the_host(world: World) -> None:
    line = world.live_line("ada")
    assert line.msisdn
    world.host.fail_next("change_msisdn", HostUnavailable("no answer"), after_effect=True)
    world.place("o1", ChangeNumber("ada", UNTIL))
    with pytest.raises(OrderInterrupted):
        world.run("o1")
    with world.engine.begin() as conn:
        retire_number(conn, BRAND, line.msisdn, AT)  # ported out meanwhile
    failed = world.run("o1")
    assert (failed.state, failed.reason) == (
        OrderState.FAILED,
        f"the number {line.msisdn} is retired and cannot become quarantined",
    )
    assert host_line(world, line).msisdn == line.msisdn
    assert world.counts().numbers[PoolState.AVAILABLE] == 2


def test_a_journal_writes_no_move_that_its_tables_do_not_allow(world: World) -> None:
    world.order("o1", Request("ada"))
    forbidden: list[Callable[[Journal], None]] = [
        lambda journal: journal.mark("assign", StepState.STARTED),
        lambda journal: journal.mark("assign", StepState.REFUSED),
        lambda journal: journal.move(OrderState.RUNNING),
        lambda journal: journal.move(OrderState.FAILED, world.emit),
    ]
    for break_the_rules in forbidden:
        with pytest.raises(MoveNotAllowed), world.engine.begin() as conn:
            break_the_rules(Journal(conn, BRAND, "o1", AT))
    assert world.find("o1").state is OrderState.READY


def test_a_line_is_suspended_resumed_barred_and_throttled(world: World, outbox: Outbox) -> None:
    line = world.live_line("ada")
    barred = frozenset({Barring.PREMIUM, Barring.DATA})
    requests: list[AnyRequest] = [Suspend("ada"), Bar("ada", barred), Throttle("ada", 128_000)]
    for number, request in enumerate(requests):
        assert world.order(f"o{number}", request).state is OrderState.COMPLETED
    at_host = host_line(world, line)
    assert (at_host.state, at_host.barrings, at_host.bits_per_second) == (HostState.SUSPENDED, barred, 128_000)
    lifted: list[AnyRequest] = [Resume("ada"), Bar("ada", frozenset()), Throttle("ada", None)]
    for number, request in enumerate(lifted):
        assert world.order(f"p{number}", request).state is OrderState.COMPLETED
    at_host = host_line(world, line)
    assert (at_host.state, at_host.barrings, at_host.bits_per_second) == (HostState.ACTIVE, frozenset(), None)
    assert outbox.names[2:] == ["order.completed"] * 6


def test_suspending_twice_fails_with_the_hosts_reason(world: World) -> None:
    world.live_line("ada")
    world.order("o1", Suspend("ada"))
    again = world.order("o2", Suspend("ada"))
    assert again.state is OrderState.FAILED
    assert "is suspended (wrong_state)" in str(again.reason)


def test_a_line_ends_its_number_rests_and_its_profile_is_retired(world: World, outbox: Outbox) -> None:
    line = world.live_line("ada")
    ended = world.order("o1", Terminate("ada", UNTIL))
    assert (ended.state, ended.reason) == (OrderState.COMPLETED, None)
    assert host_line(world, line).state is HostState.TERMINATED
    assert world.line("ada") is None
    assert world.counts().numbers[PoolState.QUARANTINED] == world.counts().profiles[PoolState.RETIRED] == 1
    assert outbox.names[-1] == "order.completed"
    world.check()
    assert world.order("o2", Request("ada")).state is OrderState.READY


def test_a_line_that_ends_before_its_download_cannot_be_downloaded(world: World) -> None:
    ready = world.order("o1", Request("ada"))
    world.order("o2", Terminate("ada", UNTIL))
    assert ready.iccid
    assert world.smdp.state(ready.iccid) is ProfileState.UNAVAILABLE
    world.check()


def test_a_line_ends_even_when_its_profile_cannot_be_withdrawn(world: World) -> None:
    world.live_line("ada")
    world.smdp.fail_next("cancel_order", Es2Failed("1.2", "4.2", "internal"))
    ended = world.order("o1", Terminate("ada", UNTIL))
    assert ended.state is OrderState.COMPLETED
    assert "not withdrawn" in str(ended.reason)
    assert world.line("ada") is None


def test_use_finds_its_line_by_imsi_also_after_a_swap_and_after_the_end(world: World) -> None:
    first = world.live_line("ada")
    assert first.imsi
    world.host.use(first.imsi, UsageKind.DATA, AT, 1)
    second = world.order("o1", SwapSim("ada"))
    other = world.live_line("bob")
    assert second.imsi
    assert other.imsi
    world.order("o2", Terminate("ada", UNTIL))
    known = {first.imsi: "ada", second.imsi: "ada", other.imsi: "bob"}
    with world.engine.begin() as conn:
        assert lines_by_imsi(conn, BRAND, known) == known
        assert lines_by_imsi(conn, "comet", known) == {}


def test_two_brands_share_a_store_and_the_machines_and_see_nothing_of_each_other(
    engine: Engine, outbox: Outbox, world: World
) -> None:
    comet = new_world(engine, outbox, "comet")
    comet.stock(3, first=101)
    assert world.order("o1", Request("ada")).state is OrderState.READY
    assert comet.place("o1", Request("ada")).state is OrderState.PLACED
    assert comet.run("o1").state is OrderState.READY
    world.scan(world.find("o1"))
    world.listen()
    assert (world.find("o1").state, comet.find("o1").state) == (OrderState.ACTIVE, OrderState.READY)
    assert comet.smdp.pending_notifications() == ()
    world.order("o2", Terminate("ada", UNTIL))
    assert comet.line("ada") is not None
    with engine.begin() as conn, pytest.raises(UnknownOrder):
        find_order(conn, "comet", "o2")
    for one in (world, comet):
        one.check()


def test_a_number_that_another_brand_has_live_is_refused_by_the_host(
    engine: Engine, outbox: Outbox, world: World
) -> None:
    comet = new_world(engine, outbox, "comet")
    comet.stock(1, first=101)
    with engine.begin() as conn:
        add_numbers(conn, "comet", NUMBERS[:1], AT)
    world.order("o1", Request("ada", wanted=NUMBERS[0]))
    failed = comet.order("o1", Request("ada", wanted=NUMBERS[0]))
    assert failed.state is OrderState.FAILED
    assert "msisdn_in_use" in str(failed.reason)
    for one in (world, comet):
        one.check()
