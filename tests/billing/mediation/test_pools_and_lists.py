"""Shared allowances with caps, and number lists that subscribers keep alone: as they were at the time of each use."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from mvne_billing.balance.account import get as balance_of
from mvne_billing.balance.account import open_balance
from mvne_billing.mediation.rater import Held
from mvne_billing.subscription import own_numbers, pools
from mvne_billing.subscription.own_numbers import ListIsFull, NoMoreChanges
from mvne_billing.subscription.pools import Membership, PoolError
from mvne_billing.subscription.subscription import SubscriptionNotFound, get
from mvne_billing.tables import allowance
from mvne_billing.usage.record import UsageRecord
from mvne_plans.catalogue import OwnList
from mvne_plans.period import MONTH, Every
from mvne_plans.quantity import Kind
from mvne_plans.rate import Increments
from mvne_plans.tariff import ON_NET, Bucket, Limit, Priced, RatingService
from tests.billing.builders import (
    GB_NUMBER,
    HOME_NUMBER,
    MINUTE,
    Books,
    calls,
    moment,
    plan,
    record,
    subscription,
    tariff,
    voice,
)
from tests.billing.mediation.looking import owed, prices, rows

OWNER, FIRST, SECOND = "owner", "first", "second"
SHARED = Bucket("family", Kind.VOICE, 100 * MINUTE, shared=True, thresholds=(80,))


def family(books: Books, *buckets: Bucket, caps: Mapping[str, int] | None = None) -> None:
    """Let three lines share what the first of them has."""
    books.plans["douceur"] = plan(tariff=tariff(buckets=buckets or (SHARED,)))
    books.plans["member"] = plan(id="member", tariff=tariff(buckets=()))
    books.numbers = {"+33639980001": OWNER, "+33639980002": FIRST, "+33639980003": SECOND}
    books.subscribe(subscription(OWNER))
    for name in (FIRST, SECOND):
        books.subscribe(subscription(name, plan="member"))
        join(books, name, caps=caps or {})


def join(books: Books, name: str, at: str = "2027-03-01 10:00", owner: str = OWNER, **more: object) -> None:
    with books.transact() as conn:
        pools.join(conn, books.brand, Membership(name, owner, moment(at), **more))  # type: ignore[arg-type]  # its fields


def by(line: int, minutes: int, name: str, start: str = "2027-03-05 10:00") -> UsageRecord:
    return record(minutes * MINUTE, record_id=name, msisdn=f"+3363998000{line}", start=start)


def taken(books: Books) -> dict[tuple[str, str], int]:
    """Return the counters in minutes."""
    found = rows(books, "billing_allowance", "subscription", "bucket", "used")
    return {(line, name): units // MINUTE for line, name, units in found if units}


def test_members_and_owner_share_an_allowance_to_the_last_second(books: Books) -> None:
    family(books)
    books.load([by(1, 30, "a"), by(2, 50, "b", "2027-03-06"), by(3, 30, "c", "2027-03-07")])
    assert prices(books) == {"a": 0, "b": 0, "c": 500_000}
    assert taken(books) == {(OWNER, "family"): 100}
    assert [(one.mark, one.subscription) for one in books.crossings] == [("threshold_80", OWNER), ("used_up", OWNER)]
    assert books.faults() == ()


def test_a_member_s_own_cap_holds_beside_the_pool_s(books: Books) -> None:
    """The pool gives 20 minutes to each member, 40 to the second."""
    family(books, replace(SHARED, limits=(Limit("member", 20 * MINUTE),)))
    with books.transact() as conn:
        pools.cap(conn, books.brand, SECOND, {"family": 40 * MINUTE}, moment("2027-03-02"))
    books.load([by(2, 30, "first"), by(3, 50, "second")])
    assert prices(books) == {"first": 500_000, "second": 500_000}
    assert taken(books) == {
        (OWNER, "family"): 60,
        (FIRST, f"family/{OWNER}"): 20,
        (SECOND, f"family/{OWNER}"): 40,
    }
    assert books.faults() == ()


def test_a_cap_that_is_raised_counts_what_was_taken_before(books: Books) -> None:
    family(books, caps={"family": 10 * MINUTE})
    books.load([by(2, 10, "a")], "b1")
    with books.transact() as conn:
        pools.cap(conn, books.brand, FIRST, {"family": 15 * MINUTE}, moment("2027-03-06"))
    books.load([by(2, 10, "b", "2027-03-07")], "b2")
    assert prices(books) == {"a": 0, "b": 250_000}


def test_use_goes_by_the_pool_of_its_time(books: Books) -> None:
    """In the pool until the 10th, and again from the 20th."""
    family(books)
    with books.transact() as conn:
        pools.leave(conn, books.brand, FIRST, moment("2027-03-10"))
    join(books, FIRST, "2027-03-20")
    days = {"2027-03-09 23:59:59": 0, "2027-03-10": 50_000, "2027-03-19 23:59:59": 50_000, "2027-03-20": 0}
    books.load([by(2, 1, day, day) for day in days])
    assert prices(books) == days


def test_a_late_record_of_a_member_is_put_in_order_for_the_whole_pool(books: Books) -> None:
    family(books, replace(SHARED, amount=10 * MINUTE))
    books.load([by(3, 10, "late one", "2027-03-10")], "b1")
    books.load([by(2, 10, "early", "2027-03-05")], "b2")
    assert prices(books) == {"late one": 0, "early": 500_000}
    done = books.rerate(subscription=FIRST)
    assert {line.subscription: line.charge_micro for line in done.lines} == {FIRST: -500_000, SECOND: 500_000}
    assert prices(books) == {"late one": 500_000, "early": 0}
    assert books.faults() == ()


def test_members_loaded_at_once_by_several_never_overdraw_the_pool(books: Books) -> None:
    family(books, replace(SHARED, amount=20 * MINUTE))
    batches = [
        [replace(one, id=f"{line}-{one.id}", msisdn=f"+3363998000{line}") for one in calls(20)] for line in (1, 2, 3)
    ]
    errors: list[BaseException] = []

    def work(batch: list[UsageRecord]) -> None:
        try:
            books.load(batch, batch[0].id)
        except BaseException as error:  # whatever went wrong in a thread is shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=work, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert taken(books) == {(OWNER, "family"): 20}
    assert sum(owed(books, line) for line in (OWNER, FIRST, SECOND)) == 40 * 50_000
    assert books.faults() == ()


@pytest.mark.parametrize(
    ("name", "owner", "words"),
    [
        (FIRST, SECOND, "is in the pool of owner"),
        (OWNER, "other", "pools do not nest"),
        ("other", FIRST, "pools do not nest"),
        (OWNER, OWNER, "is in it without joining"),
    ],
)
def test_pools_do_not_nest_and_a_line_is_in_one(books: Books, name: str, owner: str, words: str) -> None:
    family(books)
    books.subscribe(subscription("other"))
    with pytest.raises(PoolError, match=words):
        join(books, name, owner=owner)


def test_joining_again_is_fine_and_strangers_are_told(books: Books) -> None:
    family(books)
    join(books, FIRST)
    join(books, FIRST, "2027-03-05", caps={"family": 60})
    with books.engine.connect() as conn:
        assert pools.current(conn, books.brand, FIRST, moment("2027-03-06")).caps == {"family": 60}
        assert [one.subscription for one in pools.members(conn, books.brand, [OWNER])] == [FIRST, FIRST, SECOND]
    with pytest.raises(SubscriptionNotFound), books.transact() as conn:
        pools.join(conn, books.brand, Membership("nobody", OWNER, moment("2027-03-01")))
    with pytest.raises(PoolError, match="is in no pool"), books.transact() as conn:
        pools.leave(conn, books.brand, OWNER, moment("2027-03-01"))


def test_units_that_open_sessions_hold_are_not_there_for_records(books: Books) -> None:
    books.subscribe()
    row = {
        "brand": books.brand,
        "subscription": "line-a",
        "bucket": "voice",
        "period_start": moment("2027-03-01 10:00"),
    }
    with books.transact() as conn:
        conn.execute(allowance.insert(), row | {"used": 600, "reserved": 2400})
    books.load([record(1000)])
    assert prices(books) == {"cdr-1": 333_333}  # 600 of 3600 were free
    assert rows(books, "billing_allowance", "used", "reserved") == [(1200, 2400)]


def test_whoever_changes_counters_says_so_to_charging(books: Books) -> None:
    """The line's own balance and the pool owner's have another version; a line that is not charged live has none."""
    family(books)
    with books.transact() as conn:
        for line in (OWNER, FIRST):
            open_balance(conn, books.brand, line, "EUR", moment("2027-03-01"))

    def versions() -> list[int]:
        with books.engine.connect() as conn:
            return [balance_of(conn, books.brand, line).version for line in (OWNER, FIRST)]

    before = versions()
    books.load([by(2, 1, "a")], "b1")
    after_loading = versions()
    assert all(now > then for now, then in zip(after_loading, before, strict=True))
    books.unload("b1")
    assert all(now > then for now, then in zip(versions(), after_loading, strict=True))


FRIENDS = RatingService("friends", Kind.VOICE, "friends", voice("0/min"))
TWO = OwnList(2, 1, MONTH)


def with_friends(books: Books) -> None:
    books.plans["douceur"] = plan(tariff=tariff(buckets=(), services=(FRIENDS,)))
    books.subscribe()


def befriend(books: Books, number: str, at: str = "2027-03-02", terms: OwnList = TWO) -> None:
    with books.transact() as conn:
        owner = get(conn, books.brand, "line-a")
        own_numbers.add(conn, books.brand, owner, "friends", number, terms, moment(at))


def part_from(books: Books, number: str, at: str, terms: OwnList = TWO) -> None:
    with books.transact() as conn:
        owner = get(conn, books.brand, "line-a")
        own_numbers.remove(conn, books.brand, owner, "friends", number, terms, moment(at))


def test_calls_to_the_line_s_own_list_cost_what_the_service_says_while_the_number_is_in_it(books: Books) -> None:
    with_friends(books)
    befriend(books, HOME_NUMBER, "2027-03-10")
    part_from(books, HOME_NUMBER, "2027-03-20")
    days = {"2027-03-09 23:59:59": 50_000, "2027-03-10": 0, "2027-03-19 23:59:59": 0, "2027-03-20": 50_000}
    books.load([record(60, record_id=day, start=day) for day in days])
    assert prices(books) == days
    assert books.rerate().lines == ()


def test_another_line_s_friends_are_not_ours(books: Books) -> None:
    with_friends(books)
    books.numbers["+33639980002"] = "line-b"
    books.subscribe(subscription("line-b"))
    befriend(books, HOME_NUMBER)
    books.load([record(60), record(60, record_id="b", msisdn="+33639980002")])
    assert prices(books) == {"cdr-1": 0, "b": 50_000}


def test_a_list_has_a_size_and_a_limit_on_changes_in_spans_of_the_subscription_s(books: Books) -> None:
    """Anchored on the 1st at 11:00 in Paris: the month of changes turns then."""
    with_friends(books)
    befriend(books, "+33142990001")
    befriend(books, "+33142990002")
    befriend(books, "+33142990002")
    with pytest.raises(ListIsFull, match=r"take one out first: \+33142990001, \+33142990002"):
        befriend(books, "+33142990003")
    part_from(books, "+33142990001", "2027-03-15")
    part_from(books, "+33142990001", "2027-03-15")
    befriend(books, "+33142990003", "2027-03-15")
    with pytest.raises(NoMoreChanges, match="again from 2027-04-01T11:00"):
        part_from(books, "+33142990003", "2027-04-01 08:59")
    part_from(books, "+33142990003", "2027-04-01 09:00")


def test_a_list_without_a_limit_on_changes_is_changed_at_will(books: Books) -> None:
    with_friends(books)
    terms = OwnList(1)
    for day in range(2, 9):
        befriend(books, HOME_NUMBER, f"2027-03-0{day}", terms)
        part_from(books, HOME_NUMBER, f"2027-03-0{day} 12:00", terms)
    assert OwnList(1, 2, Every.parse("7 days")).changes == 2


def test_a_group_in_an_allowance_may_be_the_line_s_own_list(books: Books) -> None:
    bucket = Bucket("v", Kind.VOICE, 600, to=(), groups=("friends",), increments=Increments(60, 60), factor=Decimal(2))
    books.plans["douceur"] = plan(tariff=tariff(buckets=(bucket,)))
    books.subscribe()
    befriend(books, GB_NUMBER)
    books.load([record(61, GB_NUMBER, record_id="friend"), record(60, record_id="other", start="2027-03-06")])
    assert prices(books) == {"friend": 0, "other": 50_000}
    assert rows(books, "billing_allowance", "bucket", "used") == [("v", 240)]


def test_numbers_of_the_brand_are_on_net_while_they_are_its_own(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket("on-net", Kind.VOICE, None, to=(ON_NET,))
    books.plans["douceur"] = plan(tariff=tariff(buckets=(bucket,), beyond={Kind.VOICE: Priced(voice("0.05/min"))}))
    asked: list[set[str]] = []
    ours: dict[str, list[Held]] = {
        "+33142990000": [(moment("2027-03-10"), moment("2027-03-20"))],
        "+33142990001": [(moment("2027-01-01"), None)],
    }

    def on_net(_: Connection, numbers: Collection[str]) -> Mapping[str, Sequence[Held]]:
        asked.append(set(numbers))
        return ours

    monkeypatch.setattr(Books, "rater", replace(books.rater, on_net=on_net))
    books.subscribe()
    days = {"2027-03-09 23:59:59": 50_000, "2027-03-10": 0, "2027-03-20": 50_000}
    national = [record(60, "0142990000", record_id=day, start=day) for day in days]
    books.load([*national, record(60, "+33142990001", record_id="still", start="2027-03-25")])
    assert prices(books) == days | {"still": 0}
    assert asked == [{"+33142990000", "+33142990001"}]
