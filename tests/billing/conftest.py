"""Books on SQLite and on PostgreSQL in turn, for the tests of billing."""

from __future__ import annotations

import itertools
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


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    """The books of a brand that nobody else writes in: on PostgreSQL, other brands are in the same store."""
    if request.param == "sqlite":
        with open_books(f"sqlite:///{tmp_path / 'books.sqlite'}") as opened:
            yield opened
        return
    yield Books(request.getfixturevalue("postgresql_books"), f"{BRAND}{next(_numbers)}")
