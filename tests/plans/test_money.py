"""Money is whole, knows its currency, and is rounded in two places only."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_plans.money import (
    EXPONENTS,
    CurrencyMismatch,
    Money,
    MoneyError,
    Rounding,
    exponent,
    half_up,
    micro_per_minor,
    round_line,
    round_record,
    total,
)

currencies = st.sampled_from(sorted(EXPONENTS))
amounts = st.builds(Money, st.integers(-(10**18), 10**18), currencies)
euros = st.builds(Money, st.integers(-(10**12), 10**12), st.just("EUR"))
fractions = st.fractions(-(10**12), 10**12, max_denominator=10**6)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("9.90", "EUR", 990),
        ("9.9", "EUR", 990),
        ("9", "EUR", 900),
        (" 0.01 ", "EUR", 1),
        ("9.900", "EUR", 990),
        ("-4.90", "EUR", -490),
        ("0", "EUR", 0),
        ("1234567890123", "EUR", 123_456_789_012_300),
        ("150", "JPY", 150),
        ("150.00", "JPY", 150),
        ("1.234", "KWD", 1_234),
        ("1.2", "BHD", 1_200),
    ],
)
def test_an_amount_is_read_as_people_write_it(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("9,90", "EUR", "'9,90' has a comma; use 9.90"),
        ("1,234.50", "EUR", "write it like 9.90"),
        ("9.905", "EUR", "more decimals than EUR has (2)"),
        ("0.5", "JPY", "more decimals than JPY has (0)"),
        ("", "EUR", "is not an amount"),
        (".5", "EUR", "is not an amount"),
        ("5.", "EUR", "is not an amount"),
        ("1e3", "EUR", "is not an amount"),
        ("+1", "EUR", "is not an amount"),
        ("--1", "EUR", "is not an amount"),
        ("9.90 EUR", "EUR", "is not an amount"),
        ("١", "EUR", "is not an amount"),
        ("12345678901234", "EUR", "is not an amount"),
        ("NaN", "EUR", "is not an amount"),
        ("1", "EURO", "'EURO' is not a currency"),
        ("1", "eur", "'eur' is not a currency"),
    ],
)
def test_what_is_no_amount_says_what_to_write(text: str, currency: str, message: str) -> None:
    with pytest.raises(MoneyError) as caught:
        Money.parse(text, currency)
    assert message in str(caught.value)


@pytest.mark.parametrize("minor", [1.0, True, "1", None, Fraction(1)])
def test_money_is_made_of_whole_minor_units(minor: Any) -> None:
    with pytest.raises(MoneyError, match="whole number of minor units"):
        Money(minor, "EUR")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(990, "EUR"), "9.90"),
        (Money(-5, "EUR"), "-0.05"),
        (Money(0, "EUR"), "0.00"),
        (Money(150, "JPY"), "150"),
        (Money(-1, "KWD"), "-0.001"),
    ],
)
def test_money_is_written_plainly(money: Money, text: str) -> None:
    assert money.decimal() == text
    assert str(money) == f"{text} {money.currency}"


@given(amounts)
def test_what_is_written_reads_back(money: Money) -> None:
    if abs(money.minor) < 10**12:
        assert Money.parse(money.decimal(), money.currency) == money


@given(euros, euros, euros, st.integers(-1000, 1000))
def test_money_adds_up_as_whole_numbers_do(a: Money, b: Money, c: Money, n: int) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a - b == a + (-b)
    assert a + Money.zero("EUR") == a
    assert (a + b) * n == a * n + b * n
    assert total([a, b, c], "EUR") == a + b + c
    assert (a < b) == (a.minor < b.minor)
    assert (a <= b) == (a.minor <= b.minor)
    assert bool(a) == (a.minor != 0)
    assert min(a, b).minor == min(a.minor, b.minor)
    assert max(a, b).minor == max(a.minor, b.minor)


@pytest.mark.parametrize(
    "mixed",
    [
        lambda: Money(1, "EUR") + Money(1, "USD"),
        lambda: Money(1, "EUR") - Money(1, "USD"),
        lambda: Money(1, "EUR") < Money(1, "USD"),
        lambda: Money(1, "EUR") <= Money(0, "USD"),
        lambda: min(Money(1, "EUR"), Money(1, "USD")),
        lambda: total([Money(1, "EUR")], "USD"),
        lambda: total([Money(1, "EUR"), Money(1, "USD")], "EUR"),
    ],
)
def test_currencies_never_mix(mixed: Any) -> None:
    with pytest.raises(CurrencyMismatch, match="do not add"):
        mixed()


def test_equal_amounts_of_two_currencies_are_not_equal() -> None:
    assert Money(1, "EUR") != Money(1, "USD")
    assert total([], "EUR") == Money(0, "EUR")


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("0", 0),
        ("1/2", 1),
        ("-1/2", -1),
        ("3/2", 2),
        ("-3/2", -2),
        ("5/2", 3),
        ("49/100", 0),
        ("-49/100", 0),
        ("1/3", 0),
    ],
)
def test_a_tie_goes_away_from_zero(value: str, rounded: int) -> None:
    assert half_up(Fraction(value)) == rounded


@given(fractions)
def test_rounding_is_to_the_nearest_and_symmetric(value: Fraction) -> None:
    assert abs(half_up(value) - value) <= Fraction(1, 2)
    assert half_up(-value) == -half_up(value)


@given(fractions, st.integers(1, 10**6))
def test_a_record_is_rounded_to_its_unit(charge: Fraction, unit: int) -> None:
    rounded = round_record(charge, Rounding(unit))
    assert rounded % unit == 0
    assert 2 * abs(rounded - charge) <= unit


@given(fractions, fractions, st.sampled_from([1, 10_000]))
def test_rounding_keeps_the_order(a: Fraction, b: Fraction, unit: int) -> None:
    low, high = sorted((a, b))
    assert round_record(low, Rounding(unit)) <= round_record(high, Rounding(unit))


@pytest.mark.parametrize(
    ("micro", "currency", "minor"),
    [
        (4_999, "EUR", 0),
        (5_000, "EUR", 1),
        (-5_000, "EUR", -1),
        (499_999, "JPY", 0),
        (500_000, "JPY", 1),
        (499, "KWD", 0),
        (500, "KWD", 1),
        (10**30, "EUR", 10**26),
    ],
)
def test_a_line_is_rounded_to_the_minor_unit_of_its_currency(micro: int, currency: str, minor: int) -> None:
    assert round_line(micro, currency) == Money(minor, currency)


@given(amounts)
def test_micro_units_lose_nothing(money: Money) -> None:
    assert round_line(money.micro, money.currency) == money
    assert money.micro == money.minor * micro_per_minor(money.currency)
    assert micro_per_minor(money.currency) * 10 ** exponent(money.currency) == 10**6


@given(euros, st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(sum))
def test_parts_of_an_amount_make_up_all_of_it(money: Money, weights: list[int]) -> None:
    parts = money.allocate(weights)
    assert total(parts, "EUR") == money
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - Fraction(money.minor * weight, sum(weights))) < 1
        assert weight or part.minor == 0


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [2, -1]])
def test_nothing_can_be_split_by_no_weights(weights: list[int]) -> None:
    with pytest.raises(MoneyError, match="weights"):
        Money(1, "EUR").allocate(weights)


@pytest.mark.parametrize(
    ("minor", "share", "expected"),
    [(490, "1/2", 245), (491, "1/2", 246), (-491, "1/2", -246), (100, "1/3", 33), (1, "0", 0)],
)
def test_a_share_is_rounded_as_a_line_is(minor: int, share: str, expected: int) -> None:
    assert Money(minor, "EUR").share(Fraction(share)) == Money(expected, "EUR")
