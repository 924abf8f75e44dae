"""Who had a number when: numbers are given again after a rest, and usage may come late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from mvne import lines
from mvne.platform import Platform
from mvne.tables import number_use
from mvne_billing.usage.record import UsageRecord
from mvne_plans.quantity import Kind
from tests.mvne.house import AT

BRAND = "tilleul"
NUMBER, OTHER = "+33639980001", "+33639980002"
DAY = timedelta(days=1)


def owner(conn: Connection, at: datetime, msisdn: str = NUMBER) -> str | None:
    record = UsageRecord("r", msisdn, Kind.DATA, at, 1, "FR")
    return lines.owners(conn, BRAND, [record]).get("r")


@pytest.fixture
def given_twice(platform: Platform) -> Platform:
    """The first line has the number from day 0 to day 10, the second from day 100 on."""
    with platform.store.transact() as conn:
        lines.hold_number(conn, BRAND, "first", NUMBER, AT)
        lines.leave_number(conn, BRAND, "first", AT + 10 * DAY)
        lines.hold_number(conn, BRAND, "second", NUMBER, AT + 100 * DAY)
    return platform


@pytest.mark.parametrize(
    ("moment", "line"),
    [
        (AT - timedelta(seconds=1), None),
        (AT, "first"),
        (AT + 10 * DAY - timedelta(seconds=1), "first"),
        (AT + 10 * DAY, None),
        (AT + 50 * DAY, None),
        (AT + 100 * DAY, "second"),
        (AT + 9999 * DAY, "second"),
    ],
)
def test_use_belongs_to_whoever_had_the_number_then(given_twice: Platform, moment: datetime, line: str | None) -> None:
    with given_twice.store.read() as conn:
        assert owner(conn, moment) == line
        assert owner(conn, moment, OTHER) is None


def test_a_line_that_gets_another_number_has_the_first_until_then(platform: Platform) -> None:
    with platform.store.transact() as conn:
        lines.hold_number(conn, BRAND, "line", NUMBER, AT)
        lines.hold_number(conn, BRAND, "line", OTHER, AT + DAY)
        assert (owner(conn, AT), owner(conn, AT + DAY)) == ("line", None)
        assert (owner(conn, AT, OTHER), owner(conn, AT + DAY, OTHER)) == (None, "line")


def test_told_twice_that_a_line_has_its_number_nothing_changes(platform: Platform) -> None:
    with platform.store.transact() as conn:
        lines.hold_number(conn, BRAND, "line", NUMBER, AT)
        lines.hold_number(conn, BRAND, "line", NUMBER, AT + DAY)
        [row] = conn.execute(select(number_use).where(number_use.c.brand == BRAND)).all()
    assert (row.since, row.until) == (AT, None)
