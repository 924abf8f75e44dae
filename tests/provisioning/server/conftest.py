"""A PKI for all tests of the server, and a stocked server for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from mvne_provisioning.pki.folder import Certificates, load
from mvne_provisioning.pki.minting import mint
from tests.database import open_engine
from tests.provisioning.rsp.little_card import ADDRESS
from tests.provisioning.server.world import AT, World


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("smdp") / "pki"
    mint(folder, AT, ADDRESS)
    return load(folder)


@pytest.fixture
def engine() -> Iterator[Engine]:
    found = open_engine("sqlite://")
    yield found
    found.dispose()


@pytest.fixture
def world(engine: Engine, certificates: Certificates) -> World:
    return World(engine, certificates).stocked()
