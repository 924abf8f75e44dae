"""Margins, computed by hand beside the code."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne.brand import Brand
from mvne.margin import Margin, Use, agreement_on, margins, per_period, ways_to_pay
from mvne.margin_table import lines_for_minimum, margins_as_json, render_margins
from mvne.planfile import load
from mvne_plans.period import MONTH, Every, Unit
from tests.mvne.planfile.writing import BASE, Plans, changed

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def tilleul() -> Brand:
    return load("examples/tilleul/plan.yaml")


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    return Plans(tmp_path)


def _one(found: list[Margin], plan: str, use: Use, paid: str = "per period") -> Margin:
    (margin,) = [one for one in found if (one.plan, one.use, one.paid) == (plan, use, paid)]
    return margin


def _using(data: str) -> str:
    return f"    expected_use: {{voice: {{mean: 1 min, p95: 1 min}}, sms: {{mean: 1, p95: 1}}, data: {{{data}}}}}\n"


def test_douceur_at_mean_use_by_hand(tilleul: Brand) -> None:
    """120 min, 20 messages and 0.5 GB: 60 min beyond are priced, VAT of 20 percent is taken out."""
    margin = _one(margins(tilleul, TODAY), "douceur", Use.MEAN)
    assert margin.revenue.minor == 408  # 4.90 / 1.2 = 4.0833
    assert margin.charges.minor == 250  # 60 * 0.05 / 1.2 = 2.50
    assert margin.host.minor == 149  # 0.60 + 120 * 0.0035 + 20 * 0.002 + 0.5 * 0.85 = 1.485
    assert margin.contribution.minor == 509
    assert margin.percent == Decimal("77.4")  # 5.09 / 6.58


def test_douceur_at_the_95th_percentile_by_hand(tilleul: Brand) -> None:
    """500 min, 80 messages, 3 GB of which 2 at the slow speed."""
    margin = _one(margins(tilleul, TODAY), "douceur", Use.P95)
    assert margin.charges.minor == 1833  # 440 * 0.05 / 1.2
    assert margin.host.minor == 506  # 0.60 + 500 * 0.0035 + 80 * 0.002 + 3 * 0.85 = 5.06


def test_douceur_at_worst_by_hand(tilleul: Brand) -> None:
    """Everything included is used up in the EEA, where the host charges most, then 30 days at 128 kbit/s."""
    margin = _one(margins(tilleul, TODAY), "douceur", Use.WORST)
    assert margin.charges.minor == 0
    assert margin.host.minor == 5279  # 0.60 + 60 * 0.012 + 3000 * 0.003 + 1 + 41.472
    assert not margin.unbounded
    assert "data 41.47 GB more at 128 kbit/s" in margin.notes
    assert "sms 3000 sms (fair use)" in margin.notes


def test_a_prepaid_ladder_is_shown_at_its_usual_and_its_cheapest_price_with_its_fee() -> None:
    comet = load("examples/comet/plan.yaml")
    found = margins(comet, TODAY)
    assert _one(found, "orbit", Use.MEAN, "3 periods").revenue.minor == 3060  # 90 / 3 and 2 percent, before tax
    cheapest = _one(found, "orbit", Use.MEAN, "12 periods")
    assert cheapest.revenue.minor == 2040  # 240 / 12 and 2 percent
    assert cheapest.host.minor == 614  # 1.50 * 360 / 365 + 150 * 0.004 + 80 * 0.002 + 3 * 1.30


def test_a_first_term_counts_when_it_is_the_cheapest(plans: Plans) -> None:
    text = changed("price: 4.90", "terms: [{periods: 3, price: 12, first: 6}]")
    plan = plans.brand(text).catalogue.plans[0]
    assert ways_to_pay(plan) == [("3 periods", Fraction(400)), ("first 3 periods", Fraction(200))]


def test_unlimited_without_a_fair_use_is_what_physics_allows(plans: Plans) -> None:
    text = changed("voice: 60 min, sms: unlimited", "voice: unlimited").replace("voice: 0.05/min, ", "")
    margin = _one(margins(plans.brand(text), TODAY), "a", Use.WORST)
    assert margin.unbounded
    assert margin.notes[0] == "voice 43200 min (unbounded: nothing in the plan limits it)"
    assert margin.host.minor == 15265  # 0.60 + 43 200 * 0.0035 + 0.85


def test_what_stops_costs_no_more_than_what_is_included(plans: Plans) -> None:
    found = margins(plans.brand(BASE + _using("mean: 1 GB, p95: 9 GB")), TODAY)
    assert _one(found, "a", Use.MEAN).host == _one(found, "a", Use.P95).host


def test_the_slow_speed_carries_only_so_much(plans: Plans) -> None:
    text = changed("data: stop", "data: slow 1 kbit/s")
    margin = _one(margins(plans.brand(text + _using("mean: 900 GB, p95: 900 GB")), TODAY), "a", Use.MEAN)
    assert margin.host.minor == 173  # 0.60 + 0.0035 + 0.002 + (1 + 0.324) * 0.85 = 1.7309


def _expecting(voice: str = "1 min", data: str = "0.001 GB") -> str:
    voices, datas = (f"{{mean: {one}, p95: {one}}}" for one in (voice, data))
    return f"    expected_use: {{voice: {voices}, sms: {{mean: 1, p95: 1}}, data: {datas}}}\n"


BIG = "  - {id: big, pay: postpaid, price: 12.90, includes: {data: 5 GB}, then: {data: stop}}\n"


@pytest.mark.parametrize(
    ("text", "charges", "host"),
    [
        # 10 minutes beyond at 0.12, then 30 at 0.06: 3.00, without VAT 2.50. Host: 0.60 + 100 * 0.0035 + 0.002.
        (
            changed("voice: 0.05/min", "voice: [{price: 0.12/min, for: 10 min}, 0.06/min]") + _expecting("100 min"),
            "2.50",
            "0.95",
        ),
        # Steps of the period: 20 at 0.12 and 20 at 0.06.
        (
            changed("voice: 0.05/min", "voice: {tiers: [{up_to: 20 min, price: 0.12/min}, {price: 0.06/min}]}")
            + _expecting("100 min"),
            "3.00",
            "0.95",
        ),
        # An allowance at a price of its own, and one that a minute takes two of: 30 minutes at 0.06, then 30 free.
        (
            changed(
                "voice: 60 min", "voice: [{amount: 60 min, factor: 2, price: 0.06/min}, {amount: 30 min, priority: 1}]"
            )
            + _expecting("60 min"),
            "1.50",
            "0.81",
        ),
        # What is not for any use at home is left out: the whole hour is beyond.
        (
            changed("voice: 60 min", "voice: [{amount: 60 min, bands: evening}, {amount: 60 min, to: eea}]")
            + _expecting("60 min")
            + "bands: {evening: {from: 18:00}}\n",
            "2.50",
            "0.81",
        ),
        # Two slow speeds: the first takes 80,000 of 2,592,000 seconds for its 10 GB, the second carries 40.192 GB then.
        (
            changed("data: stop", "data: [{slow: 1 Mbit/s, for: 10 GB}, slow 128 kbit/s]") + _expecting(data="900 GB"),
            "0.00",
            "44.12",
        ),
        # The next plan: 8.00 once, without VAT 6.67, for 4 GB more; then it stops. 5 GB at 0.85.
        (changed("data: stop", "data: {next: big}") + _expecting(data="7 GB") + BIG, "6.67", "4.86"),
    ],
)
def test_expected_use_follows_allowances_and_steps_by_hand(plans: Plans, text: str, charges: str, host: str) -> None:
    margin = _one(margins(plans.brand(text), TODAY), "a", Use.MEAN)
    assert (margin.charges.decimal(), margin.host.decimal()) == (charges, host)


def test_worst_goes_down_the_slow_steps_and_stops_where_use_has_a_price(plans: Plans) -> None:
    steps = "[{slow: 1 Mbit/s, for: 10 GB}, {slow: 128 kbit/s, for: 100 GB}, 1/GB]"
    texts = (changed("data: stop", f"data: {steps}"), BASE)
    margin, stopped = (_one(margins(plans.brand(text), TODAY), "a", Use.WORST) for text in texts)
    # 10 GB take 80,000 of 2,592,000 seconds; the rest carries 40.192 GB at 128 kbit/s, less than the 100 of the step.
    assert margin.notes[-2:] == ("data 10 GB more at 1 Mbit/s", "data 40.19 GB more at 128 kbit/s")
    assert (margin.host - stopped.host).minor == 4266  # 50.192 * 0.85


def test_worst_abroad_is_no_more_than_the_limit_there(plans: Plans) -> None:
    dear = changed("data: 0.85/GB", "data: {domestic: 1/GB, eea: 3/GB}") + "roaming: {eea: domestic}\n"
    limited = dear.replace("data: 1 GB", "data: {amount: 1 GB, limits: {roaming: 200 MB}}")
    hosts = [_one(margins(plans.brand(text), TODAY), "a", Use.WORST).host.minor for text in (dear, limited)]
    assert hosts[0] - hosts[1] == 160  # 3.00 against 0.2 * 3 + 0.8 * 1


def test_a_host_that_takes_a_share_takes_it_of_all_that_comes_in(plans: Plans) -> None:
    text = changed("voice: 0.0035/min, sms: 0.002, data: 0.85/GB", "retail_minus: 40%") + _expecting("160 min")
    margin = _one(margins(plans.brand(text), TODAY), "a", Use.MEAN)
    assert (margin.revenue.minor, margin.charges.minor) == (408, 417)  # 100 minutes at 0.05, without VAT
    assert margin.host.minor == 555  # 0.60 + 60 percent of 8.25


def test_what_is_bought_as_a_whole_is_in_no_line_s_cost_and_says_so(plans: Plans) -> None:
    text = changed("data: 0.85/GB", "capacity: {of: data, price: 500/month}") + _expecting(data="1 GB")
    found = margins(plans.brand(text), TODAY)
    assert _one(found, "a", Use.MEAN).host.minor == 61  # 0.60 + 0.0035 + 0.002
    assert "data is bought as a whole, which is in no line's cost" in _one(found, "a", Use.WORST).notes


def test_a_host_s_price_with_steps_counts_at_its_dearest(plans: Plans) -> None:
    text = changed("data: 0.85/GB", "data: {tiers: [{up_to: 1 GB, price: 0.5/GB}, {price: 2/GB}]}")
    assert _one(margins(plans.brand(text + _expecting(data="1 GB")), TODAY), "a", Use.MEAN).host.minor == 261


def test_an_agreement_to_come_is_used_when_none_is_in_force(plans: Plans) -> None:
    brand = plans.brand(changed("2026-01-01", "2027-01-01"))
    agreement = agreement_on(brand, TODAY)
    assert agreement is not None
    assert agreement.starts == date(2027, 1, 1)


def test_the_version_in_force_on_the_day_is_used(plans: Plans) -> None:
    start = BASE.index("  agreement:")
    rest = "voice: 0.01/min, sms: 0, data: 1/GB"
    text = (
        BASE[:start]
        + f"  agreement: [{{from: 2026-01-01, line: 1/month, {rest}}}, {{from: 2027-01-01, line: 2/month, {rest}}}]\n"
        + BASE[BASE.index("plans:") :]
    )
    brand = plans.brand(text)
    before, after = (_one(margins(brand, date(year, 6, 1)), "a", Use.MEAN).host.minor for year in (2026, 2027))
    assert after - before == 100


@given(st.integers(1, 10**9), st.integers(1, 24), st.sampled_from(Unit))
def test_an_amount_per_period_comes_to_itself(micro: int, count: int, unit: Unit) -> None:
    every = Every(count, unit)
    assert per_period(micro, every, every) == micro
    assert per_period(micro, every, MONTH) * count == (micro if unit is Unit.MONTH else micro * Fraction(365, 12))


def test_the_minimum_of_the_agreement_is_reached_at_some_number_of_lines(tilleul: Brand) -> None:
    (agreement,) = tilleul.catalogue.agreements
    lines = lines_for_minimum(tilleul, agreement, margins(tilleul, TODAY))
    assert lines["douceur"] == 336  # 500 / 1.49


def test_the_table_adds_up_and_says_what_worst_means(tilleul: Brand) -> None:
    page = render_margins(margins(tilleul, TODAY), tilleul)
    assert page.splitlines()[:3] == [
        "Margin per line and period, before tax, in EUR",
        "plan      paid        use    revenue  charges   host    left    percent",
        "douceur   per period  mean      4.08     2.50   1.49    5.09     77.4 %",
    ]
    assert "worst of serenite: voice 3000 min (fair use)" in page


def test_margins_for_machines(tilleul: Brand) -> None:
    first = margins_as_json(margins(tilleul, TODAY))[0]
    assert first == {
        "plan": "douceur",
        "paid": "per period",
        "use": "mean",
        "currency": "EUR",
        "revenue": 408,
        "charges": 250,
        "host": 149,
        "contribution": 509,
        "percent": "77.4",
        "unbounded": False,
        "notes": [],
    }


def test_a_free_plan_has_no_percentage(plans: Plans) -> None:
    text = changed("price: 4.90", "price: 0").replace("voice: 0.05/min", "voice: stop")
    margin = _one(margins(plans.brand(text), TODAY), "a", Use.MEAN)
    assert margin.percent is None
    assert margin.contribution.minor < 0
    assert "%" not in render_margins([margin], plans.brand(text))
