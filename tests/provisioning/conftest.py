"""What the tests of provisioning share: a database with the room's tables, the two simulators, an outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Connection, Engine, Integer, MetaData, Table, insert, inspect, select

from mvne_provisioning.network.simulator import SimulatedHostNetwork
from mvne_provisioning.order.steps import Ports
from mvne_provisioning.smdp.simulator import SimulatedSmdpPlus
from mvne_provisioning.tables import metadata
from tests.database import Server, open_engine

Transact = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: Server) -> Iterator[Engine]:
    """One PostgreSQL database for all tests of the room: emptied after each, which is faster than a new one."""
    with postgresql_server.fresh_database() as url:
        opened = open_engine(url)
        yield opened
        opened.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the room's tables, empty, on each kind of store in turn."""
    if request.param == "sqlite":
        opened = open_engine(f"sqlite:///{tmp_path / 'test.sqlite'}")
        metadata.create_all(opened)
        yield opened
        opened.dispose()
        return
    shared: Engine = request.getfixturevalue("postgresql_database")
    metadata.create_all(shared)
    yield shared
    with shared.begin() as conn:
        tables = ", ".join(inspect(conn).get_table_names())
        conn.exec_driver_sql(f"TRUNCATE {tables}")


@pytest.fixture
def transact(engine: Engine) -> Transact:
    return engine.begin


@pytest.fixture
def at() -> datetime:
    return datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def host(engine: Engine) -> SimulatedHostNetwork:
    return SimulatedHostNetwork(engine, premium=("+33899",))


@pytest.fixture
def smdp(engine: Engine) -> SimulatedSmdpPlus:
    numbers = count(1)
    return SimulatedSmdpPlus(engine, token=lambda: f"TOKEN-{next(numbers)}")


@pytest.fixture
def ports(host: SimulatedHostNetwork, smdp: SimulatedSmdpPlus) -> Ports:
    return Ports(host, smdp)


class Outbox:
    """An outbox as a table: what is rolled back was never told."""

    TABLE = Table("test_outbox", MetaData(), Column("id", Integer, primary_key=True), Column("event", JSON))

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.TABLE.create(engine, checkfirst=True)

    def __call__(self, conn: Connection, name: str, content: Mapping[str, object]) -> None:
        conn.execute(insert(self.TABLE).values(event=[name, dict(content)]))

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        with self.engine.begin() as conn:
            stored = conn.execute(select(self.TABLE.c.event).order_by(self.TABLE.c.id)).scalars()
            return [(name, content) for name, content in stored]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


@pytest.fixture
def outbox(engine: Engine) -> Outbox:
    return Outbox(engine)
