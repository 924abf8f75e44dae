"""What a charging process does between requests: lost sessions, marks that were passed, what was launched meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from mvne.charging import open_charger
from mvne.charging_chores import chores, notice_marks, sweep_once
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.front import Front
from mvne_billing.charging.serving import Chores, health
from mvne_billing.charging.session import Answer, Request, Service, SessionClosed, Step, Units
from mvne_billing.charging.together import ask_together
from mvne_billing.ledger import verifying
from mvne_billing.tables import session
from mvne_plans.quantity import Kind
from tests.billing.edges.scripted import Scripted, edge_of
from tests.mvne.charging.conftest import Home
from tests.mvne.house import GB, example

DATA = Service(Kind.DATA, country="FR")


def request(home: Home, step: Step, sequence: int, *groups: Units, name: str = "s") -> Request:
    return Request("tilleul", name, sequence, step, home.line.id, home.at(sequence), groups, str(home.line.msisdn))


def asked(home: Home, *requests: Request) -> list[object]:
    """Ask in a process of its own."""
    charger = open_charger(home.house.platform)
    try:
        return list(ask_together(charger, requests))
    finally:
        charger.store.close()


def with_front(home: Home, talk: Callable[[Charger, Front], Awaitable[None]]) -> None:
    async def talking() -> None:
        charger = open_charger(home.house.platform)
        front = Front(charger)
        await talk(charger, front)
        await front.close()

    asyncio.run(talking())


def states(home: Home) -> dict[str, str]:
    with home.house.platform.store.read() as conn:
        return {row.id: row.state for row in conn.execute(select(session))}


def test_sessions_whose_clients_never_came_back_are_ended(home: Home) -> None:
    asked(home, request(home, Step.CREATE, 0, Units(10, DATA, 0)), request(home, Step.CREATE, 0, name="other"))
    assert sweep_once(home.house.platform, "tilleul", home.at(60)) == 0
    assert sweep_once(home.house.platform, "tilleul", home.at(2 * 3600)) == 2
    assert states(home) == {"s": "expired", "other": "expired"}
    assert sweep_once(home.house.platform, "tilleul", home.at(2 * 3600)) == 0
    with home.house.platform.store.read() as conn:
        assert verifying.verify(conn, "tilleul").faults == ()


def test_a_serving_process_sweeps_what_it_knows_itself(home: Home) -> None:
    async def talk(charger: Charger, front: Front) -> None:
        await front.ask(request(home, Step.CREATE, 0, Units(10, DATA, 0)))
        todo = chores(home.house.platform, "tilleul", charger, front)
        await todo(home.at(60))
        assert states(home) == {"s": "open"}
        await todo(home.at(2 * 3600))
        assert states(home) == {"s": "expired"}
        with pytest.raises(SessionClosed):
            await front.ask(request(home, Step.UPDATE, 5, Units(10, used=1)))

    with_front(home, talk)


def test_a_mark_that_was_passed_is_told_once_and_the_network_slows_the_line_down(home: Home) -> None:
    asked(
        home,
        request(home, Step.CREATE, 0, Units(10, DATA, 2 * GB)),
        request(home, Step.UPDATE, 1, Units(10, used=2 * GB)),
    )
    assert notice_marks(home.house.platform, "tilleul", home.at(60)) > 0
    told = home.house.told(subject=home.line.id)
    assert told.count("usage.used_up") == 1
    assert home.house.line(home.line.id).bits_per_second == 128_000
    assert notice_marks(home.house.platform, "tilleul", home.at(61)) == 0
    assert home.house.told(subject=home.line.id) == told


def test_what_is_launched_while_charging_goes_on_is_taken_up(home: Home) -> None:
    """A number list that grows is charged by with the next chores, without a restart."""

    async def talk(charger: Charger, front: Front) -> None:
        todo = chores(home.house.platform, "tilleul", charger, front)
        await todo(home.at(0))
        before = await front.ask(request(home, Step.CREATE, 0, Units(1, called("+33199001100"), 60)))
        assert before.groups[0].granted == 60
        wanted = example("tilleul")
        groups = tuple(replace(one, numbers=()) for one in wanted.catalogue.groups)
        home.house.launch(replace(wanted, catalogue=replace(wanted.catalogue, groups=groups)))
        seen: list[str] = []
        forget = charger.forget_terms

        def forgotten(brand: str) -> None:
            seen.append(brand)
            forget(brand)

        charger.forget_terms = forgotten  # type: ignore[method-assign]  # to see that it is done
        await todo(home.at(1))
        await todo(home.at(2))
        assert seen == ["tilleul"]
        later = await front.ask(request(home, Step.UPDATE, 1, Units(1, used=60, requested=60)))
        assert later.groups[0].granted == 60

    with_front(home, talk)


def called(number: str) -> Service:
    return Service(Kind.VOICE, number, "FR")


def test_chores_that_fail_are_tried_again_and_health_says_so(home: Home) -> None:
    failing = [True]

    async def do(at: datetime) -> None:
        if failing[0]:
            raise OSError("the disk is gone")

    todo, edge = Chores(do, lambda: home.house.now), edge_of(Scripted())
    assert health(edge, todo) == (
        True,
        {"status": "ok", "brand": "tilleul", "durability": "scripted", "swept_at": None},
    )
    asyncio.run(todo.once())
    is_well, content = health(edge, todo)
    assert (is_well, content["status"], content["failure"]) == (False, "failing", "OSError")
    failing[0] = False
    asyncio.run(todo.once())
    is_well, content = health(edge, todo)
    assert (is_well, content["status"], content["swept_at"]) == (True, "ok", home.house.now.isoformat())


def test_a_request_long_after_is_answered_as_it_was(home: Home) -> None:
    opening = request(home, Step.CREATE, 0, Units(10, DATA, 0))
    (first,) = asked(home, opening)
    sweep_once(home.house.platform, "tilleul", home.at(2 * 3600))
    (again,) = asked(home, replace(opening, at=opening.at + timedelta(hours=3)))
    assert isinstance(first, Answer)
    assert again == first
