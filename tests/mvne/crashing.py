"""A process that dies: a use case runs in a child of ours that SIGKILLs itself right before its n-th commit.

What is stored, with us and with the simulated others, changes at commits and nowhere else. So a kill before each commit
of either side, from the first to the last, leaves every state behind that a crash anywhere can leave: before an effect
outside, between it and our own note of it, and after that note.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, event

from tests.mvne.house import AT, Clock, House, engines, open_house

UseCase = Callable[[House], object]


def killed_at(url: str, use_case: UseCase, place: int, clock: Clock) -> bool:
    """Run a use case in a child that is killed before its commit number `place`; say whether it came that far.

    Raises `AssertionError` with the child's words when it fails by itself.
    """
    read, write = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of forks beside threads: the child opens everything anew and runs no other code of ours.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(read)
        _live_and_die(url, use_case, place, clock, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        words = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert status == 0, words or f"the child ended with status {status}"
    return False


def _live_and_die(url: str, use_case: UseCase, place: int, clock: Clock, pipe: int) -> None:
    """Be the child: never return."""
    sys.settrace(None)  # what coverage measures dies with the child
    status = 1
    try:
        with open_house(url, clock) as house:
            _die_before_commit(engines(house), place)
            use_case(house)
        status = 0
    except BaseException:
        os.write(pipe, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _die_before_commit(opened: list[Engine], place: int) -> None:
    """Arrange for this process to be killed before its commit number `place`, of those that change something."""
    left = [place]
    changed: set[int] = set()

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            changed.add(id(conn.connection.dbapi_connection))

    def do_commit(connection: Any) -> None:
        if id(connection.dbapi_connection) in changed:
            changed.clear()
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        connection.commit()

    for engine in opened:
        event.listen(engine, "after_cursor_execute", note)
        engine.dialect.do_commit = do_commit  # type: ignore[assignment, method-assign]  # the last moment before a commit


def walk(
    copy: Callable[[], AbstractContextManager[str]],
    use_case: UseCase,
    check: UseCase,
    places: range,
    start: datetime = AT,
) -> int:
    """Kill a use case at each of `places`, each time in a fresh copy of a store; do it `again` there, and check.

    Returns how many kills there were: fewer than places when the use case ends earlier.
    """
    for done, place in enumerate(places):
        with copy() as url:
            clock = Clock(start)
            if not killed_at(url, use_case, place, clock):
                return done
            clock.now += timedelta(minutes=1)
            with open_house(url, clock) as house:
                try:
                    use_case(house)
                    check(house)
                except BaseException as failure:
                    failure.add_note(f"killed before commit {place}")
                    raise
    return len(places)
