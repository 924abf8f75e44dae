"""The pools: reserved, assigned, given back, resting; nothing ever held by two."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Engine, select

from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.inventory.counting import count_by_state
from mvne_provisioning.inventory.numbers import (
    NumberTaken,
    add_numbers,
    assign_number,
    number_of,
    quarantine_number,
    recycle_numbers,
    release_number,
    reserve_number,
    retire_number,
)
from mvne_provisioning.inventory.pool import HolderHasAnother, ItemConflict, NotHeld, PoolEmpty, UnknownItem
from mvne_provisioning.inventory.profiles import (
    add_profiles,
    assign_profile,
    imsis_of_brand,
    profile_of,
    release_profile,
    reserve_profile,
    retire_profile,
)
from mvne_provisioning.inventory.simulated import SerialOutOfRange, simulated_batch
from mvne_provisioning.moves import MoveNotAllowed
from mvne_provisioning.profile import Profile
from mvne_provisioning.states import PoolState
from mvne_provisioning.tables import metadata, provisioning_number
from tests.database import open_engine

BRAND = "tilleul"
NUMBERS = [Msisdn(f"+3319900{serial:04d}") for serial in range(1000)]


def test_the_same_holder_gets_the_same_profile_and_number_back(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_profiles(conn, BRAND, simulated_batch(1, 2), at)
        add_numbers(conn, BRAND, NUMBERS[:2], at)
        assert reserve_profile(conn, BRAND, "ada", at) == reserve_profile(conn, BRAND, "ada", at)
        assert reserve_number(conn, BRAND, "ada", at) == reserve_number(conn, BRAND, "ada", at)
        assert reserve_profile(conn, BRAND, "bob", at) != profile_of(conn, BRAND, "ada")
        assert reserve_number(conn, BRAND, "bob", at) != number_of(conn, BRAND, "ada")


def test_an_empty_pool_says_so(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_profiles(conn, BRAND, simulated_batch(1, 1, profile_type="consumer"), at)
        with pytest.raises(PoolEmpty, match="profile of type business"):
            reserve_profile(conn, BRAND, "ada", at, "business")
        with pytest.raises(PoolEmpty, match="number"):
            reserve_number(conn, BRAND, "ada", at)


def test_a_profile_type_is_respected(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_profiles(conn, BRAND, simulated_batch(1, 3, profile_type="consumer"), at)
        add_profiles(conn, BRAND, simulated_batch(9, 1, profile_type="business"), at)
        assert reserve_profile(conn, BRAND, "ada", at, "business").profile_type == "business"


def test_adding_again_changes_nothing_and_other_content_is_refused(engine: Engine, at: datetime) -> None:
    batch = simulated_batch(1, 1200)
    with engine.begin() as conn:
        assert add_profiles(conn, BRAND, batch[:700], at) == 700
        held = reserve_profile(conn, BRAND, "ada", at)
        assert add_profiles(conn, BRAND, batch, at) == 500
        assert add_profiles(conn, BRAND, batch, at) == 0
        assert profile_of(conn, BRAND, "ada") == held
        assert add_numbers(conn, BRAND, [NUMBERS[0], NUMBERS[0]], at) == 1
        assert add_numbers(conn, BRAND, NUMBERS[:2], at) == 1
    for other in (
        Profile(batch[0].iccid, simulated_batch(5000, 1)[0].imsi, batch[0].profile_type),
        Profile(simulated_batch(5000, 1)[0].iccid, batch[0].imsi, batch[0].profile_type),
        Profile(batch[0].iccid, batch[0].imsi, "business"),
    ):
        with pytest.raises(ItemConflict), engine.begin() as conn:
            add_profiles(conn, BRAND, [other], at)


def test_a_wanted_number_is_given_unless_it_is_taken_or_unknown(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_numbers(conn, BRAND, NUMBERS[:3], at)
        assert reserve_number(conn, BRAND, "ada", at, NUMBERS[1]) == NUMBERS[1]
        assert reserve_number(conn, BRAND, "ada", at, NUMBERS[1]) == NUMBERS[1]
        with pytest.raises(NumberTaken, match="is reserved"):
            reserve_number(conn, BRAND, "bob", at, NUMBERS[1])
        with pytest.raises(UnknownItem):
            reserve_number(conn, BRAND, "bob", at, NUMBERS[9])
        with pytest.raises(HolderHasAnother):
            reserve_number(conn, BRAND, "ada", at, NUMBERS[2])


def test_a_number_rests_before_somebody_else_gets_it(engine: Engine, at: datetime) -> None:
    until = at + timedelta(days=90)
    with engine.begin() as conn:
        add_numbers(conn, BRAND, NUMBERS[:1], at)
        assign_number(conn, BRAND, reserve_number(conn, BRAND, "order", at), "ada", at)
        with pytest.raises(MoveNotAllowed):
            release_number(conn, BRAND, NUMBERS[0], "ada", at)
        quarantine_number(conn, BRAND, NUMBERS[0], until, at)
        assert number_of(conn, BRAND, "ada") is None
        assert recycle_numbers(conn, BRAND, until - timedelta(microseconds=1)) == 0
        with pytest.raises(PoolEmpty):
            reserve_number(conn, BRAND, "bob", at)
        assert recycle_numbers(conn, BRAND, until) == 1
        assert reserve_number(conn, BRAND, "bob", until) == NUMBERS[0]


def test_only_who_holds_it_can_give_it_back_and_doing_so_twice_is_harmless(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_profiles(conn, BRAND, simulated_batch(1, 1), at)
        iccid = reserve_profile(conn, BRAND, "ada", at).iccid
        with pytest.raises(NotHeld):
            release_profile(conn, BRAND, iccid, "bob", at)
        release_profile(conn, BRAND, iccid, "ada", at)
        release_profile(conn, BRAND, iccid, "ada", at)
        reserve_profile(conn, BRAND, "bob", at)
        with pytest.raises(NotHeld):
            release_profile(conn, BRAND, iccid, "ada", at)


def test_a_line_is_assigned_one_profile_only(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_profiles(conn, BRAND, simulated_batch(1, 2), at)
        first, second = (reserve_profile(conn, BRAND, order, at).iccid for order in ("order-a", "order-b"))
        assign_profile(conn, BRAND, first, "ada", at)
        assign_profile(conn, BRAND, first, "ada", at)
        with pytest.raises(HolderHasAnother):
            assign_profile(conn, BRAND, second, "ada", at)
        with pytest.raises(MoveNotAllowed):
            assign_profile(conn, BRAND, first, "bob", at)


def test_what_is_retired_never_comes_back(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_profiles(conn, BRAND, simulated_batch(1, 1), at)
        add_numbers(conn, BRAND, NUMBERS[:1], at)
        retire_profile(conn, BRAND, simulated_batch(1, 1)[0].iccid, at)
        retire_number(conn, BRAND, NUMBERS[0], at)
        with pytest.raises(PoolEmpty):
            reserve_profile(conn, BRAND, "ada", at)
        with pytest.raises(MoveNotAllowed):
            retire_number(conn, BRAND, NUMBERS[0], at)
        with pytest.raises(UnknownItem):
            retire_number(conn, BRAND, NUMBERS[1], at)


def test_brands_have_pools_of_their_own(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        for brand in ("tilleul", "comet"):
            add_profiles(conn, brand, simulated_batch(1, 1), at)
            add_numbers(conn, brand, NUMBERS[:1], at)
        reserve_profile(conn, "tilleul", "ada", at)
        assign_number(conn, "tilleul", reserve_number(conn, "tilleul", "ada", at), "ada", at)
        quarantine_number(conn, "tilleul", NUMBERS[0], at, at)
        assert recycle_numbers(conn, "comet", at) == 0
        assert profile_of(conn, "comet", "ada") is None
        counts = count_by_state(conn, "comet")
        assert counts.profiles[PoolState.AVAILABLE] == counts.numbers[PoolState.AVAILABLE] == 1
        retire_number(conn, "comet", NUMBERS[0], at)
        assert count_by_state(conn, "tilleul").numbers[PoolState.QUARANTINED] == 1


def test_a_brand_recognises_its_own_imsis_only(engine: Engine, at: datetime) -> None:
    mine, other = simulated_batch(1, 600), simulated_batch(1001, 2)
    with engine.begin() as conn:
        add_profiles(conn, "tilleul", mine, at)
        add_profiles(conn, "comet", other, at)
        asked = {profile.imsi for profile in [*mine, *other]}
        assert imsis_of_brand(conn, "tilleul", asked) == {profile.imsi for profile in mine}
        assert imsis_of_brand(conn, "comet", asked) == {profile.imsi for profile in other}


def test_a_simulated_batch_is_in_the_test_ranges_and_repeatable() -> None:
    batch = simulated_batch(7, 100, plmn="999701", issuer="9997")
    assert batch == simulated_batch(7, 100, plmn="999701", issuer="9997")
    assert len({profile.iccid for profile in batch} | {profile.imsi for profile in batch}) == 200
    assert all(profile.imsi.mcc == "999" and profile.iccid.startswith("899997") for profile in batch)
    assert {len(profile.iccid) for profile in batch} == {19}
    with pytest.raises(SerialOutOfRange):
        simulated_batch(10**9, 1, plmn="999701")


def test_eight_threads_never_get_the_same_profile_or_number(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_profiles(conn, BRAND, simulated_batch(1, 1000), at)
        add_numbers(conn, BRAND, NUMBERS, at)

    def take(holder: str) -> tuple[str, str]:
        with engine.begin() as conn:
            return reserve_profile(conn, BRAND, holder, at).iccid, reserve_number(conn, BRAND, holder, at)

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(take, (f"line-{number}" for number in range(1000))))
    assert len({iccid for iccid, _ in taken}) == len({number for _, number in taken}) == 1000
    with engine.begin() as conn, pytest.raises(PoolEmpty):
        reserve_number(conn, BRAND, "one too many", at)


def test_one_holder_in_eight_threads_gets_one_number(engine: Engine, at: datetime) -> None:
    with engine.begin() as conn:
        add_numbers(conn, BRAND, NUMBERS[:100], at)

    def take(_: int) -> Msisdn:
        with engine.begin() as conn:
            return reserve_number(conn, BRAND, "ada", at)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(take, range(40)))) == 1


class NumberPool(RuleBasedStateMachine):
    """Any sequence of calls: a model says who holds what, and the pool must agree."""

    HOLDERS = st.sampled_from(["ada", "bob", "cleo", "dan"])
    POOL = NUMBERS[:3]

    def __init__(self) -> None:
        super().__init__()
        self.engine = open_engine("sqlite://")
        self.conn = self.engine.connect()
        metadata.create_all(self.conn)
        self.at = datetime(2027, 1, 1, tzinfo=UTC)
        add_numbers(self.conn, BRAND, self.POOL, self.at)
        self.state = dict.fromkeys(self.POOL, PoolState.AVAILABLE)
        self.holder: dict[str, Msisdn] = {}

    def teardown(self) -> None:
        self.conn.close()
        self.engine.dispose()

    @rule(holder=HOLDERS)
    def reserve(self, holder: str) -> None:
        if holder not in self.holder and PoolState.AVAILABLE not in self.state.values():
            with pytest.raises(PoolEmpty):
                reserve_number(self.conn, BRAND, holder, self.at)
            return
        number = reserve_number(self.conn, BRAND, holder, self.at)
        assert self.holder.setdefault(holder, number) == number
        if self.state[number] is PoolState.AVAILABLE:
            self.state[number] = PoolState.RESERVED

    @precondition(lambda self: self.holder)
    @rule(data=st.data())
    def assign(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(sorted(self.holder)))
        assign_number(self.conn, BRAND, self.holder[holder], holder, self.at)
        self.state[self.holder[holder]] = PoolState.ASSIGNED

    @rule(number=st.sampled_from(POOL), holder=HOLDERS)
    def release(self, number: Msisdn, holder: str) -> None:
        if self.state[number] is PoolState.AVAILABLE:
            release_number(self.conn, BRAND, number, holder, self.at)
        elif self.holder.get(holder) != number:
            with pytest.raises(NotHeld):
                release_number(self.conn, BRAND, number, holder, self.at)
        elif self.state[number] is PoolState.ASSIGNED:
            with pytest.raises(MoveNotAllowed):
                release_number(self.conn, BRAND, number, holder, self.at)
        else:
            release_number(self.conn, BRAND, number, holder, self.at)
            self.state[self.holder.pop(holder)] = PoolState.AVAILABLE

    @rule(number=st.sampled_from(POOL))
    def quarantine(self, number: Msisdn) -> None:
        if self.state[number] is not PoolState.ASSIGNED:
            with pytest.raises(MoveNotAllowed):
                quarantine_number(self.conn, BRAND, number, self.at, self.at)
            return
        quarantine_number(self.conn, BRAND, number, self.at + timedelta(days=1), self.at)
        self.state[number] = PoolState.QUARANTINED
        self.holder = {holder: held for holder, held in self.holder.items() if held != number}

    @rule(days=st.integers(0, 1))
    def recycle(self, days: int) -> None:
        resting = [number for number, state in self.state.items() if state is PoolState.QUARANTINED]
        back = resting if days else []
        assert recycle_numbers(self.conn, BRAND, self.at + timedelta(days=days)) == len(back)
        self.state.update(dict.fromkeys(back, PoolState.AVAILABLE))

    @invariant()
    def pool_agrees_with_model(self) -> None:
        rows = self.conn.execute(select(provisioning_number)).all()
        assert {Msisdn(row.msisdn): PoolState(row.state) for row in rows} == self.state
        assert {row.holder: row.msisdn for row in rows if row.holder} == self.holder
        expected = Counter(self.state.values())
        assert {s: n for s, n in count_by_state(self.conn, BRAND).numbers.items() if n} == dict(expected)


NumberPool.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestNumberPool = NumberPool.TestCase
