"""Killed anywhere, a use case is completed by the next run, and nothing exists twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from mvne import phone, service, workers
from mvne.launching import launches
from mvne.lines import LineEnded
from mvne.signup import sign_up
from mvne.states import LaunchState, LineState
from mvne.tables import launch_step
from mvne_billing.invoice import issuing
from mvne_billing.payments.refunding import refund
from mvne_billing.states import RefundState
from mvne_provisioning.states import OrderKind
from mvne_provisioning.tables import provisioning_order
from tests.mvne.crashing import UseCase, walk
from tests.mvne.house import AT, GB, MINUTE, PARIS_NUMBER, House, Stores, example
from tests.mvne.wholeness import faults, stripe_objects
from tests.soak import SEED

#: Every n-th place is walked by the same test, so that several can work side by side.
CHUNKS = 4
MANY = 1000

#: A launch has many commits alike, and their order is the same on every store: it dies at every fourth or sixth round.
#: A soak begins elsewhere with each seed, and so comes to all of them.
EVERY = {"sqlite": 4, "postgresql": 6}
BEGIN = int(os.environ.get(SEED, "0"))

#: PostgreSQL takes longer over the use cases, so that they die at every third commit at most.
USE_CASES_EVERY = {"sqlite": 1, "postgresql": 3}


def launch_tilleul(house: House) -> None:
    house.launch(example("tilleul"))


def is_launched_once(house: House) -> None:
    assert faults(house.platform, "tilleul") == []
    with house.platform.store.read() as conn:
        assert [state for _, state, _ in launches(conn, "tilleul")] == [LaunchState.DONE]
        steps = conn.execute(select(launch_step.c.action, launch_step.c.kind, launch_step.c.id, launch_step.c.result))
        rows = steps.all()
    assert all(row.result for row in rows)
    assert Counter((row.action, row.kind, row.id) for row in rows).most_common(1)[0][1] == 1
    assert house.line("smoke-1").state is LineState.ENDED
    assert [document.kind for document in house.documents("smoke-1")] == ["invoice", "credit_note"]
    assert [payment.attempt for payment in house.payments("smoke-1")] == [1]
    assert {one["id"] for one in stripe_objects(house.platform, "product")} == {"tilleul:douceur", "tilleul:serenite"}
    prices = Counter(one["lookup_key"] for one in stripe_objects(house.platform, "price"))
    assert prices == {"tilleul:douceur:1": 1, "tilleul:serenite:1": 1}
    for once in ("customer", "payment_intent", "refund"):
        assert len(stripe_objects(house.platform, once)) == 1, once
    assert max(Counter(house.told()).values()) == Counter(house.told())["order.completed"] == 2
    assert house.launch(example("tilleul")).number is None


@pytest.mark.soak
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_launch_killed_anywhere_is_completed_by_the_next(kind: str, stores: Stores, chunk: int) -> None:
    places = range(1 + chunk + CHUNKS * (BEGIN % EVERY[kind]), MANY, CHUNKS * EVERY[kind])
    kills = walk(partial(stores.copy, kind), launch_tilleul, is_launched_once, places)
    assert kills > 15 // EVERY[kind]


def ada_lives_here(house: House) -> None:
    """Ada has a line, has called for more than an hour and used up her data."""
    line = house.join("ada")
    house.use(line.id, "voice", 70 * MINUTE, PARIS_NUMBER)
    house.use(line.id, "data", 2 * GB)


def ada_is_billed(house: House) -> None:
    ada_lives_here(house)
    house.collect_usage()


def ada_is_suspended(house: House) -> None:
    ada_lives_here(house)
    service.suspend(house.platform, "tilleul", "line-ada", "requested", house.now)


def orders(house: House, kind: OrderKind) -> int:
    """Return how many orders of a kind there were for ada."""
    mine = (provisioning_order.c.brand == "tilleul", provisioning_order.c.line_id == "line-ada")
    with house.platform.store.read() as conn:
        return conn.execute(select(func.count()).where(*mine, provisioning_order.c.kind == kind)).scalar_one()


def sign_ada_up(house: House) -> None:
    sign_up(house.platform, "tilleul", house.wish("ada", code="BIENVENUE"), house.now)
    phone.install(house.platform, "tilleul", "line-ada", house.now)


def is_signed_up(house: House) -> None:
    assert house.line("line-ada").state is LineState.ACTIVE
    assert [str(one.total) for one in house.documents("line-ada")] == ["2.45 EUR"]
    assert len(house.payments("line-ada")) == 1
    assert Counter(house.told(subject="line-ada"))["subscriber.signed_up"] == 1
    assert len(stripe_objects(house.platform, "customer")) == 2  # ada and the test journey


def suspend(house: House) -> None:
    service.suspend(house.platform, "tilleul", "line-ada", "requested", house.now)


def is_suspended(house: House) -> None:
    assert house.line("line-ada").state is LineState.SUSPENDED
    assert house.line("line-ada").cause == "requested"
    assert house.told().count("line.suspended") == orders(house, OrderKind.SUSPENSION) == 1


def resume(house: House) -> None:
    service.resume(house.platform, "tilleul", "line-ada", house.now)


def is_resumed(house: House) -> None:
    assert house.line("line-ada").state is LineState.ACTIVE
    assert house.told().count("line.resumed") == orders(house, OrderKind.RESUMPTION) == 1


def swap(house: House) -> None:
    service.swap_sim(house.platform, "tilleul", "line-ada", house.now)


def is_swapped(house: House) -> None:
    assert orders(house, OrderKind.SIM_SWAP) == 1
    assert house.line("line-ada").state is LineState.ACTIVE


def load_usage(house: House) -> None:
    house.collect_usage()
    workers.work(house.platform, "tilleul", house.now)


def is_throttled(house: House) -> None:
    assert house.line("line-ada").bits_per_second == 128_000
    assert house.told().count("usage.slow") == orders(house, OrderKind.THROTTLE) == 1


def bill_a_month_later(house: House) -> None:
    house.bill()


def is_billed_once(house: House) -> None:
    assert [str(one.total) for one in house.documents("line-ada")] == ["4.90 EUR", "5.40 EUR"]
    assert [payment.attempt for payment in house.payments("line-ada")] == [1, 1]
    assert house.told().count("payment.succeeded") == 3  # with the test journey's


def end(house: House) -> None:
    with suppress(LineEnded):  # when the run before came that far
        service.cancel(house.platform, "tilleul", "line-ada", house.now, now=True)
    house.bill()


def is_ended(house: House) -> None:
    assert house.line("line-ada").state is LineState.ENDED
    assert [str(one.total) for one in house.documents("line-ada")] == ["4.90 EUR", "0.50 EUR"]
    assert Counter(house.told(subject="line-ada"))["line.ended"] == orders(house, OrderKind.TERMINATION) == 1


def give_back(house: House) -> None:
    [document, *_] = house.documents("line-ada")
    [payment] = house.payments("line-ada")
    transact = house.platform.store.transact
    with transact() as conn:
        note = issuing.credit(conn, "tilleul", f"credit:{document.id}", document.id, house.now)
    back = refund(transact, "tilleul", "back", payment.id, note.id, house.platform.gateway, house.now)
    assert back.state is RefundState.SUCCEEDED


def is_given_back(house: House) -> None:
    assert [str(one.total) for one in house.documents("line-ada")] == ["4.90 EUR", "-4.90 EUR"]
    assert len(stripe_objects(house.platform, "refund")) == 2  # with the test journey's


@dataclass(frozen=True)
class Case:
    """A use case, what came before it, what is then true, how many kills it takes at least, and after how long it runs.

    It is killed before each commit, or before `every` third, say.
    """

    past: Callable[[House], None]
    use_case: UseCase
    check: UseCase
    commits: int
    after: timedelta = timedelta(minutes=5)
    every: int = 1
    repeatable: bool = True


def nobody_lives_here(house: House) -> None:
    """Nobody has signed up yet."""


CASES = [
    Case(nobody_lives_here, sign_ada_up, is_signed_up, 8, every=3),  # a launch walks every step of it
    Case(ada_lives_here, load_usage, is_throttled, 5),
    Case(ada_lives_here, suspend, is_suspended, 4),
    Case(ada_is_suspended, resume, is_resumed, 4),
    Case(ada_lives_here, swap, is_swapped, 8, repeatable=False),
    Case(ada_is_billed, bill_a_month_later, is_billed_once, 5, timedelta(days=31)),
    Case(ada_is_billed, end, is_ended, 8),
    Case(ada_lives_here, give_back, is_given_back, 4),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.use_case.__name__)
def test_a_use_case_killed_anywhere_is_completed_by_the_next_call(kind: str, stores: Stores, case: Case) -> None:
    def check(house: House) -> None:
        case.check(house)
        assert faults(house.platform, "tilleul") == []
        if case.repeatable:
            case.use_case(house)
            case.check(house)

    copy = partial(stores.copy, kind, "tilleul", past=case.past)
    every = max(case.every, USE_CASES_EVERY[kind])
    kills = walk(copy, case.use_case, check, range(1, MANY, every), AT + case.after)
    assert kills >= case.commits * case.every // every
