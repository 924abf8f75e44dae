"""Random tariffs, lines and records for the differential test: small worlds in which everything meets everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from mvne_billing.rating.engine.lines import LineSpan
from mvne_billing.rating.result import World
from mvne_billing.usage.record import UsageRecord
from mvne_plans.agreement import Agreement
from mvne_plans.bands import EVERY_DAY, HOLIDAY, NO_BANDS, Band, Calendar
from mvne_plans.money import Mode, Rounding
from mvne_plans.quantity import MOST, Kind
from mvne_plans.rate import BY_UNIT, Increments, Rate, Scheme, Tier
from mvne_plans.tariff import (
    Beyond,
    Bucket,
    DeckRow,
    Limit,
    NextTier,
    Priced,
    RateDeck,
    RatingService,
    Roaming,
    Rollover,
    Slow,
    Stop,
    Tariff,
)
from tests.billing.builders import (
    CARE_HOME,
    DE_NUMBER,
    FREEPHONE,
    GB_FREEPHONE,
    GB_NUMBER,
    GB_PREMIUM,
    HOME_NUMBER,
    PREMIUM,
    SATELLITE,
    US_NUMBER,
    agreement,
    numbering,
)
from tests.billing.engine.comparing import END, START, Case

PARIS = "Europe/Paris"
MIDDLE = datetime(2027, 3, 14, 11, 30, tzinfo=UTC)
LINES = ("+33639980001", "+33639980002", "+33639980003")

prices = st.sampled_from(["0", "0.05", "0.003", "1.234567", "0.000001", "12.5", "999.999999999"]).map(Decimal)
increments = st.sampled_from([BY_UNIT, BY_UNIT, Increments(60, 1), Increments(60, 60), Increments(7, 3)])
fees = st.sampled_from(["0", "0", "0", "0.1", "0.0333333", "2"]).map(Decimal)
pers = st.sampled_from([1, 60, 7, 10**6, 10**9])
bands = ("", "night", "peak", "feast")


@st.composite
def plain_rates(draw: st.DrawFn) -> Rate:
    return Rate(draw(prices), draw(pers), draw(increments))


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    """Return a rate with what may count once per session and other prices by time band."""
    own = draw(plain_rates())
    if draw(st.booleans()):
        return own
    maximum = draw(st.one_of(st.none(), st.sampled_from(["0.5", "3", "0.7777777"]).map(Decimal)))
    named = draw(
        st.lists(st.tuples(st.sampled_from(bands[1:]), plain_rates()), max_size=2, unique_by=lambda one: one[0])
    )
    percent = draw(st.sampled_from(["0", "0", "2.5", "33.3333"]).map(Decimal))
    counted = (draw(fees), draw(fees), maximum)
    return Rate(own.amount, own.per, own.increments, *counted, percent=percent, bands=tuple(named))


@st.composite
def tiered_rates(draw: st.DrawFn) -> Rate:
    ends = sorted(draw(st.sets(st.sampled_from([10, 60, 100, 1000, 10**6]), min_size=1, max_size=2)))
    last: list[int | None] = draw(st.sampled_from([[None], []]))
    tiers = tuple(Tier(end, draw(prices), draw(pers), draw(fees)) for end in [*ends, *last])
    return Rate(Decimal(0), 1, draw(increments), tiers=tiers, scheme=draw(st.sampled_from(Scheme)))


amounts = st.sampled_from([0, 1, 59, 60, 61, 100, 500, 3600, 10**6, 5 * 10**8, 2**53 + 1])


@st.composite
def bucket_of(draw: st.DrawFn, place: int) -> Bucket:
    kind = draw(st.sampled_from([Kind.VOICE, Kind.VOICE, Kind.DATA, Kind.SMS]))
    rare = draw(st.integers(0, 5))
    limits = [Limit(draw(st.sampled_from(["roaming", "hotspot", "member"])), draw(amounts))] if rare == 0 else []
    amount = draw(st.one_of(amounts, amounts, amounts, st.none()))
    # An unlimited bucket that counts its use in other units is the reference's: once in a while is enough.
    plain = amount is None and draw(st.integers(0, 9)) < 9
    return Bucket(
        id=f"b{place}",
        kind=kind,
        amount=amount,
        to=draw(st.sampled_from([("domestic",), ("domestic", "eea"), ("GB",), ("on_net",), ("international",)])),
        within=draw(st.sampled_from([("domestic",), ("domestic", "GB"), ("eea",)])),
        groups=("care",) if rare == 1 else (),
        bands=draw(st.sampled_from([(), (), ("night",), ("", "peak")])),
        labels=draw(st.sampled_from([(), (), (), ("hotspot",)])),
        priority=draw(st.integers(0, 2)),
        increments=BY_UNIT
        if plain
        else draw(st.sampled_from([BY_UNIT, BY_UNIT, Increments(60, 1), Increments(60, 60)])),
        factor=Decimal(1 if plain else draw(st.sampled_from(["1", "1", "1", "1", "1", "2", "2", "0.5"]))),
        rate=draw(rates()) if rare == 2 else None,
        blocks=rare == 3,
        shared=draw(st.booleans()),
        limits=tuple(limits),
        rollover=draw(st.sampled_from([None] * 40 + [Rollover()])),
    )


@st.composite
def beyonds(draw: st.DrawFn, depth: int = 0) -> Beyond:
    sort = draw(st.sampled_from(["price", "price", "slow", "stop", "next", "tiers"]))
    if sort == "stop":
        return Stop()
    amount = draw(st.one_of(st.none(), amounts.filter(bool)))
    then = draw(beyonds(depth + 1)) if amount is not None and depth < 2 and draw(st.booleans()) else None
    if sort == "slow":
        return Slow(128_000, amount=amount, then=then)
    if sort == "next":
        return NextTier("other", draw(fees), amount, then=then)
    return Priced(draw(tiered_rates() if sort == "tiers" else rates()), amount=amount, then=then)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    if draw(st.integers(0, 2)) == 0:
        return NO_BANDS
    several = [
        Band("feast", (HOLIDAY,)),
        Band("night", draw(st.sampled_from([EVERY_DAY, (0, 1, 2, 3, 4)])), time(22), time(6)),
        Band("peak", (0, 1, 2, 3, 4), time(8), time(18, 30)),
    ]
    chosen = draw(st.lists(st.sampled_from(several), min_size=1, max_size=3, unique=True))
    return Calendar(tuple(chosen), (date(2027, 3, 12),))


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    count = draw(st.integers(0, 4))
    kinds = draw(st.sets(st.sampled_from(Kind), min_size=3 if draw(st.integers(0, 5)) < 5 else 1))
    deck = [
        DeckRow("+44", "UK", draw(rates()), draw(plain_rates())),
        DeckRow("+447", "UK mobile", draw(rates())),
        DeckRow("+1", "US", draw(plain_rates())),
        *([DeckRow("+44770090012", "one of them", draw(plain_rates()))] if draw(st.booleans()) else []),
    ]
    abroad = {kind: draw(rates()) for kind in draw(st.sets(st.sampled_from(Kind), min_size=1))}
    service = RatingService(
        "care", Kind.VOICE, "care", draw(rates()), draw(st.booleans()), draw(st.one_of(st.none(), amounts))
    )
    return Tariff(
        currency="EUR",
        home="FR",
        zones={"eea": ("DE", "IT")},
        buckets=tuple(draw(bucket_of(place)) for place in range(count)),
        beyond={kind: draw(beyonds()) for kind in kinds},
        deck=RateDeck(tuple(deck)),
        roaming=(
            Roaming("eea", draw(st.sampled_from(["domestic", "price"])), abroad),
            Roaming("GB", draw(st.sampled_from(["price", "refuse"])), abroad),
        ),
        services=(service,) if draw(st.booleans()) else (),
        calendar=draw(calendars()),
        splits_calls=draw(st.booleans()),
        rounding=Rounding(draw(st.sampled_from([1, 1, 7, 10_000])), draw(st.sampled_from(Mode))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    first = agreement(voice_rate=draw(st.sampled_from(["0.01/min", "0.0123/min 60/1 setup 0.01 maximum 0.5"])))
    changes: dict[str, Any] = draw(
        st.sampled_from([{}, {}, {"capacity": (Kind.DATA,)}, {"retail_minus": Decimal("33.3")}, {"currency": "USD"}])
    )
    later = draw(st.lists(st.just(agreement("2027-03-14", **changes)), max_size=1))
    versions: tuple[Agreement, ...] = (first, *later)
    return World(
        numbering(),
        {"care": frozenset({CARE_HOME, GB_NUMBER, "3639"})},
        versions,
        PARIS,
        frozenset(LINES) | {HOME_NUMBER},
    )


#: Moments at which something turns: bands, periods, agreements, clocks; and just before.
_TURNS = [
    datetime(2027, 3, 5, 7, tzinfo=UTC),
    datetime(2027, 3, 5, 17, 30, tzinfo=UTC),
    datetime(2027, 3, 5, 21, tzinfo=UTC),
    datetime(2027, 3, 11, 23, tzinfo=UTC),
    datetime(2027, 3, 13, 23, tzinfo=UTC),
    MIDDLE,
    MIDDLE,
    datetime(2027, 3, 28, 1, tzinfo=UTC),
    datetime(2027, 3, 20, 9, tzinfo=UTC),
    datetime(2027, 3, 10, 9, tzinfo=UTC),
    START + timedelta(days=3),
    END,
]
moments = st.builds(
    lambda turn, seconds, micros: turn + timedelta(seconds=seconds, microseconds=micros),
    st.sampled_from(_TURNS),
    st.sampled_from([-3700, -60, -1, 0, 0, 1, 90, 3600]),
    st.sampled_from([0, 0, 0, 1, 999_999, 500_000]),
)
_CALLED = (
    HOME_NUMBER,
    HOME_NUMBER,
    CARE_HOME,
    GB_NUMBER,
    DE_NUMBER,
    US_NUMBER,
    "+33639980002",
    "112",
    "3639",
    "0142990000",
    "00442079460000",
    "+44 7700-900.123",
    PREMIUM,
    GB_PREMIUM,
    FREEPHONE,
    GB_FREEPHONE,
    SATELLITE,
    "+9991234567",
    "+4477009001",
    "1123",
    "+",
)
_USED = st.sampled_from([0, 1, 1, 30, 59, 60, 61, 90, 150, 500, 3600, 40_000, 10**6, 10**9, MOST - 1, MOST])
#: A call of 31 million years is no test of a calendar.
_SPOKEN = st.sampled_from([0, 1, 30, 59, 60, 61, 90, 150, 500, 3599, 3600, 3601, 7200, 40_000, 10**6])


@st.composite
def records(draw: st.DrawFn, place: int, has_sessions: bool) -> UsageRecord:
    kind = draw(st.sampled_from(Kind))
    session = f"s{draw(st.integers(0, 2))}" if has_sessions and draw(st.integers(0, 3)) == 0 else None
    return UsageRecord(
        id=f"r{place:02}",
        msisdn=draw(st.sampled_from([*LINES * 5, "+33600000000"])),
        kind=kind,
        start=draw(moments),
        amount=draw(_SPOKEN if kind is Kind.VOICE else _USED),
        country=draw(st.sampled_from(["FR", "FR", "FR", "FR", "DE", "GB", "US"])),
        to=None if kind is Kind.DATA else draw(st.one_of(st.sampled_from(_CALLED[:7]), st.sampled_from(_CALLED))),
        session=session,
        label=draw(st.sampled_from(["", "", "hotspot", "tethered"])),
    )


def _spans(pooled: bool, plans: tuple[str, str, str], pool_expires: datetime) -> list[LineSpan]:
    """Return three lines: the first owns the pool; the second has a period that turns in the middle of the month."""
    owner, member, single = LINES
    own = LineSpan(owner, START, END, "owner", plans[0], PARIS, START, pool_expires)
    other = [
        LineSpan(member, START, MIDDLE, "member", plans[1], PARIS, START - timedelta(days=15), MIDDLE),
        LineSpan(member, MIDDLE, END, "member", plans[1], PARIS, MIDDLE, MIDDLE + timedelta(days=31)),
    ]
    if pooled:
        pool: dict[str, Any] = {"owner": "owner", "owner_plan": plans[0], "owner_opened": START}
        pool["owner_expires"] = pool_expires
        other = [replace(one, **pool) for one in other]
    last = LineSpan(
        single, START + timedelta(days=3), END - timedelta(days=2), "single", plans[2], "America/New_York", START, END
    )
    return [own, *other, last]


@st.composite
def cases(draw: st.DrawFn, most: int = 40) -> Case:
    """Return records in the order of a file, some twice and some under an id that is taken, and what prices them."""
    sold = {"one": draw(tariffs()), "two": draw(tariffs())}
    plans = draw(st.tuples(*[st.sampled_from(["one", "two"])] * 3))
    has_sessions = draw(st.integers(0, 6)) == 6
    made = [draw(records(place, has_sessions)) for place in range(draw(st.integers(10, most)))]
    # A session's later reports say the same of it, and how much more.
    reports = draw(st.lists(st.sampled_from(made), max_size=4)) if has_sessions else []
    made += [
        replace(one, id=f"p{place}", start=one.start + timedelta(seconds=place), session=one.session or f"s{place}")
        for place, one in enumerate([*reports, *reports])
    ]
    again = draw(st.lists(st.sampled_from(made), max_size=3))
    changed = draw(st.lists(st.sampled_from(made), max_size=2))
    renamed = [replace(one, amount=(one.amount + 1) % MOST) for one in changed]
    opening = {}
    for holder, at in (("owner", START), ("member", MIDDLE), ("single", START)):
        for name in draw(
            st.lists(
                st.sampled_from(["b0", "b1", "b2", "price:voice", "price:data#", "slow:data", "b0/roaming"]), max_size=2
            )
        ):
            opening[holder, name, at] = draw(amounts)
    spans = _spans(draw(st.booleans()), plans, draw(st.sampled_from([END, END + timedelta(days=60)])))
    return Case(
        draw(st.permutations([*made, *again, *renamed])), spans, sold, draw(worlds()), opening, draw(st.booleans())
    )
