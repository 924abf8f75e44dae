"""How much is granted: what money and allowances allow, and what the client is told about the end of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from mvne_billing.charging.session import Action, Final, FinalUnit, Policy, Result, Service, Step, Units
from mvne_billing.states import SubscriptionState
from mvne_billing.subscription.subscription import move
from mvne_billing.tables import crossing, usage
from mvne_plans.bands import Band, Calendar
from mvne_plans.money import Mode, Rounding
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate, Scheme, Tier
from mvne_plans.tariff import Priced, Slow, Stop
from tests.billing.builders import GB, HOME_NUMBER, MB, US_NUMBER, data, moment, voice
from tests.billing.charging.till import CALL, DATA, EMERGENCY, START, TEXT, A, Till, group

EUR = 1_000_000
HOUR = 3600

#: No bound to what is granted at once but the tariff's and the money's.
FREE_HAND = Policy(most={kind: 10 * GB for kind in Kind})


def test_a_client_that_leaves_it_to_us_gets_the_quota_of_the_kind(till: Till) -> None:
    till.policy = Policy(quota={Kind.VOICE: 111, Kind.SMS: 2, Kind.DATA: 333})
    till.line()
    told = till.create(Units(1, CALL, 0), Units(2, TEXT, 0), Units(3, DATA, 0))
    assert [one.granted for one in told.groups] == [111, 2, 333]


def test_no_more_is_granted_at_once_than_the_policy_allows_and_that_is_not_the_end(till: Till) -> None:
    till.line()
    one = group(till.create(Units(1, DATA, 10 * GB)))
    assert (one.granted, one.final, one.threshold) == (GB, None, 200 * MB)


@pytest.mark.parametrize(
    ("amount", "granted"),
    # 0.05/min counted 60/1: the first minute costs 0.05 whatever of it is used, then every second 1/60 of it.
    [("0.049999", 0), ("0.05", 60), ("0.0508", 60), ("0.050833", 61), ("0.05084", 61), ("0.10", 120), ("1", 600)],
)
def test_as_much_is_granted_as_the_money_pays(till: Till, amount: str, granted: int) -> None:
    till.plan(buckets=()).line(amount="0")
    till.pay_in_micro(int(Decimal(amount) * EUR))
    one = group(till.create(Units(1, CALL, 600)))
    assert one.granted == granted
    assert one.result is (Result.SUCCESS if granted else Result.QUOTA_LIMIT_REACHED)
    assert (one.final is not None) == (granted < 600)


def test_an_allowance_and_money_are_granted_in_one(till: Till) -> None:
    till.line(amount="0.10")
    one = group(till.create(Units(1, CALL, 2000)))
    # Ten minutes included, and 0.10 pays 120 s more.
    assert (one.granted, one.final) == (720, FinalUnit(Final.TERMINATE))


def test_a_floor_below_zero_is_money_too(till: Till) -> None:
    till.plan(buckets=()).line(amount="0", floor="-1")
    assert group(till.create(Units(1, CALL, 7200))).granted == 1200
    told = till.release(1, Units(1, used=1200))
    assert (told.charged_micro, till.money()) == (EUR, (-EUR, 0))


def test_the_end_of_the_money_is_told_with_what_the_network_shall_do(till: Till) -> None:
    portal = FinalUnit(Final.REDIRECT, "https://tilleul.example/top-up", ("permit out 53",))
    till.policy = Policy(final={Kind.DATA: portal})
    till.plan(buckets=()).line(amount="0.05")
    one = group(till.create(Units(1, DATA, 100 * MB)))
    # 99 bytes more than 10 MB cost less than half a micro-unit more.
    assert (one.result, one.granted, one.final, one.threshold) == (Result.SUCCESS, 10 * MB + 99, portal, None)
    one = group(till.update(1, Units(1, used=10 * MB + 99, requested=0)))
    assert (one.result, one.granted, one.final) == (Result.QUOTA_LIMIT_REACHED, 0, portal)


def test_a_stop_beyond_the_allowance_is_never_granted(till: Till) -> None:
    till.policy = FREE_HAND
    till.plan(beyond={Kind.DATA: Stop()}).line()
    one = group(till.create(Units(1, DATA, 2 * GB)))
    assert (one.granted, one.final) == (GB, FinalUnit())
    one = group(till.update(1, Units(1, used=GB, requested=0)))
    assert (one.result, one.granted) == (Result.QUOTA_LIMIT_REACHED, 0)


def test_what_slips_past_a_stop_is_free_and_marked(till: Till) -> None:
    till.plan(beyond={Kind.DATA: Stop()}).line()
    till.create(Units(1, DATA, GB))
    assert till.release(1, Units(1, used=GB + 5)).charged_micro == 0
    assert [(row["mark"], row["name"]) for row in till.rows(crossing)] == [("stop", "data"), ("used_up", "data")]


def test_slowed_use_is_granted_free(till: Till) -> None:
    till.plan(beyond={Kind.DATA: Slow(128_000)}).line(amount="0")
    till.policy = FREE_HAND
    one = group(till.create(Units(1, DATA, 2 * GB)))
    assert (one.granted, one.final) == (2 * GB, None)
    assert till.release(1, Units(1, used=2 * GB)).charged_micro == 0
    assert ("slow", "data") in [(row["mark"], row["name"]) for row in till.rows(crossing)]


@pytest.mark.parametrize(
    ("text", "granted", "is_last"), [("maximum 0.20 stop", 240, True), ("maximum 0.20", 600, False)]
)
def test_the_most_that_a_call_costs_stops_it_where_the_tariff_says_so(
    till: Till, text: str, granted: int, is_last: bool
) -> None:
    till.plan(buckets=(), beyond={Kind.VOICE: Priced(voice(f"0.05/min 60/1 {text}"))}).line()
    one = group(till.create(Units(1, CALL, 600)))
    assert (one.granted, one.final is not None, till.money()[1]) == (granted, is_last, 200_000)
    assert till.release(1, Units(1, used=600)).charged_micro == 200_000


def test_set_up_fee_minimum_and_percentage_are_held_once_a_session(till: Till) -> None:
    till.plan(buckets=(), beyond={Kind.VOICE: Priced(voice("0.05/min setup 0.10 minimum 0.30 percent 10"))}).line()
    till.create(Units(1, CALL, 60))
    assert till.money()[1] == 330_000
    till.update(1, Units(1, used=60, requested=240))
    # 0.10 + 5 minutes x 0.05 = 0.35, and ten percent; 0.33 of it is charged.
    assert till.money() == (10 * EUR - 385_000, 55_000)
    assert till.release(2, Units(1, used=240)).charged_micro == 385_000


def test_tiers_of_the_period_are_held_as_they_will_be_charged(till: Till) -> None:
    tiers = (Tier(600, Decimal("0.10"), 60), Tier(None, Decimal("0.01"), 60))
    rate = Rate(Decimal(0), 60, tiers=tiers, scheme=Scheme.GRADUATED)
    till.plan(buckets=(), beyond={Kind.VOICE: Priced(rate)}).line()
    till.create(Units(1, CALL, 900))
    assert till.money()[1] == 1_000_000 + 50_000
    till.release(1, Units(1, used=900))
    till.create(Units(1, CALL, 600), session="t")
    assert till.money()[1] == 100_000
    assert till.release(1, Units(1, used=600), session="t").charged_micro == 100_000


def test_a_grant_is_good_until_the_allowance_period_turns_at_the_latest(till: Till) -> None:
    till.line()
    assert group(till.create(Units(1, DATA, 0))).valid_s == HOUR
    # 30 days from the first of March, 10:00 UTC.
    told = till.create(Units(1, DATA, 0), session="t", at=moment("2027-03-31 09:30") - timedelta(hours=1))
    assert group(told).valid_s == 1800


def test_where_the_price_changes_by_the_clock_the_client_is_told_when(till: Till) -> None:
    night = Calendar((Band("night", start=moment("2027-03-05 10:30").time(), end=moment("2027-03-05 12:00").time()),))
    rate = Rate.parse("0.06/min", Kind.VOICE)
    rate = Rate(rate.amount, rate.per, bands=(("night", Rate.parse("0.12/min", Kind.VOICE)),))
    till.plan(buckets=(), calendar=night, beyond={Kind.VOICE: Priced(rate)}).line(timezone="UTC")
    one = group(till.create(Units(1, CALL, 600), at=moment("2027-03-05 10:25")))
    assert (one.tariff_change, till.money()[1]) == (moment("2027-03-05 10:30"), 300_000 + 600_000)
    told = till.release(1, Units(1, used=400), at=moment("2027-03-05 10:31:40"))
    # 300 s before half past at 0.06, 100 s at 0.12.
    assert told.charged_micro == 300_000 + 200_000


def test_data_goes_by_the_band_in_which_it_was_granted(till: Till) -> None:
    night = Calendar((Band("night", start=moment("2027-03-05 10:30").time(), end=moment("2027-03-05 12:00").time()),))
    rate = data("10/GB")
    rate = Rate(rate.amount, rate.per, bands=(("night", data("1/GB")),))
    till.plan(buckets=(), calendar=night, beyond={Kind.DATA: Priced(rate)}).line(timezone="UTC")
    till.create(Units(1, DATA, 100 * MB), at=moment("2027-03-05 10:20"))
    told = till.update(1, Units(1, used=100 * MB, requested=100 * MB), at=moment("2027-03-05 10:40"))
    assert told.charged_micro == 1_000_000
    assert till.release(2, Units(1, used=100 * MB), at=moment("2027-03-05 10:50")).charged_micro == 1_100_000
    (row,) = till.rows(usage)
    assert '["price","data",100000000,100000000,"1/GB",100000,"night"]' in row["parts"]


@pytest.mark.parametrize("state", ["no money", "barred"])
def test_emergency_calls_go_through_whatever_the_balance_or_a_bar_says(till: Till, state: str) -> None:
    till.line(amount="0")
    if state == "barred":
        with till.books.transact() as conn:
            move(conn, till.books.brand, A, SubscriptionState.SUSPENDED)
    one = group(till.create(Units(1, EMERGENCY, 600)))
    assert (one.result, one.granted) == (Result.SUCCESS, 600)
    assert till.release(1, Units(1, used=600)).charged_micro == 0
    assert till.event(Action.CHARGE, service=EMERGENCY, units=60).result is Result.SUCCESS


def test_a_barred_line_is_denied_in_the_middle_of_its_session(till: Till) -> None:
    till.line()
    till.create(Units(1, CALL, 0))
    with till.books.transact() as conn:
        move(conn, till.books.brand, A, SubscriptionState.SUSPENDED)
    one = group(till.update(1, Units(1, used=60, requested=0), at=60))
    assert (one.result, one.granted, one.final) == (Result.END_USER_SERVICE_DENIED, 0, FinalUnit())
    with till.books.transact() as conn:
        move(conn, till.books.brand, A, SubscriptionState.ACTIVE)
    assert group(till.update(2, Units(1, requested=0), at=61)).granted == 300


def test_a_line_billed_after_its_use_is_granted_without_a_wallet(till: Till) -> None:
    till.books.plans["later"] = till.books.plans["douceur"]
    till.line(plan_id="douceur")
    told = till.create(Units(1, CALL, 7200))
    assert (group(told).granted, told.free_micro, till.money()) == (7200, None, (0, 0))
    till.release(1, Units(1, used=3660))
    books = till.books.balances()
    assert (books["unbilled:line-a"], books["revenue:usage:voice"]) == (50_000, -50_000)
    (row,) = till.rows(usage)
    assert (row["invoice"], row["state"]) == (None, "live")


def test_where_no_price_follows_an_allowance_only_the_allowance_is_granted(till: Till) -> None:
    till.policy = FREE_HAND
    till.plan(beyond={}).line()
    one = group(till.create(Units(1, DATA, 2 * GB)))
    assert (one.granted, one.final) == (GB, FinalUnit())


def test_what_is_used_without_a_price_waits_in_suspense(till: Till) -> None:
    from mvne_billing.mediation.suspense import waiting

    till.plan(beyond={}).line()
    till.create(Units(1, DATA, GB))
    assert till.release(1, Units(1, used=GB + 7)).charged_micro == 0
    with till.books.engine.connect() as conn:
        (held,) = waiting(conn, till.books.brand)
    record = held.usage()
    assert record is not None
    assert (held.reason, record.amount, record.kind) == ("no_tariff", 7, Kind.DATA)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("per", ["session", "record"])
def test_every_rounding_of_a_tariff_is_held_and_charged_alike(till: Till, mode: Mode, per: str) -> None:
    rounding = Rounding(1000, mode, per)  # type: ignore[arg-type]  # one of the two
    till.plan(buckets=(), rounding=rounding).line()
    till.create(Units(1, CALL, 61))
    assert till.money()[1] in (50_000, 51_000)
    till.update(1, Units(1, used=61, requested=61))
    told = till.release(2, Units(1, used=61))
    assert sum(till.money()) == 10 * EUR - told.charged_micro
    assert told.charged_micro % 1000 == 0


def test_an_included_number_abroad_and_a_deck_price_are_told_apart(till: Till) -> None:
    till.line()
    told = till.create(
        Units(1, Service(Kind.VOICE, US_NUMBER, "FR"), 60), Units(2, Service(Kind.VOICE, HOME_NUMBER, "FR"), 60)
    )
    assert [one.granted for one in told.groups] == [60, 60]
    assert till.money()[1] == 200_000


def test_steps_name_their_moment(till: Till) -> None:
    till.line()
    till.one(till.request(Step.CREATE, 0, Units(1, CALL, 0), at=START))
    assert till.update(1, Units(1, used=1), at=5).is_open
