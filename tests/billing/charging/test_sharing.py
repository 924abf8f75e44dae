"""Several sessions of one line, several lines of one pool, several processes, other writers: nobody overdraws."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mvne_billing.charging.session import Result, Units
from mvne_billing.subscription.pools import Membership, join
from mvne_billing.tables import allowance
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Bucket, Limit, Priced
from tests.billing.builders import GB, MB, bytes_used, data
from tests.billing.charging.till import CALL, DATA, START, A, B, Till, group

EUR = 1_000_000
FAMILY = Bucket("family", Kind.DATA, GB, shared=True, limits=(Limit("member", 600 * MB),))


def a_family(till: Till, *members: str, amount: str = "10") -> None:
    till.books.plans["own"] = replace(till.books.plans["go"], id="own")
    till.books.plans["go"] = replace(till.books.plans["go"], tariff=replace(till.books.plans["go"].tariff, buckets=()))
    till.line("owner", amount, plan_id="own")
    for line in members:
        till.line(line, amount)
        with till.books.transact() as conn:
            join(conn, till.books.brand, Membership(line, "owner", START))


def test_two_sessions_of_a_line_share_its_money_and_cannot_hold_it_twice(till: Till) -> None:
    till.plan(buckets=()).line(amount="0.60")
    assert group(till.create(Units(1, CALL, 600), session="s")).granted == 600
    told = group(till.create(Units(1, CALL, 600), session="t"))
    assert (told.granted, told.final is not None) == (120, True)
    assert group(till.create(Units(1, CALL, 600), session="u")).result is Result.QUOTA_LIMIT_REACHED
    assert till.money() == (0, 600_000)
    till.release(1, Units(1, used=60), session="s")
    assert group(till.create(Units(1, CALL, 600), session="v")).granted == 540


def test_two_sessions_of_a_line_cannot_hold_an_allowance_twice(till: Till) -> None:
    till.line()
    till.create(Units(1, DATA, 700 * MB), session="s")
    assert till.money()[1] == 0
    till.create(Units(1, DATA, 700 * MB), session="t")
    # 300 MB of the second lie in the allowance, 400 MB cost 5.00/GB.
    assert till.money()[1] == 2 * EUR
    till.release(1, Units(1, used=MB), session="s")
    # It pays by what is open to it when it reports: the first gave 699 MB back.
    assert till.release(1, Units(1, used=700 * MB), session="t").charged_micro == 0
    assert [row["used"] for row in till.rows(allowance)] == [701 * MB]


def test_what_one_session_holds_is_not_open_to_another_that_reports(till: Till) -> None:
    till.line()
    till.create(Units(1, DATA, 700 * MB), session="s")
    till.create(Units(1, DATA, 700 * MB), session="t")
    assert till.release(1, Units(1, used=700 * MB), session="t").charged_micro == 2 * EUR
    assert till.release(1, Units(1, used=700 * MB), session="s").charged_micro == 0
    assert [row["used"] for row in till.rows(allowance)] == [GB]


def test_a_family_shares_its_owner_s_allowance_and_each_member_has_a_cap(till: Till) -> None:
    till.plan(buckets=(FAMILY,))
    a_family(till, A, B)
    assert group(till.create(Units(1, DATA, 600 * MB), line=A, session="a")).granted == 600 * MB
    assert till.money(A) == (10 * EUR, 0)
    # 400 MB of the pool are left, though a member's cap is 600 MB.
    till.create(Units(1, DATA, 600 * MB), line=B, session="b")
    assert till.money(B) == (9 * EUR, EUR)
    till.create(Units(1, DATA, 100 * MB), line="owner", session="o")
    assert till.money("owner") == (10 * EUR - 500_000, 500_000)
    till.release(1, Units(1, used=600 * MB), line=A, session="a")
    till.release(1, Units(1, used=600 * MB), line=B, session="b")
    till.release(1, Units(1, used=100 * MB), line="owner", session="o")
    counted = {(row["subscription"], row["bucket"]): row["used"] for row in till.rows(allowance) if row["used"]}
    assert counted == {
        ("owner", "family"): GB,
        (A, "family/owner"): 600 * MB,
        (B, "family/owner"): 400 * MB,
    }


def test_a_member_s_own_cap_counts_over_sessions(till: Till) -> None:
    till.plan(buckets=(FAMILY,))
    a_family(till, A)
    till.create(Units(1, DATA, 500 * MB), line=A, session="a")
    till.create(Units(1, DATA, 500 * MB), line=A, session="b")
    assert till.money(A)[1] == 2 * EUR


def test_a_pool_is_seen_by_a_process_that_starts_in_the_middle(till: Till) -> None:
    till.plan(buckets=(FAMILY,))
    a_family(till, A, B)
    till.create(Units(1, DATA, 600 * MB), line=A, session="a")
    till.restart()
    till.create(Units(1, DATA, 600 * MB), line=B, session="b")
    assert till.money(B)[1] == EUR
    till.release(1, Units(1, used=600 * MB), line=A, session="a")
    till.release(1, Units(1, used=400 * MB), line=B, session="b")
    assert till.money(B) == (10 * EUR, 0)


def test_a_line_that_joins_a_pool_draws_on_it_at_once(till: Till) -> None:
    till.plan(buckets=(FAMILY,))
    a_family(till, A)
    till.line(B)
    till.create(Units(1, DATA, 100 * MB), line=B, session="b")
    assert till.money(B)[1] == 500_000
    with till.books.transact() as conn:
        join(conn, till.books.brand, Membership(B, "owner", START))
    till.create(Units(1, DATA, 100 * MB), line=B, session="c", at=1)
    assert till.money(B)[1] == 500_000


def test_a_top_up_is_noticed_by_a_process_that_keeps_the_line_in_memory(till: Till) -> None:
    till.plan(buckets=()).line(amount="0.05")
    till.create(Units(1, CALL, 60))
    till.pay_in("1")
    told = till.update(1, Units(1, used=60, requested=600), at=60)
    assert (group(told).granted, till.money()) == (600, (500_000, 500_000))


def test_a_record_that_mediation_prices_meanwhile_is_noticed(till: Till) -> None:
    till.books.numbers["+33639980001"] = A
    till.line()
    till.create(Units(1, DATA, 100 * MB))
    till.books.load([bytes_used(800 * MB)])
    till.update(1, Units(1, used=100 * MB, requested=200 * MB), at=60)
    assert till.money()[1] == 500_000
    till.release(2, Units(1, used=200 * MB), at=90)
    assert [row["used"] for row in till.rows(allowance)] == [GB]


def test_mediation_does_not_touch_what_an_open_session_holds(till: Till) -> None:
    till.books.numbers["+33639980001"] = A
    till.line()
    till.create(Units(1, DATA, 900 * MB))
    before, reserved = till.money()
    till.books.load([bytes_used(200 * MB)])
    # 100 MB were left, the rest is priced at 5.00/GB and paid from the wallet.
    assert till.money() == (before - 500_000, reserved)
    assert till.release(1, Units(1, used=900 * MB)).charged_micro == 0


def test_two_processes_take_turns_on_one_session(till: Till) -> None:
    till.plan(buckets=()).line()
    other = Till(till.books, till.policy)
    till.create(Units(1, CALL, 60))
    other.update(1, Units(1, used=60, requested=60), at=60)
    till.update(2, Units(1, used=60, requested=60), at=120)
    other.create(Units(1, CALL, 60), session="t", at=120)
    till.create(Units(1, DATA, MB), session="u", at=120)
    told = other.release(3, Units(1, used=60), at=180)
    assert (told.charged_micro, till.money()[1]) == (150_000, 50_000 + 5_000)
    assert till.release(3, Units(1, used=60), at=180) == told
    other.close()


def test_two_processes_that_open_one_session_open_it_once(till: Till) -> None:
    till.plan(buckets=()).line().line(B)
    other = Till(till.books, till.policy)
    till.create(Units(1, CALL, 60), session="a")
    other.create(Units(1, CALL, 60), session="b", line=B)
    told = till.create(Units(1, CALL, 60), session="s")
    assert other.create(Units(1, CALL, 60), session="s") == told
    assert till.money()[1] == 100_000
    other.close()


@pytest.mark.parametrize("times", [1, 5])
def test_requests_of_many_lines_in_one_commit_stand_when_one_line_was_written_to(till: Till, times: int) -> None:
    from mvne_billing.charging.session import Answer, Step

    till.plan(buckets=())
    lines = [f"line-{number}" for number in range(6)]
    for line in lines:
        till.line(line)
    till.ask(*(till.request(Step.CREATE, 0, Units(1, CALL, 60), session=line, line=line) for line in lines))
    for turn in range(times):
        till.pay_in("1", lines[turn % 6])
        told = till.ask(
            *(
                till.request(Step.UPDATE, turn + 1, Units(1, used=60, requested=60), session=line, line=line, at=turn)
                for line in lines
            )
        )
        assert all(isinstance(one, Answer) and one.charged_micro == 50_000 * (turn + 1) for one in told)
    assert sum(till.money(line)[0] for line in lines) == (60 + times) * EUR - 50_000 * 6 * times - 6 * 50_000


def test_shared_money_of_a_tariff_is_never_shared_by_accident(till: Till) -> None:
    till.plan(buckets=(), beyond={Kind.DATA: Priced(data("5/GB"))}).line().line(B)
    till.create(Units(1, DATA, GB), line=A, session="a")
    assert (till.money(A)[1], till.money(B)[1]) == (5 * EUR, 0)
