"""Partial reports of one session against the whole, and every second against a naive walk, for any tariff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.rating.buckets import Open, burn_order, opened
from mvne_billing.rating.reference import charged, rate, taken
from mvne_billing.rating.route import Line, route
from mvne_billing.rating.walk import Stretch, walk
from mvne_billing.usage.record import UsageRecord
from mvne_plans.bands import Band, Calendar
from mvne_plans.money import Mode, Rounding
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate, Scheme, Tier
from mvne_plans.tariff import Beyond, Bucket, Limit, NextTier, Priced, RatingService, Slow, Stop, Tariff
from tests.billing.builders import CARE_HOME, HOME_NUMBER, PERIOD, record, tariff, world

WORLD, LINE = world(), Line("Europe/Paris")
BANDS = Calendar((Band("night", start=time(12, 1), end=time(12, 3)), Band("late", start=time(12, 2), end=time(14))))
NAMES = ("night", "late")

prices = st.decimals(0, 20, places=3, allow_nan=False)
increments = st.builds(Increments, st.integers(1, 70), st.integers(1, 70))
bare = st.builds(Rate, prices, st.sampled_from([1, 60]), increments)
in_bands = st.lists(st.tuples(st.sampled_from(NAMES), bare), max_size=2).map(lambda pairs: tuple(dict(pairs).items()))
tiers = st.builds(
    lambda until, first, then, flat: (Tier(until, first, 60, flat), Tier(None, then, 7)),
    st.integers(1, 300),
    prices,
    prices,
    prices,
)
rates = st.builds(
    Rate,
    prices,
    st.sampled_from([1, 60]),
    increments,
    setup=st.one_of(st.just(Decimal(0)), prices),
    minimum=st.one_of(st.just(Decimal(0)), prices),
    maximum=st.one_of(st.none(), prices),
    percent=st.sampled_from([Decimal(0), Decimal("2.5")]),
    bands=in_bands,
) | st.builds(Rate, prices, st.just(1), increments, tiers=tiers, scheme=st.sampled_from(Scheme))
amounts = st.one_of(st.none(), st.integers(1, 200))
buckets = st.builds(
    Bucket,
    st.just("b"),
    st.just(Kind.VOICE),
    amounts,
    bands=st.sampled_from([(), ("night",), ("late", "night")]),
    priority=st.integers(0, 1),
    increments=st.one_of(st.just(Increments()), increments),
    factor=st.sampled_from([Decimal(1), Decimal(2), Decimal("0.3")]),
    rate=st.one_of(st.none(), bare),
    blocks=st.booleans(),
    limits=st.sampled_from([(), (Limit("member", 50),)]),
)


def numbered(found: list[Bucket]) -> tuple[Bucket, ...]:
    return tuple(replace(one, id=f"b{place}") for place, one in enumerate(found))


def chained(steps: Sequence[Priced | Slow | NextTier]) -> Beyond:
    """Return the steps as one chain that ends in a stop."""
    chain: Beyond = Stop()
    for step in reversed(steps):
        chain = replace(step, then=chain)
    return chain


steps = st.one_of(
    st.builds(Priced, rates, amount=amounts),
    st.builds(Slow, st.just(1), amount=amounts),
    st.builds(NextTier, st.just("big"), prices, amounts),
)
services = st.builds(
    RatingService, st.just("care"), st.just(Kind.VOICE), st.just("care_homes"), bare, st.booleans(), amounts
)
tariffs = st.builds(
    lambda **changes: tariff(**changes),
    buckets=st.lists(buckets, max_size=3).map(numbered),
    beyond=st.fixed_dictionaries({Kind.VOICE: st.lists(steps, max_size=3).map(chained)}),
    services=st.one_of(st.just(()), services.map(lambda one: (one,))),
    calendar=st.sampled_from([Calendar(), BANDS]),
    splits_calls=st.booleans(),
    rounding=st.builds(Rounding, st.sampled_from([1, 7, 10_000]), st.sampled_from(Mode)),
)
calls = st.builds(
    lambda seconds, to, start: replace(record(seconds, to), start=datetime(2027, 6, 7, 10, tzinfo=UTC) + start),
    st.integers(0, 400),
    st.sampled_from([HOME_NUMBER, CARE_HOME]),
    st.integers(-60, 240).map(lambda seconds: timedelta(seconds=seconds)),
)
spents = st.dictionaries(
    st.sampled_from(["b0", "b1", "price:voice", "price:voice#", "next:voice"]), st.integers(0, 250)
)
cuts = st.lists(st.integers(0, 400), max_size=5)


def open_buckets(terms: Tariff, spent: dict[str, int]) -> tuple[Open, ...]:
    return burn_order(opened(terms.buckets, spent, PERIOD))


@given(calls, tariffs, spents, cuts)
def test_partial_reports_add_up_to_the_full_price(
    one: UsageRecord, terms: Tariff, spent: dict[str, int], where: list[int]
) -> None:
    found = route(one, terms, WORLD, LINE)
    good = open_buckets(terms, spent)
    whole = walk(found, (), one.amount, one.start, good, spent)
    if terms.splits_calls or not terms.calendar.bands:
        marks = sorted({min(mark, one.amount) for mark in where} | {one.amount})
    else:
        # A call that is not cut keeps the band of its start, and so does each of its reports: they differ in that.
        marks = [one.amount]
    before: tuple[Stretch, ...] = ()
    total, done = 0, 0
    for mark in marks:
        since = one.start + timedelta(seconds=done)
        after = walk(found, before, mark - done, since, good, spent)
        parts, charge = charged(after, before, spent, found.kind, terms.rounding)
        assert sum(part.charge_micro for part in parts) == charge
        assert sum(part.units for part in parts) == mark - done
        total, done, before = total + charge, mark, after
    assert total == rate(one, terms, WORLD, good, spent, LINE).charge_micro
    assert before == whole
    assert taken(found, before, good) == taken(found, whole, good)


@given(calls, tariffs, spents)
def test_every_second_falls_under_the_rule_that_a_naive_walk_finds(
    one: UsageRecord, terms: Tariff, spent: dict[str, int]
) -> None:
    found = route(one, terms, WORLD, LINE)
    plain = tuple(replace(bucket, increments=Increments()) for bucket in terms.buckets)
    terms = replace(terms, buckets=plain)
    found = replace(found, tariff=terms)
    good = open_buckets(terms, spent)
    seconds = [
        (stretch.rule.value, stretch.name, stretch.band)
        for stretch in walk(found, (), one.amount, one.start, good, spent)
        for _ in range(stretch.units)
    ]
    assert seconds == naively(one, terms, good, spent)


def naively(
    one: UsageRecord, terms: Tariff, good: tuple[Open, ...], spent: dict[str, int]
) -> list[tuple[str, str, str]]:
    """Say of each second of a call under which rule it falls, with nothing but counters."""
    used: dict[str, int] = {}
    rules = []
    served = terms.services if WORLD.numbering.normalise(one.to or "") in WORLD.groups["care_homes"] else ()
    for second in range(one.amount):
        moment = one.start + timedelta(seconds=second if terms.splits_calls else 0)
        band = terms.calendar.band_at(moment, LINE.timezone) if terms.calendar.bands else ""
        service = next((s for s in served if s.limit is None or second < s.limit), None)
        name = None
        if service is None or service.from_allowance:
            name = first_bucket(good, band, used)
        if name is not None:
            rules.append(("bucket", name, band))
        elif service is not None:
            rules.append(("service", "care", band))
        else:
            rule, name = first_step(terms, used, spent)
            rules.append((rule, name, band))
            used[f"{rule}:{name}"] = used.get(f"{rule}:{name}", 0) + 1
            continue
        used[name or "care"] = used.get(name or "care", 0) + 1
    return rules


def first_bucket(good: tuple[Open, ...], band: str, used: dict[str, int]) -> str | None:
    for one in good:
        if one.bucket.bands and band not in one.bucket.bands:
            continue
        after = Fraction(one.bucket.factor) * (used.get(one.id, 0) + 1)
        bounds = [one.left, *one.limits.values()]
        if all(bound is None or after <= bound for bound in bounds):
            return one.id
        if one.bucket.blocks:
            return None
    return None


def first_step(terms: Tariff, used: dict[str, int], spent: dict[str, int]) -> tuple[str, str]:
    step: Beyond | None = terms.beyond[Kind.VOICE]
    place = 0
    while step is not None and not isinstance(step, Stop):
        name = f"voice:{place}" if place else "voice"
        counter = f"{step.rule}:{name}"
        if step.amount is None or spent.get(counter, 0) + used.get(counter, 0) < step.amount:
            return step.rule, name
        step, place = step.then, place + 1
    return "stop", f"voice:{place}" if step is not None and place else "voice"


@given(calls, tariffs, spents)
def test_no_bucket_and_no_step_gives_more_than_it_holds(one: UsageRecord, terms: Tariff, spent: dict[str, int]) -> None:
    good = open_buckets(terms, spent)
    took = rate(one, terms, WORLD, good, spent, LINE).taken
    for each in good:
        if each.left is not None:
            assert took.get(each.id, 0) <= max(each.left, 0)
        for of, left in each.limits.items():
            assert took.get(f"{each.id}/{of}", 0) <= max(left, 0)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5), rates, st.sampled_from(Mode))
def test_messages_of_any_price_add_up_too(counts: list[int], price: Rate, mode: Mode) -> None:
    terms = tariff(buckets=(), beyond={Kind.SMS: Priced(price)}, rounding=Rounding(1, mode))
    one = record(sum(counts), kind=Kind.SMS)
    found = route(one, terms, WORLD, LINE)
    before: tuple[Stretch, ...] = ()
    total = 0
    for units, done in zip(counts, accumulate(counts), strict=True):
        after = walk(found, before, units, one.start, (), {})
        total += charged(after, before, {}, found.kind, terms.rounding)[1]
        before = after
        assert sum(stretch.units for stretch in before) == done
    assert total == rate(one, terms, WORLD).charge_micro
