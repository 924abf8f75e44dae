"""What a valid plan file means: every value of the examples and of each form of the language."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mvne.brand import Brand, Expected
from mvne.planfile import examine, load
from mvne_plans.canonical import content_hash, dumps, loads
from mvne_plans.catalogue import Addon, Catalogue, Pay, Promotion, Term
from mvne_plans.money import Money
from mvne_plans.period import MONTH, Every, Unit
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate
from mvne_plans.tariff import Bucket, Priced, RatingService, Roaming, Slow, Stop
from tests.mvne.planfile.writing import BASE, US, Plans, changed

TILLEUL, COMET = Path("examples/tilleul/plan.yaml"), Path("examples/comet/plan.yaml")


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


@pytest.fixture(scope="module")
def tilleul() -> Brand:
    return load(TILLEUL)


@pytest.fixture(scope="module")
def comet() -> Brand:
    return load(COMET)


def test_tilleul_is_the_brand_of_its_file(tilleul: Brand) -> None:
    assert (tilleul.id, tilleul.name, tilleul.market.code, tilleul.currency) == (
        "tilleul",
        "Tilleul Mobile",
        "FR",
        "EUR",
    )
    assert (tilleul.languages, tilleul.timezone, tilleul.minimum_age) == (("fr", "en"), "Europe/Paris", 60)
    assert (tilleul.theme.primary, tilleul.support.phone) == ("#1f5f4a", "+33199001234")
    assert (tilleul.host.network, tilleul.host.profiles, len(tilleul.host.numbers)) == ("simulated", 1000, 1000)
    assert tilleul.host.numbers[0] == "+33639980000"
    assert tilleul.tax_table == ()


def test_douceur_has_an_hour_then_priced_calls(tilleul: Brand) -> None:
    plan = tilleul.catalogue.plans[0]
    assert (plan.id, plan.pay, plan.every, plan.price, plan.terms) == ("douceur", Pay.POSTPAID, MONTH, eur("4.90"), ())
    assert plan.tariff.buckets == (
        Bucket("voice", Kind.VOICE, 3600),
        Bucket("sms", Kind.SMS, None, fair_use=3000),
        Bucket("data", Kind.DATA, 10**9),
    )
    assert plan.tariff.beyond == {
        Kind.VOICE: Priced(Rate(Decimal("0.05"), 60)),
        Kind.SMS: Stop(),
        Kind.DATA: Slow(128_000),
    }
    assert plan.tariff.roaming == (Roaming("eea", "domestic"), Roaming("other", "refuse"))
    assert "ES" in plan.tariff.zones["eea"]
    assert len(plan.tariff.deck.rows) >= 40


def test_the_calls_to_care_homes_are_free_beside_the_allowance(tilleul: Brand) -> None:
    care = RatingService("care_calls", Kind.VOICE, "care_homes", Rate(Decimal(0), 60), False, 7200)
    assert [plan.tariff.services for plan in tilleul.catalogue.plans] == [(care,), (care,)]
    (homes,) = tilleul.catalogue.groups
    assert len(homes.numbers) == 20
    assert all(tilleul.market.fictional.contains(number) for number in homes.numbers)


def test_serenite_says_what_unlimited_means(tilleul: Brand) -> None:
    voice = tilleul.catalogue.plans[1].tariff.buckets[0]
    assert (voice.amount, voice.fair_use) == (None, 180_000)


def test_the_offers_of_tilleul(tilleul: Brand) -> None:
    assert tilleul.catalogue.addons == (
        Addon("data-1gb", "Un gigaoctet de plus", eur("3.00"), (Bucket("data-1gb.data", Kind.DATA, 10**9),)),
    )
    assert tilleul.catalogue.promotions == (
        Promotion("bienvenue", 3, Decimal(50), None, "BIENVENUE", True, None, date(2027, 3, 31)),
    )


def test_the_host_charges_tilleul_by_zone_and_by_prefix(tilleul: Brand) -> None:
    (agreement,) = tilleul.catalogue.agreements
    assert (agreement.starts, agreement.line_micro, agreement.minimum_micro) == (date(2026, 1, 1), 600_000, 500_000_000)
    assert agreement.rates[Kind.DATA]["eea"] == Rate(Decimal(1), 10**9)
    row = agreement.deck.find("+213551234567", Kind.VOICE)
    assert row is not None
    assert row.voice == Rate(Decimal("0.26"), 60)


def test_comet_is_a_prepaid_ladder_with_a_cheaper_first_term(comet: Brand) -> None:
    orbit = comet.catalogue.plans[1]
    usd = {number: Money(number * 100, "USD") for number in (60, 90, 144, 240)}
    assert (orbit.pay, orbit.every, orbit.price) == (Pay.PREPAID, Every(30, Unit.DAY), None)
    assert orbit.terms == (Term(3, usd[90], usd[60]), Term(6, usd[144]), Term(12, usd[240]))
    assert orbit.tariff.beyond[Kind.DATA] == Slow(128_000)
    assert orbit.fees == (("Recovery fee", Decimal(2)),)
    assert comet.market.prices_include_tax is False
    assert {row.region for row in comet.tax_table} >= {"NY", "CA", "DC"}
    assert comet.expected_use["orbit"][Kind.DATA] == Expected(3 * 10**9, 5_500_000_000)


@pytest.mark.parametrize("path", [TILLEUL, COMET])
def test_a_catalogue_comes_back_from_its_canonical_text(path: Path) -> None:
    catalogue = load(path).catalogue
    assert loads(Catalogue, dumps(catalogue)) == catalogue
    assert content_hash(load(path).catalogue) == content_hash(catalogue)


@pytest.mark.parametrize("path", [TILLEUL, COMET])
def test_an_example_has_no_finding_and_is_read_fast(path: Path) -> None:
    examine(path)
    begin = time.process_time()
    brand, findings = examine(path)
    assert time.process_time() - begin < 0.15
    assert brand is not None
    assert findings == []


def test_an_allowance_may_have_zones_and_a_list_of_them(plans: Plans) -> None:
    written = "voice: [{amount: 60 min, to: [domestic, eea]}, {amount: unlimited, to: GB, in: eea}]"
    tariff = plans.brand(changed("voice: 60 min", written)).catalogue.plans[0].tariff
    assert tariff.buckets[:2] == (
        Bucket("voice.1", Kind.VOICE, 3600, ("domestic", "eea")),
        Bucket("voice.2", Kind.VOICE, None, ("GB",), ("eea",)),
    )


@pytest.mark.parametrize(
    ("written", "amount"),
    [("5 GB per period", 5 * 10**9), ("5 GB per month", 5 * 10**9), ("1.5 GiB", 1610612736), ("unlimited", None)],
)
def test_a_quantity_is_read_as_people_write_it(plans: Plans, written: str, amount: int | None) -> None:
    brand = plans.brand(changed("data: 1 GB", f"data: {written}"))
    assert brand.catalogue.plans[0].tariff.buckets[2].amount == amount


def test_a_kind_that_is_not_included_may_be_priced(plans: Plans) -> None:
    text = changed("includes: {voice: 60 min, sms: unlimited, data: 1 GB}", "includes: {data: 1 GB}")
    tariff = plans.brand(text.replace("0.05/min", "0.05/min 60/1")).catalogue.plans[0].tariff
    assert tariff.beyond[Kind.VOICE] == Priced(Rate(Decimal("0.05"), 60, Increments(60, 1)))
    assert tariff.beyond[Kind.SMS] == Stop(), "not sold"


def test_roaming_of_a_plan_replaces_that_of_the_file(plans: Plans) -> None:
    own = "    roaming: {CH: {voice: 0.30/min, sms: 0.10, data: 5/GB}, other: domestic}\nroaming: {eea: domestic}\n"
    tariff = plans.brand(BASE + own).catalogue.plans[0].tariff
    prices = {
        Kind.VOICE: Rate(Decimal("0.3"), 60),
        Kind.SMS: Rate(Decimal("0.1"), 1),
        Kind.DATA: Rate(Decimal(5), 10**9),
    }
    assert tariff.roaming == (Roaming("CH", "price", prices), Roaming("other", "domestic"))


def test_roaming_is_refused_where_nothing_is_said(plans: Plans) -> None:
    assert plans.brand(BASE).catalogue.plans[0].tariff.roaming == (Roaming("other", "refuse"),)


def test_one_wholesale_price_holds_for_all_zones(plans: Plans) -> None:
    rates = plans.brand(BASE).catalogue.agreements[0].rates
    assert set(rates[Kind.VOICE]) == {"domestic", "international", "other"}
    assert set(rates[Kind.DATA]) == {"domestic", "other"}


def test_versions_of_the_agreement_are_sorted(plans: Plans) -> None:
    start = BASE.index("  agreement:")
    text = BASE[:start] + "  agreement: [{from: 2027-01-01}, {from: 2026-01-01}]\n" + BASE[BASE.index("plans:") :]
    assert [one.starts.year for one in plans.brand(text).catalogue.agreements] == [2026, 2027]


def test_a_prepaid_plan_does_not_take_the_rates_of_the_file(plans: Plans) -> None:
    text = changed("pay: postpaid", "pay: prepaid").replace("voice: 0.05/min", "voice: stop") + "rates: deck.csv\n"
    brand = plans.brand(text, deck="prefix,to,price\n+44,UK,0.10/min\n")
    assert brand.catalogue.plans[0].tariff.deck.rows == ()


def test_an_addon_may_last_for_days_and_belong_to_plans(plans: Plans) -> None:
    text = BASE + "addons: [{id: x, price: 1, includes: {voice: 10 min}, valid: 7 days, plans: [a]}]\n"
    (addon,) = plans.brand(text).catalogue.addons
    assert (addon.lasts, addon.plans, addon.buckets[0].id) == (Every(7, Unit.DAY), ("a",), "x.voice")


def test_a_promotion_may_be_an_amount_for_all(plans: Plans) -> None:
    (one,) = plans.brand(BASE + "promotions: [{id: p, off: 1.50, periods: 2, plans: [a]}]\n").catalogue.promotions
    assert (one.amount, one.percent, one.new_only, one.plans) == (eur("1.50"), None, False, ("a",))


def test_ranges_of_numbers_make_the_pool(plans: Plans) -> None:
    ranges = "numbers: [{from: 06 39 98 00 00, to: 06 39 98 00 02}, {from: +33639981000, to: +33639981000}]"
    brand = plans.brand(changed("network: simulated", f"network: simulated\n  profiles: 5\n  {ranges}"))
    assert brand.host.numbers == ("+33639980000", "+33639980001", "+33639980002", "+33639981000")
    assert brand.host.profiles == 5


def test_a_market_with_few_fictional_numbers_gives_them_all(plans: Plans) -> None:
    assert 100 < len(plans.brand(changed("market: FR", "market: de")).host.numbers) < 1000


def test_expected_use_of_the_segment_is_stretched_to_the_period(plans: Plans) -> None:
    monthly = plans.brand(BASE).expected_use["a"][Kind.VOICE]
    weekly = plans.brand(changed("price: 4.90", "price: 4.90\n    every: 15 days")).expected_use["a"][Kind.VOICE]
    assert (weekly.mean, weekly.p95) == (monthly.mean // 2, monthly.p95 // 2)


def test_a_message_group_is_priced_per_message(plans: Plans) -> None:
    groups = "    services: [s]\nnumber_groups: {g: {source: g.csv}}\n"
    text = BASE + groups + "services: {s: {sms to: g, price: 0.02, from_allowance: yes}}\n"
    (service,) = plans.brand(text, g="number\n0199001234\n").catalogue.plans[0].tariff.services
    assert service == RatingService("s", Kind.SMS, "g", Rate(Decimal("0.02"), 1), True, None)


def test_every_default_has_its_reason(plans: Plans) -> None:
    brand = plans.brand(BASE)
    reasons = {one.path: (one.value, one.reason) for one in brand.defaults}
    assert reasons["plans.a.every"] == ("month", "default of the language")
    assert reasons["brand.timezone"] == ("Europe/Paris", "market pack FR")
    assert reasons["host.numbers"][0] == "1000 from +33639980000"
    assert reasons["host.agreement.voice.other"] == ("0.0035/min", "the one price written for all zones")
    assert reasons["plans.a.expected_use.voice"][1] == "assumption for the segment general"
    assert reasons["roaming.other"][0] == "refuse"


def test_every_setting_has_its_line(plans: Plans) -> None:
    settings = {one.path: (one.value, one.reason) for one in plans.brand(BASE).settings}
    assert settings["plans.a.then.voice"] == ("0.05/min", f"{plans.folder / 'plan.yaml'}:10")


def test_a_tax_may_be_an_amount_per_line(plans: Plans) -> None:
    brand = plans.brand(US + "tax: {table: t.csv}\n", t="region,name,percent,per_line\nNY,911,0,1.25\n")
    assert brand.tax_table[0].per_line == Money(125, "USD")


def test_reading_a_plan_file_imports_nothing_heavy() -> None:
    heavy = "{'sqlalchemy', 'stripe', 'fastapi', 'rich', 'click', 'jinja2', 'babel', 'phonenumbers', 'pyarrow'}"
    code = f"import sys, mvne.planfile; mvne.planfile.load('{TILLEUL}'); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
