"""What a tariff means, rule by rule, as an engine prices it: what is written down here, and what the reference says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mvne_billing.rating.engine.lines import Counters, LineSpan
from mvne_billing.rating.result import Reason, World
from mvne_billing.usage.record import UsageRecord
from mvne_plans.bands import EVERY_DAY, Band, Calendar
from mvne_plans.money import Mode, Rounding
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate, Scheme, Tier
from mvne_plans.tariff import (
    Bucket,
    DeckRow,
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
    DE_NUMBER,
    GB_NUMBER,
    HOME_NUMBER,
    PREMIUM,
    US_NUMBER,
    agreement,
    data,
    numbering,
    sms,
    voice,
)
from tests.billing.engine.comparing import END, START, Case, assert_equal, by_engine, by_reference, span

MONDAY = datetime(2027, 3, 8, 10, tzinfo=UTC)
OWN, MEMBER, OTHER = "+33639980001", "+33639980002", "+33639980003"


def call(seconds: int, to: str = HOME_NUMBER, **changes: object) -> UsageRecord:
    made = UsageRecord("r", OWN, Kind.VOICE, MONDAY, seconds, "FR", to)
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names the fields


def surf(amount: int, **changes: object) -> UsageRecord:
    made = UsageRecord("r", OWN, Kind.DATA, MONDAY, amount, "FR")
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names the fields


def plan(*buckets: Bucket, then: Mapping[Kind, Rate] | None = None, **changes: object) -> Tariff:
    """Return a tariff with buckets and prices beyond; voice costs 0.06 a minute unless said otherwise."""
    beyond = {Kind.VOICE: Priced(voice("0.06/min")), Kind.SMS: Priced(sms("0.05")), Kind.DATA: Priced(data("1/GB"))}
    beyond |= {kind: Priced(rate) for kind, rate in (then or {}).items()}
    made = Tariff("EUR", "FR", {"eea": ("DE", "IT")}, buckets, beyond)
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names the fields


def world(**changes: object) -> World:
    made = World(numbering(), {"care": frozenset({CARE_HOME})}, (agreement(),), "Europe/Paris", frozenset({MEMBER}))
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names the fields


@dataclass(frozen=True)
class Rule:
    """Records in their order under a tariff, and what each must cost, to the host too if said."""

    tariff: Tariff
    records: Sequence[UsageRecord]
    charges: Sequence[int]
    host: Sequence[int] | None = None
    opening: Counters = field(default_factory=dict)
    world: World = field(default_factory=world)


NIGHT = Calendar((Band("night", EVERY_DAY, time(22), time(6)),))
BANDED = replace(voice("0.06/min"), bands=(("night", voice("0.03/min")),))
STEPS = (Tier(120, Decimal("0.12"), 60), Tier(None, Decimal("0.06"), 60))
DECK = RateDeck((DeckRow("+44", "UK", voice("0.10/min"), sms("0.2")), DeckRow("+447", "UK mobile", voice("0.30/min"))))
BEFORE_NIGHT = datetime(2027, 3, 8, 20, 59, tzinfo=UTC)

RULES = {
    "the longest prefix": Rule(plan(deck=DECK), [call(60, "+442079460000"), call(60, GB_NUMBER)], [100_000, 300_000]),
    "numbers as they are dialled": Rule(
        plan(deck=DECK),
        [call(60, to) for to in ("0142990000", "00442079460000", "+44 20-7946.0000")],
        [60_000, 100_000, 100_000],
    ),
    "emergency calls are free and never counted": Rule(
        plan(Bucket("voice", Kind.VOICE, 60)), [call(600, "112"), call(60)], [0, 0], host=[0, 10_000]
    ),
    "a service beside the allowance": Rule(
        plan(
            Bucket("voice", Kind.VOICE, 60),
            services=(RatingService("care", Kind.VOICE, "care", voice("0.01/min"), limit=120),),
        ),
        [call(240, CARE_HOME), call(60)],
        [20_000 + 60_000, 60_000],
    ),
    "a service out of the allowance": Rule(
        plan(
            Bucket("voice", Kind.VOICE, 60),
            services=(RatingService("care", Kind.VOICE, "care", voice("0.01/min"), True),),
        ),
        [call(180, CARE_HOME)],
        [20_000],
    ),
    "the record that crosses a cap is split": Rule(
        plan(Bucket("voice", Kind.VOICE, 100)), [call(60), call(60), call(60)], [0, 20_000, 60_000]
    ),
    "buckets burn by priority": Rule(
        plan(Bucket("late", Kind.VOICE, 60, priority=2), Bucket("dear", Kind.VOICE, 60, rate=voice("0.01/min"))),
        [call(60), call(60), call(60)],
        [10_000, 0, 60_000],
    ),
    "an opening counter": Rule(
        plan(Bucket("voice", Kind.VOICE, 100)), [call(60)], [20_000], opening={("sub001", "voice", START): 60}
    ),
    "a bucket that blocks is the last one": Rule(
        plan(Bucket("first", Kind.VOICE, 60, blocks=True), Bucket("next", Kind.VOICE, 60, priority=1)),
        [call(120)],
        [60_000],
    ),
    "a factor": Rule(plan(Bucket("voice", Kind.VOICE, 120, factor=Decimal(2))), [call(90)], [30_000]),
    "a bucket of whole increments": Rule(
        plan(Bucket("voice", Kind.VOICE, 120, increments=Increments(60, 60))), [call(61), call(1)], [0, 1_000]
    ),
    "a bucket of groups and one of the brand's own numbers": Rule(
        plan(
            Bucket("care", Kind.VOICE, 60, groups=("care",)), Bucket("net", Kind.VOICE, 60, to=("on_net",), priority=1)
        ),
        [call(60, CARE_HOME), call(60, CARE_HOME), call(60, MEMBER), call(60, HOME_NUMBER)],
        [0, 60_000, 0, 60_000],
    ),
    "a label and its limit": Rule(
        plan(Bucket("data", Kind.DATA, 10**9, limits=(Limit("hotspot", 10**8),))),
        [surf(2 * 10**8, label="hotspot"), surf(9 * 10**8), surf(10**8)],
        [100_000, 0, 100_000],
    ),
    "fair use abroad keeps out, at the roaming price": Rule(
        plan(
            Bucket("data", Kind.DATA, 10**9, limits=(Limit("roaming", 10**8),)),
            roaming=(Roaming("eea", "domestic", {Kind.DATA: data("2/GB")}),),
        ),
        [surf(2 * 10**8, country="DE"), surf(10**9)],
        [200_000, 100_000],
        host=[400_000, 1_000_000],
    ),
    "roaming at prices of its own": Rule(
        plan(
            Bucket("voice", Kind.VOICE, 600), roaming=(Roaming("GB", "price", {Kind.VOICE: voice("0.50/min 60/60")}),)
        ),
        [call(61, country="GB")],
        [1_000_000],
        host=[508_333],
    ),
    "increments are counted once per session": Rule(
        plan(Bucket("voice", Kind.VOICE, 540), then={Kind.VOICE: voice("0.06/min 60/60")}),
        [call(480), call(61), call(61)],
        [0, 1_000 + 59_000, 120_000],
    ),
    "set-up, minimum, maximum, percent": Rule(
        plan(
            Bucket("voice", Kind.VOICE, 60),
            then={Kind.VOICE: voice("0.06/min setup 0.10 minimum 0.15 maximum 0.50 percent 10")},
        ),
        [call(60), call(10), call(60), call(3600), call(0)],
        [0, 165_000, 176_000, 550_000, 0],
    ),
    "graduated steps": Rule(
        plan(then={Kind.VOICE: Rate(Decimal(0), 60, tiers=STEPS)}), [call(90), call(90)], [180_000, 60_000 + 60_000]
    ),
    "volume steps give back": Rule(
        plan(then={Kind.VOICE: Rate(Decimal(0), 60, tiers=STEPS, scheme=Scheme.VOLUME)}),
        [call(120), call(60)],
        [240_000, -60_000],
    ),
    "packages by started block": Rule(
        plan(then={Kind.DATA: Rate(Decimal(0), 1, tiers=(Tier(None, Decimal(2), 10**8),), scheme=Scheme.PACKAGE)}),
        [surf(10**8 + 1), surf(10**8 - 1), surf(1)],
        [4_000_000, 0, 2_000_000],
    ),
    "a call is cut at the band": Rule(
        plan(then={Kind.VOICE: BANDED}, calendar=NIGHT), [call(120, start=BEFORE_NIGHT)], [60_000 + 30_000]
    ),
    "a call by the band of its start": Rule(
        plan(then={Kind.VOICE: BANDED}, calendar=NIGHT, splits_calls=False), [call(120, start=BEFORE_NIGHT)], [120_000]
    ),
    "a bucket of a band": Rule(
        plan(Bucket("nights", Kind.VOICE, 40, bands=("night",)), then={Kind.VOICE: BANDED}, calendar=NIGHT),
        [call(120, start=BEFORE_NIGHT)],
        [60_000 + 10_000],
    ),
    "a staircase of speeds and its stop": Rule(
        plan(
            Bucket("data", Kind.DATA, 100),
            beyond={Kind.DATA: Slow(10, amount=50, then=NextTier("big", Decimal(3), 50, then=Stop()))},
        ),
        [surf(120), surf(60), surf(60)],
        [0, 3_000_000, 0],
    ),
    "rounded by the tariff's mode and unit": Rule(
        plan(then={Kind.VOICE: voice("0.005/min")}, rounding=Rounding(10_000, Mode.HALF_EVEN)),
        [call(60), call(180)],
        [0, 20_000],
    ),
    "retail less a percentage to the host": Rule(
        plan(), [call(60)], [60_000], host=[45_000], world=world(agreements=(agreement(retail_minus=Decimal(25)),))
    ),
    "capacity, and the host's own deck": Rule(
        plan(deck=DECK),
        [surf(10**9), call(61, GB_NUMBER)],
        [1_000_000, 305_000],
        host=[0, 80_000],
        world=world(agreements=(agreement(capacity=(Kind.DATA,)),)),
    ),
    "the agreement of the day": Rule(
        plan(),
        [call(60), call(60, start=datetime(2027, 3, 15, tzinfo=UTC))],
        [60_000, 60_000],
        host=[10_000, 20_000],
        world=world(agreements=(agreement(), agreement("2027-03-15", voice_rate="0.02/min"))),
    ),
    "amounts beyond what a float can tell": Rule(
        plan(Bucket("data", Kind.DATA, 2**53 + 1), then={Kind.DATA: data("0.9/MB")}),
        [surf(10**15), *[surf(10**15)] * 8, surf(10**15)],
        [0] * 9 + [893_520_670_733_106],
    ),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_an_engine_prices_by_the_rule(rule: Rule, tmp_path: Path) -> None:
    records = [
        replace(one, id=f"r{place:02}", start=one.start + timedelta(seconds=place))
        for place, one in enumerate(rule.records)
    ]
    case = Case(records, [span(OWN), span(MEMBER)], {"plan": rule.tariff}, rule.world, rule.opening)
    found, run = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert run.by_reference == 0
    assert [found.rows[one.id].charge_micro for one in records] == list(rule.charges)
    if rule.host is not None:
        assert [found.rows[one.id].cost_micro for one in records] == list(rule.host)


def family(plan_name: str = "plan") -> list[LineSpan]:
    pool = {"owner": "sub001", "owner_plan": "plan", "owner_opened": START, "owner_expires": END}
    return [span(OWN), span(MEMBER, plan=plan_name, **pool), span(OTHER, plan=plan_name, **pool)]


def test_a_family_burns_one_bucket_each_member_under_its_cap(tmp_path: Path) -> None:
    shared = Bucket("family", Kind.VOICE, 300, shared=True, limits=(Limit("member", 90),))
    tariffs = {"plan": plan(shared), "light": plan(Bucket("own", Kind.VOICE, 30, priority=-1))}
    calls = [call(100, msisdn=MEMBER), call(100, msisdn=OTHER), call(100), call(60, msisdn=MEMBER)]
    records = [replace(one, id=f"r{place}", start=MONDAY + timedelta(seconds=place)) for place, one in enumerate(calls)]
    case = Case(records, family("light"), tariffs, world())
    found, run = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert run.by_reference == 0
    assert [found.rows[one.id].charge_micro for one in records] == [0, 0, 10_000, 40_000]
    assert found.taken["sub001", "family", START] == 70 + 70 + 90 + 20
    assert found.taken["sub002", "family/sub001", START] == 90


HELD = {
    "nobody had the number": (call(60, msisdn="+33600000000"), Reason.UNKNOWN_SUBSCRIBER),
    "nobody had the number then": (call(60, start=END), Reason.UNKNOWN_SUBSCRIBER),
    "the plan has no use there": (call(60, country="US"), Reason.ROAMING_REFUSED),
    "no prefix fits": (call(60, "+9991234567"), Reason.UNKNOWN_DESTINATION),
    "the plan has no price for it": (call(60, PREMIUM), Reason.NO_TARIFF),
    "the host has no price for it": (replace(surf(60), country="GB"), Reason.NO_WHOLESALE_PRICE),
    "it would cost more than any record": (surf(10**15, id="huge"), Reason.TOO_LARGE),
}


@pytest.mark.parametrize(("record", "reason"), HELD.values(), ids=HELD)
def test_what_has_no_price_waits_with_its_reason(record: UsageRecord, reason: Reason, tmp_path: Path) -> None:
    roaming = (Roaming("US", "refuse"), Roaming("GB", "price", {Kind.DATA: data("1/GB")}))
    records = [replace(record, id="held"), replace(call(60), id="fine")]
    tariff = plan(roaming=roaming, then={Kind.DATA: data("1000000/MB")} if reason is Reason.TOO_LARGE else {})
    case = Case(records, [span(OWN)], {"plan": tariff}, world())
    found, _ = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert found.held == {("held", reason): 1}
    assert found.rows["fine"].charge_micro == 60_000


def test_duplicates_are_dropped_and_conflicts_wait(tmp_path: Path) -> None:
    first = replace(call(60), id="one")
    records = [first, replace(first, amount=61), first, replace(surf(10), id="two"), first]
    case = Case(records, [span(OWN)], {"plan": plan()}, world())
    found, run = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert (run.rated, run.duplicates, dict(run.suspended)) == (2, 2, {Reason.CONFLICT: 1})


def test_a_new_period_opens_its_allowances_anew(tmp_path: Path) -> None:
    middle = datetime(2027, 3, 15, tzinfo=UTC)
    spans = [span(OWN, until=middle, expires=middle), span(OWN, since=middle, opened=middle)]
    times = (MONDAY, middle - timedelta(seconds=1), middle)
    records = [replace(call(60), id=f"r{place}", start=at) for place, at in enumerate(times)]
    case = Case(records, spans, {"plan": plan(Bucket("voice", Kind.VOICE, 60))}, world())
    found, _ = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert [found.rows[one.id].charge_micro for one in records] == [0, 60_000, 0]


def test_calls_to_other_countries_burn_what_covers_them(tmp_path: Path) -> None:
    tariff = plan(Bucket("eea", Kind.VOICE, 60, to=("eea",)), deck=RateDeck((DeckRow("+1", "US", voice("0.20/min")),)))
    records = [replace(call(60, to), id=to) for to in (DE_NUMBER, US_NUMBER)]
    case = Case(records, [span(OWN)], {"plan": tariff}, world())
    found, _ = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert {name: row.charge_micro for name, row in found.rows.items()} == {DE_NUMBER: 0, US_NUMBER: 200_000}


def test_eight_buckets_burn_one_after_the_other(tmp_path: Path) -> None:
    tariff = plan(*(Bucket(f"b{place}", Kind.VOICE, 60, priority=place) for place in range(8)))
    records = [replace(call(100), id=f"r{place}", start=MONDAY + timedelta(seconds=place)) for place in range(6)]
    case = Case(records, [span(OWN)], {"plan": tariff}, world())
    found, run = by_engine(case, tmp_path)
    assert_equal(by_reference(case), found)
    assert run.by_reference == 0
    assert [found.rows[one.id].charge_micro for one in records] == [0, 0, 0, 0, 20_000, 100_000]


@pytest.mark.parametrize("longer", ["+4900", "+490000000000"])
def test_a_number_shorter_than_a_prefix_does_not_have_it(longer: str, tmp_path: Path) -> None:
    deck = RateDeck((DeckRow("+49", "DE", voice("0.10/min")), DeckRow(longer, "dear", voice("9/min"))))
    records = [replace(call(60, to), id=to) for to in ("+49", "+490", longer, DE_NUMBER)]
    found, _ = by_engine(case := Case(records, [span(OWN)], {"plan": plan(deck=deck)}, world()), tmp_path)
    assert_equal(by_reference(case), found)
    charges = {"+49": 100_000, "+490": 100_000, longer: 9_000_000, DE_NUMBER: 100_000}
    assert {name: row.charge_micro for name, row in found.rows.items()} == charges
