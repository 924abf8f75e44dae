"""The people of a life: drawn by the seed, within what the brand sells and to whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from statistics import mean
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne.brand import Expected
from mvne.sandbox.chance import count, happens, level, pick, stream
from mvne.sandbox.living import EXPIRED_CARD, FAILING_CARD, GOOD_CARDS
from mvne.sandbox.population import ONE_IN, REPAIRS, SIGN_UP_FAILURES, Person, population
from mvne.sandbox.simulating import first_day
from mvne_billing.payments.stripe_simulator.cards import HANDLES
from tests.mvne.sandbox.lives import example


def _people(name: str, subscribers: int = 200, seed: int = 7, days: int = 181) -> list[Person]:
    return population(example(name), subscribers, seed, first_day(example(name)), days)


def test_the_same_seed_draws_the_same_people() -> None:
    assert _people("tilleul") == _people("tilleul")
    assert _people("tilleul") != _people("tilleul", seed=8)


def test_a_larger_population_keeps_the_habits_of_the_smaller() -> None:
    """Each person has a stream of their own."""
    small, large = _people("tilleul", 10), _people("tilleul", 20)
    assert [one.levels for one in small if one.plan == "douceur"][:3] == [
        large[one.number - 1].levels for one in small if one.plan == "douceur"
    ][:3]


def test_people_sign_up_in_order_within_the_life_and_early_rather_than_late() -> None:
    people, begins = _people("tilleul"), first_day(example("tilleul"))
    joins = [one.joins for one in people]
    assert joins == sorted(joins)
    assert begins <= joins[0]
    assert joins[-1] < begins + timedelta(days=179)
    assert sum(at < begins + timedelta(days=90) for at in joins) > 110
    local = [at.astimezone(ZoneInfo("Europe/Paris")).hour for at in joins]
    assert (min(local), max(local)) == (9, 17)


def test_everybody_is_old_enough_and_nobody_is_older_than_95() -> None:
    for one in _people("tilleul"):
        age = one.joins.date().year - one.born.year
        assert 60 < age <= 96


def test_cheaper_plans_and_shorter_terms_are_chosen_more_often() -> None:
    people = _people("comet", 600)
    plans, terms = Counter(one.plan for one in people), Counter(one.periods for one in people)
    assert [name for name, _ in plans.most_common()] == ["spark", "orbit", "nova"]
    assert [periods for periods, _ in terms.most_common()] == [3, 6, 12]


def test_a_code_is_used_only_while_its_promotion_is_open() -> None:
    people = _people("tilleul")
    with_code = [one for one in people if one.code]
    assert {one.code for one in with_code} == {"BIENVENUE"}
    assert max(one.joins.astimezone(ZoneInfo("Europe/Paris")).date() for one in with_code) <= date(2027, 3, 31)
    assert 0.2 < len(with_code) / sum(one.joins.date() <= date(2027, 3, 31) for one in people) < 0.5


def test_states_are_those_of_the_tax_table_and_languages_those_of_the_brand() -> None:
    regions = {row.region for row in example("comet").tax_table}
    assert {one.region for one in _people("comet")} <= regions
    assert {one.region for one in _people("tilleul")} == {None}
    assert {one.language for one in _people("tilleul")} == {"fr", "en"}
    assert {one.language for one in _people("comet")} == {"en"}


def test_one_sign_up_in_six_goes_wrong_each_way_in_turn() -> None:
    met = [one.fate.sign_up_failure for one in _people("tilleul", 60) if one.fate.sign_up_failure]
    assert len(met) == 60 // ONE_IN
    assert met[: len(SIGN_UP_FAILURES)] == list(SIGN_UP_FAILURES)


def test_cards_fail_early_enough_for_a_renewal_and_their_holders_stay() -> None:
    begins = first_day(example("tilleul"))
    hit = [one for one in _people("tilleul") if one.fate.card_fails is not None]
    assert Counter(one.fate.repair for one in hit) == Counter([*REPAIRS] * 4)
    for one in hit:
        assert one.joins <= begins + timedelta(days=60)
        assert one.fate.card_fails == one.joins + timedelta(days=20)
        assert one.fate.leaves is None


def test_one_person_is_a_population() -> None:
    (only,) = _people("comet", 1, days=28)
    assert only.id == "sandbox-00001"


def test_brands_for_everybody_have_no_children() -> None:
    brand = replace(example("comet"), minimum_age=None)
    for one in population(brand, 100, 1, first_day(brand), 60):
        assert one.joins.date().year - one.born.year > 18


def test_the_cards_are_documented_test_cards() -> None:
    assert all(HANDLES[card].code is None for card in GOOD_CARDS)
    assert HANDLES[FAILING_CARD].attaches
    assert HANDLES[FAILING_CARD].code == "card_declined"
    assert not HANDLES[EXPIRED_CARD].attaches


@pytest.mark.parametrize(("mean_use", "p95"), [(7200, 20_000), (1_200_000_000, 2_200_000_000), (100, 100)])
def test_use_has_the_expected_mean_and_percentile(mean_use: int, p95: int) -> None:
    chance = stream(1, "level")
    drawn = sorted(level(chance, Expected(mean_use, p95)) for _ in range(4000))
    assert mean(drawn) == pytest.approx(mean_use, rel=0.08)
    assert drawn[3800] == pytest.approx(p95, rel=0.12)


def test_where_no_lognormal_fits_use_is_wide_and_bounded() -> None:
    chance, expected = stream(1, "wide"), Expected(500, 3000)
    drawn = [level(chance, expected) for _ in range(4000)]
    assert max(drawn) <= 4 * 3000
    assert mean(drawn) == pytest.approx(500, rel=0.2)


def test_nothing_expected_is_nothing_used() -> None:
    assert level(stream(1), Expected(0, 0)) == 0


@given(st.integers(), st.floats(0, 20))
def test_counts_are_whole_and_never_negative(seed: int, expected: float) -> None:
    assert count(stream(seed, "count"), expected) >= 0


@pytest.mark.parametrize("expected", [0.3, 1.0, 4.0])
def test_counts_have_the_expected_mean(expected: float) -> None:
    chance = stream(2, "count")
    assert mean(count(chance, expected) for _ in range(4000)) == pytest.approx(expected, rel=0.08)


def test_streams_of_different_names_differ() -> None:
    assert stream(1, "a").random() != stream(1, "b").random()
    assert stream(1, "a", 1).random() == stream(1, "a", 1).random()


def test_everything_can_be_picked_and_certain_things_happen() -> None:
    chance = stream(3)
    assert {pick(chance, "abc") for _ in range(100)} == set("abc")
    assert happens(chance, 1.0)
    assert not happens(chance, 0.0)
