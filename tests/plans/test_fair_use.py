"""Roaming like at home: caps by day, and the volume that an open plan has to give abroad."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_plans.fair_use import CAPS, Caps, NoCap, caps_on, roaming_volume
from mvne_plans.quantity import Kind

GB = 10**9


@pytest.mark.parametrize(
    ("day", "data"),
    [
        ("2017-06-15", "7.70"),
        ("2022-06-30", "2.50"),
        ("2022-07-01", "2.00"),
        ("2026-12-31", "1.10"),
        ("2027-01-01", "1.00"),
        ("2032-06-30", "1.00"),
    ],
)
def test_a_cap_holds_from_its_day_on(day: str, data: str) -> None:
    assert caps_on(date.fromisoformat(day)).of(Kind.DATA) == Decimal(data)


@pytest.mark.parametrize("day", ["2017-06-14", "2032-07-01"])
def test_no_cap_is_known_outside_the_regulation(day: str) -> None:
    with pytest.raises(NoCap, match="known from 2017-06-15 to 2032-06-30"):
        caps_on(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("price", "included", "cap", "volume"),
    [
        ("12", None, "1.10", 21_820_000_000),  # 2 * 12 / 1.10 = 21.818..., rounded up
        ("12", 100 * GB, "1.00", 24 * GB),  # 0.12 a GB: open
        ("12", 20 * GB, "1.00", None),  # 24 GB would be more than the plan has
        ("12", 12 * GB, "1.00", None),  # a euro a GB is not below the cap: not open
        ("11.99", 12 * GB, "1.00", None),  # open, 23.98 GB, more than it has
        ("0", None, "1.00", 0),
    ],
)
def test_an_open_plan_gives_twice_its_price_over_the_cap(
    price: str, included: int | None, cap: str, volume: int | None
) -> None:
    assert roaming_volume(Fraction(price), included, Decimal(cap)) == volume


@given(st.fractions(0, 1000), st.none() | st.integers(1, 1000 * GB), st.sampled_from(CAPS))
def test_a_later_day_never_gives_less(price: Fraction, included: int | None, first: Caps) -> None:
    def abroad(caps: Caps) -> int:
        volume = roaming_volume(price, included, caps.data)
        return (included or 10**18) if volume is None else volume

    assert all(abroad(one) >= abroad(first) for one in CAPS if one.starts >= first.starts)
