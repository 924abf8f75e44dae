"""What the language says of tariffs: prices, time bands, allowances, steps beyond, roaming, guards."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any, Literal

import pytest

from mvne.markets.market import load_market
from mvne_plans.bands import EVERY_DAY, HOLIDAY, NO_BANDS, Band, Calendar
from mvne_plans.catalogue import NumberGroup, OwnList, Plan
from mvne_plans.fair_use import CAPS, LAST_DAY
from mvne_plans.money import EXACT, Mode, Rounding
from mvne_plans.numbering import NumberKind
from mvne_plans.period import MONTH, Every
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate, Scheme, Tier
from mvne_plans.tariff import (
    Bucket,
    Guard,
    Limit,
    NextTier,
    Priced,
    Roaming,
    Rollover,
    Slow,
    Stop,
    Tariff,
)
from tests.mvne.planfile.writing import BASE, Plans, changed

GB, MINUTE = 10**9, 60
BANDS = "bands:\n  weekend: {days: sat sun holiday}\n  evening: {days: mon-fri, from: 18:00, to: 08:00}\n"
SECOND = "  - {id: big, pay: postpaid, price: 12.90, includes: {data: 5 GB}, then: {data: slow 128 kbit/s}}\n"


def voice(text: str, **more: Any) -> Rate:
    return Rate.parse(text, Kind.VOICE) if not more else Rate(Decimal(text), 60, **more)


def data(text: str) -> Rate:
    return Rate.parse(text, Kind.DATA)


def plan(plans: Plans, text: str, **tables: str) -> Plan:
    return plans.brand(text, **tables).catalogue.plans[0]


def tariff(plans: Plans, text: str, **tables: str) -> Tariff:
    return plan(plans, text, **tables).tariff


def beyond_voice(written: str) -> str:
    return changed("voice: 0.05/min", f"voice: {written}") + BANDS


def including(kind: str, written: str) -> str:
    old = {"voice": "voice: 60 min", "data": "data: 1 GB"}[kind]
    return changed(old, f"{kind}: {written}")


PRICES = [
    ("0.05/min 60/1 setup 0.10", voice("0.05/min 60/1 setup 0.10")),
    ("{price: 0.05/min}", voice("0.05/min")),
    ("{price: 0.05/min 60/1, setup: 0.10}", voice("0.05/min 60/1 setup 0.10")),
    (
        "{price: 0.05/min, increments: 60/1, setup: 0.10, minimum: 0.15, maximum: 2, at_maximum: stop, percent: 2.5%}",
        voice("0.05/min 60/1 setup 0.10 minimum 0.15 maximum 2 stop percent 2.5"),
    ),
    ("{price: 0.05/min maximum 2, at_maximum: stop}", voice("0.05/min maximum 2 stop")),
    (
        "{tiers: [{up_to: 100 min, price: 0.10/min}, {price: 0.05/min, flat: 1}], increments: 60/60}",
        voice(
            "0.1",
            increments=Increments(60, 60),
            tiers=(Tier(6000, Decimal("0.1"), 60), Tier(None, Decimal("0.05"), 60, Decimal(1))),
        ),
    ),
    (
        "{tiers: [{up_to: 100 min, price: 0.10/min}, {price: 0.05/min}], tiers_are: volume}",
        voice(
            "0.1",
            tiers=(Tier(6000, Decimal("0.1"), 60), Tier(None, Decimal("0.05"), 60)),
            scheme=Scheme.VOLUME,
        ),
    ),
    (
        "{price: 1/30 min, tiers_are: package}",
        Rate(Decimal(1), 1800, tiers=(Tier(None, Decimal(1), 1800),), scheme=Scheme.PACKAGE),
    ),
    (
        "{price: 0.10/min 60/1, bands: {evening: 0.05/min, weekend: 0.02/min 1/1}}",
        voice(
            "0.1",
            increments=Increments(60, 1),
            bands=(("evening", voice("0.05/min 60/1")), ("weekend", voice("0.02/min"))),
        ),
    ),
]


@pytest.mark.parametrize(("written", "rate"), PRICES, ids=[text for text, _ in PRICES])
def test_a_price_is_a_line_or_a_map_wherever_use_has_a_price(plans: Plans, written: str, rate: Rate) -> None:
    assert tariff(plans, beyond_voice(written)).beyond[Kind.VOICE] == Priced(rate)
    roaming = f"roaming: {{CH: {{voice: {written}, sms: 0.10, data: 5/GB}}}}\n"
    assert tariff(plans, BASE + BANDS + roaming).roaming[0].prices[Kind.VOICE] == rate
    own = including("voice", f"{{amount: 60 min, price: {written}}}") + BANDS
    assert tariff(plans, own).buckets[0].rate == rate
    service = f"number_groups: {{g: {{source: g.csv}}}}\nservices: {{s: {{voice to: g, price: {written}}}}}\n"
    (found,) = tariff(plans, BASE + "    services: [s]\n" + BANDS + service, g="number\n0199001234\n").services
    assert found.rate == rate


def test_a_deck_has_columns_for_what_counts_once_and_for_time_bands(plans: Plans) -> None:
    table = (
        "prefix,to,price,increments,setup,minimum,maximum,percent,evening,sms,sms weekend\n"
        "+44,UK,0.10/min,60/1,0.05,0.20,3 stop,2,0.08/min,0.10,0.05\n"
        "+49,DE,0.20/min,,,,,,,,\n"
    )
    deck = tariff(plans, BASE + BANDS + "rates: deck.csv\n", deck=table).deck
    assert [row.voice for row in deck.rows] == [
        Rate(
            Decimal("0.1"),
            60,
            Increments(60, 1),
            setup=Decimal("0.05"),
            minimum=Decimal("0.2"),
            maximum=Decimal(3),
            at_maximum="stop",
            percent=Decimal(2),
            bands=(("evening", voice("0.08/min 60/1")),),
        ),
        voice("0.2/min"),
    ]
    assert deck.rows[0].sms == Rate(Decimal("0.1"), 1, bands=(("weekend", Rate(Decimal("0.05"), 1)),))


def test_bands_are_in_file_order_with_holidays(plans: Plans) -> None:
    text = beyond_voice("{price: 0.1/min, bands: {evening: 0.05/min}}") + (
        "  promo: {since: 2027-06-01, until: 2027-06-30, to: 24:00}\n"
        "  nights: {days: [fri-mon], from: 22:30, to: 6:00}\n"
        "holidays: [2027-12-27, 12-25, 02-29]\n"
    )
    found = tariff(plans, text)
    assert found.calendar == Calendar(
        (
            Band("weekend", (5, 6, HOLIDAY)),
            Band("evening", (0, 1, 2, 3, 4), time(18), time(8)),
            Band("promo", EVERY_DAY, since=date(2027, 6, 1), until=date(2027, 6, 30)),
            Band("nights", (0, 4, 5, 6), time(22, 30), time(6)),
        ),
        (date(2027, 12, 27),),
        ((2, 29), (12, 25)),
    )
    assert found.splits_calls
    assert not tariff(plans, text + "calls_split_at_bands: no\n").splits_calls


def test_a_plan_without_anything_by_time_has_no_calendar(plans: Plans) -> None:
    found = tariff(plans, BASE + BANDS + "holidays: [12-25]\ncalls_split_at_bands: no\n")
    assert (found.calendar, found.splits_calls) == (NO_BANDS, True)
    by_time = including("voice", "{amount: 60 min, bands: evening}") + BANDS
    assert len(tariff(plans, by_time).calendar.bands) == 2


ALLOWANCES = [
    (
        "voice",
        "{amount: 60 min, to: [on_net, eea], in: [domestic, CH]}",
        {"to": ("on_net", "eea"), "within": ("domestic", "CH")},
    ),
    ("voice", "{amount: 60 min, groups: friends}", {"groups": ("friends",)}),
    ("voice", "{amount: 60 min, bands: [evening, weekend]}", {"bands": ("evening", "weekend")}),
    ("data", "{amount: 1 GB, labels: [hotspot, music]}", {"labels": ("hotspot", "music")}),
    ("voice", "{amount: 60 min, priority: -2}", {"priority": -2}),
    ("voice", "{amount: 60 min, increments: 60/30}", {"increments": Increments(60, 30)}),
    ("voice", "{amount: 60 min, factor: 2.50}", {"factor": Decimal("2.5")}),
    ("voice", "{amount: 60 min, price: 0.01/min}", {"rate": voice("0.01/min")}),
    ("voice", "{amount: 60 min, blocks: yes}", {"blocks": True}),
    (
        "data",
        "{amount: 1 GB, shared: yes, limits: {member: 300 MB, roaming: 500 MB, hotspot: 100 MB}}",
        {"shared": True, "limits": (Limit("member", 3 * 10**8), Limit("roaming", 5 * 10**8), Limit("hotspot", 10**8))},
    ),
    ("data", "{amount: 1 GB, rollover: yes}", {"rollover": Rollover(1, None)}),
    ("data", "{amount: 1 GB, rollover: {periods: 2, limit: 500 MB}}", {"rollover": Rollover(2, 5 * 10**8)}),
    ("data", "{amount: 1 GB, rollover: no, blocks: no}", {}),
    ("data", "{amount: 1 GB, thresholds: [80%, 50]}", {"thresholds": (50, 80)}),
    ("data", "{amount: 1 GB, credit: 0.50/GB}", {"credit": data("0.50/GB")}),
]


@pytest.mark.parametrize(("kind", "written", "fields"), ALLOWANCES, ids=[text for _, text, _ in ALLOWANCES])
def test_an_allowance_may_be_narrowed_and_burn_in_its_own_way(
    plans: Plans, kind: str, written: str, fields: dict[str, Any]
) -> None:
    text = including(kind, written) + BANDS + "number_groups: {friends: {own: {size: 3}}}\n"
    amount = 3600 if kind == "voice" else GB
    assert Bucket(kind, Kind(kind), amount, **fields) in tariff(plans, text).buckets


def test_thresholds_of_the_file_hold_for_every_limited_allowance_without_its_own(plans: Plans) -> None:
    text = including("data", "[1 GB, {amount: 2 GB, thresholds: [90]}, {amount: 3 GB, thresholds: []}]")
    found = tariff(plans, text + "thresholds: [50, 80]\n").buckets
    assert {one.id: one.thresholds for one in found} == {
        "voice": (50, 80),
        "sms": (),
        "data.1": (50, 80),
        "data.2": (90,),
        "data.3": (),
    }
    assert all(one.thresholds == () for one in tariff(plans, BASE).buckets)


STEPS = [
    ("stop", Stop()),
    ("2/GB", Priced(data("2/GB"))),
    ("[slow 1 Mbit/s]", Slow(10**6)),
    ("[{slow: 1 Mbit/s, for: 10 GB}, slow 128 kbit/s]", Slow(10**6, amount=10 * GB, then=Slow(128_000))),
    (
        "[{price: 2/GB, increments: 1 MB, for: 5 GB}, {slow: 1 Mbit/s, for: 1 GB}, stop]",
        Priced(data("2/GB 1 MB"), amount=5 * GB, then=Slow(10**6, amount=GB, then=Stop())),
    ),
    ("{next: big}", NextTier("big", Decimal(8), 4 * GB, then=Slow(128_000))),
    (
        "[{slow: 1 Mbit/s, for: 1 GB}, {next: big}]",
        Slow(10**6, amount=GB, then=NextTier("big", Decimal(8), 4 * GB, then=Slow(128_000))),
    ),
]


@pytest.mark.parametrize(("written", "beyond"), STEPS, ids=[text for text, _ in STEPS])
def test_what_happens_beyond_is_one_rule_or_steps(plans: Plans, written: str, beyond: Any) -> None:
    text = changed("data: stop", f"data: {written}") + SECOND
    assert tariff(plans, text).beyond[Kind.DATA] == beyond


def test_next_plans_follow_each_other(plans: Plans) -> None:
    text = changed("data: stop", "data: {next: big}") + SECOND.replace("data: slow 128 kbit/s", "data: {next: all}")
    text += "  - {id: all, pay: postpaid, price: 20, includes: {data: unlimited}}\n"
    chain = NextTier("big", Decimal(8), 4 * GB, then=NextTier("all", Decimal("7.1"), None))
    assert tariff(plans, text).beyond[Kind.DATA] == chain


@pytest.mark.parametrize(
    ("written", "rounding"),
    [
        ("{unit: cent}", Rounding(10_000)),
        ("{unit: 0.0001, mode: up, per: record}", Rounding(100, Mode.UP, "record")),
        ("{mode: half-even}", Rounding(1, Mode.HALF_EVEN)),
        ("{}", EXACT),
    ],
)
def test_rounding_is_the_file_s_or_the_plan_s(plans: Plans, written: str, rounding: Rounding) -> None:
    assert tariff(plans, BASE + f"rounding: {written}\n").rounding == rounding
    assert tariff(plans, BASE + f"    rounding: {written}\nrounding: {{unit: 1, mode: down}}\n").rounding == rounding


def test_guards_are_the_file_s_and_the_plan_s(plans: Plans) -> None:
    own = "    guards: {monthly: {spend: 12.50}, far: {use: 30 min, kind: voice, in: [eea, CH], per: hour}}\n"
    text = BASE + own + "guards:\n  monthly: {spend: 50, per: day}\n  storm: {count: 9, to: [premium], then: alert}\n"
    assert tariff(plans, text).guards == (
        Guard("monthly", "spend", 12_500_000),
        Guard("storm", "count", 9, to=(NumberKind.PREMIUM,), then="alert"),
        Guard("far", "units", 1800, "hour", kinds=(Kind.VOICE,), within=("eea", "CH")),
    )


PRICED = "roaming: {CH: {voice: 1/min, sms: 1, data: 5/GB}}\n"
SWEDEN = BASE.replace("market: FR", "market: SE")


@pytest.mark.parametrize(
    ("text", "guards"),
    [
        (BASE, ()),
        (BASE + "roaming: {eea: domestic}\n", ()),
        (BASE + PRICED, (60_000_000, 48_000_000)),  # 50 EUR before 20 percent of tax
        (BASE + "roaming: {eea: {as: domestic, then: {data: 1/GB}}}\n", (60_000_000, 48_000_000)),
        (
            BASE + PRICED + "guards: {eu_roaming_limit: {spend: 30, kind: data, in: international}}\n",
            (30_000_000, 48_000_000),
        ),
        (SWEDEN + PRICED, ()),  # in kronor, and nobody says what a euro is worth
        (SWEDEN.replace("market: SE", "market: SE, euro_rate: 11") + PRICED, (687_500_000, 550_000_000)),
        (BASE.replace("FR", "GB") + PRICED, ()),
        (BASE.replace("pay: postpaid", "pay: prepaid") + PRICED, (60_000_000, 48_000_000)),
    ],
)
def test_data_abroad_stops_at_the_limit_of_eu_law_where_it_is_charged_for(
    plans: Plans, text: str, guards: tuple[int, ...]
) -> None:
    found = {guard.id: guard for guard in tariff(plans, text).guards}
    assert set(found) == ({"eu_roaming_limit", "eu_roaming_notice"} if guards else set())
    for id, amount in zip(("eu_roaming_limit", "eu_roaming_notice"), guards, strict=False):
        then: Literal["stop", "alert"] = "stop" if id == "eu_roaming_limit" else "alert"
        assert found[id] == Guard(id, "spend", amount, kinds=(Kind.DATA,), within=("international",), then=then)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        # 4.90 is 4.0833 before tax; twice that over 1.00 EUR per GB, rounded up.
        (including("data", "{amount: 50 GB, limits: {roaming: auto}}"), (Limit("roaming", 8_170_000_000),)),
        (including("data", "{amount: 50 GB, limits: {roaming: auto 2026-06-01}}"), (Limit("roaming", 7_430_000_000),)),
        (including("data", "{amount: 2 GB, limits: {roaming: auto}}"), ()),  # 2.04 EUR a GB: all of it works abroad
        (
            including("data", "50 GB") + "roaming: {eea: {as: domestic, fair_use: auto}}\n",
            (Limit("roaming", 8_170_000_000),),
        ),
        (
            including("data", "50 GB") + "roaming: {eea: {as: domestic, fair_use: 20 GB}}\n",
            (Limit("roaming", 20 * GB),),
        ),
        (including("data", "9 GB") + "roaming: {eea: {as: domestic, fair_use: 20 GB}}\n", ()),
        (
            including("data", "50 GB").replace("price: 4.90", "terms: [{periods: 2, price: 24}]")
            + "roaming: {eea: {as: domestic, fair_use: auto}}\n",
            (Limit("roaming", 20 * GB),),
        ),
    ],
)
def test_the_fair_use_of_data_abroad_is_an_amount_or_worked_out(
    plans: Plans, text: str, limits: tuple[Limit, ...]
) -> None:
    assert tariff(plans, text).buckets[2].limits == limits


def test_a_zone_as_at_home_may_have_prices_beyond_its_fair_use(plans: Plans) -> None:
    found = tariff(plans, BASE + "roaming: {eea: {as: domestic, fair_use: auto, then: {data: 1.20/GB}}}\n")
    assert found.roaming[0] == Roaming("eea", "domestic", {Kind.DATA: data("1.20/GB")})


def test_zones_of_the_file_are_named_where_they_are_needed(plans: Plans) -> None:
    zones = "zones: {maghreb: [DZ, MA, TN], near: [eea, CH], unused: [US]}\n"
    text = including("voice", "{amount: 60 min, to: [domestic, maghreb]}") + zones
    assert tariff(plans, text).zones["maghreb"] == ("DZ", "MA", "TN")
    assert set(tariff(plans, text).zones) == {"domestic", "eea", "eu_roaming", "maghreb"}
    near = tariff(plans, BASE + zones + "roaming: {near: domestic}\n")
    assert near.roaming_in("CH") == near.roaming_in("ES") == Roaming("near", "domestic")
    hosted = changed("voice: 0.0035/min", "voice: {domestic: 0.0035/min, maghreb: 1/min}") + zones
    assert "maghreb" in tariff(plans, hosted).zones, "the record's cost is found by it"


def test_a_number_group_may_be_every_subscriber_s_own(plans: Plans) -> None:
    text = BASE + "number_groups: {friends: {own: {size: 5, changes: 2 per 30 days}}, one: {own: {size: 1}}}\n"
    assert plans.brand(text).catalogue.groups == (
        NumberGroup("friends", (), OwnList(5, 2, Every.parse("30 days"))),
        NumberGroup("one", (), OwnList(1, None, MONTH)),
    )


def test_a_prepaid_plan_prices_use_from_the_wallet(plans: Plans) -> None:
    text = changed("pay: postpaid", "pay: prepaid") + "    rates: deck.csv\n    services: [s]\n"
    text += PRICED + "number_groups: {g: {own: {size: 5}}}\nservices: {s: {voice to: g, price: 0.02/min}}\n"
    found = tariff(plans, text, deck="prefix,to,price\n+44,UK,0.10/min\n")
    assert found.beyond[Kind.VOICE] == Priced(voice("0.05/min"))
    assert (len(found.deck.rows), found.roaming[0].treatment, found.services[0].rate) == (1, "price", voice("0.02/min"))


def test_an_agreement_may_be_by_steps_as_a_whole_or_a_share_of_the_retail_price(plans: Plans) -> None:
    start = BASE.index("  agreement:")
    text = (
        BASE[:start]
        + "  agreement:\n"
        + "    - {from: 2026-01-01, data: {tiers: [{up_to: 1 TB, price: 1/GB}, {price: 0.5/GB}]}, minimum: 5/month,"
        + " voice: {domestic: {price: 0.01/min, setup: 0.01}, other: 1/min}, sms: {price: 0.01, maximum: 1}}\n"
        + "    - {from: 2027-01-01, voice: 0.01/min, sms: 0.01, capacity: {of: [data], price: 500/3 months}}\n"
        + "    - {from: 2028-01-01, line: 1/month, retail_minus: 30%}\n"
        + BASE[BASE.index("plans:") :]
    )
    steps, whole, share = plans.brand(text).catalogue.agreements
    assert steps.rates[Kind.DATA]["domestic"].tiers == (Tier(10**12, Decimal(1), GB), Tier(None, Decimal("0.5"), GB))
    assert steps.rates[Kind.VOICE]["domestic"].setup == Decimal("0.01")
    assert steps.rates[Kind.SMS]["other"].maximum == Decimal(1)
    assert (whole.capacity, whole.capacity_micro, whole.capacity_every) == (
        (Kind.DATA,),
        500_000_000,
        Every.parse("3 months"),
    )
    assert (share.retail_minus, share.rates, share.line_micro) == (Decimal(30), {}, 1_000_000)


def test_why_a_limit_is_as_it_is_is_explained(plans: Plans) -> None:
    text = including("data", "50 GB") + "roaming: {eea: {as: domestic, fair_use: auto, then: {data: 1/GB}}}\n"
    reasons = {one.path: (one.value, one.reason) for one in plans.brand(text).defaults}
    value, reason = reasons["plans.a.includes.data.limits.roaming"]
    assert (value, reason[:48]) == ("8.17 GB", "EU fair use: twice the price before tax over 1.0")
    assert reasons["plans.a.guards.eu_roaming_limit.spend"] == (
        "60.00 EUR",
        "Regulation (EU) 2022/612, art. 14: 50 EUR before tax for data abroad, then it stops",
    )
    kronor = plans.brand(SWEDEN + PRICED).defaults
    assert [one.value for one in kronor if one.path.endswith("eu_roaming_limit.spend")] == ["none"]
    following = plans.brand(changed("data: stop", "data: {next: big}") + SECOND).defaults
    said = {one.path: one.value for one in following}
    assert said["plans.a.then.data.next.fee"] == "8 EUR more, once, for 4 GB more"


@pytest.mark.parametrize("kind", ["voice", "sms", "data"])
def test_an_add_on_may_be_all_that_an_allowance_can_but_what_outlives_it(plans: Plans, kind: str) -> None:
    amount = {"voice": "10 min", "sms": "10", "data": "1 GB"}[kind]
    written = f"{{amount: {amount}, priority: 3, thresholds: [50], limits: {{hotspot: {amount}}}, shared: yes}}"
    (addon,) = plans.brand(BASE + f"addons: [{{id: x, price: 1, includes: {{{kind}: {written}}}}}]\n").catalogue.addons
    bucket = addon.buckets[0]
    assert (bucket.id, bucket.priority, bucket.thresholds, bucket.shared) == (f"x.{kind}", 3, (50,), True)
    assert bucket.limits == (Limit("hotspot", bucket.amount or 0),)


def test_the_caps_are_those_of_the_market_packs() -> None:
    rows = load_market("FR").pack["tables"]["roaming_wholesale_caps"]["rows"]
    columns = ("from", "data_eur_per_gb", "voice_eur_per_min", "sms_eur")
    packed = [tuple(str(row[name]) for name in columns) for row in rows]
    assert packed == [(str(one.starts), str(one.data), str(one.voice), str(one.sms)) for one in CAPS[-len(rows) :]]
    assert str(rows[-1]["to"]) == str(LAST_DAY)
