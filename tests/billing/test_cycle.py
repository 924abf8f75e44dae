"""The bill run: months of a life, billed in advance and in arrears, once, whatever happens in between."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection, select

from mvne_billing import cycle, tables
from mvne_billing.cycle import Billed
from mvne_billing.invoice.invoice import Invoice
from mvne_billing.states import SubscriptionState
from mvne_billing.subscription import addons
from mvne_billing.subscription.subscription import cancel, get, move
from mvne_plans.canonical import dumps
from mvne_plans.catalogue import Addon, Promotion
from mvne_plans.period import MONTH, Every
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket
from tests.billing.builders import (
    GB,
    Books,
    agreement,
    calls,
    ladder,
    moment,
    money,
    plan,
    record,
    subscription,
    texts,
    world,
)

ONE_GB = Addon("data-1gb", "1 GB", money("3"), (Bucket("data", Kind.DATA, GB),))


def shown(invoices: list[Invoice]) -> list[list[str]]:
    """Return each invoice as the texts of its lines: kind and amount."""
    return [[f"{line.kind} {line.amount.decimal()}" for line in one.lines] for one in invoices]


def buy(books: Books, purchase_id: str, at: str) -> None:
    with books.transact() as conn:
        addons.buy(conn, books.brand, purchase_id, get(conn, books.brand, "line-a"), MONTH, ONE_GB, moment(at))


def test_four_months_are_billed_in_advance_and_in_arrears(books: Books) -> None:
    books.subscribe(subscription(promotion=dumps(Promotion("half", 2, percent=Decimal(50)))))
    assert shown(books.bill("2027-03-01 10:00")) == [["recurring 4.90", "promotion -2.45"]]
    books.load([*calls(62), texts(2, record_id="s1")])
    buy(books, "p1", "2027-03-20")
    assert books.bill("2027-03-31") == []
    assert shown(books.bill("2027-04-01 09:00")) == [
        ["recurring 4.90", "promotion -2.45", "addon 3.00", "usage 0.10", "usage 0.12"]
    ]
    books.load([record(4000, start="2027-04-10 10:00", record_id="april")], "batch-2")
    assert shown(books.bill("2027-06-01 09:00")) == [["recurring 4.90", "usage 0.33"], ["recurring 4.90"]]
    assert [step.opened for step in books.billed] == [0, 1, 2, 3]
    assert [step.at for step in books.billed] == [
        moment(f"2027-0{month}-01 {9 + (month == 3):02}:00") for month in range(3, 7)
    ]
    held = books.balances()
    assert held["unbilled:line-a"] == 0
    assert held["receivable:line-a"] == 2_450_000 + 5_670_000 + 5_230_000 + 4_900_000
    # 0.60 for the line in each of four months.
    assert held["cost:line"] == 2_400_000
    assert books.faults() == ()


def test_run_late_or_on_time_the_bills_are_the_same(books: Books) -> None:
    late = Books(books.engine, f"{books.brand}-late")
    april = [record(4000, start="2027-04-10 10:00", record_id="april")]
    books.subscribe()
    invoices = books.bill("2027-03-01 10:00")
    books.load(calls(65))
    buy(books, "p1", "2027-03-20")
    invoices += books.bill("2027-04-01 09:00")
    buy(books, "p2", "2027-04-01 09:00")
    books.load(april, "batch-2")
    buy(books, "p3", "2027-04-20")
    invoices += books.bill("2027-05-01 09:00")

    late.subscribe()
    late.load(calls(65))
    late.load(april, "batch-2")
    for purchase, at in (("p1", "2027-03-20"), ("p2", "2027-04-01 09:00"), ("p3", "2027-04-20")):
        buy(late, purchase, at)
    at_once = late.bill("2027-05-01 09:00")

    assert shown(at_once) == shown(invoices)
    assert [one.issued_at for one in at_once] == [one.issued_at for one in invoices]
    assert shown(invoices) == [
        ["recurring 4.90"],
        ["recurring 4.90", "addon 3.00", "usage 0.25"],
        ["recurring 4.90", "addon 3.00", "addon 3.00", "usage 0.33"],
    ]


def test_billing_again_changes_nothing(books: Books) -> None:
    books.subscribe()
    books.load(calls(65))
    first = books.bill("2027-05-15")
    entries = books.transfers()
    assert (len(first), books.bill("2027-05-15"), books.bill("2027-03-01")) == (3, [], [])
    assert books.transfers() == entries


def test_use_of_an_earlier_period_that_comes_late_is_on_the_next_bill(books: Books) -> None:
    books.subscribe()
    books.bill("2027-04-01 09:00")
    books.load(calls(65))
    assert shown(books.bill("2027-05-01 09:00")) == [["recurring 4.90", "usage 0.25"]]


def test_use_at_the_very_moment_a_period_opens_belongs_to_it(books: Books) -> None:
    books.subscribe()
    books.load(
        [
            texts(1, record_id=f"s{place}", start=f"2027-04-01 {clock}")
            for place, clock in enumerate(("08:59:59", "09:00"))
        ]
    )
    assert shown(books.bill("2027-05-01 09:00"))[1:] == [
        ["recurring 4.90", "usage 0.06"],
        ["recurring 4.90", "usage 0.06"],
    ]


def test_use_without_a_price_is_not_on_a_bill_and_not_open_any_more(books: Books) -> None:
    books.subscribe(subscription(term_periods=3, plan="fan"))
    books.plans["fan"] = ladder()
    assert shown(books.bill("2027-03-02")) == [["recurring 30.00"]]
    books.load([record(60)])
    assert books.bill("2027-03-31 09:00") == []
    with books.transact() as conn:
        query = select(tables.usage.c.invoice).where(tables.usage.c.brand == books.brand)
        assert conn.execute(query).scalars().all() == ["nothing_due"]


def test_a_ladder_pays_term_by_term_and_use_period_by_period(books: Books) -> None:
    books.subscribe(subscription(term_periods=3, plan="fan"))
    books.load([texts(1, record_id="s", start="2027-04-05 10:00")])
    assert shown(books.bill("2027-09-01")) == [
        ["recurring 30.00"],
        ["usage 0.06"],
        ["recurring 45.00"],
        ["recurring 45.00"],
    ]
    assert [step.opened for step in books.billed] == [0, 1, 2, 3, 4, 5, 6]
    assert [step.invoice is not None for step in books.billed] == [True, False, True, True, False, False, True]


def test_the_end_bills_what_was_used_and_nothing_in_advance(books: Books) -> None:
    books.subscribe()
    books.bill("2027-03-02")
    books.load(calls(65))
    buy(books, "p1", "2027-03-20")
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-03-20"))
    assert books.bill("2027-03-19 23:59") == []
    (last,) = books.bill("2027-06-01")
    assert (shown([last]), last.issued_at, last.id) == (
        [["addon 3.00", "usage 0.25"]],
        moment("2027-03-20"),
        "inv:line-a:end",
    )
    step = books.billed[-1]
    assert (step.opened, step.subscription.state, step.subscription.next_bill_at) == (
        None,
        SubscriptionState.ENDED,
        None,
    )
    assert books.bill("2030-01-01") == []
    assert books.faults() == ()


def test_an_end_with_nothing_to_bill_has_no_invoice(books: Books) -> None:
    books.subscribe()
    books.bill("2027-03-02")
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-04-01 09:00"))
    assert books.bill("2027-06-01") == []
    assert [step.opened for step in books.billed] == [0, None]


def test_an_end_in_a_later_period_bills_until_then(books: Books) -> None:
    books.subscribe()
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-05-15"))
    assert len(books.bill("2028-01-01")) == 3
    assert [step.at.isoformat()[:10] for step in books.billed] == [
        "2027-03-01",
        "2027-04-01",
        "2027-05-01",
        "2027-05-15",
    ]


def test_what_ended_without_a_date_is_billed_for_its_use_and_no_more(books: Books) -> None:
    """A line that never came up, or was ended by hand: its state alone says that nothing is due in advance."""
    books.subscribe(active=False)
    with books.transact() as conn:
        move(conn, books.brand, "line-a", SubscriptionState.ENDED)
    assert books.bill("2028-01-01") == []
    assert [(step.opened, step.subscription.next_bill_at) for step in books.billed] == [(None, None)]


class PowerCut(Exception):
    """The machine stops."""


def test_a_run_that_stops_at_any_step_ends_in_the_same_books(books: Books) -> None:
    whole = Books(books.engine, f"{books.brand}-whole")
    for each in (books, whole):
        for line in ("line-a", "line-b"):
            each.subscribe(subscription(line))
        each.load(calls(65))
    run(whole, stop_at=None)
    stops = 0
    while True:
        try:
            run(books, stop_at=stops)
            break
        except PowerCut:
            stops += 1
    assert stops == 6
    assert documents(books) == [name.replace(whole.brand.upper(), books.brand.upper()) for name in documents(whole)]
    assert books.balances() == whole.balances()
    assert books.faults() == whole.faults() == ()


def run(books: Books, stop_at: int | None) -> None:
    """Run the bills until the number of steps that are through, of all runs, is `stop_at`; then stop in the next."""
    steps = len(books.billed)

    def noticed(_: Connection, step: Billed) -> None:
        if stop_at is not None and steps + len(seen) == stop_at:
            raise PowerCut
        seen.append(step)

    seen: list[Billed] = []
    try:
        for _ in cycle.run(books.transact, books.brand, books.biller, moment("2027-05-01 09:00"), noticed):
            pass
    finally:
        books.billed.extend(seen)


def documents(books: Books) -> list[str]:
    query = select(tables.invoice.c.id, tables.invoice.c.number).where(tables.invoice.c.brand == books.brand)
    with books.engine.connect() as conn:
        return sorted(f"{row.id} {row.number}" for row in conn.execute(query))


def test_a_run_takes_everybody_who_is_due_in_order(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(5):
        books.subscribe(subscription(f"line-{place}", f"2027-03-0{1 + place} 10:00"))
    seen = [
        step.subscription.id
        for step in cycle.run(books.transact, books.brand, books.biller, moment("2027-03-03 12:00"), lambda *_: None)
    ]
    assert seen == ["line-0", "line-1", "line-2"]


@pytest.mark.parametrize(
    ("anchor", "timezone", "micro"),
    [
        ("2027-06-30 21:59", "Europe/Paris", 600_000),
        # Midnight in Paris: the new agreement holds.
        ("2027-06-30 22:00", "Europe/Paris", 700_000),
        ("2027-07-01 03:59", "America/New_York", 600_000),
        ("2025-01-01 10:00", "Europe/Paris", None),
    ],
)
def test_the_line_costs_what_the_agreement_of_the_day_says(
    books: Books, anchor: str, timezone: str, micro: int | None
) -> None:
    books.world = world(agreements=(agreement(), agreement("2027-07-01", line_micro=700_000)))
    books.subscribe(subscription(anchor=anchor, timezone=timezone))
    books.bill(anchor)
    assert books.balances().get("cost:line") == micro


@pytest.mark.parametrize(
    ("every", "line_every", "micro"),
    [
        ("month", "month", 600_000),
        ("3 months", "month", 1_800_000),
        ("30 days", "month", 591_781),
        ("month", "30 days", 608_333),
    ],
)
def test_the_line_costs_in_proportion_to_the_period(books: Books, every: str, line_every: str, micro: int) -> None:
    books.world = world(agreements=(agreement(line_every=Every.parse(line_every)),))
    books.plans["douceur"] = plan(every=Every.parse(every))
    books.subscribe()
    books.bill("2027-03-02")
    assert books.balances()["cost:line"] == micro


def test_a_line_without_an_agreement_is_billed_all_the_same(books: Books) -> None:
    books.world = replace(books.world, agreements=())
    books.subscribe()
    assert shown(books.bill("2027-03-02")) == [["recurring 4.90"]]
    assert books.faults() == ()
