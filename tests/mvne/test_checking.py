"""Checking a plan file: findings of the file, and of its economics."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from mvne.checking import check
from mvne.margin import agreement_on, margins
from mvne.planfile import Severity
from tests.mvne.planfile.writing import BASE, Plans, changed, marked

TODAY = date(2026, 11, 24)
DECK = "prefix,to,price,increments,sms\n+44,UK,0.10/min,60/1,0.08\n"


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    return Plans(tmp_path)


@pytest.mark.parametrize("example", ["tilleul", "comet"])
def test_an_example_is_ready_to_launch(example: str) -> None:
    report = check(f"examples/{example}/plan.yaml", on=TODAY)
    assert report.ok
    assert report.brand is not None
    assert report.findings == ()
    assert {one.plan for one in report.margins} == {plan.id for plan in report.brand.catalogue.plans}


def test_a_wrong_file_gives_its_findings_and_no_margin(tmp_path: Path) -> None:
    report = check(tmp_path / "nowhere.yaml", on=TODAY)
    assert not report.ok
    assert (report.brand, report.margins) == (None, ())
    assert [one.code for one in report.findings] == ["no_such_file"]


ZONED = changed("voice: 0.0035/min", "¦voice: {domestic: 0.0035/min}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (changed("voice: 0.0035/min, ", "").replace("{from", "¦{from"), "no wholesale price of voice at home"),
        (ZONED + "roaming: {eea: domestic}\n", "voice abroad (zone eea), which the plan 'a' sells"),
        (ZONED + "roaming: {CH: {voice: 1/min, sms: 1, data: 9/GB}}\n", "voice abroad (zone CH)"),
        (ZONED + "roaming: {other: domestic}\n", "voice abroad (zone other)"),
        (ZONED + "rates: deck.csv\n", "voice to other countries (zone international)"),
        (ZONED.replace("voice: 60 min", "voice: {amount: 60 min, to: [domestic, GB]}"), "to other countries"),
        (ZONED.replace("voice: 60 min", "voice: {amount: 60 min, in: [domestic, GB]}"), "abroad (zone GB)"),
    ],
)
def test_what_a_plan_sells_without_a_wholesale_price_is_an_error(plans: Plans, text: str, says: str) -> None:
    text, place = marked(text)
    report = check(plans.write(text, deck=DECK), on=TODAY)
    assert [one.code for one in report.findings] == ["no_wholesale_price"], [str(one) for one in report.findings]
    finding = report.findings[0]
    assert (finding.line, finding.column) == place
    assert finding.severity is Severity.ERROR
    assert says in finding.message
    assert report.brand is None
    assert report.margins == ()


def test_a_wholesale_price_of_a_part_of_what_is_sold_is_not_enough(plans: Plans) -> None:
    text = ZONED.replace("¦", "").replace("domestic: 0.0035/min", "domestic: 0.0035/min, eea: 0.01/min")
    report = check(plans.write(text + "roaming: {eu_roaming: domestic}\n"), on=TODAY)
    assert ["abroad (zone eu_roaming)" in one.message for one in report.findings] == [True], (
        "Ukraine is outside the EEA"
    )
    text = ZONED.replace("¦", "").replace("sms: 0.002", "sms: 0.002, rates: host.csv") + "rates: deck.csv\n"
    report = check(plans.write(text, deck=DECK + "+41,CH,0.20/min,,\n", host=DECK), on=TODAY)
    unpriced = [one.message for one in report.findings if one.code == "no_wholesale_price"]
    assert ["zone international" in message for message in unpriced] == [True], "no price to +41"


@pytest.mark.parametrize(
    "text",
    [
        ZONED.replace("{domestic: 0.0035/min}", "{domestic: 0.0035/min, eea: 0.01/min}") + "roaming: {eea: domestic}\n",
        ZONED.replace("{domestic: 0.0035/min}", "{domestic: 0.0035/min, eea: 0.01/min}") + "roaming: {ES: domestic}\n",
        ZONED.replace("{domestic: 0.0035/min}", "{domestic: 0.0035/min}, rates: host.csv") + "rates: deck.csv\n",
    ],
)
def test_a_wholesale_price_of_the_zone_or_the_prefix_is_enough(plans: Plans, text: str) -> None:
    report = check(plans.write(text.replace("¦", ""), deck=DECK, host=DECK), on=TODAY)
    assert [str(one) for one in report.findings if one.code == "no_wholesale_price"] == []


def _warning(plans: Plans, text: str, on: date = TODAY, **tables: str) -> str:
    text, place = marked(text)
    report = check(plans.write(text, **tables), on=on)
    assert len(report.findings) == 1, [str(one) for one in report.findings]
    finding = report.findings[0]
    assert (finding.line, finding.column) == place
    assert finding.severity is Severity.WARNING
    assert report.ok
    return f"{finding.code}: {finding.message}"


def test_a_brand_without_an_agreement_has_no_margin(plans: Plans) -> None:
    brand = plans.brand(BASE)
    bare = replace(brand, catalogue=replace(brand.catalogue, agreements=()))
    assert agreement_on(bare, TODAY) is None
    assert margins(bare, TODAY) == []


def test_an_agreement_that_is_not_in_force_yet_is_a_warning(plans: Plans) -> None:
    said = _warning(plans, changed("from: 2026-01-01", "¦from: 2027-01-01"))
    assert said.startswith("not_in_force: no agreement is in force on 2026-11-24")


def test_a_price_below_the_host_s_is_a_warning(plans: Plans) -> None:
    text = changed("voice: 0.05/min", "¦voice: 0.0041/min")
    assert "below_cost: voice beyond the allowance" in _warning(plans, text), "0.0041 is 0.00342 before VAT"


def test_a_deck_below_the_host_s_prices_is_a_warning(plans: Plans) -> None:
    text = changed("data: 0.85/GB", "data: 0.85/GB, rates: host.csv") + "¦rates: deck.csv\n"
    host = "prefix,to,price\n+44,UK,0.09/min\n"
    assert "1 prices of the deck" in _warning(plans, text, deck=DECK, host=host), "0.10 is 0.083 before VAT"


def test_every_price_beyond_and_abroad_is_compared_with_the_host_s(plans: Plans) -> None:
    steps = changed("voice: 0.05/min", "¦voice: [{price: 0.05/min, for: 5 min}, 0.0041/min]")
    assert "below_cost: voice beyond" in _warning(plans, steps)
    bands = (
        changed("voice: 0.05/min", "¦voice: {price: 0.05/min, bands: {night: 0.004/min}}")
        + "bands: {night: {to: 6:00}}\n"
    )
    assert "below_cost: voice beyond" in _warning(plans, bands)
    tiers = changed("voice: 0.05/min", "¦voice: {tiers: [{up_to: 9 min, price: 1/min}, {price: 0.004/min}]}")
    assert "below_cost: voice beyond" in _warning(plans, tiers)
    abroad = BASE + "roaming: {CH: {voice: 1/min, sms: 1, ¦data: 1/GB}}\n"
    assert "below_cost: data in CH costs the host up to 0.85/GB" in _warning(plans, abroad)


@pytest.mark.parametrize("agreement", ["retail_minus: 40%", "capacity: {of: [voice, sms, data], price: 500/month}"])
def test_what_has_no_price_by_the_unit_needs_none_for_a_zone(plans: Plans, agreement: str) -> None:
    text = changed("voice: 0.0035/min, sms: 0.002, data: 0.85/GB", agreement) + "roaming: {eea: domestic}\n"
    assert check(plans.write(text), on=TODAY).findings == ()


@pytest.mark.parametrize(
    ("bands", "idle"),
    [
        ("  ¦late: {from: 20:00}\n", True),  # within the evening before it
        ("  late: {from: 17:00}\n", False),
        ("  ¦sunday: {days: sun, since: 2027-03-01, until: 2027-03-06}\n", True),  # Monday to Saturday
        ("  sunday: {days: sun, since: 2027-03-01, until: 2027-03-07, to: 09:00}\n", False),
        ("  ¦feast: {days: holiday}\n", True),  # there is none
        ("  feast: {days: holiday, to: 09:00}\nholidays: [02-29]\n", False),
        ("  feast: {days: holiday, to: 09:00}\nholidays: [2031-05-01]\n", False),
    ],
)
def test_a_time_band_that_never_holds_is_a_warning(plans: Plans, bands: str, idle: bool) -> None:
    text = changed("voice: 0.05/min", "voice: {price: 0.05/min, bands: {evening: 0.04/min}}")
    text += "bands:\n  evening: {from: 18:00, to: 24:00}\n" + bands
    if idle:
        assert "never holds" in _warning(plans, text)
    else:
        assert check(plans.write(text), on=TODAY).findings == ()


@pytest.mark.parametrize(
    ("data", "roaming", "says"),
    [
        ("50 GB", "{as: domestic, fair_use: 7 GB}", "7 GB of data work in the EU; by its price, 7.43 GB have to"),
        ("2 GB", "{as: domestic, fair_use: 1 GB}", "1 GB of data work in the EU; by its price, all of it have to"),
        ("50 GB", "{as: domestic, fair_use: 8 GB}", ""),
        ("50 GB", "{as: domestic, fair_use: auto}", ""),
        ("50 GB", "{as: domestic, fair_use: auto 2026-06-01}", ""),
        ("50 GB", "{as: domestic, fair_use: auto 2025-06-01}", "6.29 GB of data work in the EU; by its price, 7.43 GB"),
        ("50 GB", "{as: domestic, fair_use: auto, then: {data: 1.32/GB}}", ""),  # 1.10 before tax
    ],
)
def test_a_fair_use_below_the_eu_s_volume_is_a_warning(plans: Plans, data: str, roaming: str, says: str) -> None:
    text = changed("data: 1 GB", f"¦data: {data}") + _using("mean: 1 MB, p95: 1 MB") + f"roaming: {{eea: {roaming}}}\n"
    if says:
        assert f"fair_use_below_law: {says}" in _warning(plans, text)
    else:
        assert check(plans.write(text.replace("¦", "")), on=TODAY).findings == ()


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ("¦data: 1.33/GB", "a surcharge of 1.33/GB is above the EU's cap of 1.10 EUR per GB before tax"),
        ("¦voice: 0.03/min", "above the EU's cap of 0.019 EUR per min"),
        ("¦sms: 0.01", "above the EU's cap of 0.003 EUR per sms"),
    ],
)
def test_a_surcharge_above_the_eu_s_cap_is_a_warning(plans: Plans, then: str, says: str) -> None:
    text = BASE + f"roaming: {{eea: {{as: domestic, fair_use: auto, then: {{{then}}}}}}}\n"
    assert says in _warning(plans, text)
    assert check(plans.write(text.replace("¦", "")), on=date(2033, 1, 1)).ok, "no cap is known then"


def _using(data: str) -> str:
    return f"    expected_use: {{voice: {{mean: 9 min, p95: 9 min}}, sms: {{mean: 1, p95: 1}}, data: {{{data}}}}}\n"


def test_a_loss_at_the_95th_percentile_is_a_warning(plans: Plans) -> None:
    text = changed("data: 1 GB", "data: 9 GB").replace("price: 4.90", "¦price: 4.90")
    assert "at p95 use, paid per period, each line loses 0.80 EUR" in _warning(
        plans, text + _using("mean: 1 GB, p95: 5 GB")
    )


def test_a_loss_at_mean_use_is_a_warning_of_its_own(plans: Plans) -> None:
    text = changed("data: 1 GB", "data: 9 GB") + _using("mean: 5 GB, p95: 6 GB")
    report = check(plans.write(text), on=TODAY)
    assert [(one.code, one.message[:7]) for one in report.findings] == [
        ("negative_margin", "at mean"),
        ("negative_margin", "at p95 "),
    ]


def test_a_loss_by_a_term_points_at_the_terms(plans: Plans) -> None:
    text = changed("price: 4.90", "price: 9\n    ¦terms: [{periods: 12, price: 12}]")
    assert "at p95 use, paid 12 periods" in _warning(plans, text + _using("mean: 0.1 GB, p95: 1 GB"))
