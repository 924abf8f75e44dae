"""The same scenario in process, over HTTP and over Diameter: the same answers, the same money, the same books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from mvne_billing.charging.nchf.app import BASE
from mvne_billing.charging.session import Service, Step, Units
from mvne_billing.tables import allowance, usage
from mvne_plans.quantity import Kind
from tests.billing.builders import GB, HOME_NUMBER, Books
from tests.billing.charging.till import START, A, B, Till
from tests.billing.edges import bodies
from tests.billing.edges.three_ways import NUMBERS, Asked, Once, OverHttp, Told, tell_all, way_of

EUR = 1_000_000
DATA = Service(Kind.DATA, country="FR")
CALL = Service(Kind.VOICE, HOME_NUMBER, "FR")
TEXT = Service(Kind.SMS, HOME_NUMBER, "FR")
EMERGENCY = Service(Kind.VOICE, "112", "FR")

Scene = Callable[[Till], object]


@pytest.fixture
def till(books: Books) -> Iterator[Till]:
    opened = Till(books)
    yield opened
    assert books.faults() == ()


def create(*groups: Units, sequence: int = 0, **where: object) -> Asked:
    return replace(Asked(Step.CREATE, sequence, groups), **where)  # type: ignore[arg-type]  # a test's own names


def update(sequence: int, *groups: Units, **where: object) -> Asked:
    return replace(Asked(Step.UPDATE, sequence, groups), **where)  # type: ignore[arg-type]  # a test's own names


def release(sequence: int, *groups: Units, **where: object) -> Asked:
    return replace(Asked(Step.RELEASE, sequence, groups), **where)  # type: ignore[arg-type]  # a test's own names


def granted(group: int, units: int | None, final: str = "") -> tuple[int, str, int | None, str]:
    return group, "SUCCESS", units, final


OK = Told("SUCCESS")

#: What there is before, what is asked, what is told, and what is free and held then.
SCENARIOS: dict[str, tuple[Scene, Sequence[Asked | Once], Sequence[Told], tuple[int, int]]] = {
    "an allowance, then money": (
        lambda till: till.line(),
        [
            create(Units(1, DATA, 600_000_000)),
            update(1, Units(1, used=500_000_000, requested=600_000_000)),
            release(2, Units(1, used=510_000_000)),
        ],
        [
            Told("SUCCESS", (granted(1, 600_000_000),)),
            Told("SUCCESS", (granted(1, 600_000_000),)),
            OK,
        ],
        (10 * EUR - 50_000, 0),
    ),
    "a call counted 60/1, still going on": (
        lambda till: till.plan(buckets=()).line(),
        [create(Units(1, CALL, 600)), update(1, Units(1, used=61, requested=600), after=61)],
        [Told("SUCCESS", (granted(1, 600),)), Told("SUCCESS", (granted(1, 600),))],
        (10 * EUR - 50_833 - 500_000, 500_000),
    ),
    "two rating groups": (
        lambda till: till.plan(buckets=()).line(),
        [
            create(Units(1, DATA, 1_000_000), Units(2, DATA, 2_000_000)),
            update(1, Units(2, used=2_000_000, requested=1_000_000)),
            release(2, Units(1, used=1_000_000), Units(2, used=500_000)),
        ],
        [
            Told("SUCCESS", (granted(1, 1_000_000), granted(2, 2_000_000))),
            Told("SUCCESS", (granted(2, 1_000_000),)),
            OK,
        ],
        (10 * EUR - 5_000 - 12_500, 0),
    ),
    "no money": (
        lambda till: till.plan(buckets=()).line(amount="0"),
        [create(Units(1, CALL, 60)), release(1)],
        [Told("QUOTA_LIMIT_REACHED"), Told("no session")],
        (0, 0),
    ),
    "the last of the money": (
        lambda till: till.plan(buckets=()).line(amount="0.10"),
        [create(Units(1, CALL, 600)), release(1, Units(1, used=120))],
        [Told("SUCCESS", (granted(1, 120, "TERMINATE"),)), OK],
        (0, 0),
    ),
    "more used than there was money for": (
        lambda till: till.plan(buckets=()).line(amount="0.05"),
        [create(Units(1, CALL, 60)), release(1, Units(1, used=180))],
        [Told("SUCCESS", (granted(1, 60),)), OK],
        (0, 0),
    ),
    "an emergency call with nothing left": (
        lambda till: till.plan(buckets=()).line(amount="0"),
        [create(Units(1, EMERGENCY, 600)), release(1, Units(1, used=1_000))],
        [Told("SUCCESS", (granted(1, 600),)), OK],
        (0, 0),
    ),
    "no use where the phone is": (
        lambda till: till.line(),
        [create(Units(1, replace(DATA, country="US"), 0))],
        [Told("END_USER_SERVICE_DENIED")],
        (10 * EUR, 0),
    ),
    "a number without a price": (
        lambda till: till.line(),
        [create(Units(1, replace(CALL, to="+999123456"), 60))],
        [Told("RATING_FAILED")],
        (10 * EUR, 0),
    ),
    "everything said twice": (
        lambda till: till.plan(buckets=()).line(),
        [
            create(Units(1, DATA, GB)),
            create(Units(1, DATA, GB)),
            update(1, Units(1, used=400_000_000, requested=GB)),
            update(1, Units(1, used=400_000_000, requested=GB)),
            release(2, Units(1, used=100_000_000)),
            release(2, Units(1, used=100_000_000)),
            update(1, Units(1, used=400_000_000, requested=GB)),
        ],
        [
            Told("SUCCESS", (granted(1, GB),)),
            Told("SUCCESS", (granted(1, GB),)),
            Told("SUCCESS", (granted(1, GB),)),
            Told("SUCCESS", (granted(1, GB),)),
            OK,
            OK,
            Told("SUCCESS", (granted(1, GB),)),
        ],
        (10 * EUR - 2_500_000, 0),
    ),
    "what cannot be": (
        lambda till: till.plan(buckets=()).line().line(B),
        [
            create(Units(1, DATA, GB), line="nobody", session="9"),
            create(Units(1, DATA, 1_000_000)),
            update(1, Units(1, used=1_000, requested=1_000_000)),
            update(1, Units(1, used=2_000, requested=1_000_000)),
            update(5, Units(1, used=2_000, requested=1_000_000)),
            update(2, Units(7, used=2_000)),
            update(1, Units(1, used=1), session="8"),
            release(2, Units(1, used=1_000)),
            update(3, Units(1, used=1_000)),
        ],
        [
            Told("nobody"),
            Told("SUCCESS", (granted(1, 1_000_000),)),
            Told("SUCCESS", (granted(1, 1_000_000),)),
            Told("wrong request"),
            Told("wrong request"),
            Told("no such group"),
            Told("no session"),
            OK,
            Told("no session"),
        ],
        (10 * EUR - 10, 0),
    ),
    "two sessions of one line": (
        lambda till: till.plan(buckets=()).line(amount="0.80"),
        [
            create(Units(1, CALL, 600)),
            create(Units(1, CALL, 600), session="2"),
            release(1, Units(1, used=100)),
            update(1, Units(1, used=200, requested=6_000), session="2"),
        ],
        [
            Told("SUCCESS", (granted(1, 600),)),
            Told("SUCCESS", (granted(1, 360, "TERMINATE"),)),
            OK,
            Told("SUCCESS", (granted(1, 660, "TERMINATE"),)),
        ],
        (0, 550_000),
    ),
    "messages": (
        lambda till: till.line(amount="0.15"),
        [Once(TEXT), Once(TEXT), Once(TEXT, session="2", after=1), Once(TEXT, session="3", after=2)],
        [
            Told("SUCCESS", (granted(1, 1),)),
            Told("SUCCESS", (granted(1, 1),)),
            Told("SUCCESS", (granted(1, 1),)),
            Told("QUOTA_LIMIT_REACHED"),
        ],
        (30_000, 0),
    ),
}


@pytest.mark.parametrize("way", ["in process", "http", "gy"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_way_to_charging_tells_the_same_and_costs_the_same(name: str, way: str, till: Till) -> None:
    scene, asked, told, money = SCENARIOS[name]
    scene(till)
    assert tell_all(way, till, asked) == list(told)
    assert till.money() == money


def test_every_way_leaves_the_same_use(books: Books) -> None:
    """Rows of usage and of allowances are compared on one kind of store; the ways are in one table above."""
    found = []
    for number, way in enumerate(["in process", "http", "gy"]):
        till = Till(replace(books, brand=f"{books.brand}{number}"))
        till.line()
        scenario = [
            create(Units(1, DATA, 600_000_000), Units(2, DATA, 0)),
            update(1, Units(1, used=900_000_000, requested=600_000_000), Units(2, used=5, requested=0), after=60),
            update(2, Units(1, replace(DATA, country="DE"), 0, 1_000), after=90),
            release(3, Units(1, used=510_000_000), Units(2, used=7), after=120),
        ]
        tell_all(way, till, scenario)
        rows = [
            [row[name] for name in ("kind", "start", "amount", "country", "charge_micro", "cost_micro", "msisdn")]
            for row in till.rows(usage)
        ]
        counters = [(row["bucket"], row["used"], row["reserved"]) for row in till.rows(allowance)]
        found.append((sorted(rows), sorted(counters), till.money()))
        assert till.books.faults() == ()
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("amount", "left", "loss"), [("0.15", 30_000, 0), ("0.10", 0, 20_000)])
def test_what_has_happened_is_charged_even_when_the_money_does_not_reach(
    till: Till, amount: str, left: int, loss: int
) -> None:
    """A one-time event of the sort PEC (TS 32.290) tells of use that nobody can take back; a repeat costs nothing."""
    till.line(amount=amount)
    told = bodies.message(
        subscriberIdentifier=f"msisdn-{NUMBERS[A]}",
        oneTimeEventType="PEC",
        invocationTimeStamp=START.isoformat(),
        multipleUnitUsage=[bodies.usage(9, None, {"serviceSpecificUnits": 2})],
        sMSChargingInformation={"recipientInfo": [{"recipientOtherAddress": {"sMaddressData": HOME_NUMBER}}]},
    )

    async def telling() -> list[int]:
        async with way_of("http", till) as way:
            assert isinstance(way, OverHttp)
            return [(await way.client.post(BASE, json=told)).status_code for _ in range(2)]

    assert asyncio.run(telling()) == [201, 201]
    assert till.money() == (left, 0)
    assert till.books.balances().get("cost:overrun", 0) == loss
