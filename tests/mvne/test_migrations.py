"""The migrations make exactly the tables that the code describes, on each kind of store, triggers included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, delete, insert, update
from sqlalchemy.exc import DBAPIError

from mvne import migrations
from mvne.store import open_store
from mvne.tables import metadata as roof
from mvne_billing.tables import APPEND_ONLY, transfer
from mvne_billing.tables import metadata as billing
from mvne_provisioning.tables import metadata as provisioning


@pytest.fixture
def migrated(database_url: str) -> Iterator[Engine]:
    store = open_store(database_url)
    store.migrate()
    yield store.engine
    store.close()


def test_the_newest_revision_is_the_one_that_the_store_asks_for() -> None:
    assert ScriptDirectory(migrations.__path__[0]).get_heads() == [migrations.HEAD]


def test_the_migrated_tables_are_those_of_the_code(migrated: Engine) -> None:
    with migrated.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "compare_server_default": False})
        rooms: Any = [roof, billing, provisioning]
        assert compare_metadata(context, rooms) == []


def test_migrating_again_changes_nothing(migrated: Engine, database_url: str) -> None:
    store = open_store(database_url)
    assert store.is_ready()
    store.migrate()
    migrations.migrate(store.engine)
    store.close()


@pytest.mark.parametrize("change", [update(transfer).values(micro=1), delete(transfer)], ids=["update", "delete"])
def test_what_only_grows_is_guarded_by_the_database(migrated: Engine, change: object) -> None:
    assert transfer in APPEND_ONLY
    row = {"brand": "b", "id": "t", "debit": "a", "credit": "c", "micro": 5, "currency": "EUR", "code": "x"}
    with migrated.begin() as conn:
        conn.execute(insert(transfer).values(**row, at=datetime(2027, 1, 1, tzinfo=UTC), reference="r", hash="h"))
    with pytest.raises(DBAPIError, match="append-only"), migrated.begin() as conn:
        conn.execute(change)  # type: ignore[call-overload]  # both are statements
