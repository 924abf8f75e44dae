"""What every test shares: databases, a clean environment, and how hard Hypothesis tries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.database import Server, running_server

# In CI the same examples every time: a red build is the change's fault. Elsewhere new ones at every run. A few suffice
# here, since `make soak` goes on where they end.
settings.register_profile("default", deadline=None, max_examples=50, derandomize=os.environ.get("CI") == "true")
settings.register_profile("soak", deadline=None, max_examples=1000, stateful_step_count=100, print_blob=True)
settings.load_profile("default")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """One private PostgreSQL server per worker; when it cannot start, the tests that need it fail."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, made for this test alone, on each kind of store in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.sqlite'}"
        return
    server: Server = request.getfixturevalue("postgresql_server")
    with server.fresh_database() as url:
        yield url


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the settings of the person who runs it, nor writes where that person keeps a store."""
    for name in [name for name in os.environ if name.startswith(("MVNE_", "STRIPE_"))]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
