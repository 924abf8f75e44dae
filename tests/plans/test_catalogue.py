"""What is sold: terms, promotions, agreements, and the one text that each content has."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_plans.agreement import Agreement, in_force
from mvne_plans.canonical import content_hash, dumps, loads, text_hash
from mvne_plans.catalogue import Addon, Catalogue, NumberGroup, Pay, Plan, Promotion, Term, TermNotSold
from mvne_plans.money import Mode, Money, Rounding
from mvne_plans.period import MONTH, Every, Unit
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate
from mvne_plans.tariff import (
    Beyond,
    Bucket,
    DeckRow,
    Priced,
    RateDeck,
    RatingService,
    Roaming,
    Slow,
    Stop,
    Tariff,
)


def euros(text: str) -> Money:
    return Money.parse(text, "EUR")


LADDER = (Term(3, euros("45"), euros("30")), Term(12, euros("150")))
PLAN = Plan("fan", "Fan", Pay.PREPAID, MONTH, euros("16"), LADDER, Tariff("EUR", "FR", {}))


@pytest.mark.parametrize(
    ("periods", "term"), [(1, Term(1, euros("16"))), (3, LADDER[0]), (12, LADDER[1])], ids=lambda value: str(value)
)
def test_a_plan_is_sold_by_the_period_and_by_its_terms(periods: int, term: Term) -> None:
    assert PLAN.term(periods) == term


@pytest.mark.parametrize(
    ("plan", "periods", "sold"),
    [
        (PLAN, 2, "1, 3, 12"),
        (PLAN, 0, "1, 3, 12"),
        (replace(PLAN, price=None), 1, "3, 12"),
        (replace(PLAN, terms=()), 3, "1"),
    ],
)
def test_what_is_not_sold_says_what_is(plan: Plan, periods: int, sold: str) -> None:
    with pytest.raises(TermNotSold, match=f"plan fan is sold for {sold} periods of month, not {periods}"):
        plan.term(periods)


def test_a_term_of_one_period_wins_over_the_price() -> None:
    single = Term(1, euros("14"))
    assert replace(PLAN, terms=(single,)).term(1) == single


@pytest.mark.parametrize(
    ("starts", "ends", "day", "is_open"),
    [
        (None, None, "2027-01-01", True),
        ("2027-03-01", None, "2027-02-28", False),
        ("2027-03-01", None, "2027-03-01", True),
        (None, "2027-03-31", "2027-03-31", True),
        (None, "2027-03-31", "2027-04-01", False),
        ("2027-03-01", "2027-03-01", "2027-03-01", True),
    ],
)
def test_a_promotion_is_open_from_its_first_day_to_its_last(
    starts: str | None, ends: str | None, day: str, is_open: bool
) -> None:
    first, last = (date.fromisoformat(text) if text else None for text in (starts, ends))
    promotion = Promotion("p", 1, percent=Decimal(10), starts=first, ends=last)
    assert promotion.open_on(date.fromisoformat(day)) is is_open


@given(
    st.integers(0, 10**9),
    st.one_of(st.decimals(0, 200, places=2), st.integers(0, 10**9).map(lambda minor: Money(minor, "EUR"))),
)
def test_a_promotion_takes_off_at_most_everything(minor: int, off: Decimal | Money) -> None:
    price = Money(minor, "EUR")
    by_amount = isinstance(off, Money)
    promotion = Promotion("p", 1, amount=off if by_amount else None, percent=None if by_amount else off)  # type: ignore[arg-type]  # either one
    reduction = promotion.reduction(price)
    assert Money(0, "EUR") <= reduction <= price
    if isinstance(off, Money):
        assert reduction == min(off, price)


@pytest.mark.parametrize(
    ("day", "starts"),
    [("2026-12-31", None), ("2027-01-01", "2027-01-01"), ("2027-06-30", "2027-01-01"), ("2029-01-01", "2027-07-01")],
)
def test_an_agreement_holds_until_the_next_one_starts(day: str, starts: str | None) -> None:
    versions = tuple(Agreement(date.fromisoformat(text), "EUR") for text in ("2027-07-01", "2027-01-01"))
    found = in_force(versions, date.fromisoformat(day))
    assert (found.starts.isoformat() if found else None) == starts


monies = st.builds(Money, st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY"]))
rates = st.builds(
    Rate,
    st.decimals(0, 1000, places=4),
    st.sampled_from([1, 60, 10**9]),
    st.builds(Increments, st.integers(1, 100), st.integers(1, 100)),
)
kinds = st.sampled_from(Kind)
names = st.text(min_size=1, max_size=6)
zones = st.lists(names, max_size=2).map(tuple)
everies = st.builds(Every, st.integers(1, 12), st.sampled_from(Unit))
buckets = st.builds(Bucket, names, kinds, st.one_of(st.none(), st.integers(1, 10**15)), zones, zones)
tariffs = st.builds(
    Tariff,
    st.just("EUR"),
    st.just("FR"),
    st.dictionaries(names, zones, max_size=2),
    st.lists(buckets, max_size=2).map(tuple),
    st.dictionaries(kinds, st.one_of(rates.map(Priced), st.builds(Slow, st.integers(1, 10**9)), st.just(Stop()))),
    st.lists(st.builds(DeckRow, names, names, st.one_of(st.none(), rates)), max_size=2).map(tuple).map(RateDeck),
    st.lists(
        st.builds(Roaming, names, st.sampled_from(["domestic", "refuse", "price"]), st.dictionaries(kinds, rates)),
        max_size=2,
    ).map(tuple),
    st.lists(st.builds(RatingService, names, kinds, names, rates), max_size=1).map(tuple),
    rounding=st.builds(Rounding, st.sampled_from([1, 10_000]), st.sampled_from(Mode)),
)
plans = st.builds(
    Plan,
    names,
    names,
    st.sampled_from(Pay),
    everies,
    st.one_of(st.none(), monies),
    st.lists(st.builds(Term, st.integers(1, 12), monies, st.one_of(st.none(), monies)), max_size=2).map(tuple),
    tariffs,
    st.lists(st.tuples(names, st.decimals(0, 10, places=2)), max_size=2).map(tuple),
)
catalogues = st.builds(
    Catalogue,
    st.just("EUR"),
    st.lists(plans, max_size=1).map(tuple),
    st.lists(st.builds(Addon, names, names, monies, st.tuples(buckets), st.one_of(st.none(), everies)), max_size=1).map(
        tuple
    ),
    st.lists(
        st.builds(
            Promotion, names, st.integers(1, 5), st.one_of(st.none(), st.decimals(0, 100, places=1)), st.none(), names
        ),
        max_size=1,
    ).map(tuple),
    st.lists(st.builds(NumberGroup, names, zones), max_size=1).map(tuple),
    st.lists(
        st.builds(
            Agreement,
            st.dates(),
            st.just("EUR"),
            st.integers(0, 10**9),
            everies,
            st.dictionaries(kinds, st.dictionaries(names, rates, max_size=2)),
        ),
        max_size=1,
    ).map(tuple),
)


@settings(max_examples=60)
@given(catalogues)
def test_a_catalogue_survives_being_written_and_read(catalogue: Catalogue) -> None:
    text = dumps(catalogue)
    again = loads(Catalogue, text)
    assert again == catalogue
    assert dumps(again) == text
    assert content_hash(again) == content_hash(catalogue) == text_hash(text)


@settings(max_examples=30)
@given(plans)
def test_another_price_is_another_content(plan: Plan) -> None:
    price = plan.price or Money(0, "EUR")
    assert content_hash(replace(plan, price=price + Money(1, price.currency))) != content_hash(plan)


def test_the_order_in_which_a_mapping_was_filled_does_not_matter() -> None:
    rules: dict[Kind, Beyond] = {Kind.VOICE: Stop(), Kind.DATA: Slow(1)}
    turned = dict(reversed(rules.items()))
    tariff = Tariff("EUR", "FR", {"a": ("X",), "b": ()}, beyond=rules)
    assert dumps(tariff) == dumps(Tariff("EUR", "FR", {"b": (), "a": ("X",)}, beyond=turned))


def test_the_canonical_text_is_plain_sorted_json() -> None:
    assert dumps(Term(3, euros("45"))) == '{"first":null,"periods":3,"price":{"currency":"EUR","minor":4500}}'
    assert dumps(replace(PLAN, name="Été", terms=()).tariff)[:39] == '{"beyond":{},"buckets":[],"calendar":{"'
    assert '"0.05"' in dumps(Rate.parse("0.05/min", Kind.VOICE))
