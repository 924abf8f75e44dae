"""Money is spent from the lot that expires first; what expires is what nobody spent in time."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.balance.lots import CreditKind, Lot, expired, extended, in_order, reduced, settled, taken
from tests.billing.balance.purse import day


def lot(name: str, left: int, ends: int | None, came: int = 0, kind: CreditKind = CreditKind.TOPUP) -> Lot:
    until = None if ends is None else day(ends)
    return Lot(name, "line-a", kind, max(left, 1), left, day(came), until)


def sizes(lots: tuple[Lot, ...]) -> dict[str, int]:
    return {one.id: one.left_micro for one in lots}


def over(lots: list[Lot], free: int, reserved: int, at: datetime) -> dict[str, int]:
    return {one.id: micro for one, micro in expired(lots, free, reserved, at)}


def test_the_earliest_expiry_goes_first_then_the_oldest_and_what_never_expires_last() -> None:
    lots = [lot("never", 1, None), lot("late", 1, 9), lot("new", 1, 5, came=2), lot("old", 1, 5, came=1)]
    assert [one.id for one in in_order(lots)] == ["old", "new", "late", "never"]


@pytest.mark.parametrize(
    ("held", "left"),
    [
        (30, {"soon": 10, "late": 10, "never": 10}),
        (25, {"soon": 5, "late": 10, "never": 10}),
        (12, {"soon": 0, "late": 2, "never": 10}),
        (0, {"soon": 0, "late": 0, "never": 0}),
        (-7, {"soon": 0, "late": 0, "never": 0}),
        (35, {"soon": 10, "late": 10, "never": 10}),
    ],
)
def test_what_is_missing_was_spent_in_order(held: int, left: dict[str, int]) -> None:
    assert sizes(settled([lot("never", 10, None), lot("late", 10, 9), lot("soon", 10, 3)], held)) == left


@pytest.mark.parametrize(
    ("free", "reserved", "at", "gone"),
    [
        (20, 0, day(2), {}),
        (20, 0, day(3), {"soon": 10}),
        (15, 0, day(3), {"soon": 5}),
        (10, 0, day(3), {}),
        (20, 0, day(9), {"soon": 10, "late": 10}),
        (16, 4, day(3), {"soon": 6}),
        (8, 12, day(3), {}),
        (23, 0, day(9), {"soon": 10, "late": 10}),
        (-3, 5, day(9), {}),
    ],
    ids=[
        "before",
        "at the moment",
        "partly spent",
        "all spent",
        "both",
        "a session holds some",
        "a session holds all and more",
        "a refund belongs to no lot",
        "overdrawn",
    ],
)
def test_what_expires_is_what_was_not_spent_in_time(
    free: int, reserved: int, at: datetime, gone: dict[str, int]
) -> None:
    assert over([lot("soon", 10, 3), lot("late", 10, 9)], free, reserved, at) == gone


def test_a_lot_that_came_late_does_not_pay_for_what_was_spent_before() -> None:
    """10 that last, of which 5 were spent before 10 came that expire: all of these do."""
    before = settled([lot("lasting", 10, None)], 5)
    assert over([*before, lot("gift", 10, 7)], 15, 0, day(7)) == {"gift": 10}


def test_taking_more_than_there_is_takes_what_there_is() -> None:
    lots = [lot("soon", 3, 3), lot("late", 4, 9)]
    assert [(one.id, micro) for one, micro in taken(lots, 10)] == [("soon", 3), ("late", 4)]
    assert sizes(reduced(lots, taken(lots, 4))) == {"soon": 0, "late": 3}


@pytest.mark.parametrize(("until", "ends"), [(8, 8), (2, 5), (None, None)])
def test_a_payment_may_make_what_is_there_last_longer_but_never_shorter(until: int | None, ends: int | None) -> None:
    (renewed,) = extended([lot("a", 5, 5)], None if until is None else day(until), day(1))
    assert renewed.expires_at == (None if ends is None else day(ends))


@pytest.mark.parametrize(
    "kept", [lot("bonus", 5, 5, kind=CreditKind.BONUS), lot("over", 5, 1), lot("lasting", 5, None)]
)
def test_a_bonus_what_is_over_and_what_lasts_anyway_are_not_renewed(kept: Lot) -> None:
    assert extended([kept], day(8), day(1)) == (kept,)


LOTS = st.lists(
    st.builds(lot, st.uuids().map(str), st.integers(0, 50), st.none() | st.integers(1, 9), st.integers(0, 5)),
    max_size=6,
    unique_by=lambda one: one.id,
)


@given(LOTS, st.integers(0, 300), st.integers(0, 100), st.integers(0, 10))
def test_nothing_expires_that_is_held_spent_or_good_for_longer(
    lots: list[Lot], free: int, reserved: int, number: int
) -> None:
    at = day(number)
    gone = expired(lots, free, reserved, at)
    later = sum(one.left_micro for one in lots if not one.is_over(at))
    assert all(one.is_over(at) and 0 < micro <= one.left_micro for one, micro in gone)
    total = sum(micro for _, micro in gone)
    assert total <= max(free - later, 0)
    if free + reserved <= sum(one.left_micro for one in lots):
        assert total == max(free - later, 0), "without refunds: free less what expires later"


@given(LOTS, st.integers(0, 300))
def test_settling_twice_is_settling_once(lots: list[Lot], held: int) -> None:
    once = settled(lots, held)
    assert settled(once, held) == once
    assert sum(one.left_micro for one in once) == min(held, sum(one.left_micro for one in lots))
