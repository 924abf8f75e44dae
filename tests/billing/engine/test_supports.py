"""What an engine says that it cannot do, reason by reason; whoever has it is rated by the reference, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mvne_billing.rating.engine.lines import LineSpan
from mvne_billing.rating.engine.supports import engine_supports
from mvne_billing.usage.record import UsageRecord
from mvne_plans.bands import EVERY_DAY, Band, Calendar
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate, Tier
from mvne_plans.tariff import Bucket, Limit, NextTier, Priced, Rollover, Tariff
from tests.billing.builders import agreement, sms, voice, world
from tests.billing.engine.comparing import Case, assert_equal, by_engine, by_reference, span
from tests.billing.engine.test_semantics import BANDED, MEMBER, MONDAY, NIGHT, OWN, call, family, plan

TIERED = Rate(Decimal(0), 1, tiers=(Tier(None, Decimal(1), 1),))
BUCKET = Bucket("b", Kind.VOICE, 60)
ENDLESS = Bucket("e", Kind.VOICE, None, rate=voice("0.01/min"))

REFUSED: Mapping[str, tuple[Tariff, str]] = {
    "rollover": (plan(replace(BUCKET, rollover=Rollover())), "bucket b rolls over"),
    "increments": (plan(replace(BUCKET, increments=Increments(1, 60))), "may pass over a long use"),
    "a factor of nothing": (plan(replace(BUCKET, factor=Decimal(0))), "no factor above 0"),
    "two limits": (plan(replace(BUCKET, limits=(Limit("x", 1), Limit("y", 1)))), "two limits"),
    "less than nothing": (plan(replace(BUCKET, amount=-1)), "less than nothing"),
    "endless in other units": (plan(replace(BUCKET, amount=None, factor=Decimal(2))), "in other units"),
    "a bucket by tiers": (plan(replace(BUCKET, rate=TIERED)), "price by tiers"),
    "a broken factor and bands": (
        plan(replace(BUCKET, factor=Decimal("1.5")), calendar=NIGHT),
        "factor that is not whole",
    ),
    "roaming by tiers": (replace(plan(), services=()), ""),
    "tiers and bands": (plan(then={Kind.VOICE: replace(TIERED, bands=BANDED.bands)}), "tiers and other prices by time"),
    "nothing said beyond": (replace(plan(BUCKET), beyond={}), "nothing is said beyond it"),
    "more buckets than passes": (
        plan(*(replace(BUCKET, id=f"b{place}", priority=place) for place in range(9))),
        "more than 8 buckets of voice in a row",
    ),
    "a gift": (replace(plan(), beyond={Kind.DATA: NextTier("x", Decimal(-1), None)}), "for less than nothing"),
    "seconds in a calendar": (
        plan(calendar=Calendar((Band("n", EVERY_DAY, time(22, 0, 1), time(6)),))),
        "whole minutes",
    ),
    "endless and bands": (plan(ENDLESS, replace(ENDLESS, id="n", bands=("night",))), "another one holds in some"),
}


@pytest.mark.parametrize(("tariff", "words"), REFUSED.values(), ids=REFUSED)
def test_a_tariff_that_no_engine_can_rate_says_why(tariff: Tariff, words: str) -> None:
    reasons = engine_supports(tariff, world())
    assert (words in "; ".join(reasons)) if words else reasons == ()


def test_a_world_that_no_engine_can_rate_says_why() -> None:
    tiered = agreement(rates={Kind.DATA: {"domestic": TIERED}})
    assert "count the use of the whole brand" in engine_supports(plan(), world(agreements=(tiered,)))[0]

    class Unlisted:
        def __contains__(self, number: object) -> bool:
            return False

    asks = plan(replace(BUCKET, to=("on_net",)))
    assert engine_supports(asks, world(on_net=Unlisted())) == ("the numbers of on_net cannot be listed",)


def test_lines_of_a_plan_that_is_refused_go_to_the_reference_and_the_others_do_not(tmp_path: Path) -> None:
    tariffs = {"plan": plan(BUCKET), "rolls": plan(replace(BUCKET, rollover=Rollover()))}
    records = [
        replace(call(100), id=f"{number}{place}", msisdn=number, start=MONDAY + timedelta(seconds=place))
        for number in (OWN, MEMBER)
        for place in range(2)
    ]
    case = Case(records, [span(OWN), span(MEMBER, plan="rolls")], tariffs, world())
    found, run = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert (run.rated, run.by_reference, run.share_percent) == (4, 2, "50.00 %")
    assert list(run.reasons.values()) == [1]
    assert "rolls over" in next(iter(run.reasons))


LEFT = {
    "a line's own reason": ([span(by_reference="it has add-ons")], plan(BUCKET), call(60), "it has add-ons"),
    "a call over three bands": ([span()], plan(calendar=NIGHT), call(20 * 3600), "a record that no query can price"),
    "parts of a session": ([span()], plan(), call(60, session="s"), "partial records of one session"),
    "a pool with one who is left": (
        [one if one.msisdn != MEMBER else replace(one, by_reference="it has lists of its own") for one in family()],
        plan(replace(BUCKET, shared=True)),
        call(60),
        "it has lists of its own",
    ),
    "a chain that ends": (
        [span()],
        replace(plan(BUCKET), beyond={Kind.VOICE: Priced(voice("0.06/min"), amount=30), Kind.SMS: Priced(sms("1"))}),
        call(0),
        "",
    ),
}


@pytest.mark.parametrize(("spans", "tariff", "record", "reason"), LEFT.values(), ids=LEFT)
def test_what_is_found_out_while_rating_leaves_the_line_over(
    spans: list[LineSpan], tariff: Tariff, record: UsageRecord, reason: str, tmp_path: Path
) -> None:
    records = [replace(record, id="one"), replace(call(90), id="two", session=record.session)]
    case = Case(records, spans, {"plan": tariff}, world())
    found, run = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert set(run.reasons) == ({reason} if reason else set())
