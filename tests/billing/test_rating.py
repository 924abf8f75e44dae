"""The price of one record, against tables worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mvne_billing.rating.result import Rated, Reason, Rule, Unrateable, World, parts_from, parts_text
from mvne_billing.usage.record import UsageRecord
from mvne_plans.money import Rounding
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket, Priced, RatingService, Roaming, Stop, Tariff
from tests.billing.builders import (
    CARE_HOME,
    DE_NUMBER,
    FREEPHONE,
    GB,
    GB_FREEPHONE,
    GB_NUMBER,
    GB_PREMIUM,
    HOME_NUMBER,
    IT_NUMBER,
    MB,
    PREMIUM,
    SATELLITE,
    US_NUMBER,
    agreement,
    bytes_used,
    data,
    rated,
    record,
    sms,
    tariff,
    texts,
    voice,
    world,
)

FULL = {"voice": 0, "data": 0}
EMPTY = {"voice": 3600, "data": GB}


def price(
    one: UsageRecord,
    terms: Tariff | None = None,
    used: dict[str, int] | None = None,
    addons: tuple[Bucket, ...] = (),
    where: World | None = None,
) -> Rated:
    return rated(one, terms or tariff(), where or world(), FULL if used is None else used, addons)


def walked(priced: Rated) -> list[tuple[str, str, int, int, int]]:
    """Return the parts as (rule, name, units, billable, charge)."""
    return [(part.rule.value, part.name, part.units, part.billable, part.charge_micro) for part in priced.parts]


def refused(one: UsageRecord, terms: Tariff | None = None, where: World | None = None) -> Reason:
    with pytest.raises(Unrateable) as caught:
        price(one, terms, where=where)
    assert caught.value.message
    return caught.value.reason


# 0.05/min is 50,000 micro-euros for 60 seconds: 5,000 for 6.
@pytest.mark.parametrize(
    ("increments", "seconds", "used", "parts"),
    [
        ("1/1", 90, 3600, [("price", "voice", 90, 90, 75_000)]),
        ("60/1", 6, 3600, [("price", "voice", 6, 60, 50_000)]),
        ("60/1", 61, 3600, [("price", "voice", 61, 61, 50_833)]),
        ("60/60", 61, 3600, [("price", "voice", 61, 120, 100_000)]),
        ("30/6", 31, 3600, [("price", "voice", 31, 36, 30_000)]),
        # Crossing: the allowance takes what is left, the overrun of the whole record falls on the last part.
        ("1/1", 90, 3540, [("bucket", "voice", 60, 0, 0), ("price", "voice", 30, 30, 25_000)]),
        ("60/1", 30, 3590, [("bucket", "voice", 10, 0, 0), ("price", "voice", 20, 50, 41_667)]),
        ("60/1", 90, 3540, [("bucket", "voice", 60, 0, 0), ("price", "voice", 30, 30, 25_000)]),
        ("60/60", 61, 3540, [("bucket", "voice", 60, 0, 0), ("price", "voice", 1, 60, 50_000)]),
        ("60/60", 61, 3539, [("bucket", "voice", 61, 0, 0)]),
        ("60/60", 1, 3599, [("bucket", "voice", 1, 0, 0)]),
        ("60/1", 3600, 0, [("bucket", "voice", 3600, 0, 0)]),
        ("60/1", 3601, 0, [("bucket", "voice", 3600, 0, 0), ("price", "voice", 1, 1, 833)]),
    ],
)
def test_an_allowance_is_used_before_the_price_beyond(
    increments: str, seconds: int, used: int, parts: list[tuple[str, str, int, int, int]]
) -> None:
    terms = tariff(beyond={Kind.VOICE: Priced(voice(f"0.05/min {increments}"))})
    assert walked(price(record(seconds), terms, {"voice": used})) == parts


@pytest.mark.parametrize(
    ("used", "taken"), [(0, {"voice": 90}), (3550, {"voice": 50}), (3600, {}), (9999, {})], ids=str
)
def test_what_a_record_takes_from_a_bucket_is_reported(used: int, taken: dict[str, int]) -> None:
    assert price(record(90), used={"voice": used}).taken == taken


def test_a_bucket_that_was_never_used_is_full() -> None:
    assert price(record(3600), used={}).taken == {"voice": 3600}


def test_an_unlimited_bucket_takes_everything_and_is_counted() -> None:
    terms = tariff(buckets=(Bucket("voice", Kind.VOICE, None, fair_use=3000),))
    assert walked(price(record(99_999), terms, {"voice": 10**9})) == [("bucket", "voice", 99_999, 0, 0)]


def test_buckets_are_used_in_the_order_of_the_plan_then_add_ons() -> None:
    terms = tariff(buckets=(Bucket("first", Kind.DATA, 10), Bucket("second", Kind.DATA, 20)))
    extra = (Bucket("p1:more", Kind.DATA, 30), Bucket("p2:more", Kind.DATA, 40))
    priced = price(bytes_used(105), terms, {"second": 5, "p1:more": 29}, extra)
    assert walked(priced) == [
        ("bucket", "first", 10, 0, 0),
        ("bucket", "second", 15, 0, 0),
        ("bucket", "p1:more", 1, 0, 0),
        ("bucket", "p2:more", 40, 0, 0),
        ("slow", "data", 39, 0, 0),
    ]
    assert priced.taken == {"first": 10, "second": 15, "p1:more": 1, "p2:more": 40, "slow:data": 39}


def test_a_bucket_of_another_kind_is_not_touched() -> None:
    assert walked(price(texts(2))) == [("price", "sms", 2, 2, 120_000)]


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (tariff().beyond[Kind.DATA], ("slow", "data", 500, 0, 0)),
        (Stop(), ("stop", "data", 500, 0, 0)),
        (Priced(data("2/GB 100 KB")), ("price", "data", 500, 100_000, 200)),
    ],
    ids=["slow", "stop", "price"],
)
def test_beyond_the_data_allowance_each_rule_has_its_part(
    rule: Priced | Stop, part: tuple[str, str, int, int, int]
) -> None:
    terms = tariff(beyond={Kind.DATA: rule})
    assert walked(price(bytes_used(500), terms, EMPTY)) == [part]


@pytest.mark.parametrize(
    ("to", "part"),
    [
        (GB_NUMBER, ("deck", "+447", 61, 120, 600_000)),
        ("+442071838750", ("deck", "+44", 61, 61, 101_667)),
        (US_NUMBER, ("deck", "+1", 61, 61, 203_333)),
        (PREMIUM, ("deck", "+3389", 61, 61, 813_333)),
        ("08 99 12 34 56", ("deck", "+3389", 61, 61, 813_333)),
        ("0044 2071838750", ("deck", "+44", 61, 61, 101_667)),
    ],
)
def test_what_no_allowance_covers_goes_by_the_longest_prefix_of_the_deck(
    to: str, part: tuple[str, str, int, int, int]
) -> None:
    assert walked(price(record(61, to))) == [part]


def test_a_row_without_a_price_for_the_kind_leaves_it_to_a_shorter_one() -> None:
    assert walked(price(texts(3, to=GB_NUMBER))) == [("deck", "+44", 3, 3, 450_000)]


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (record(to="+6391234567"), Reason.UNKNOWN_DESTINATION),
        (record(to="1234"), Reason.UNKNOWN_DESTINATION),
        (record(to="not a number"), Reason.UNKNOWN_DESTINATION),
        (record(to=DE_NUMBER), Reason.NO_TARIFF),
        (record(to=SATELLITE), Reason.NO_TARIFF),
        (record(to="3639"), Reason.NO_TARIFF),
        # A premium number never rides along with its country's prefix, at home or abroad.
        (record(to=GB_PREMIUM), Reason.NO_TARIFF),
        (texts(to=PREMIUM), Reason.NO_TARIFF),
        (record(to=GB_FREEPHONE), Reason.NO_TARIFF),
        (texts(to=US_NUMBER), Reason.NO_TARIFF),
        (record(country="US"), Reason.ROAMING_REFUSED),
        (bytes_used(1, country="DE"), Reason.ROAMING_REFUSED),
    ],
    ids=lambda value: f"{value.kind}-{value.to}-{value.country}" if isinstance(value, UsageRecord) else value,
)
def test_what_has_no_price_says_why(one: UsageRecord, reason: Reason) -> None:
    assert refused(one) is reason


def test_a_short_code_has_a_price_only_as_a_whole() -> None:
    deck = replace(tariff().deck, rows=(replace(tariff().deck.rows[0], prefix="36"),))
    assert refused(record(to="3639"), tariff(deck=deck)) is Reason.NO_TARIFF
    assert refused(record(to="3640"), tariff(deck=deck)) is Reason.UNKNOWN_DESTINATION
    own = replace(deck, rows=(replace(deck.rows[0], prefix="3639"),))
    terms = tariff(deck=own)
    where = world(agreements=(agreement(deck=own),))
    assert walked(price(record(60, "3639"), terms, where=where)) == [("deck", "3639", 60, 60, 100_000)]


def test_a_kind_of_use_without_a_rule_beyond_is_refused_and_only_then() -> None:
    terms = tariff(beyond={})
    assert walked(price(record(3600), terms)) == [("bucket", "voice", 3600, 0, 0)]
    assert refused(record(3601), terms) is Reason.NO_TARIFF
    assert refused(texts(), terms) is Reason.NO_TARIFF


@pytest.mark.parametrize(
    ("to", "country"), [("112", "FR"), ("15", "US"), ("112", "JP"), (FREEPHONE, "FR"), ("0800 00 00 00", "FR")]
)
def test_emergency_and_freephone_calls_are_free_and_uncounted(to: str, country: str) -> None:
    priced = price(record(600, to, country=country))
    assert [part.rule for part in priced.parts] == [Rule.FREE]
    assert (priced.charge_micro, priced.taken) == (0, {})


def test_a_freephone_number_is_an_ordinary_call_from_a_priced_zone_abroad() -> None:
    terms = tariff(roaming=(Roaming("other", "price", {Kind.VOICE: voice("1/min")}),))
    assert walked(price(record(60, FREEPHONE, country="US"), terms)) == [("roaming", "other", 60, 60, 1_000_000)]


@pytest.mark.parametrize(
    ("amount", "kind"), [(0, Kind.VOICE), (0, Kind.SMS), (0, Kind.DATA)], ids=lambda value: str(value)
)
def test_no_use_has_no_parts_and_no_price(amount: int, kind: Kind) -> None:
    priced = price(record(amount, kind=kind))
    assert (priced.parts, priced.charge_micro, priced.cost_micro, priced.taken) == ((), 0, 0, {})


CARE = RatingService("care_calls", Kind.VOICE, "care_homes", voice("0/min"), False, 7200)


@pytest.mark.parametrize(
    ("changes", "seconds", "used", "parts"),
    [
        ({}, 600, 0, [("service", "care_calls", 600, 0, 0)]),
        ({"limit": None}, 9000, 0, [("service", "care_calls", 9000, 0, 0)]),
        ({}, 7260, 0, [("service", "care_calls", 7200, 0, 0), ("bucket", "voice", 60, 0, 0)]),
        ({}, 7260, 3600, [("service", "care_calls", 7200, 0, 0), ("price", "voice", 60, 60, 50_000)]),
        ({"rate": voice("0.01/min 60/60")}, 61, 0, [("service", "care_calls", 61, 120, 20_000)]),
        (
            {"rate": voice("0.01/min 60/60"), "limit": 90},
            91,
            3600,
            [("service", "care_calls", 90, 90, 15_000), ("price", "voice", 1, 1, 833)],
        ),
        ({"from_allowance": True}, 600, 0, [("bucket", "voice", 600, 0, 0)]),
        ({"from_allowance": True}, 600, 3600, [("service", "care_calls", 600, 0, 0)]),
        (
            {"from_allowance": True, "limit": 100},
            250,
            3580,
            [("bucket", "voice", 20, 0, 0), ("service", "care_calls", 80, 0, 0), ("price", "voice", 150, 150, 125_000)],
        ),
        (
            {"from_allowance": True, "limit": 10},
            250,
            3580,
            [("bucket", "voice", 20, 0, 0), ("price", "voice", 230, 230, 191_667)],
        ),
    ],
)
def test_a_service_prices_calls_to_its_group(
    changes: dict[str, Any], seconds: int, used: int, parts: list[tuple[str, str, int, int, int]]
) -> None:
    terms = tariff(services=(replace(CARE, **changes),))
    assert walked(price(record(seconds, CARE_HOME), terms, {"voice": used})) == parts


def test_a_service_may_reach_abroad_and_then_leaves_the_rest_to_the_deck() -> None:
    terms = tariff(services=(replace(CARE, limit=60),))
    priced = price(record(61, GB_NUMBER), terms)
    assert walked(priced) == [("service", "care_calls", 60, 0, 0), ("deck", "+447", 1, 60, 300_000)]


def test_a_service_is_for_its_group_and_its_kind_only() -> None:
    terms = tariff(services=(CARE,))
    assert walked(price(record(60), terms)) == [("bucket", "voice", 60, 0, 0)]
    assert walked(price(texts(1, to=CARE_HOME), terms)) == [("price", "sms", 1, 1, 60_000)]


EEA_AS_HOME = (Roaming("eea", "domestic"), Roaming("other", "refuse"))


@pytest.mark.parametrize(
    ("to", "country", "part"),
    [
        (HOME_NUMBER, "DE", ("bucket", "voice", 60, 0, 0)),
        (DE_NUMBER, "DE", ("bucket", "voice", 60, 0, 0)),
        (IT_NUMBER, "DE", ("bucket", "voice", 60, 0, 0)),
        (US_NUMBER, "DE", ("deck", "+1", 60, 60, 200_000)),
        (PREMIUM, "DE", ("deck", "+3389", 60, 60, 800_000)),
        (FREEPHONE, "DE", ("free", "France, freephone", 60, 0, 0)),
    ],
)
def test_roaming_as_at_home_takes_the_zone_s_own_numbers_for_domestic(
    to: str, country: str, part: tuple[str, str, int, int, int]
) -> None:
    assert walked(price(record(60, to, country=country), tariff(roaming=EEA_AS_HOME))) == [part]


def test_at_home_a_number_of_the_zone_is_not_domestic() -> None:
    assert refused(record(60, DE_NUMBER), tariff(roaming=EEA_AS_HOME)) is Reason.NO_TARIFF


def test_roaming_as_at_home_prices_beyond_the_allowance_as_at_home() -> None:
    terms = tariff(roaming=EEA_AS_HOME)
    assert walked(price(record(60, IT_NUMBER, country="DE"), terms, EMPTY)) == [("price", "voice", 60, 60, 50_000)]
    assert walked(price(bytes_used(60, country="IT"), terms, EMPTY)) == [("slow", "data", 60, 0, 0)]


ABROAD = (
    Roaming("eea", "domestic"),
    Roaming("US", "price", {Kind.VOICE: voice("0.60/min 60/60"), Kind.DATA: data("5/GB")}),
    Roaming("other", "price", {Kind.VOICE: voice("2/min")}),
)


@pytest.mark.parametrize(
    ("one", "part"),
    [
        (record(61, country="US"), ("roaming", "US", 61, 120, 1_200_000)),
        (record(61, US_NUMBER, country="US"), ("roaming", "US", 61, 120, 1_200_000)),
        (record(61, country="JP"), ("roaming", "other", 61, 61, 2_033_333)),
        (bytes_used(1_500, country="US"), ("roaming", "US", 1_500, 1_500, 8)),
    ],
    ids=["US", "US to US", "JP", "7.5 micro-euros of data round up"],
)
def test_roaming_has_its_own_price_and_a_country_wins_over_other(
    one: UsageRecord, part: tuple[str, str, int, int, int]
) -> None:
    rates = {**agreement().rates, Kind.DATA: {"other": data("3/GB")}}
    where = world(agreements=(agreement(rates=rates),))
    assert walked(price(one, tariff(roaming=ABROAD), where=where)) == [part]


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (texts(1, country="US"), Reason.NO_TARIFF),
        # A roaming price carries calls, not the premium of the number, and never a number that nobody knows.
        (record(60, GB_PREMIUM, country="US"), Reason.NO_TARIFF),
        (record(60, SATELLITE, country="US"), Reason.NO_TARIFF),
        (record(60, "4711", country="US"), Reason.UNKNOWN_DESTINATION),
    ],
    ids=["no price for messages", "premium", "satellite", "unknown"],
)
def test_a_roaming_price_covers_what_it_says_and_nothing_else(one: UsageRecord, reason: Reason) -> None:
    assert refused(one, tariff(roaming=ABROAD)) is reason


def test_a_premium_number_abroad_keeps_its_own_price() -> None:
    assert walked(price(record(60, PREMIUM, country="US"), tariff(roaming=ABROAD))) == [
        ("deck", "+3389", 60, 60, 800_000)
    ]


def test_an_allowance_abroad_counts_home_numbers_but_not_those_of_a_priced_zone() -> None:
    travel = (Bucket("us", Kind.VOICE, 600, within=("US",)),)
    terms = tariff(roaming=ABROAD)
    assert walked(price(record(60, country="US"), terms, addons=travel)) == [("bucket", "us", 60, 0, 0)]
    assert walked(price(record(60, US_NUMBER, country="US"), terms, addons=travel)) == [
        ("roaming", "US", 60, 60, 600_000)
    ]


def test_an_international_allowance_reaches_ordinary_numbers_only() -> None:
    terms = tariff(buckets=(Bucket("world", Kind.VOICE, 100, to=("international",)),))
    assert walked(price(record(60, US_NUMBER), terms, {})) == [("bucket", "world", 60, 0, 0)]
    assert walked(price(record(60, HOME_NUMBER), terms, {})) == [("price", "voice", 60, 60, 50_000)]
    assert refused(record(60, SATELLITE), terms) is Reason.NO_TARIFF


@pytest.mark.parametrize(
    ("one", "cost", "rule"),
    [
        (record(90), 15_000, "domestic 0.01/min"),
        (record(90, FREEPHONE), 15_000, "domestic 0.01/min"),
        (record(90, "112"), 0, "emergency"),
        (record(90, US_NUMBER), 30_000, "international 0.02/min"),
        (record(61, GB_NUMBER), 80_000, "to +44 0.04/min 60/60"),
        (record(30, PREMIUM), 500_000, "to +3389 1/min"),
        (record(60, country="IT"), 30_000, "in eea 0.03/min"),
        (record(60, country="DE"), 25_000, "in DE 0.025/min"),
        (texts(2), 4_000, "domestic 0.002/sms"),
        (texts(1, country="DE"), 4_000, "in eea 0.004/sms"),
        (bytes_used(1), 0, "domestic 1/GB"),
        (bytes_used(500 * MB), 500_000, "domestic 1/GB"),
        (bytes_used(500 * MB, country="IT"), 1_000_000, "in eea 2/GB"),
    ],
    ids=lambda value: f"{value.kind}-{value.to}-{value.country}" if isinstance(value, UsageRecord) else None,
)
def test_the_host_s_price_stands_beside(one: UsageRecord, cost: int, rule: str) -> None:
    priced = price(one, tariff(roaming=EEA_AS_HOME))
    assert (priced.cost_micro, priced.cost_rule) == (cost, rule)


@pytest.mark.parametrize(
    "agreements",
    [
        (),
        (agreement("2027-03-06"),),
        (agreement(rates={}),),
        (agreement(currency="USD"),),
    ],
    ids=["none", "not yet", "no rates", "other currency"],
)
def test_a_missing_wholesale_price_is_an_error_of_its_own(agreements: tuple[object, ...]) -> None:
    assert refused(record(), where=world(agreements=agreements)) is Reason.NO_WHOLESALE_PRICE


def test_a_premium_number_needs_its_own_wholesale_row() -> None:
    deck = replace(tariff().deck, rows=(replace(tariff().deck.rows[0], prefix="+449"),))
    assert refused(record(to=GB_PREMIUM), tariff(deck=deck)) is Reason.NO_WHOLESALE_PRICE


@pytest.mark.parametrize(
    ("start", "cost"),
    [
        ("2026-12-31 10:00", 10_000),
        ("2026-12-31 22:59:59", 10_000),
        # Midnight in Paris is 23:00 UTC: the new year's price holds from then on.
        ("2026-12-31 23:00", 5_000),
        ("2027-06-30 21:59:59", 5_000),
        ("2027-06-30 22:00", 2_500),
    ],
)
def test_the_agreement_of_the_day_at_home_prices(start: str, cost: int) -> None:
    versions = (agreement("2027-07-01", "0.0025/min"), agreement("2026-01-01"), agreement("2027-01-01", "0.005/min"))
    assert price(record(start=start), where=world(agreements=versions)).cost_micro == cost


def test_huge_use_is_priced_exactly() -> None:
    terms = tariff(buckets=(), beyond={Kind.DATA: Priced(data("0.123456789/GB"))})
    assert price(bytes_used(10**15 - 1), terms).charge_micro == 123_456_789_000
    assert price(bytes_used(10**15), terms).charge_micro == 123_456_789_000
    dear = tariff(buckets=(), beyond={Kind.SMS: Priced(sms("999999999"))})
    assert price(texts(10**15), dear).charge_micro == 999_999_999 * 10**6 * 10**15


@pytest.mark.parametrize(("rounding", "charge"), [(1, 50_833), (10_000, 50_000), (1_000_000, 0)])
def test_a_tariff_may_round_its_records_as_coarsely_as_it_says(rounding: int, charge: int) -> None:
    assert price(record(61), tariff(rounding=Rounding(rounding)), EMPTY).charge_micro == charge


def test_parts_survive_storage() -> None:
    priced = price(record(61), used={"voice": 3590})
    assert len(priced.parts) == 2
    assert parts_from(parts_text(priced.parts)) == priced.parts


def test_a_part_names_its_rate_as_it_was_written() -> None:
    assert [part.rate for part in price(record(61), used={"voice": 3590}).parts] == ["", "0.05/min 60/1"]
    assert [part.rate for part in price(texts()).parts] == ["0.06/sms"]


def test_the_destination_is_named() -> None:
    assert [price(one).destination for one in (record(), record(to=GB_NUMBER), bytes_used(1))] == [
        "France",
        "United Kingdom",
        "",
    ]
