"""What a stored thing is, and how two versions of it differ, in words that a founder understands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from mvne.versions import wanted
from mvne.wording import described, differences
from mvne_plans.bands import Band, Calendar
from mvne_plans.catalogue import NumberGroup, OwnList, Promotion
from mvne_plans.money import Mode, Money, Rounding
from mvne_plans.numbering import NumberKind
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import Bucket, Guard, Limit, NextTier, Priced, Rollover, Slow, Stop
from tests.mvne.house import example

TILLEUL = {f"{kind} {id_}": thing for (kind, id_), thing in wanted(example("tilleul")).items()}
COMET = {f"{kind} {id_}": thing for (kind, id_), thing in wanted(example("comet")).items()}
DOUCEUR: Any = TILLEUL["plan douceur"]
SPARK: Any = COMET["plan spark"]


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (TILLEUL["brand tilleul"], "Tilleul Mobile, FR, EUR, host simulated"),
        (TILLEUL["agreement 2026-01-01"], "wholesale prices from 2026-01-01"),
        (TILLEUL["group care_homes"], "20 numbers"),
        (DOUCEUR, "Douceur: postpaid; 4.90 EUR per month"),
        (TILLEUL["addon data-1gb"], "3.00 EUR, data 1 GB"),
        (TILLEUL["promotion bienvenue"], "50 % off for 3 periods, code BIENVENUE"),
        (
            COMET["plan spark"],
            "Spark: prepaid; 60.00 USD for 3 × 30 days, 108.00 USD for 6 × 30 days, 180.00 USD for 12 × 30 days",
        ),
        (Promotion("x", 1, Decimal("50"), None), "50 % off for 1 period"),
        (
            NumberGroup("friends", own=OwnList(5, 2)),
            "every subscriber's own list of 5 numbers, 2 changes per month",
        ),
    ],
)
def test_a_thing_in_one_line(thing: object, words: str) -> None:
    assert described(thing) == words


def test_what_has_no_words_is_a_defect_of_ours() -> None:
    with pytest.raises(TypeError, match="date has no words"):
        described(date(2027, 1, 1))


def beyond(**rules: Any) -> Any:
    """Return douceur with other rules for what happens beyond the allowance."""
    changed = {**DOUCEUR.tariff.beyond, **{Kind(kind): rule for kind, rule in rules.items()}}
    return replace(DOUCEUR, tariff=replace(DOUCEUR.tariff, beyond=changed))


def with_tariff(**changes: Any) -> Any:
    """Return douceur with another tariff."""
    return replace(DOUCEUR, tariff=replace(DOUCEUR.tariff, **changes))


[CARE_CALLS] = DOUCEUR.tariff.services
AGREEMENT: Any = TILLEUL["agreement 2026-01-01"]
GB = 10**9
RICH = Bucket(
    "data",
    Kind.DATA,
    2 * GB,
    within=("eea",),
    bands=("evening",),
    labels=("hotspot",),
    priority=2,
    factor=Decimal(2),
    rate=Rate.parse("1/GB", Kind.DATA),
    blocks=True,
    shared=True,
    limits=(Limit("roaming", GB),),
    rollover=Rollover(1, GB),
    thresholds=(50, 80),
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (DOUCEUR, DOUCEUR, []),
        (DOUCEUR, replace(DOUCEUR, price=Money.parse("5.90", "EUR")), ["price: 4.90 EUR becomes 5.90 EUR"]),
        (DOUCEUR, replace(DOUCEUR, price=None), ["price: 4.90 EUR becomes none"]),
        (DOUCEUR, beyond(data=Stop()), ["tariff.beyond.data: slow 128 kbit/s becomes stop"]),
        (DOUCEUR, beyond(data=Slow(64_000)), ["tariff.beyond.data: slow 128 kbit/s becomes slow 64 kbit/s"]),
        (
            DOUCEUR,
            beyond(voice=Priced(Rate.parse("0.06/min", Kind.VOICE))),
            ["tariff.beyond.voice: 0.05/min becomes 0.06/min"],
        ),
        (
            DOUCEUR,
            with_tariff(services=()),
            ["tariff.services.care_calls: voice to care_homes at 0/min becomes none"],
        ),
        (
            DOUCEUR,
            with_tariff(services=(replace(CARE_CALLS, limit=60),)),
            ["tariff.services.care_calls.limit: 7200 becomes 60"],
        ),
        (
            DOUCEUR,
            with_tariff(roaming=DOUCEUR.tariff.roaming[:1]),
            ["tariff.roaming.other: refuse becomes none"],
        ),
        (
            DOUCEUR,
            beyond(data=Slow(10**6, amount=GB, then=NextTier("serenite", Decimal(8), 4 * GB, then=Stop()))),
            [
                "tariff.beyond.data: slow 128 kbit/s becomes slow 1 Mbit/s for 1 GB, then on at serenite for 8 more, "
                "4 GB more, then stop"
            ],
        ),
        (
            DOUCEUR,
            with_tariff(buckets=(DOUCEUR.tariff.buckets[0], *DOUCEUR.tariff.buckets[1:2], RICH)),
            [
                "tariff.buckets.data: data 1 GB becomes data 2 GB in eea at evening for hotspot priority 2 counted 2 "
                "times at 1/GB roaming at most 1 GB rolled over 1 times, at most 1 GB notice at 50, 80 percent shared "
                "last"
            ],
        ),
        (
            DOUCEUR,
            with_tariff(buckets=(replace(DOUCEUR.tariff.buckets[0], groups=("friends",)), *DOUCEUR.tariff.buckets[1:])),
            ["tariff.buckets.voice: voice 60 min becomes voice 60 min to friends"],
        ),
        (
            with_tariff(guards=(Guard("cap", "spend", 50_000_000),)),
            with_tariff(guards=(Guard("cap", "units", 600, "day", (Kind.VOICE,), ("eea",), (), "alert"),)),
            ["tariff.guards.cap: spend 50 of all use per period, then stop becomes 10 min in eea per day, then alert"],
        ),
        (
            DOUCEUR,
            with_tariff(guards=(Guard("storm", "count", 9, "hour", to=(NumberKind.PREMIUM,)),)),
            ["tariff.guards.storm: none becomes count 9 of all use to premium numbers per hour, then stop"],
        ),
        (
            DOUCEUR,
            with_tariff(rounding=Rounding(10_000, Mode.UP, "record")),
            ["tariff.rounding: to 0.000001, half-up, per session becomes to 0.01, up, per record"],
        ),
        (
            DOUCEUR,
            with_tariff(calendar=Calendar((Band("evening", (0, 1), time(18), time(8)),), yearly=((12, 25), (5, 1)))),
            [
                "tariff.calendar.bands: none becomes evening mon tue 18:00 to 08:00",
                "tariff.calendar.yearly: none becomes 12-25, 05-01",
            ],
        ),
        (
            replace(AGREEMENT, rates={Kind.SMS: {"domestic": Rate(Decimal("0.1"), 10)}}),
            replace(AGREEMENT, rates={Kind.SMS: {"domestic": Rate(Decimal("0.2"), 10)}}),
            ["rates.sms.domestic: 0.1/10 sms becomes 0.2/10 sms"],
        ),
        (
            SPARK,
            replace(SPARK, terms=(replace(SPARK.terms[0], price=Money.parse("66", "USD")), SPARK.terms[1])),
            ["terms.12 periods: 180.00 USD becomes none", "terms.3 periods.price: 60.00 USD becomes 66.00 USD"],
        ),
        (
            NumberGroup("homes", tuple(f"+3319900{number:04d}" for number in range(10))),
            NumberGroup("homes", tuple(f"+3319900{number:04d}" for number in range(2, 11))),
            ["numbers: 1 added, 2 removed"],
        ),
        (1, Decimal("2.50"), [": 1 becomes 2.50"]),
    ],
)
def test_how_two_versions_differ(old: Any, new: Any, words: list[str]) -> None:
    assert list(differences(old, new)) == words
