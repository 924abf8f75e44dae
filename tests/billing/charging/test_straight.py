"""The straight way through a step against the one that takes every step: the same answers and the same rows."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.charging import deciding, straight
from mvne_billing.charging.account import Account, Live
from mvne_billing.charging.effects import Batch, Effects
from mvne_billing.charging.routing import Terms
from mvne_billing.charging.session import Answer, Request, Step, Units
from mvne_billing.mediation.counters import Counters
from mvne_billing.mediation.meter import Meter
from mvne_billing.mediation.rater import Rater
from mvne_billing.states import SubscriptionState
from mvne_plans.catalogue import Pay, Plan
from mvne_plans.tariff import Tariff
from tests.billing.builders import plan, subscription, world
from tests.billing.charging.test_compiled import CALL, counted, simple
from tests.billing.charging.till import START
from tests.billing.test_rating_sessions import tariffs

reports = st.lists(
    st.tuples(st.integers(0, 300), st.none() | st.integers(0, 8_000), st.sampled_from([1, 60, 40 * 86_400])), max_size=5
)


def an_account(sold: Plan, money: int, used: dict[str, int]) -> Account:
    line = subscription("line-a", state=SubscriptionState.ACTIVE)
    start = line.period(sold.every, 0).start
    counters = Counters("line-a", {(name, start): units for name, units in used.items()})
    meter = Meter(line, sold, [], counters, Counters(""))
    meter.stand(None, {}, {})
    return Account("b", meter, money, 0, 0, 0, {})


def requests(units: list[tuple[int, int | None, int]], asked: int, last: int) -> list[Request]:
    """Return a session that opens, reports and ends."""
    made = [Request("b", "s", 0, Step.CREATE, "line-a", START, (Units(1, CALL, asked),))]
    at = START
    for sequence, (used, requested, seconds) in enumerate(units, 1):
        at += timedelta(seconds=seconds)
        made.append(Request("b", "s", sequence, Step.UPDATE, "line-a", at, (Units(1, None, requested, used),)))
    made.append(Request("b", "s", len(made), Step.RELEASE, "line-a", at, (Units(1, used=last),)))
    return made


def told(run: object, sold: Plan, money: int, used: dict[str, int], asked: list[Request]) -> list[tuple[Answer, Batch]]:
    """Return what a way answers to a session, and what it leaves to be written."""
    account, effects = an_account(sold, money, used), Effects()
    terms = Terms(Rater(world(), lambda *_: sold, lambda *_: {}))
    session, answers = Live(account, "s", START, ""), []
    for one in asked:
        session.moves_to(one.at)
        session.sequence = one.sequence
        answer = run(effects, terms, session, one, "")  # type: ignore[operator]  # either way
        effects.sessions[session] = False
        answers.append((answer, effects.flush()))
        if not answer.is_open:
            break
    return answers


@given(tariffs.map(simple), st.integers(0, 10**9), counted, reports, st.integers(0, 8_000), st.integers(0, 300))
def test_both_ways_say_and_write_the_same(
    terms: Tariff, money: int, used: dict[str, int], units: list[tuple[int, int | None, int]], asked: int, last: int
) -> None:
    sold = plan(tariff=terms, pay=Pay.PREPAID)
    whole = requests(units, asked, last)
    assert told(straight.run, sold, money, used, whole) == told(deciding.run, sold, money, used, whole)
