"""A subscription: agreed once, counted on the customer's clock, moved by the table, ended once."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from mvne_billing import tables
from mvne_billing.states import (
    PAYMENT_MOVES,
    REFUND_MOVES,
    SUBSCRIPTION_MOVES,
    PaymentState,
    RefundState,
    SubscriptionState,
)
from mvne_billing.subscription import addons
from mvne_billing.subscription.subscription import (
    MoveNotAllowed,
    SubscriptionConflict,
    SubscriptionNotFound,
    cancel,
    due,
    find,
    get,
    locked,
    move,
    subscribe,
)
from mvne_plans.catalogue import Addon
from mvne_plans.period import MONTH, Every
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket
from tests.billing.builders import GB, Books, moment, money, open_books, subscription


def test_a_subscription_is_first_billed_at_its_anchor(books: Books) -> None:
    stored = books.subscribe(active=False)
    assert (stored.next_bill_at, stored.next_period, stored.state) == (stored.anchor, 0, SubscriptionState.PENDING)
    with books.transact() as conn:
        assert get(conn, books.brand, "line-a") == stored
        assert subscribe(conn, books.brand, subscription()) == stored


@pytest.mark.parametrize(
    "change",
    [
        {"customer": "cus-b"},
        {"plan": "fan"},
        {"version": 2},
        {"anchor": "2027-03-01 10:01"},
        {"timezone": "Europe/Berlin"},
        {"term_periods": 3},
        {"promotion": "{}"},
        {"tax_region": "US-CA"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_id_with_another_agreement_is_refused(change: dict[str, Any]) -> None:
    with open_books() as books:
        books.subscribe(active=False)
        with books.transact() as conn, pytest.raises(SubscriptionConflict, match="line-a"):
            subscribe(conn, books.brand, subscription(**change))


def test_what_has_moved_since_is_no_conflict(books: Books) -> None:
    books.subscribe()
    books.bill("2027-06-01")
    with books.transact() as conn:
        known = subscribe(conn, books.brand, subscription())
    assert (known.state, known.next_period) == (SubscriptionState.ACTIVE, 3)


def test_another_brand_does_not_see_it(books: Books) -> None:
    books.subscribe()
    with books.transact() as conn:
        assert find(conn, "somebody-else", "line-a") is None
        assert due(conn, "somebody-else", moment("2030-01-01")) == []
        assert locked(conn, "somebody-else", ["line-a"]) == []
        with pytest.raises(SubscriptionNotFound, match="somebody-else"):
            get(conn, "somebody-else", "line-a")
        with pytest.raises(SubscriptionNotFound, match="somebody-else"):
            move(conn, "somebody-else", "line-a", SubscriptionState.ENDED)
        with pytest.raises(SubscriptionNotFound, match="somebody-else"):
            cancel(conn, "somebody-else", "line-a", moment("2028-01-01"))


def in_state(books: Books, state: SubscriptionState) -> None:
    books.subscribe(active=False)
    ways = {
        SubscriptionState.PENDING: [],
        SubscriptionState.ACTIVE: [SubscriptionState.ACTIVE],
        SubscriptionState.SUSPENDED: [SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED],
        SubscriptionState.ENDED: [SubscriptionState.ENDED],
    }
    with books.transact() as conn:
        for step in ways[state]:
            move(conn, books.brand, "line-a", step)


ALLOWED = {
    ("pending", "active"),
    ("pending", "ended"),
    ("active", "suspended"),
    ("active", "ended"),
    ("suspended", "active"),
    ("suspended", "ended"),
}


@pytest.mark.parametrize(
    ("start", "to"), list(product(SubscriptionState, SubscriptionState)), ids=lambda state: str(state)
)
def test_every_pair_of_states_is_a_move_or_is_refused(start: SubscriptionState, to: SubscriptionState) -> None:
    with open_books() as books:
        in_state(books, start)
        with books.transact() as conn:
            if start is to or (start.value, to.value) in ALLOWED:
                assert move(conn, books.brand, "line-a", to).state is to
                assert get(conn, books.brand, "line-a").state is to
            else:
                with pytest.raises(MoveNotAllowed, match=f"is {start}; it cannot become {to}"):
                    move(conn, books.brand, "line-a", to)
                assert get(conn, books.brand, "line-a").state is start


def test_tables_of_moves_are_complete_and_final_where_they_say() -> None:
    assert set(SUBSCRIPTION_MOVES) == set(SubscriptionState)
    assert {(start.value, to.value) for start, tos in SUBSCRIPTION_MOVES.items() for to in tos} == ALLOWED
    assert set(PAYMENT_MOVES) == set(PaymentState)
    assert set(REFUND_MOVES) == set(RefundState)
    assert {state for state, tos in PAYMENT_MOVES.items() if not tos} == {PaymentState.SUCCEEDED, PaymentState.FAILED}
    assert PaymentState.CREATED not in {to for tos in PAYMENT_MOVES.values() for to in tos}
    assert {state for state, tos in REFUND_MOVES.items() if not tos} == {RefundState.SUCCEEDED, RefundState.FAILED}


def test_the_database_knows_the_states_too(books: Books) -> None:
    books.subscribe()
    row = {"brand": books.brand, "id": "x", "customer": "c", "plan": "p", "version": 1, "state": "sleeping"}
    row |= {"anchor": moment("2027-01-01"), "timezone": "UTC", "term_periods": 1, "next_period": 0}
    with pytest.raises(DBAPIError), books.transact() as conn:
        conn.execute(insert(tables.subscription).values(row))


@pytest.mark.parametrize(
    ("anchor", "timezone", "every", "starts"),
    [
        (
            "2027-01-31 11:00",
            "Europe/Paris",
            MONTH,
            ["2027-01-31 11:00", "2027-02-28 11:00", "2027-03-31 10:00", "2027-04-30 10:00", "2027-05-31 10:00"],
        ),
        ("2028-01-30 11:00", "Europe/Paris", MONTH, ["2028-01-30 11:00", "2028-02-29 11:00", "2028-03-30 10:00"]),
        ("2027-03-01 23:30", "Europe/Paris", MONTH, ["2027-03-01 23:30", "2027-04-01 22:30"]),
        (
            "2027-02-20 18:00",
            "America/New_York",
            Every.parse("30 days"),
            ["2027-02-20 18:00", "2027-03-22 17:00", "2027-04-21 17:00"],
        ),
        (
            "2027-11-30 12:00",
            "UTC",
            Every.parse("3 months"),
            ["2027-11-30 12:00", "2028-02-29 12:00", "2028-05-30 12:00"],
        ),
    ],
)
def test_periods_start_at_the_anchor_s_wall_clock(anchor: str, timezone: str, every: Every, starts: list[str]) -> None:
    one = subscription(anchor=anchor, timezone=timezone)
    assert [one.starts_period(every, number) for number in range(len(starts))] == [moment(text) for text in starts]
    for number, text in enumerate(starts[:-1]):
        start, end = moment(text), moment(starts[number + 1])
        assert one.number_at(every, start) == number
        assert moment(text) in one.period(every, number)
        assert end not in one.period(every, number)
    assert one.number_at(every, moment("2020-01-01")) < 0


def test_an_earlier_end_wins_and_a_later_one_is_ignored(books: Books) -> None:
    books.subscribe()
    books.bill("2027-03-02")
    ends = ["2027-05-15", "2027-06-01", "2027-04-10", "2027-04-20"]
    with books.transact() as conn:
        found = [cancel(conn, books.brand, "line-a", moment(end)) for end in ends]
        assert [one.ends_at for one in found] == [
            moment(end) for end in ("2027-05-15", "2027-05-15", "2027-04-10", "2027-04-10")
        ]
        # The next period would open on 1 April, before each of these ends.
        assert {one.next_bill_at for one in found} == {moment("2027-04-01 09:00")}
        assert get(conn, books.brand, "line-a") == found[-1]


def test_an_end_before_the_next_period_is_billed_when_it_comes(books: Books) -> None:
    books.subscribe()
    books.bill("2027-03-02")
    with books.transact() as conn:
        assert cancel(conn, books.brand, "line-a", moment("2027-03-20")).next_bill_at == moment("2027-03-20")


def test_what_has_ended_ends_no_more(books: Books) -> None:
    books.subscribe()
    with books.transact() as conn:
        cancel(conn, books.brand, "line-a", moment("2027-03-20"))
    books.bill("2027-03-20")
    with books.transact() as conn:
        ended = cancel(conn, books.brand, "line-a", moment("2027-03-10"))
    assert (ended.ends_at, ended.next_bill_at, ended.state) == (moment("2027-03-20"), None, SubscriptionState.ENDED)


def test_due_are_those_whose_time_has_come_in_pages(books: Books) -> None:
    for place in range(5):
        books.subscribe(subscription(f"line-{place}", f"2027-03-0{1 + place}"))
    with books.transact() as conn:
        assert due(conn, books.brand, moment("2027-02-28")) == []
        assert due(conn, books.brand, moment("2027-03-03")) == ["line-0", "line-1", "line-2"]
        assert due(conn, books.brand, moment("2027-03-09"), after="line-1", limit=2) == ["line-2", "line-3"]
        assert [one.id for one in locked(conn, books.brand, ["line-3", "line-1", "nobody"])] == ["line-1", "line-3"]


ADDON = Addon("data-1gb", "1 GB", money("3"), (Bucket("data", Kind.DATA, GB), Bucket("talk", Kind.VOICE, 60)))


@pytest.mark.parametrize(
    ("lasts", "at", "ends"),
    [
        (None, "2027-03-10", "2027-04-01 09:00"),
        (None, "2027-04-01 08:59:59", "2027-04-01 09:00"),
        (None, "2027-04-01 09:00", "2027-05-01 09:00"),
        ("7 days", "2027-03-10", "2027-03-17"),
        ("7 days", "2027-03-27 10:00", "2027-04-03 09:00"),
        # 31 January half past midnight in Paris, however the moment is written.
        ("month", "2027-01-30 23:30", "2027-02-27 23:30"),
        ("month", "2027-01-31T00:30+01:00", "2027-02-27 23:30"),
    ],
)
def test_an_add_on_lasts_until_the_period_ends_or_as_long_as_it_says(lasts: str | None, at: str, ends: str) -> None:
    with open_books() as books:
        owner = books.subscribe()
        bought = replace(ADDON, lasts=Every.parse(lasts) if lasts else None)
        with books.transact() as conn:
            purchase = addons.buy(conn, books.brand, "p1", owner, MONTH, bought, moment(at))
        assert (purchase.valid.start, purchase.valid.end) == (moment(at), moment(ends))


def test_a_purchase_keeps_what_was_sold_and_names_its_buckets(books: Books) -> None:
    owner = books.subscribe()
    with books.transact() as conn:
        bought = addons.buy(conn, books.brand, "p1", owner, MONTH, ADDON, moment("2027-03-10"))
        again = addons.buy(conn, books.brand, "p1", owner, MONTH, ADDON, moment("2027-03-11"))
        assert again == bought
        assert [bucket.id for bucket in bought.buckets] == ["p1:data", "p1:talk"]
        assert addons.purchases(conn, books.brand, ["line-a", "line-b"]) == {"line-a": [bought]}
        assert addons.purchases(conn, "somebody-else", ["line-a"]) == {}
        for other in (replace(ADDON, price=money("4")), replace(ADDON, id="other")):
            with pytest.raises(SubscriptionConflict, match="p1"):
                addons.buy(conn, books.brand, "p1", owner, MONTH, other, moment("2027-03-10"))
        with pytest.raises(SubscriptionConflict, match="p1"):
            addons.buy(conn, books.brand, "p1", replace(owner, id="line-b"), MONTH, ADDON, moment("2027-03-10"))
