"""One PKI on both curves for all tests of a download, and what most of them begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mvne_provisioning.package import metadata, personalise
from mvne_provisioning.pki.folder import Certificates, load
from mvne_provisioning.pki.minting import mint
from mvne_provisioning.pki.roles import Curve
from mvne_provisioning.smdp import rsp
from mvne_provisioning.smdp.rsp import Sealable, Session
from tests.provisioning.rsp.little_card import ADDRESS, LittleCard
from tests.provisioning.somebody import PERSONAL

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
TRANSACTION, SERVER_CHALLENGE = bytes(range(0x10, 0x20)), bytes(range(0x20, 0x30))
PROFILE = Sealable.checked(personalise(PERSONAL), metadata(PERSONAL, PERSONAL.plmn, [ADDRESS]))


@dataclass(frozen=True)
class Scene:
    """Certificates of a server and a card, and the way through a download up to any point of it."""

    certificates: Certificates
    card: LittleCard

    def initiated(self) -> tuple[Session, dict[str, str]]:
        return rsp.initiate(self.certificates, ADDRESS, self.card.initiate(), TRANSACTION, SERVER_CHALLENGE)

    def authenticated(self) -> Session:
        session, answer = self.initiated()
        return rsp.authenticate(self.certificates, session, self.card.authenticate(answer), AT)

    def offered(self, needs_code: bool = False) -> tuple[Session, dict[str, str]]:
        return rsp.offer(self.certificates, self.authenticated(), PROFILE.metadata, PERSONAL.iccid, needs_code)

    def bound(self, profile: Sealable = PROFILE) -> tuple[Session, dict[str, str]]:
        session, answer = self.offered()
        prepared = rsp.prepare(self.certificates, session, self.card.prepare(answer))
        return rsp.bind(self.certificates, session, prepared, profile, ec.generate_private_key, bytes)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Curve, Path]:
    found = {curve: tmp_path_factory.mktemp(curve.name) / "pki" for curve in Curve}
    for curve, folder in found.items():
        mint(folder, AT, ADDRESS, curve=curve)
    return found


@pytest.fixture(scope="session")
def scenes(folders: dict[Curve, Path]) -> Callable[[Curve], Scene]:
    def scene(curve: Curve) -> Scene:
        found = load(folders[curve], curve=curve)
        assert found.euicc
        assert found.eum
        ot_key = ec.generate_private_key(curve.parameters)
        return Scene(found, LittleCard(found.euicc, found.eum, found.eum.authority_key_id, ot_key=ot_key))

    made = {curve: scene(curve) for curve in Curve}
    return made.__getitem__


@pytest.fixture(scope="session")
def scene(scenes: Callable[[Curve], Scene]) -> Scene:
    return scenes(Curve.NIST)


@pytest.fixture(params=list(Curve))
def each(request: pytest.FixtureRequest, scenes: Callable[[Curve], Scene]) -> Scene:
    return scenes(request.param)
