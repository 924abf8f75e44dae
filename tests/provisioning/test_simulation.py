"""What the simulators share: one answer for one key, and a refusal that leaves nothing but itself."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, select

from mvne_provisioning.network.port import HostRefused, HostUnavailable
from mvne_provisioning.simulation import Answer, Wire, answers_table

METADATA = MetaData()
ANSWERS = answers_table(METADATA, "simulated_test_answer")
THINGS = Table("simulated_test_thing", METADATA, Column("name", String, primary_key=True))


@pytest.fixture
def wire(engine: Engine) -> Wire[HostRefused]:
    METADATA.create_all(engine)
    reused = HostRefused("key_reused", "the key was used before")
    return Wire(engine, ANSWERS, frozenset({"make"}), HostRefused, HostUnavailable, lambda _: reused, lambda: None)


def things(engine: Engine) -> list[str]:
    with engine.begin() as conn:
        return list(conn.execute(select(THINGS.c.name)).scalars())


def test_a_refusal_half_way_undoes_what_was_written_and_is_remembered(engine: Engine, wire: Wire[HostRefused]) -> None:
    def write_then_refuse(conn: Connection) -> Answer:
        conn.execute(insert(THINGS).values(name="half"))
        raise HostRefused("no", "second thoughts")

    def must_not_run(conn: Connection) -> Answer:
        raise AssertionError("a replayed key ran again")

    for effect in (write_then_refuse, must_not_run):
        with pytest.raises(HostRefused, match="second thoughts"):
            wire.call("make", "k", {"name": "half"}, effect)
    assert things(engine) == []


def test_a_collision_keeps_nothing_so_that_the_same_key_can_be_sent_again(
    engine: Engine, wire: Wire[HostRefused]
) -> None:
    def write_twice(conn: Connection) -> Answer:
        conn.execute(insert(THINGS), [{"name": "one"}, {"name": "one"}])
        return {}

    def write(conn: Connection) -> Answer:
        conn.execute(insert(THINGS).values(name="one"))
        return {"made": "one"}

    with pytest.raises(HostUnavailable, match="retry with the same key"):
        wire.call("make", "k", {}, write_twice)
    assert things(engine) == []
    assert wire.call("make", "k", {}, write) == wire.call("make", "k", {}, write) == {"made": "one"}
    assert things(engine) == ["one"]
