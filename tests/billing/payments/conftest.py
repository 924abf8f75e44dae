"""A simulated Stripe for each test: on a file as the product opens it, on PostgreSQL, and in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.billing.payments.world import Clock, World
from tests.database import open_engine


def memory_engine() -> sa.Engine:
    """One connection, held open, because an in-memory database lives no longer than its connection."""
    return sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The quick one, for rules that no database could change."""
    engine = open_engine(f"sqlite:///{tmp_path / 'stripe.sqlite'}")
    yield World(engine, Clock())
    engine.dispose()


@pytest.fixture
def memory_world() -> Iterator[World]:
    engine = memory_engine()
    yield World(engine, Clock())
    engine.dispose()


@pytest.fixture
def stored_world(database_url: str) -> Iterator[World]:
    """The same on each kind of store."""
    engine = open_engine(database_url)
    yield World(engine, Clock())
    engine.dispose()
