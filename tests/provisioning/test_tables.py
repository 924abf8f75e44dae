"""The states as tables of moves, in code and in the database, and moments that keep their place in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert, select
from sqlalchemy.exc import IntegrityError

from mvne_provisioning.columns import NaiveDateTime
from mvne_provisioning.moves import MoveNotAllowed, check_move, sources
from mvne_provisioning.network.port import HOST_MOVES
from mvne_provisioning.network.simulator import SimulatedHostNetwork
from mvne_provisioning.network.simulator_tables import lines
from mvne_provisioning.smdp.simulator import SimulatedSmdpPlus
from mvne_provisioning.smdp.simulator_tables import profiles as smdp_profiles
from mvne_provisioning.smdp.states import SMDP_MOVES
from mvne_provisioning.states import NUMBER_MOVES, ORDER_MOVES, PROFILE_MOVES, STEP_MOVES
from mvne_provisioning.tables import (
    metadata,
    provisioning_number,
    provisioning_order,
    provisioning_order_step,
    provisioning_profile,
)

Moves = Mapping[Any, frozenset[Any]]

MACHINES: dict[str, Moves] = {
    "profile": PROFILE_MOVES,
    "number": NUMBER_MOVES,
    "order": ORDER_MOVES,
    "step": STEP_MOVES,
    "host line": HOST_MOVES,
    "SM-DP+ profile": SMDP_MOVES,
}


@pytest.mark.parametrize("moves", MACHINES.values(), ids=MACHINES)
def test_every_state_has_a_row_and_can_be_reached(moves: Moves) -> None:
    first = next(iter(moves))
    assert {to for following in moves.values() for to in following} <= set(moves)
    reached = {first}
    for _ in moves:
        reached |= {to for state in reached for to in moves[state]}
    assert reached == set(moves)


@pytest.mark.parametrize("moves", MACHINES.values(), ids=MACHINES)
def test_every_pair_that_is_not_in_the_table_is_refused(moves: Moves) -> None:
    for state in moves:
        for to in moves:
            if to in moves[state]:
                check_move(moves, "it", state, to)
                assert state in sources(moves, to)
            else:
                with pytest.raises(MoveNotAllowed, match=f"it is {state} and cannot become {to}"):
                    check_move(moves, "it", state, to)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (provisioning_profile, {"iccid": "8", "imsi": "1", "profile_type": "t", "state": "lost"}),
        (provisioning_profile, {"iccid": "8", "imsi": "1", "profile_type": "t", "state": "quarantined"}),
        (provisioning_profile, {"iccid": "8", "imsi": "1", "profile_type": "t", "state": "reserved"}),
        (provisioning_number, {"msisdn": "+1", "state": "lost"}),
        (provisioning_number, {"msisdn": "+1", "state": "available", "holder": "somebody"}),
        (provisioning_number, {"msisdn": "+1", "state": "quarantined"}),
        (provisioning_order, {"order_id": "o", "kind": "activation", "line_id": "l", "state": "lost"}),
        (provisioning_order, {"order_id": "o", "kind": "magic", "line_id": "l", "state": "placed"}),
        (
            provisioning_order,
            {"order_id": "o", "kind": "activation", "line_id": "l", "state": "placed", "outcome": "ready"},
        ),
    ],
)
def test_the_database_refuses_a_state_that_does_not_exist(
    engine: Engine, at: datetime, table: Table, values: dict[str, object]
) -> None:
    moments = {name: at for name in ("changed_at", "placed_at") if name in table.c}
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(insert(table).values(brand="tilleul", **moments, **values))


def test_the_simulators_databases_refuse_unknown_states_too(
    engine: Engine, host: SimulatedHostNetwork, smdp: SimulatedSmdpPlus
) -> None:
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(insert(lines).values(imsi="1", iccid="8", msisdn="+1", state="lost", barrings=""))
    row = {"iccid": "8", "imsi": "1", "profile_type": "t", "owner": "o", "downloads": 0, "wrong_codes": 0}
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(insert(smdp_profiles).values(**row, state="lost"))


def test_a_step_belongs_to_an_order(engine: Engine, at: datetime) -> None:
    row = {"brand": "tilleul", "order_id": "none", "step": "reserve", "position": 0, "key": "k", "state": "started"}
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(insert(provisioning_order_step).values(**row, refusals=0, started_at=at, changed_at=at))


def test_every_table_begins_its_key_with_the_brand() -> None:
    for table in metadata.tables.values():
        assert table.name.startswith("provisioning_")
        assert next(iter(table.primary_key.columns)).name == "brand"


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))], ids=str
)
def test_a_moment_comes_back_as_the_same_moment_in_utc(engine: Engine, zone: timezone) -> None:
    moment = datetime(2027, 6, 30, 23, 59, 59, 123456, tzinfo=zone)
    with engine.begin() as conn:
        row = {"brand": "tilleul", "msisdn": "+1", "state": "available"}
        conn.execute(insert(provisioning_number).values(**row, changed_at=moment))
        stored = conn.execute(select(provisioning_number.c.changed_at)).scalar_one()
        found = conn.execute(select(provisioning_number).where(provisioning_number.c.changed_at <= moment)).all()
    assert (stored, stored.tzinfo) == (moment, UTC)
    assert len(found) == 1


def test_a_moment_without_time_zone_is_refused_by_name(engine: Engine) -> None:
    row = {"brand": "tilleul", "msisdn": "+1", "state": "available"}
    with pytest.raises(NaiveDateTime, match="no time zone"), engine.begin() as conn:
        conn.execute(insert(provisioning_number).values(**row, changed_at=datetime(2027, 1, 1)))  # noqa: DTZ001  # on purpose
