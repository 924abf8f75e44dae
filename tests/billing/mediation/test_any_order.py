"""Whatever is loaded, unloaded, tried again, corrected, billed and rated again, in any order: the same books.

In the end everything has come and is rated again once; then it must be as if it had all been loaded in order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_billing.subscription import addons, pools
from mvne_billing.subscription.pools import Membership
from mvne_billing.subscription.subscription import get
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import Addon
from mvne_plans.period import MONTH
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments, Rate, Tier
from mvne_plans.tariff import Bucket, Guard, Priced, Rollover, Slow
from tests.billing.builders import (
    BRAND,
    HOME_NUMBER,
    US_NUMBER,
    Books,
    data,
    moment,
    money,
    open_books,
    plan,
    subscription,
    tariff,
    voice,
)
from tests.billing.mediation.looking import rows

LINES = {"+33639980001": "line-a", "+33639980002": "line-b", "+33639980003": "line-c"}
FILES = 4

TIERS = Rate(Decimal(0), 1, Increments(30, 10), tiers=(Tier(200, Decimal("0.30"), 60), Tier(None, Decimal("0.10"), 60)))
TERMS = tariff(
    buckets=(
        Bucket("own", Kind.VOICE, 100, rollover=Rollover(1, limit=60), thresholds=(50,)),
        Bucket("pool", Kind.VOICE, 250, shared=True, priority=1, increments=Increments(60, 1)),
        Bucket("data", Kind.DATA, 1000, factor=Decimal("0.5")),
    ),
    beyond={
        Kind.VOICE: Priced(TIERS),
        Kind.SMS: Priced(Rate(Decimal("0.06"), 1, setup=Decimal("0.01"))),
        Kind.DATA: Priced(data("1/MB"), amount=500, then=Slow(64_000)),
    },
    guards=(Guard("much", "spend", 500_000, "day"), Guard("often", "count", 3, "hour", then="alert")),
)
MORE = Addon("more", "100 s", money("1"), (Bucket("extra", Kind.VOICE, 100, rate=voice("0.01/min")),))


@st.composite
def uses(draw: st.DrawFn) -> list[UsageRecord]:
    """Return use of three lines over two months: calls, messages and data, some in sessions, some of them corrected."""
    made: list[UsageRecord] = []
    for number in range(draw(st.integers(1, 16))):
        kind = draw(st.sampled_from([Kind.VOICE, Kind.VOICE, Kind.SMS, Kind.DATA]))
        day, minute = draw(st.sampled_from([2, 3, 31])), draw(st.integers(0, 59))
        month = draw(st.sampled_from(["03", "04"])) if day < 31 else "03"
        one = UsageRecord(
            id=f"r{number:02}",
            msisdn=draw(st.sampled_from([*LINES])),
            kind=kind,
            start=moment(f"2027-{month}-{day:02} 12:{minute:02}"),
            amount=draw(st.integers(0, 400)),
            country="FR",
            to=None if kind is Kind.DATA else draw(st.sampled_from([HOME_NUMBER, US_NUMBER])),
            session=draw(st.sampled_from([None, None, "s1", "s2"])),
        )
        made.append(one)
        if draw(st.booleans()) and draw(st.booleans()):
            made.append(replace(one, id=f"c{number:02}", amount=draw(st.integers(0, 400)), corrects=one.id))
    return made


@dataclass(frozen=True)
class Life:
    """Use, in which file each record is, and what happens in which order."""

    records: list[UsageRecord]
    files: list[int]
    steps: list[tuple[str, int]]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    records = draw(uses())
    files = [draw(st.integers(0, FILES - 1)) for _ in records]
    step = st.tuples(st.sampled_from(["load", "load", "load", "unload", "rerate", "replay", "bill"]), st.integers(0, 9))
    return Life(records, files, draw(st.lists(step, max_size=14)))


def open_lines(books: Books) -> None:
    """Subscribe three lines: two of them share a pool, one has an add-on that lasts over the turn of the month."""
    books.numbers = dict(LINES)
    books.plans["douceur"] = plan(tariff=TERMS)
    for name in LINES.values():
        books.subscribe(subscription(name, "2027-03-01 10:00"))
    with books.transact() as conn:
        pools.join(conn, BRAND, Membership("line-b", "line-a", moment("2027-03-01 10:00"), caps={"pool": 200}))
        owner = get(conn, BRAND, "line-c")
        addons.buy(conn, BRAND, "p", owner, MONTH, replace(MORE, lasts=MONTH), moment("2027-03-15"))


def file(life: Life, number: int) -> list[UsageRecord]:
    return [one for one, place in zip(life.records, life.files, strict=True) if place == number]


def happen(books: Books, life: Life) -> None:
    """Let everything happen, and then let everything come in and be rated again."""
    for place, (what, number) in enumerate(life.steps):
        step(books, life, what, number, place)
        assert books.faults() == (), (place, what, number)
    for number in range(FILES):
        books.load(file(life, number), f"file-{number}")
    for _ in life.records:
        if not books.replay().rated:
            break
    books.rerate("last")


def step(books: Books, life: Life, what: str, number: int, place: int) -> None:
    name, line = f"file-{number % FILES}", f"line-{'abc'[number % 3]}"
    if what == "load":
        books.load(file(life, number % FILES), name)
    elif what == "unload" and _known(books, name):
        books.unload(name, f"u{place}")
    elif what == "rerate":
        books.rerate(f"r{place}", subscription=None if number % 2 else line)
    elif what == "replay":
        books.replay()
    elif what == "bill":
        for each in LINES.values():
            books.bill(f"2027-{4 + number % 3:02}-01 10:00", each)


def _known(books: Books, batch: str) -> bool:
    return (batch,) in rows(books, "billing_usage_batch", "id")


def everything_in_force(books: Books) -> list[Any]:
    """Return all that must be the same: prices and their parts, counters, what was earned and what it cost."""
    columns = ("id", "state", "subscription", "parts", "taken", "charge_micro", "cost_micro", "place")
    used = [row for row in rows(books, "billing_allowance", "subscription", "bucket", "period_start", "used") if row[3]]
    accounts = {
        name: micro
        for name, micro in books.balances().items()
        if micro and name.startswith(("revenue:usage", "cost:voice", "cost:sms", "cost:data"))
    }
    waits = [row[:2] for row in rows(books, "billing_suspense", "id", "reason", "resolved_at") if row[2] is None]
    return [rows(books, "billing_usage", *columns), used, accounts, sorted(waits)]


@settings(max_examples=settings().max_examples // 2)
@given(lives())
def test_any_order_ends_in_the_books_of_one_load_in_order(life: Life) -> None:
    with open_books() as books, open_books() as straight:
        for each in (books, straight):
            open_lines(each)
        straight.load(life.records, "all")
        straight.rerate("in order")
        happen(books, life)
        assert everything_in_force(books) == everything_in_force(straight)
        assert (books.faults(), straight.faults()) == ((), ())
        assert books.rerate("again").lines == ()
        for line in LINES.values():
            books.bill("2027-09-01 10:00", line)
        assert books.faults() == ()
        owed = {line: books.balances().get(f"unbilled:{line}", 0) for line in LINES.values()}
        assert all(micro <= 0 for micro in owed.values()), "only corrections in a line's favour wait for later bills"
