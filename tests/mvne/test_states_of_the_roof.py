"""The state machines of the roof: every pair of states is allowed or refused as its table says, in the database too."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import Table, insert, update
from sqlalchemy.exc import IntegrityError

from mvne import jobs, lines, people
from mvne.jobs import NotRefused
from mvne.lines import LineMoveNotAllowed, LineNotFound
from mvne.people import Subscriber
from mvne.platform import Platform
from mvne.states import JOB_MOVES, LAUNCH_MOVES, LINE_MOVES, JobState, LaunchState, LineState
from mvne.tables import job, launch, line
from tests.mvne.house import AT

BRAND = "tilleul"

LINE = {
    (LineState.ORDERED, LineState.READY),
    (LineState.ORDERED, LineState.ENDED),
    (LineState.READY, LineState.ACTIVE),
    (LineState.READY, LineState.ENDED),
    (LineState.ACTIVE, LineState.SUSPENDED),
    (LineState.ACTIVE, LineState.ENDED),
    (LineState.SUSPENDED, LineState.ACTIVE),
    (LineState.SUSPENDED, LineState.ENDED),
}
LAUNCH = {
    (LaunchState.RUNNING, LaunchState.DONE),
    (LaunchState.RUNNING, LaunchState.SUPERSEDED),
}
JOB = {
    (JobState.WAITING, JobState.DONE),
    (JobState.WAITING, JobState.REFUSED),
    (JobState.REFUSED, JobState.WAITING),
}


@pytest.mark.parametrize(
    ("moves", "allowed"), [(LINE_MOVES, LINE), (LAUNCH_MOVES, LAUNCH), (JOB_MOVES, JOB)], ids=["line", "launch", "job"]
)
def test_the_moves_are_these_and_no_others(moves: dict[str, frozenset[str]], allowed: set[tuple[str, str]]) -> None:
    assert {(before, after) for before, following in moves.items() for after in following} == allowed


def test_a_line_moves_as_the_table_says_and_no_further(platform: Platform) -> None:
    for before, after in product(LineState, LineState):
        name = f"{before}-{after}"
        with platform.store.transact() as conn:
            lines.open_line(conn, BRAND, name, "ada", AT)
            lines.change(conn, BRAND, name, state=before)
        with platform.store.transact() as conn:
            if before is after or (before, after) in LINE:
                assert lines.move(conn, BRAND, name, after, "why").state is after
            else:
                with pytest.raises(LineMoveNotAllowed, match=f"line {name} is {before}; it cannot become {after}"):
                    lines.move(conn, BRAND, name, after)
                assert lines.get(conn, BRAND, name).state is before


def test_a_line_that_is_there_already_keeps_its_cause(platform: Platform) -> None:
    with platform.store.transact() as conn:
        lines.open_line(conn, BRAND, "l", "ada", AT)
        lines.change(conn, BRAND, "l", state=LineState.ACTIVE)
        lines.move(conn, BRAND, "l", LineState.SUSPENDED, "first")
        assert lines.move(conn, BRAND, "l", LineState.SUSPENDED, "second").cause == "first"


@pytest.mark.parametrize("table", [line, launch, job], ids=lambda table: table.name)
def test_the_database_knows_no_other_states(platform: Platform, table: Table) -> None:
    rows: dict[str, dict[str, object]] = {
        "mvne_line": {"id": "l", "subscriber": "ada", "barrings": ""},
        "mvne_launch": {"number": 1, "wanted": ""},
        "mvne_job": {"id": "j", "kind": "lift", "content": "{}"},
    }
    with pytest.raises(IntegrityError), platform.store.transact() as conn:
        conn.execute(insert(table).values(brand=BRAND, at=AT, state="lost", **rows[table.name]))


def test_a_line_that_nobody_opened_cannot_be_moved(platform: Platform) -> None:
    with platform.store.transact() as conn, pytest.raises(LineNotFound, match="there is no line l in brand tilleul"):
        lines.move(conn, BRAND, "l", LineState.READY)


def test_lines_are_counted_by_state_zeros_included(platform: Platform) -> None:
    with platform.store.transact() as conn:
        lines.open_line(conn, BRAND, "l", "ada", AT)
        assert lines.count(conn, BRAND) == {**dict.fromkeys(LineState, 0), LineState.ORDERED: 1}


def test_only_a_refused_job_can_wait_again(platform: Platform) -> None:
    with platform.store.transact() as conn:
        for state in JobState:
            jobs.ask(conn, BRAND, state, "lift", {"line": "l"}, AT)
            conn.execute(update(job).where(job.c.brand == BRAND, job.c.id == state).values(state=state))
        jobs.retry(conn, BRAND, JobState.REFUSED)
        assert {one.id for one in jobs.waiting(conn, BRAND, AT)} == {JobState.WAITING, JobState.REFUSED}
        for name in (JobState.DONE, JobState.WAITING, "unknown"):
            with pytest.raises(NotRefused, match=f"there is no refused job {name} in brand tilleul"):
                jobs.retry(conn, BRAND, name)


def test_a_subscriber_is_stored_once_and_another_one_needs_another_id(platform: Platform) -> None:
    ada = Subscriber("ada", "Ada", "ada@example.org", "en")
    with platform.store.transact() as conn:
        assert people.add(conn, BRAND, ada, AT) == people.add(conn, BRAND, ada, AT) == ada
        with pytest.raises(people.SubscriberConflict, match="ada exists and is somebody else; choose another id"):
            people.add(conn, BRAND, Subscriber("ada", "Eve", "eve@example.org", "en"), AT)
        with pytest.raises(people.SubscriberNotFound, match="there is no subscriber bob in brand tilleul"):
            people.get(conn, BRAND, "bob")
