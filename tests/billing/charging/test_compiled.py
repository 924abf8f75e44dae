"""The compiled way of pricing against the plain one: same units, same money, same counters, for any tariff."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from mvne_billing.charging import plain
from mvne_billing.charging.account import Account, Leg
from mvne_billing.charging.compiled import Compiled, More
from mvne_billing.charging.compiling import compiled
from mvne_billing.charging.routing import Terms, settle
from mvne_billing.charging.session import Service
from mvne_billing.charging.spots import Bound
from mvne_billing.mediation.counters import Counters
from mvne_billing.mediation.meter import Meter
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.shelves import Slot
from mvne_billing.rating.result import Unrateable
from mvne_billing.states import SubscriptionState
from mvne_plans.bands import Calendar
from mvne_plans.money import Mode, Rounding
from mvne_plans.quantity import Kind
from mvne_plans.tariff import Tariff
from tests.billing.builders import CARE_HOME, HOME_NUMBER, plan, subscription, world
from tests.billing.charging.till import START, prepaid_tariff
from tests.billing.test_rating_sessions import tariffs

CALL = Service(Kind.VOICE, HOME_NUMBER, "FR")
reports = st.lists(st.integers(0, 300), min_size=1, max_size=6)
counted = st.dictionaries(
    st.sampled_from(["b0", "b1", "b2", "price:voice", "next:voice", "slow:voice", "b0/member"]), st.integers(0, 250)
)


def an_account(terms: Tariff, used: dict[str, int], held: dict[str, int]) -> Account:
    sold = plan(tariff=terms)
    line = subscription("line-a", state=SubscriptionState.ACTIVE)
    start = line.period(sold.every, 0).start
    counters = Counters("line-a", {(name, start): units for name, units in used.items()})
    meter = Meter(line, sold, [], counters, Counters(""))
    meter.stand(None, {}, {})
    return Account("b", meter, 10**9, 0, 0, 0, {(name, start): units for name, units in held.items()})


def a_leg(account: Account, service: Service = CALL) -> Leg:
    leg = Leg(1, service, START)
    settle(account, Terms(Rater(world(), lambda *_: account.meter.plan, lambda *_: {})), leg)
    return leg


def take(account: Account, leg: Leg, found: More | plain.More) -> None:
    """Take a report into a leg as charging does."""
    for slot, units in found.taken:
        account.counters.add(slot.counter, slot.start, units)
        place = (slot.counters.holder, slot.counter, slot.start)
        leg.taken[place] = leg.taken.get(place, 0) + units


def simple(terms: Tariff) -> Tariff:
    """Return a tariff without what is never compiled, so that most examples are."""
    buckets = tuple(replace(one, bands=(), factor=type(one.factor)(1)) for one in terms.buckets)
    return replace(terms, calendar=Calendar(), services=(), buckets=buckets)


@given(tariffs.map(simple), counted, counted, reports, st.sampled_from([HOME_NUMBER, CARE_HOME, "112"]))
def test_compiled_and_plain_agree_report_by_report(
    terms: Tariff, used: dict[str, int], held: dict[str, int], units: list[int], to: str
) -> None:
    service = replace(CALL, to=to)
    fast, slow = an_account(terms, used, held), an_account(terms, used, held)
    quick, steady = a_leg(fast, service), a_leg(slow, service)
    assume(quick.plan is not None)
    steady.plan = None
    for count in units:
        told = more_or_why(quick.plan, quick, count)
        want = plain_or_why(slow, steady, count)
        if isinstance(want, str) or isinstance(told, str):
            assert told == want
            return
        assert (told.charge, told.ends) == (want.charge, want.ends)
        assert {place(one): n for one, n in told.taken} == {place(one): n for one, n in want.taken}
        take(fast, quick, told)
        take(slow, steady, want)
        quick.walked, quick.through, quick.paid = told.walked, told.through, told.paid
        steady.stretches = want.stretches
        assert quick.plan is not None
        assert quick.plan.stretches(quick.walked) == steady.stretches
        for leg in (quick, steady):
            leg.units += count
            leg.since += timedelta(seconds=count)
    assert quick.plan is not None
    parts = tuple(quick.plan.parts(quick.route, quick.walked))
    assert parts == plain.again(slow, steady, steady.stretches).parts
    walked = quick.plan.walked(steady.stretches)
    assert walked == quick.walked


def place(slot: Slot) -> tuple[str, str]:
    return slot.counters.holder, slot.counter


def more_or_why(found: Compiled | None, leg: Leg, units: int) -> More | str:
    assert found is not None
    try:
        return found.more(leg, units)
    except Unrateable as problem:
        return problem.message


def plain_or_why(account: Account, leg: Leg, units: int) -> plain.More | str:
    try:
        return plain.more(account, leg, units)
    except Unrateable as problem:
        return problem.message


@given(tariffs)
def test_what_is_not_compiled_says_so(terms: Tariff) -> None:
    account = an_account(terms, {}, {})
    leg = a_leg(account)
    is_simple = (
        not terms.calendar.bands
        and all(one.factor == 1 and not one.bands for one in terms.buckets)
        and all(not one.rate.bands for one in terms.buckets if one.rate)
        and not any(step.rate.tiers or step.rate.bands for step in leg.route.steps)
    )
    blocked = any(one.blocks for one in terms.buckets)
    if not blocked:
        assert (leg.plan is not None) == is_simple


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6), st.sampled_from(Mode), st.sampled_from([1, 7, 10_000]))
def test_whole_numbers_are_rounded_as_fractions_are(through: int, over: int, mode: Mode, unit: int) -> None:
    from fractions import Fraction

    from mvne_plans.money import round_record

    rounding = Rounding(unit, mode)
    assert Compiled([], over, rounding, None).rounded(through) == round_record(Fraction(through, over), rounding)


def test_the_common_tariffs_are_compiled() -> None:
    account = an_account(prepaid_tariff(), {}, {})
    for service in (CALL, Service(Kind.DATA, country="FR"), Service(Kind.SMS, HOME_NUMBER, "FR")):
        leg = a_leg(account, service)
        assert leg.plan is not None
        start = account.meter.opening(leg.since).start
        assert compiled(account, leg.route, leg.shelves, start) is not None


def test_a_bound_sees_what_is_counted_and_held_after_it_was_made() -> None:
    account = an_account(prepaid_tariff(), {}, {})
    slot = account.meter.shelves(START).by_kind[Kind.VOICE][0].slot
    bound = Bound(account, slot, 600)
    assert bound.left() == 600
    account.counters.add(slot.counter, slot.start, 100)
    account.hold(slot.counter, slot.start, 50)
    assert bound.left() == 450


def test_counters_of_a_time_are_a_mapping_that_stays_and_shows_what_changes() -> None:
    """`Bound` reads the mapping itself with every step: a copy would grant the same units twice."""
    counters = Counters("line-a", {("b0", START): 1})
    here = counters.since(START)
    counters.add("b0", START, 5)
    counters.add("b1", START, 2)
    assert here is counters.since(START)
    assert here == {"b0": 6, "b1": 2}
