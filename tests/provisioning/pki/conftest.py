"""What the tests of certificates share: one folder per choice of curves, minted once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mvne_provisioning.pki.folder import Certificates, load
from mvne_provisioning.pki.minting import mint
from mvne_provisioning.pki.roles import Curve
from tests.provisioning.pki.forging import Chain

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
ADDRESS = "testsmdpplus1.example.com:9443"


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a PKI on each curve. Nobody writes in it: who changes something copies it first."""
    folder = tmp_path_factory.mktemp("pki") / "both"
    mint(folder, AT, ADDRESS, curve=list(Curve))
    return folder


@pytest.fixture(scope="session", params=Curve)
def chain(request: pytest.FixtureRequest, both: Path) -> Chain:
    """A good chain with all its keys, on each curve in turn."""
    return chain_of(load(both, curve=request.param))


def chain_of(certificates: Certificates) -> Chain:
    assert certificates.eum
    assert certificates.euicc
    return Chain(certificates.issuers[certificates.eum.authority_key_id], certificates.eum, certificates.euicc)
