"""Prices of use: tiers, packages, what counts once per session, and how it is written."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate, RateError, Scheme, Tier

STEPS = (
    Tier(6000, Decimal("0.10"), 60),
    Tier(12000, Decimal("0.05"), 60, flat=Decimal(1)),
    Tier(None, Decimal("0.02"), 60),
)


def tiered(scheme: Scheme, tiers: tuple[Tier, ...] = STEPS) -> Rate:
    return Rate(Decimal(0), 60, tiers=tiers, scheme=scheme)


@pytest.mark.parametrize(
    ("scheme", "units", "cents"),
    [
        (Scheme.GRADUATED, 0, "0"),
        (Scheme.GRADUATED, 6000, "1000"),
        (Scheme.GRADUATED, 6060, "1105"),  # one more minute at 0.05, and 1.00 for entering the step
        (Scheme.GRADUATED, 12000, "1600"),
        (Scheme.GRADUATED, 12060, "1602"),
        (Scheme.VOLUME, 6000, "1000"),
        (Scheme.VOLUME, 6060, "605"),  # all 101 minutes at 0.05, and 1.00
        (Scheme.VOLUME, 18000, "600"),
        (Scheme.PACKAGE, 1, "10"),
        (Scheme.PACKAGE, 61, "20"),
        (Scheme.PACKAGE, 6001, "1105"),
    ],
)
def test_steps_price_the_units_of_a_period(scheme: Scheme, units: int, cents: str) -> None:
    assert tiered(scheme).charge(units) == Fraction(cents) * 10_000


def test_a_volume_step_gives_back_what_the_dearer_units_had_cost() -> None:
    assert tiered(Scheme.VOLUME).charge(60, before=6000) == (605 - 1000) * 10_000


@given(st.sampled_from(Scheme), st.lists(st.integers(0, 9000), max_size=6))
def test_units_taken_bit_by_bit_cost_what_they_cost_together(scheme: Scheme, parts: list[int]) -> None:
    rate, before, total = tiered(scheme), 0, Fraction(0)
    for units in parts:
        total += rate.charge(units, before)
        before += units
    assert total == rate.charge(sum(parts))


@given(st.sampled_from([Scheme.GRADUATED, Scheme.PACKAGE]), st.integers(0, 20000), st.integers(0, 500))
def test_more_use_never_costs_less_where_each_unit_keeps_its_price(scheme: Scheme, units: int, more: int) -> None:
    assert tiered(scheme).charge(units + more) >= tiered(scheme).charge(units)


@pytest.mark.parametrize(
    ("text", "charged", "costs"),
    [
        ("0.10/min", 50_000, 50_000),
        ("0.10/min setup 0.03", 50_000, 80_000),
        ("0.10/min minimum 0.06", 50_000, 60_000),
        ("0.10/min maximum 0.04", 50_000, 40_000),
        ("0.10/min setup 0.03 maximum 0.07", 50_000, 70_000),
        ("0.10/min percent 10", 50_000, 55_000),
        ("0.10/min maximum 0.04 percent 10", 50_000, 44_000),
    ],
)
def test_a_session_costs_its_units_setup_bounds_and_percentage(text: str, charged: int, costs: int) -> None:
    assert Rate.parse(text, Kind.VOICE).session(Fraction(charged)) == costs


def test_what_counts_once_per_session_is_read_and_written() -> None:
    text = "0.05/min 60/1 setup 0.1 minimum 0.2 maximum 2 stop percent 2.5"
    rate = Rate.parse(text, Kind.VOICE)
    assert rate == Rate(
        Decimal("0.05"),
        60,
        Increments(60, 1),
        setup=Decimal("0.1"),
        minimum=Decimal("0.2"),
        maximum=Decimal(2),
        at_maximum="stop",
        percent=Decimal("2.5"),
    )
    assert rate.text(Kind.VOICE) == text


@pytest.mark.parametrize(
    "text",
    [
        "0.05/min setup",
        "0.05/min setup x",
        "0.05/min setup 1 setup 2",
        "0.05/min minimum 1 stop",
        "0.05/min maximum 1 go",
    ],
)
def test_a_session_word_without_its_number_is_refused(text: str) -> None:
    with pytest.raises(RateError):
        Rate.parse(text, Kind.VOICE)


def test_tiers_and_bands_are_written_in_words() -> None:
    evening = Rate(Decimal("0.01"), 60)
    rate = Rate(Decimal("0.05"), 60, bands=(("evening", evening),))
    assert rate.in_band("evening") == evening
    assert rate.in_band("") == rate
    assert rate.text(Kind.VOICE) == "0.05/min evening 0.01/min"
    assert tiered(Scheme.GRADUATED).text(Kind.VOICE) == (
        "0/min graduated to 100 min 0.10/min, to 200 min 0.05/min and 1 once, beyond 0.02/min"
    )


@pytest.mark.parametrize(
    ("rate", "is_free"),
    [
        (Rate(Decimal(0), 60), True),
        (Rate(Decimal(0), 60, setup=Decimal("0.01")), False),
        (Rate(Decimal(0), 60, bands=(("day", Rate(Decimal(1), 60)),)), False),
        (tiered(Scheme.VOLUME), False),
    ],
)
def test_free_means_that_nothing_is_ever_charged(rate: Rate, is_free: bool) -> None:
    assert rate.is_free is is_free
