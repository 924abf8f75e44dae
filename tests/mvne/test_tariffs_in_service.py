"""What a tariff makes the network do: steps beyond the allowance, guards; and what the host charges as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from mvne import workers
from mvne.brand import Brand
from mvne.diffing import diff
from mvne.host_costs import accrue_capacity
from mvne.selling import selling
from mvne.tables import item
from mvne_billing.tables import allowance, transfer
from mvne_plans.canonical import text_hash
from mvne_plans.numbering import NumberKind
from mvne_plans.period import Every
from mvne_plans.quantity import Kind
from mvne_plans.rate import Rate
from mvne_plans.tariff import Beyond, DeckRow, Guard, NextTier, Priced, RateDeck, Slow, Stop
from tests.mvne.house import GB, MB, PARIS_NUMBER, House, example
from tests.mvne.wholeness import faults


@pytest.fixture
def house(tilleul: House) -> Iterator[House]:
    """A house with tilleul; whatever the story, in the end everything is in order."""
    yield tilleul
    assert faults(tilleul.platform, "tilleul") == []


def douceur(**tariff: Any) -> Brand:
    """Return tilleul with another tariff of its first plan."""
    brand = example("tilleul")
    first, *others = brand.catalogue.plans
    plans = (replace(first, tariff=replace(first.tariff, **tariff)), *others)
    return replace(brand, catalogue=replace(brand.catalogue, plans=plans))


def data_then(*steps: Beyond) -> Brand:
    chained: Beyond = steps[-1]
    for step in reversed(steps[:-1]):
        assert not isinstance(step, Stop)
        chained = replace(step, then=chained)
    return douceur(beyond={**example("tilleul").catalogue.plans[0].tariff.beyond, Kind.DATA: chained})


def surf(house: House, line: str, *amounts: int) -> None:
    """Use data and let the network be told what follows."""
    for amount in amounts:
        house.use(line, "data", amount)
    house.collect_usage()
    workers.work(house.platform, "tilleul", house.now)


def test_a_line_goes_down_the_steps_of_its_plan(house: House) -> None:
    house.launch(data_then(Slow(10**6, amount=GB), Slow(128_000)))
    line = house.join("marie").id
    surf(house, line, GB)
    assert house.line(line).bits_per_second is None
    surf(house, line, MB)
    assert house.line(line).bits_per_second == 10**6
    surf(house, line, GB)
    assert house.line(line).bits_per_second == 128_000
    assert [one for one in house.told(subject=line) if one == "usage.slow"] == ["usage.slow", "usage.slow"]


def test_steps_that_are_passed_at_once_leave_the_line_at_the_last(house: House) -> None:
    house.launch(data_then(Slow(10**6, amount=GB), Slow(64_000)))
    line = house.join("marie").id
    surf(house, line, GB, 2 * GB)
    assert house.line(line).bits_per_second == 64_000


def test_a_line_that_goes_on_at_the_next_plan_is_fast_again_and_pays_the_difference(house: House) -> None:
    house.launch(data_then(Slow(10**6, amount=GB), NextTier("serenite", Decimal(8), 4 * GB, then=Stop())))
    line = house.join("marie").id
    surf(house, line, GB, MB)
    assert house.line(line).bits_per_second == 10**6
    surf(house, line, GB)
    assert house.line(line).bits_per_second is None
    surf(house, line, 5 * GB)
    assert "data" in house.line(line).barrings
    house.after(days=31)
    house.bill()
    assert [one.kind.value for one in house.documents(line)[-1].lines] == ["recurring", "usage"]
    assert house.documents(line)[-1].lines[1].amount.decimal() == "8.00"
    workers.work(house.platform, "tilleul", house.now)
    assert "data" not in house.line(line).barrings


PREMIUM = "+33899000000"


@pytest.mark.parametrize(
    ("guard", "called", "barred"),
    [
        (Guard("cap", "spend", 1_000_000, to=(NumberKind.PREMIUM,)), PREMIUM, {"premium"}),
        (Guard("cap", "units", 60, kinds=(Kind.VOICE,)), PARIS_NUMBER, {"outgoing_voice"}),
        (Guard("cap", "count", 1, window="hour", then="alert"), PARIS_NUMBER, set()),
    ],
)
def test_a_line_that_passes_a_guard_is_stopped_until_its_period_ends(
    house: House, guard: Guard, called: str, barred: set[str]
) -> None:
    deck = RateDeck((DeckRow("+33899", "Premium", Rate.parse("1/min", Kind.VOICE)),))
    brand = douceur(guards=(guard,), deck=deck)
    host = brand.catalogue.agreements[0]
    rows = (*host.deck.rows, DeckRow("+33899", "Premium", Rate.parse("0.5/min", Kind.VOICE)))
    catalogue = replace(brand.catalogue, agreements=(replace(host, deck=RateDeck(rows)),))
    house.launch(replace(brand, catalogue=catalogue))
    line = house.join("marie").id
    usual = set(house.line(line).barrings)
    house.use(line, "voice", 61, called)
    house.collect_usage()
    workers.work(house.platform, "tilleul", house.now)
    assert set(house.line(line).barrings) - usual == barred
    marks = [one for one in house.told(subject=line) if one.startswith("usage.guard")]
    assert marks == [f"usage.guard_{guard.then}"]
    house.after(days=31)
    house.bill()
    workers.work(house.platform, "tilleul", house.now)
    assert set(house.line(line).barrings) == usual


def test_calls_within_the_brand_have_an_allowance_of_their_own(house: House) -> None:
    voice, *others = example("tilleul").catalogue.plans[0].tariff.buckets
    own = replace(voice, id="own", amount=None, to=("on_net",))
    house.launch(douceur(buckets=(own, voice, *others)))
    marie, anne = house.join("marie"), house.join("anne")
    for to in (str(anne.msisdn), PARIS_NUMBER):
        house.use(marie.id, "voice", 60, to)
    house.collect_usage()
    counted = select(allowance.c.bucket, allowance.c.used).where(allowance.c.subscription == marie.id)
    with house.platform.store.read() as conn:
        assert sorted(tuple(row) for row in conn.execute(counted)) == [("own", 60), ("voice", 60)]


def test_thresholds_are_told_as_they_are_passed(house: House) -> None:
    voice, sms, data = example("tilleul").catalogue.plans[0].tariff.buckets
    house.launch(douceur(buckets=(voice, sms, replace(data, thresholds=(50, 80)))))
    line = house.join("marie").id
    surf(house, line, GB // 2, GB // 4)
    surf(house, line, GB // 4)
    told = [one for one in house.told(subject=line) if one.startswith("usage.")]
    assert told == ["usage.threshold_50", "usage.threshold_80", "usage.used_up"]


def test_a_plan_that_was_written_before_the_language_grew_stays_as_it_is(house: House) -> None:
    newer = ("calendar", "splits_calls", "rounding", "guards")
    query = select(item.c.content).where(item.c.brand == "tilleul", item.c.kind == "plan", item.c.id == "douceur")
    with house.platform.store.transact() as conn:
        content = json.loads(conn.execute(query).scalar_one())
        for name in newer:
            del content["tariff"][name]
        old = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        where = (item.c.brand == "tilleul", item.c.kind == "plan", item.c.id == "douceur")
        conn.execute(update(item).where(*where).values(content=old, hash=text_hash(old)))
    found = diff(example("tilleul"), house.platform)
    assert (found.changes, found.unchanged) == ((), 7)
    assert house.launch(example("tilleul")).number is None
    (change,) = diff(douceur(splits_calls=False), house.platform).changes
    assert change.words.startswith("tariff.splits_calls: True becomes False")


def capacity(**changes: Any) -> Brand:
    brand = example("tilleul")
    bought: dict[str, Any] = {
        "capacity": (Kind.DATA,),
        "capacity_micro": 90_000_000,
        "capacity_every": Every.parse("3 months"),
    }
    agreements = tuple(replace(one, **bought | changes) for one in brand.catalogue.agreements)
    return replace(brand, catalogue=replace(brand.catalogue, agreements=agreements))


def accrued(house: House) -> dict[str, int]:
    query = select(transfer.c.id, transfer.c.micro).where(transfer.c.brand == "tilleul", transfer.c.code == "capacity")
    with house.platform.store.read() as conn:
        return {row.id: row.micro for row in conn.execute(query.order_by(transfer.c.id))}


def test_bought_capacity_is_paid_for_month_by_month_from_the_launch_on(house: House) -> None:
    house.launch(capacity())
    house.bill()
    assert accrued(house) == {"capacity:2027-01": 30_000_000}
    house.after(days=40)
    house.bill()
    house.bill()
    assert accrued(house) == {"capacity:2027-01": 30_000_000, "capacity:2027-02": 30_000_000}
    house.launch(capacity(capacity_micro=60_000_000))
    house.after(days=20)
    house.bill()
    assert accrued(house) == {
        "capacity:2027-01": 30_000_000,
        "capacity:2027-02": 30_000_000,
        "capacity:2027-03": 20_000_000,
    }


def test_a_month_begins_at_the_brand_s_midnight_and_under_an_agreement_in_force(house: House) -> None:
    before, bought = example("tilleul").catalogue.agreements, capacity(starts=date(2027, 2, 1))
    agreements = (*before, *bought.catalogue.agreements)
    house.launch(replace(bought, catalogue=replace(bought.catalogue, agreements=agreements)))
    with house.platform.store.transact() as conn:
        sold = selling(conn, "tilleul")
        accrue_capacity(conn, sold, datetime(2027, 1, 31, 22, 59, 59, tzinfo=UTC))
    assert accrued(house) == {}
    with house.platform.store.transact() as conn:
        accrue_capacity(conn, sold, datetime(2027, 1, 31, 23, tzinfo=UTC))
    assert accrued(house) == {"capacity:2027-02": 30_000_000}


def test_no_capacity_costs_nothing(house: House) -> None:
    house.bill()
    assert accrued(house) == {}


def test_a_priced_step_after_a_slow_one_charges(house: House) -> None:
    house.launch(data_then(Slow(10**6, amount=GB), Priced(Rate.parse("1/GB", Kind.DATA))))
    line = house.join("marie").id
    surf(house, line, GB, GB, GB)
    house.after(days=31)
    house.bill()
    assert house.documents(line)[-1].lines[1].amount.decimal() == "1.00"
