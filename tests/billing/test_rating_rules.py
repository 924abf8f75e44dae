"""The tariff at full power: bands, burn order, pools' caps, steps beyond, session terms, against tables by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mvne_billing.rating.buckets import Open, burn_order, counted, coverable
from mvne_billing.rating.reference import rate
from mvne_billing.rating.result import Rated, Reason, Unrateable
from mvne_billing.rating.route import Line
from mvne_plans.bands import Band, Calendar
from mvne_plans.money import Mode, Rounding
from mvne_plans.numbering import NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate, Scheme, Tier
from mvne_plans.tariff import (
    ON_NET,
    ROAMING,
    Bucket,
    DeckRow,
    Guard,
    Limit,
    NextTier,
    Priced,
    RateDeck,
    RatingService,
    Roaming,
    Slow,
    Stop,
    Tariff,
)
from tests.billing.builders import (
    CARE_HOME,
    GB,
    GB_NUMBER,
    HOME_NUMBER,
    MB,
    PERIOD,
    agreement,
    bytes_used,
    data,
    record,
    tariff,
    voice,
    world,
)
from tests.billing.builders import rated as price

EVENING = Calendar((Band("evening", start=time(18), end=time(8)),))

#: 17:59 in Paris, in summer: a minute before the evening.
BEFORE_EVENING = "2027-06-07 15:59"


def parts(priced: Rated) -> list[tuple[str, str, int, int]]:
    """Return the parts as (rule, name, units, charge)."""
    return [(part.rule.value, part.name, part.units, part.charge_micro) for part in priced.parts]


def banded(text: str, evening: str) -> Rate:
    return replace(voice(text), bands=(("evening", voice(evening)),))


def call(seconds: int, terms: Tariff, start: str = BEFORE_EVENING, used: dict[str, int] | None = None) -> Rated:
    return price(record(seconds, start=start), terms, world(), used or {})


def priced_calls(rate: Rate, **changes: Any) -> Tariff:
    return tariff(buckets=(), beyond={Kind.VOICE: Priced(rate)}, **changes)


# 0.12/min by day is 2,000 micro-euros a second, 0.06/min in the evening 1,000.
@pytest.mark.parametrize(
    ("increments", "seconds", "splits", "expected"),
    [
        ("1/1", 60, True, [("", 60, 120_000)]),
        ("1/1", 90, True, [("", 60, 120_000), ("evening", 30, 30_000)]),
        ("1/1", 90, False, [("", 90, 180_000)]),
        # Increments raise the call once: the second minute is begun in the evening and charged there.
        ("60/60", 61, True, [("", 60, 120_000), ("evening", 1, 60_000)]),
    ],
)
def test_a_call_is_cut_where_the_band_changes_if_the_tariff_says_so(
    increments: str, seconds: int, splits: bool, expected: list[tuple[str, int, int]]
) -> None:
    terms = priced_calls(
        banded(f"0.12/min {increments}", f"0.06/min {increments}"), calendar=EVENING, splits_calls=splits
    )
    priced = call(seconds, terms)
    assert [(part.band, part.units, part.charge_micro) for part in priced.parts] == expected


def test_a_second_lies_in_the_band_in_which_it_begins() -> None:
    terms = priced_calls(banded("0.12/min", "0.06/min"), calendar=EVENING)
    start = datetime(2027, 6, 7, 15, 59, 59, 500_000, tzinfo=UTC)
    priced = price(replace(record(3), start=start), terms, world(), {})
    assert [(part.band, part.units) for part in priced.parts] == [("", 1), ("evening", 2)]


def test_data_takes_the_band_of_its_start() -> None:
    rate = replace(data("1/GB"), bands=(("evening", data("0.5/GB")),))
    terms = tariff(buckets=(), beyond={Kind.DATA: Priced(rate)}, calendar=EVENING)
    for start, band, charge in ((BEFORE_EVENING, "", 1_000_000), ("2027-06-07 16:00", "evening", 500_000)):
        priced = price(bytes_used(GB, start=start), terms, world(), {})
        assert [(part.band, part.charge_micro) for part in priced.parts] == [(band, charge)]


def test_the_subscribers_time_zone_decides_the_band() -> None:
    terms = priced_calls(banded("0.12/min", "0.06/min"), calendar=EVENING)
    one = record(60, start="2027-06-07 10:00")
    assert rate(one, terms, world(), line=Line("Asia/Tokyo")).charge_micro == 60_000
    assert rate(one, terms, world(), line=Line("Europe/Paris")).charge_micro == 120_000


def test_a_bucket_of_a_band_serves_no_other() -> None:
    nights = Bucket("nights", Kind.VOICE, None, bands=("evening",))
    terms = tariff(buckets=(nights,), beyond={Kind.VOICE: Priced(voice("0.12/min"))}, calendar=EVENING)
    assert parts(call(90, terms)) == [("price", "voice", 60, 120_000), ("bucket", "nights", 30, 0)]


@pytest.mark.parametrize(
    ("text", "seconds", "charge"),
    [
        ("0.06/min setup 0.10", 0, 0),  # nothing used costs nothing
        ("0.06/min setup 0.10", 60, 160_000),
        ("0.06/min minimum 0.05", 10, 50_000),
        ("0.06/min minimum 0.05", 60, 60_000),
        ("0.06/min maximum 0.50", 3600, 500_000),
        ("0.06/min percent 2.5", 60, 61_500),
        ("0.000001/min", 60, 1),  # more decimals than the currency has
        ("0.0000001/min", 60, 0),
    ],
)
def test_what_counts_once_per_call(text: str, seconds: int, charge: int) -> None:
    assert call(seconds, priced_calls(voice(text))).charge_micro == charge


def test_the_set_up_fee_is_charged_once_and_only_if_something_is_charged() -> None:
    terms = tariff(beyond={Kind.VOICE: Priced(voice("0.06/min setup 0.10"))})
    assert call(60, terms, used={"voice": 0}).charge_micro == 0
    assert call(120, terms, used={"voice": 3540}).charge_micro == 160_000
    split = priced_calls(replace(banded("0.06/min", "0.06/min"), setup=Decimal("0.10")), calendar=EVENING)
    assert call(120, split).charge_micro == 220_000


def test_bounds_hold_for_all_that_one_rule_charges_in_a_call_and_not_for_another_rule() -> None:
    rate = replace(banded("0.60/min", "0.60/min"), maximum=Decimal("0.75"))
    assert call(120, priced_calls(rate, calendar=EVENING)).charge_micro == 750_000
    service = RatingService("care", Kind.VOICE, "care_homes", voice("0.60/min maximum 0.10"), limit=60)
    terms = priced_calls(voice("0.60/min maximum 0.75"), services=(service,))
    priced = price(record(180, CARE_HOME), terms, world(), {})
    assert parts(priced) == [("service", "care", 60, 100_000), ("price", "voice", 120, 750_000)]


def test_tiers_go_by_what_was_charged_for_in_the_period() -> None:
    steps = (Tier(120, Decimal("0.12"), 60), Tier(None, Decimal("0.06"), 60))
    rate = Rate(Decimal(0), 60, Increments(60, 60), tiers=steps)
    first = call(61, priced_calls(rate))
    assert (first.charge_micro, first.taken) == (240_000, {"price:voice#": 120})
    second = call(10, priced_calls(rate), used={"price:voice#": 120})
    assert (second.charge_micro, second.taken) == (60_000, {"price:voice#": 60})


def test_a_volume_step_may_give_money_back() -> None:
    steps = (Tier(60, Decimal("0.12"), 60), Tier(None, Decimal("0.03"), 60))
    rate = Rate(Decimal(0), 60, tiers=steps, scheme=Scheme.VOLUME)
    assert call(60, priced_calls(rate), used={"price:voice#": 60}).charge_micro == 60_000 - 120_000


def test_a_package_is_charged_by_started_block_of_the_period() -> None:
    rate = Rate(Decimal(0), 1, tiers=(Tier(None, Decimal(2), 100 * MB),), scheme=Scheme.PACKAGE)
    terms = tariff(buckets=(), beyond={Kind.DATA: Priced(rate)})
    charges = [price(bytes_used(60 * MB), terms, world(), {"price:data#": used}).charge_micro for used in (0, 60 * MB)]
    assert charges == [2_000_000, 2_000_000]
    assert price(bytes_used(MB), terms, world(), {"price:data#": 150 * MB}).charge_micro == 0


@pytest.mark.parametrize(
    ("rounding", "charge"),
    [
        (Rounding(), 2_500),
        (Rounding(10_000, Mode.UP), 10_000),
        (Rounding(10_000, Mode.DOWN), 0),
        (Rounding(10_000, Mode.HALF_UP), 0),
        (Rounding(5_000, Mode.HALF_UP), 5_000),
        (Rounding(5_000, Mode.HALF_EVEN), 0),
    ],
)
def test_the_tariff_names_its_rounding(rounding: Rounding, charge: int) -> None:
    assert call(30, priced_calls(voice("0.005/min"), rounding=rounding)).charge_micro == charge


def opens(*buckets: tuple[Bucket, int, int]) -> tuple[Open, ...]:
    """Return buckets that opened and expire so many days into 2027, none used."""
    start = datetime(2027, 1, 1, tzinfo=UTC)
    return tuple(
        Open(one.id, one, one.amount, start + timedelta(days=opened), start + timedelta(days=expires))
        for one, opened, expires in buckets
    )


def names(buckets: Sequence[Open]) -> str:
    return " ".join(one.id for one in buckets)


def test_buckets_burn_by_priority_then_by_what_expires_first_then_the_oldest() -> None:
    def bucket(name: str, priority: int = 0) -> Bucket:
        return Bucket(name, Kind.DATA, GB, priority=priority)

    mixed = opens(
        (bucket("young"), 5, 30), (bucket("old"), 0, 30), (bucket("soon"), 9, 10), (bucket("first", -1), 0, 99)
    )
    assert names(burn_order(mixed)) == "first soon old young"


@pytest.mark.parametrize(
    ("factor", "increments", "left", "already", "units", "covered"),
    [
        ("1", "1/1", 100, 0, 60, 60),
        ("1", "1/1", 100, 70, 60, 30),
        ("1", "1/1", -5, 0, 60, 0),
        ("2", "1/1", 100, 0, 60, 50),
        ("0.5", "1/1", 100, 0, 300, 200),
        ("1", "60/60", 100, 0, 60, 60),
        ("1", "60/60", 100, 0, 61, 60),  # a second minute does not fit
        ("1", "60/60", 59, 0, 10, 0),
        ("1", "60/60", 60, 10, 50, 50),  # the minute that was begun
        ("3", "10/5", 100, 0, 99, 30),
    ],
)
def test_a_bucket_covers_whole_increments_at_its_factor(
    factor: str, increments: str, left: int, already: int, units: int, covered: int
) -> None:
    bucket = Bucket("b", Kind.VOICE, 1, factor=Decimal(factor), increments=Increments.parse(increments, Kind.VOICE))
    assert coverable(bucket, left, already, units) == covered
    if covered:
        assert counted(bucket, already + covered) <= left


def test_what_a_bucket_gives_is_counted_in_its_own_units() -> None:
    abroad = Bucket("voice", Kind.VOICE, 600, factor=Decimal("1.5"), increments=Increments(60, 30))
    priced = call(61, tariff(buckets=(abroad,)))
    assert (parts(priced), priced.taken) == ([("bucket", "voice", 61, 0)], {"voice": 135})


def test_a_bucket_may_have_a_tariff_of_its_own() -> None:
    cheap = Bucket("night", Kind.VOICE, 120, rate=voice("0.006/min 20/20 setup 0.01"))
    terms = tariff(buckets=(cheap,), beyond={Kind.VOICE: Priced(voice("0.60/min"))})
    assert parts(call(150, terms)) == [("bucket", "night", 120, 22_000), ("price", "voice", 30, 300_000)]


def test_a_blocker_is_the_last_bucket_looked_at() -> None:
    trial = Bucket("trial", Kind.VOICE, 30, blocks=True)
    terms = tariff(buckets=(trial, Bucket("voice", Kind.VOICE, 600)), beyond={Kind.VOICE: Stop()})
    assert parts(call(60, terms)) == [("bucket", "trial", 30, 0), ("stop", "voice", 30, 0)]


def test_a_label_has_a_sub_cap_within_the_bucket() -> None:
    bucket = Bucket("data", Kind.DATA, 10 * GB, limits=(Limit("hotspot", GB),))
    terms = tariff(buckets=(bucket,), beyond={Kind.DATA: Slow(128_000)})
    shared = replace(bytes_used(2 * GB), label="hotspot")
    priced = price(shared, terms, world(), {})
    assert parts(priced) == [("bucket", "data", GB, 0), ("slow", "data", GB, 0)]
    assert priced.taken == {"data": GB, "data/hotspot": GB, "slow:data": GB}
    assert parts(price(bytes_used(2 * GB), terms, world(), {})) == [("bucket", "data", 2 * GB, 0)]


def test_a_bucket_may_be_for_labelled_use_alone() -> None:
    music = Bucket("music", Kind.DATA, None, labels=("music",), priority=-1)
    terms = tariff(buckets=(music, Bucket("data", Kind.DATA, GB)))
    assert parts(price(replace(bytes_used(5), label="music"), terms, world(), {})) == [("bucket", "music", 5, 0)]
    assert parts(price(bytes_used(5), terms, world(), {})) == [("bucket", "data", 5, 0)]


def test_what_fair_use_keeps_out_abroad_has_a_surcharge() -> None:
    bucket = Bucket("data", Kind.DATA, 10 * GB, limits=(Limit(ROAMING, GB),))
    eea = Roaming("eea", "domestic", {Kind.DATA: data("1.30/GB")})
    terms = tariff(buckets=(bucket,), roaming=(eea,))
    abroad = replace(bytes_used(3 * GB), country="DE")
    assert parts(price(abroad, terms, world(), {})) == [
        ("bucket", "data", GB, 0),
        ("roaming", "eea", 2 * GB, 2_600_000),
    ]
    assert parts(price(bytes_used(3 * GB), terms, world(), {})) == [("bucket", "data", 3 * GB, 0)]
    # The whole allowance used up at home is not fair use: abroad is as at home.
    used = {"data": 10 * GB}
    assert parts(price(abroad, terms, world(), used)) == [("slow", "data", 3 * GB, 0)]


def test_calls_within_the_brand_have_a_bucket_of_their_own() -> None:
    own = Bucket("own", Kind.VOICE, None, to=(ON_NET,))
    terms = tariff(buckets=(own,), beyond={Kind.VOICE: Priced(voice("0.60/min"))})
    called = world().numbering.normalise(HOME_NUMBER)
    on_net = replace(world(), on_net=frozenset({called}))
    assert parts(price(record(60), terms, on_net, {})) == [("bucket", "own", 60, 0)]
    assert parts(price(record(60), terms, world(), {})) == [("price", "voice", 60, 600_000)]


def test_a_subscribers_own_list_of_numbers_opens_a_bucket() -> None:
    friends = Bucket("friends", Kind.VOICE, None, groups=("friends",))
    terms = tariff(buckets=(friends,), beyond={Kind.VOICE: Priced(voice("0.60/min"))})
    called = world().numbering.normalise(GB_NUMBER)
    line = Line("Europe/Paris", {"friends": frozenset({called})})
    whole = tuple(Open(one.id, one, None, PERIOD.start, PERIOD.end) for one in terms.buckets)
    assert parts(rate(record(60, GB_NUMBER), terms, world(), whole, line=line)) == [("bucket", "friends", 60, 0)]
    assert rate(record(60), terms, world(), whole, line=line).charge_micro == 600_000


def test_a_staircase_slows_down_step_by_step() -> None:
    stairs = Slow(1_000_000, amount=2 * GB, then=Slow(128_000))
    terms = tariff(buckets=(Bucket("data", Kind.DATA, GB),), beyond={Kind.DATA: stairs})
    priced = price(bytes_used(5 * GB), terms, world(), {})
    assert parts(priced) == [
        ("bucket", "data", GB, 0),
        ("slow", "data", 2 * GB, 0),
        ("slow", "data:1", 2 * GB, 0),
    ]
    assert priced.taken == {"data": GB, "slow:data": 2 * GB, "slow:data:1": 2 * GB}


def test_the_next_tier_costs_its_fee_once_and_brings_its_units() -> None:
    ladder = NextTier("big", Decimal(3), 4 * GB, then=Slow(128_000))
    terms = tariff(buckets=(Bucket("data", Kind.DATA, GB),), beyond={Kind.DATA: ladder})
    first = price(bytes_used(2 * GB), terms, world(), {})
    assert parts(first) == [("bucket", "data", GB, 0), ("next", "data", GB, 3_000_000)]
    used = dict(first.taken)
    second = price(bytes_used(4 * GB), terms, world(), used)
    assert parts(second) == [("next", "data", 3 * GB, 0), ("slow", "data:1", GB, 0)]


def test_a_step_that_ends_without_a_next_stops_the_use() -> None:
    terms = priced_calls(voice("0.60/min"))
    terms = replace(terms, beyond={Kind.VOICE: Priced(voice("0.60/min"), amount=60)})
    assert parts(call(100, terms)) == [("price", "voice", 60, 600_000), ("stop", "voice", 40, 0)]


def test_an_international_allowance_that_is_used_up_falls_under_the_rate_deck() -> None:
    bucket = Bucket("world", Kind.VOICE, 60, to=("GB",))
    deck = RateDeck((DeckRow("+44", "UK", voice("0.30/min")),))
    terms = tariff(buckets=(bucket,), deck=deck, beyond={Kind.VOICE: Priced(voice("0.01/min"))})
    assert parts(price(record(120, GB_NUMBER), terms, world(), {})) == [
        ("bucket", "world", 60, 0),
        ("deck", "+44", 60, 300_000),
    ]


def test_guards_count_what_they_watch() -> None:
    guards = (
        Guard("bill", "spend", 50_000_000, within=("international",)),
        Guard("calls", "count", 30, window="hour", kinds=(Kind.VOICE,)),
        Guard("premium", "units", 600, kinds=(Kind.VOICE,), to=(NumberKind.PREMIUM,)),
    )
    abroad = Roaming("eea", "price", {Kind.VOICE: voice("0.60/min")})
    terms = priced_calls(voice("0.60/min"), guards=guards, roaming=(abroad,))
    assert call(60, terms).taken == {"guard:calls": 1}
    assert price(record(60, country="DE"), terms, world(), {}).taken == {"guard:calls": 1, "guard:bill": 600_000}
    assert price(record(60, "112"), terms, world(), {}).taken == {}


@pytest.mark.parametrize(
    ("changes", "seconds", "cost", "rule"),
    [
        ({"retail_minus": Decimal(30)}, 60, 420_000, "retail less 30 percent"),
        ({"capacity": (Kind.VOICE,)}, 60, 0, "capacity"),
        (
            {"rates": {Kind.VOICE: {"domestic": voice("0.01/min setup 0.005")}}},
            60,
            15_000,
            "domestic 0.01/min setup 0.005",
        ),
    ],
)
def test_the_host_charges_by_its_agreement(changes: dict[str, Any], seconds: int, cost: int, rule: str) -> None:
    where = replace(world(), agreements=(agreement(**changes),))
    priced = price(record(seconds), priced_calls(voice("0.60/min")), where, {})
    assert (priced.cost_micro, priced.cost_rule, priced.margin_micro) == (cost, rule, 600_000 - cost)


def test_the_hosts_tiers_go_by_the_brands_use_of_the_month() -> None:
    steps = Rate(Decimal(0), 60, tiers=(Tier(120, Decimal("0.10"), 60), Tier(None, Decimal("0.05"), 60)))
    where = replace(world(), agreements=(agreement(rates={Kind.VOICE: {"domestic": steps}}),))
    terms = priced_calls(voice("0.60/min"))
    first = price(record(120), terms, where, {})
    assert (first.cost_micro, first.taken) == (200_000, {"wholesale:voice:domestic": 120})
    assert price(record(120), terms, where, dict(first.taken)).cost_micro == 100_000


def test_no_tariff_is_an_error_and_never_a_price_of_nothing() -> None:
    with pytest.raises(Unrateable) as caught:
        price(record(60), tariff(buckets=(), beyond={}), world(), {})
    assert caught.value.reason is Reason.NO_TARIFF
