"""Fixtures of the roof: a house on a store of each kind, empty or with the example brands launched into it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from mvne.platform import Platform
from tests.mvne.house import House, Stores, open_house

_STORES = pytest.StashKey[Stores]()


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """Launched stores to copy, the same for all folders; the PostgreSQL server starts only if its kind is asked for."""
    stash = request.config.stash
    if _STORES not in stash:
        server = partial(request.getfixturevalue, "postgresql_server")
        stash[_STORES] = Stores(server, tmp_path_factory.mktemp("stores"))
    return stash[_STORES]


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Each kind of store in turn."""
    return request.param


@pytest.fixture
def platform(kind: str, stores: Stores) -> Iterator[Platform]:
    """An open platform over an empty store."""
    with stores.copy(kind) as url, open_house(url) as house:
        yield house.platform


@pytest.fixture
def tilleul(kind: str, stores: Stores) -> Iterator[House]:
    """A house in which tilleul is launched."""
    with stores.copy(kind, "tilleul") as url, open_house(url) as house:
        yield house


@pytest.fixture
def comet(kind: str, stores: Stores) -> Iterator[House]:
    """A house in which comet is launched."""
    with stores.copy(kind, "comet") as url, open_house(url) as house:
        yield house


@pytest.fixture
def both(kind: str, stores: Stores) -> Iterator[House]:
    """A house in which both example brands are launched."""
    with stores.copy(kind, "tilleul", "comet") as url, open_house(url) as house:
        yield house
