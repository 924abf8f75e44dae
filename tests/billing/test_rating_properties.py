"""What holds for every record: the reference against a naive walk, one unit at a time, and its invariants."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.rating.result import Rated
from mvne_billing.usage.record import UsageRecord
from mvne_plans.money import Rounding
from mvne_plans.quantity import MOST, Kind
from mvne_plans.rate import Increments, Rate
from mvne_plans.tariff import Bucket, Priced, RatingService, Slow, Stop, Tariff
from tests.billing.builders import CARE_HOME, HOME_NUMBER, rated, record, tariff, world

WORLD = world()

rates = st.builds(
    Rate,
    st.decimals(0, 20, places=4, allow_nan=False),
    st.sampled_from([1, 60, 3600]),
    st.builds(Increments, st.integers(1, 70), st.integers(1, 70)),
)
buckets = st.lists(st.one_of(st.none(), st.integers(1, 200)), max_size=3).map(
    lambda amounts: tuple(Bucket(f"b{place}", Kind.VOICE, amount) for place, amount in enumerate(amounts))
)
beyonds = st.one_of(rates.map(Priced), st.just(Slow(1)), st.just(Stop()))
services = st.one_of(
    st.just(()),
    st.builds(
        lambda price, inside, limit: (RatingService("care", Kind.VOICE, "care_homes", price, inside, limit),),
        rates,
        st.booleans(),
        st.one_of(st.none(), st.integers(1, 200)),
    ),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[UsageRecord, Tariff, dict[str, int]]:
    terms = tariff(
        buckets=draw(buckets),
        beyond={Kind.VOICE: draw(beyonds)},
        services=draw(services),
        rounding=Rounding(draw(st.sampled_from([1, 7, 10_000]))),
    )
    used = {bucket.id: draw(st.integers(0, 250)) for bucket in terms.buckets if draw(st.booleans())}
    called = draw(st.sampled_from([HOME_NUMBER, CARE_HOME]))
    return record(draw(st.integers(0, 400)), called), terms, used


def label_of_each_unit(one: UsageRecord, terms: Tariff, used: dict[str, int]) -> list[tuple[str, str]]:
    """Walk a call second by second and say under which rule each falls."""
    room = {
        bucket.id: MOST if bucket.amount is None else bucket.amount - used.get(bucket.id, 0) for bucket in terms.buckets
    }
    service = terms.services[0] if terms.services and one.to == CARE_HOME else None
    beyond = terms.beyond[Kind.VOICE]
    labels = []
    for second in range(one.amount):
        served = service is not None and (service.limit is None or second < service.limit)
        bucket = next((name for name, left in room.items() if left > 0), None)
        if served and service is not None and (not service.from_allowance or bucket is None):
            labels.append(("service", service.id))
        elif bucket is not None:
            room[bucket] -= 1
            labels.append(("bucket", bucket))
        else:
            labels.append((beyond.rule, "voice"))
    return labels


def priced_naively(one: UsageRecord, terms: Tariff, used: dict[str, int]) -> list[tuple[str, str, int, int]]:
    """Return (rule, name, units, charge) of each stretch of equal labels."""
    labels = label_of_each_unit(one, terms, used)
    beyond = terms.beyond[Kind.VOICE]
    prices = {"price": beyond.rate if isinstance(beyond, Priced) else None}
    prices["service"] = terms.services[0].rate if terms.services else None
    stretches: list[tuple[tuple[str, str], int]] = []
    for label in labels:
        if stretches and stretches[-1][0] == label:
            stretches[-1] = (label, stretches[-1][1] + 1)
        else:
            stretches.append((label, 1))
    running, rounded, parts = Fraction(0), 0, []
    for place, ((rule, name), units) in enumerate(stretches):
        price = prices.get(rule)
        if price is not None and price.amount:
            counted = units
            if place == len(stretches) - 1:
                whole = price.increments.first
                while whole < one.amount:
                    whole += price.increments.next
                counted += whole - one.amount
            running += Fraction(price.amount) * 10**6 * counted / price.per
        now = nearest(running, terms.rounding.unit_micro)
        parts.append((rule, name, units, now - rounded))
        rounded = now
    return parts


def nearest(exact: Fraction, unit: int) -> int:
    """Return the multiple of `unit` that is nearest, the greater of two."""
    below = exact.numerator // (exact.denominator * unit) * unit
    return below if exact - below < Fraction(unit, 2) else below + unit


def priced(case: tuple[UsageRecord, Tariff, dict[str, int]]) -> Rated:
    one, terms, used = case
    return rated(one, terms, WORLD, used)


@given(cases())
def test_the_reference_equals_a_walk_second_by_second(case: tuple[UsageRecord, Tariff, dict[str, int]]) -> None:
    parts = [(part.rule.value, part.name, part.units, part.charge_micro) for part in priced(case).parts]
    assert parts == priced_naively(*case)


@given(cases())
def test_the_parts_make_up_the_record_and_its_charge(case: tuple[UsageRecord, Tariff, dict[str, int]]) -> None:
    outcome = priced(case)
    assert sum(part.units for part in outcome.parts) == case[0].amount
    assert sum(part.charge_micro for part in outcome.parts) == outcome.charge_micro
    assert all(part.units > 0 and part.charge_micro >= 0 and part.billable >= 0 for part in outcome.parts)
    assert outcome.cost_micro >= 0


@given(cases())
def test_no_bucket_gives_more_than_it_holds(case: tuple[UsageRecord, Tariff, dict[str, int]]) -> None:
    _, terms, used = case
    taken = priced(case).taken
    for bucket in terms.buckets:
        if bucket.amount is not None:
            assert taken.get(bucket.id, 0) <= max(bucket.amount - used.get(bucket.id, 0), 0)
    assert {name for name in taken if ":" not in name} <= {bucket.id for bucket in terms.buckets}


@given(cases())
def test_an_allowance_never_makes_a_record_dearer(case: tuple[UsageRecord, Tariff, dict[str, int]]) -> None:
    one, terms, used = case
    plain = record(one.amount, HOME_NUMBER)
    with_buckets = rated(plain, terms, WORLD, used).charge_micro
    without = rated(plain, replace(terms, buckets=()), WORLD, {}).charge_micro
    assert with_buckets <= without


@given(cases())
def test_a_record_is_charged_for_no_more_than_the_increments_of_its_last_part(
    case: tuple[UsageRecord, Tariff, dict[str, int]],
) -> None:
    outcome = priced(case)
    for part in outcome.parts[:-1]:
        assert part.billable in (0, part.units)
    if outcome.parts and outcome.parts[-1].billable:
        overrun = outcome.parts[-1].billable - outcome.parts[-1].units
        assert 0 <= overrun < 70 + 70


@given(
    st.integers(0, MOST),
    st.decimals(0, 10**6, places=9, allow_nan=False),
    st.sampled_from([1, 60, 10**9]),
    st.integers(1, 10**6),
    st.integers(0, MOST),
)
def test_numbers_of_any_size_are_exact(amount: int, price: Decimal, per: int, step: int, allowance: int) -> None:
    terms = tariff(
        buckets=(Bucket("data", Kind.DATA, allowance),),
        beyond={Kind.DATA: Priced(Rate(price, per, Increments(step, step)))},
    )
    outcome = rated(record(amount, kind=Kind.DATA), terms, WORLD, {})
    beyond = max(amount - allowance, 0)
    whole = -(-amount // step) * step
    exact = Fraction(price) * 10**6 * (beyond + whole - amount) / per if beyond else Fraction(0)
    assert outcome.charge_micro == nearest(exact, 1)
    assert outcome.taken.get("data", 0) == min(amount, allowance)
