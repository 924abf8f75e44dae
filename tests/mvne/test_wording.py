"""What a stored thing is, and how two versions of it differ, in words that a founder understands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mvne.versions import wanted
from mvne.wording import described, differences
from mvne_plans.catalogue import NumberGroup, Promotion
from mvne_plans.money import Money
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import Priced, Slow, Stop
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
