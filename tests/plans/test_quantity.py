"""Quantities, speeds and rates are read as people write them, exactly or not at all."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_plans.quantity import (
    MOST,
    UNITS,
    Kind,
    QuantityError,
    format_amount,
    format_bit_rate,
    parse_amount,
    parse_bit_rate,
    parse_units,
)
from mvne_plans.rate import FREE, PER_UNIT, Increments, Rate, RateError

kinds = st.sampled_from(Kind)


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("60 min", Kind.VOICE, 3600),
        ("60min", Kind.VOICE, 3600),
        ("2 h", Kind.VOICE, 7200),
        ("90 s", Kind.VOICE, 90),
        ("1.5 min", Kind.VOICE, 90),
        ("100 sms", Kind.SMS, 100),
        ("100", Kind.SMS, 100),
        ("5 GB", Kind.DATA, 5 * 10**9),
        ("1.5 GB", Kind.DATA, 1_500_000_000),
        ("1 GiB", Kind.DATA, 2**30),
        ("10 KB", Kind.DATA, 10_000),
        ("1 TB", Kind.DATA, 10**12),
        (" 1 B ", Kind.DATA, 1),
        ("unlimited", Kind.DATA, None),
    ],
)
def test_a_quantity_is_a_whole_number_of_base_units(text: str, kind: Kind, amount: int | None) -> None:
    assert parse_amount(text, kind) == amount


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("60", Kind.VOICE),
        ("60 GB", Kind.VOICE),
        ("5 min", Kind.DATA),
        ("5 gb", Kind.DATA),
        ("5 Gb", Kind.DATA),
        ("-5 GB", Kind.DATA),
        ("0 GB", Kind.DATA),
        ("0.5 B", Kind.DATA),
        ("0.5 s", Kind.VOICE),
        ("1,5 GB", Kind.DATA),
        ("1 001 TB", Kind.DATA),
        ("1001 TB", Kind.DATA),
        ("99999999999999999999 B", Kind.DATA),
        ("", Kind.SMS),
        ("Unlimited", Kind.SMS),
        ("٣ GB", Kind.DATA),
    ],
)
def test_what_is_no_quantity_is_refused_with_an_example(text: str, kind: Kind) -> None:
    with pytest.raises(QuantityError, match=r"write it like|is not between"):
        parse_amount(text, kind)


def test_a_quantity_that_must_end_has_no_unlimited() -> None:
    with pytest.raises(QuantityError):
        parse_units("unlimited", Kind.DATA)


@pytest.mark.parametrize(
    ("amount", "kind", "text"),
    [
        (3600, Kind.VOICE, "60 min"),
        (90, Kind.VOICE, "1.5 min"),
        (100, Kind.VOICE, "100 s"),
        (59, Kind.VOICE, "59 s"),
        (0, Kind.VOICE, "0 s"),
        (100, Kind.SMS, "100 sms"),
        (5 * 10**9, Kind.DATA, "5 GB"),
        (1_234_000_000, Kind.DATA, "1234 MB"),
        (1_230_000_000, Kind.DATA, "1.23 GB"),
        (999, Kind.DATA, "999 B"),
        (100 * 10**9, Kind.DATA, "100 GB"),
        (None, Kind.DATA, "unlimited"),
    ],
)
def test_a_quantity_is_written_with_its_largest_fitting_unit(amount: int | None, kind: Kind, text: str) -> None:
    assert format_amount(amount, kind) == text


@given(st.integers(1, MOST), kinds)
def test_a_quantity_that_is_written_reads_back(amount: int, kind: Kind) -> None:
    assert parse_amount(format_amount(amount, kind), kind) == amount


@given(st.text(max_size=20), kinds)
def test_any_text_is_a_quantity_or_is_refused(text: str, kind: Kind) -> None:
    try:
        amount = parse_amount(text, kind)
    except QuantityError:
        return
    assert amount is None or 0 < amount <= MOST


@pytest.mark.parametrize(
    ("text", "speed"), [("128 kbit/s", 128_000), ("1.5 Mbit/s", 1_500_000), ("1 Gbit/s", 10**9), ("9600bit/s", 9600)]
)
def test_a_speed_is_bits_per_second(text: str, speed: int) -> None:
    assert parse_bit_rate(text) == speed
    assert parse_bit_rate(format_bit_rate(speed)) == speed


@pytest.mark.parametrize(
    "text", ["128", "128 kb/s", "128 KB/s", "0 kbit/s", "0.5 bit/s", "fast", "-1 kbit/s", "128 Kbit/s"]
)
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(QuantityError, match=r"128 kbit/s|whole number of bits"):
        parse_bit_rate(text)


@given(st.integers(1, 10**12))
def test_a_speed_is_written_whole(speed: int) -> None:
    number, unit = format_bit_rate(speed).split(" ")
    assert int(number) * {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}[unit] == speed


@pytest.mark.parametrize(
    ("text", "kind", "rate"),
    [
        ("0.05/min", Kind.VOICE, Rate(Decimal("0.05"), 60)),
        ("0.05 / min", Kind.VOICE, Rate(Decimal("0.05"), 60)),
        ("0.05/min 60/1", Kind.VOICE, Rate(Decimal("0.05"), 60, Increments(60, 1))),
        ("0.05/min 1 min", Kind.VOICE, Rate(Decimal("0.05"), 60, Increments(60, 60))),
        ("0.001/s", Kind.VOICE, Rate(Decimal("0.001"), 1)),
        ("0.06", Kind.SMS, Rate(Decimal("0.06"), 1)),
        ("0.06/sms", Kind.SMS, Rate(Decimal("0.06"), 1)),
        ("0.85/GB", Kind.DATA, Rate(Decimal("0.85"), 10**9)),
        ("0.85/GB 10 KB", Kind.DATA, Rate(Decimal("0.85"), 10**9, Increments(10_000, 10_000))),
        ("0", Kind.SMS, Rate(Decimal(0), 1)),
        ("0.0500/min", Kind.VOICE, Rate(Decimal("0.05"), 60)),
        ("10/GB", Kind.DATA, Rate(Decimal(10), 10**9)),
    ],
)
def test_a_rate_is_a_price_per_unit_in_increments(text: str, kind: Kind, rate: Rate) -> None:
    read = Rate.parse(text, kind)
    assert read == rate
    assert Rate.parse(read.text(kind), kind) == rate


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("0,05/min", Kind.VOICE, "'0,05' has a comma; use 0.05"),
        ("0.05", Kind.VOICE, "write it like 0.05/min"),
        ("0.85", Kind.DATA, "write it like 0.85/GB"),
        ("0.05/GB", Kind.VOICE, "write it like 0.05/min"),
        ("-0.05/min", Kind.VOICE, "is not a price of voice"),
        ("free", Kind.SMS, "is not a price of sms"),
        ("0.05/min 0/1", Kind.VOICE, "are not increments"),
        ("0.05/min 60/0", Kind.VOICE, "are not increments"),
        ("0.05/min 60", Kind.VOICE, "are not increments"),
        ("0.05/min 60/1/1", Kind.VOICE, "are not increments"),
        ("", Kind.SMS, "is not a price"),
    ],
)
def test_what_is_no_rate_says_what_to_write(text: str, kind: Kind, message: str) -> None:
    with pytest.raises(RateError) as caught:
        Rate.parse(text, kind)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("steps", "raised"),
    [
        ("1/1", {0: 0, 1: 1, 59: 59, 61: 61}),
        ("60/1", {0: 0, 1: 60, 60: 60, 61: 61}),
        ("60/60", {0: 0, 1: 60, 60: 60, 61: 120, 120: 120}),
        ("30/6", {1: 30, 30: 30, 31: 36, 36: 36, 37: 42}),
        ("1/60", {1: 1, 2: 61, 61: 61, 62: 121}),
    ],
)
def test_use_is_raised_to_its_increments(steps: str, raised: dict[int, int]) -> None:
    increments = Increments.parse(steps, Kind.VOICE)
    assert {units: increments.raise_to(units) for units in raised} == raised
    assert increments.raise_to(-5) == 0


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**15))
def test_increments_raise_by_less_than_one_step(first: int, step: int, units: int) -> None:
    raised = Increments(first, step).raise_to(units)
    assert raised >= units
    assert Increments(first, step).raise_to(raised) == raised
    if units > first:
        assert raised - units < step
        assert (raised - first) % step == 0
    else:
        assert raised == (first if units else 0)


@given(st.decimals(0, 999, places=6), st.sampled_from([1, 60, 10**9]), st.integers(0, 10**15))
def test_a_charge_is_exact(price: Decimal, per: int, units: int) -> None:
    assert Rate(price, per).charge(units) == Fraction(price) * 10**6 * units / per


@given(kinds, st.data())
def test_a_rate_that_is_written_reads_back(kind: Kind, data: st.DataObject) -> None:
    price = data.draw(st.decimals(0, 999_999, places=4)).normalize() + 0
    per = data.draw(st.sampled_from(sorted(UNITS[kind].values())))
    steps = data.draw(st.builds(Increments, st.integers(1, 10**6), st.integers(1, 10**6)))
    rate = Rate(price, per, steps)
    assert Rate.parse(rate.text(kind), kind) == rate


def test_a_bare_text_of_a_rate_is_in_the_unit_that_is_usual() -> None:
    texts = {str(Rate.parse(f"0.05/{unit}", kind)) for kind, unit in PER_UNIT.items()}
    assert texts == {"0.05/min", "0.05/sms", "0.05/GB"}
    assert [str(Rate(Decimal(1), per)) for per in (3600, 10**6, 7)] == ["1/h", "1/MB", "1/7 B"]
    assert FREE.charge(10**15) == 0


@pytest.mark.parametrize(
    ("text", "kind", "per", "increments"),
    [
        ("1.00/100 MB", Kind.DATA, 10**8, (1, 1)),
        ("1/1.5 GB 50 MB setup 0.10", Kind.DATA, 1_500_000_000, (50_000_000, 50_000_000)),
        ("0.30/90 s 60/1", Kind.VOICE, 90, (60, 1)),
        ("2/10 sms", Kind.SMS, 10, (1, 1)),
    ],
)
def test_a_rate_may_be_for_several_units(text: str, kind: Kind, per: int, increments: tuple[int, int]) -> None:
    rate = Rate.parse(text, kind)
    assert (rate.per, rate.increments) == (per, Increments(*increments))
    assert Rate.parse(rate.text(kind), kind) == rate


def test_a_rate_without_increments_of_its_own_takes_those_it_is_given() -> None:
    texts = ("0.02/min", "0.02/min 1/1")
    counted = [Rate.parse(text, Kind.VOICE, Increments(60, 1)).increments for text in texts]
    assert counted == [Increments(60, 1), Increments(1, 1)]


def test_each_kind_has_a_base_unit() -> None:
    assert {kind: kind.base_unit for kind in Kind} == {"voice": "second", "sms": "message", "data": "byte"}
