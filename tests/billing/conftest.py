"""Books on SQLite and on PostgreSQL in turn, for the tests of billing."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mvne_billing.tables import metadata
from tests.billing.builders import BRAND, Books, open_books
from tests.database import Server, open_engine

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_books(postgresql_server: Server) -> Iterator[Engine]:
    """One PostgreSQL database with billing's tables for all tests: each has a brand of its own in it."""
    with postgresql_server.fresh_database() as url:
        engine = open_engine(url)
        metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def sqlite_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with billing's tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("billing") / "empty.sqlite"
    with open_books(f"sqlite:///{path}"):
        return path


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    """The books of a brand that nobody else writes in: on PostgreSQL, other brands are in the same store."""
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("sqlite_books"), tmp_path / "books.sqlite")
        engine = open_engine(f"sqlite:///{copy}")
        yield Books(engine)
        engine.dispose()
        return
    yield Books(request.getfixturevalue("postgresql_books"), f"{BRAND}{next(_numbers)}")
