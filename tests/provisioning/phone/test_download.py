"""The phone downloads from the SM-DP+ of this house: two sides that share no code, and check each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvne_provisioning.package import read as read_package
from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.codes import CancelReason
from mvne_provisioning.phone.es9 import ServerRefused
from mvne_provisioning.phone.giving_up import CodeNeeded, Declined, InstallationFailed
from mvne_provisioning.phone.lpa import download
from mvne_provisioning.phone.making import credential
from mvne_provisioning.phone.notifying import deliver
from mvne_provisioning.pki.folder import Certificates, load
from mvne_provisioning.pki.minting import mint, mint_euicc
from mvne_provisioning.pki.roles import Curve
from mvne_provisioning.smdp import rsp
from mvne_provisioning.smdp.rsp import Keys, Sealable
from tests.provisioning.phone.double import token
from tests.provisioning.phone.house import ADDRESS, CODE, OWN_KEYS, PROFILE, Server
from tests.provisioning.phone.papers import AT
from tests.provisioning.somebody import PERSONAL


@pytest.fixture(scope="module", params=list(Curve))
def certificates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder: Path = tmp_path_factory.mktemp("pki") / "certs"
    mint(folder, AT, ADDRESS, curve=request.param)
    return load(folder, curve=request.param)


@pytest.fixture
def card(certificates: Certificates) -> Card:
    assert certificates.eum
    euicc = mint_euicc(certificates.eum, "89049032000000000000000000000066", AT)
    return Card.new(credential(certificates, euicc, certificates.eum))


@pytest.mark.parametrize("keys", [None, OWN_KEYS], ids=["session keys", "own keys"])
def test_what_the_card_has_is_what_the_network_has(certificates: Certificates, card: Card, keys: Keys | None) -> None:
    server = Server(certificates, Sealable.checked(PROFILE.package, PROFILE.metadata, keys))
    found = download(card, lambda _: server, CODE, AT, token)
    assert (found.iccid, found.name, found.undelivered) == (PERSONAL.iccid, "Tilleul Mobile", ())
    elements = card.package(found.iccid)
    assert elements is not None
    assert read_package(elements) == PERSONAL
    told = server.notified[0]
    assert isinstance(told, rsp.InstallationResult)
    assert (told.is_installed, told.iccid, told.eid) == (True, PERSONAL.iccid, card.eid)


def test_the_server_understands_what_is_done_with_the_profile(certificates: Certificates, card: Card) -> None:
    server = Server(certificates)
    iccid = download(card, lambda _: server, CODE, AT, token).iccid
    server.session, server.notified = None, []
    card.enable(iccid)
    card.disable(iccid)
    card.delete(iccid)
    assert deliver(card, lambda _: server) == ()
    others = [one for one in server.notified if isinstance(one, rsp.Other)]
    assert [one.event.name for one in others] == ["ENABLE", "DISABLE", "DELETE"]
    assert {(one.iccid, one.eid) for one in others} == {(PERSONAL.iccid, card.eid)}


def test_the_server_understands_why_a_card_does_not_install(certificates: Certificates, card: Card) -> None:
    download(card, lambda _: Server(certificates), CODE, AT, token)
    server = Server(certificates)
    with pytest.raises(InstallationFailed):
        download(card, lambda _: server, CODE, AT, token)
    (told,) = server.notified
    assert isinstance(told, rsp.InstallationResult)
    assert told.failure == rsp.Failure(2, 9)


@pytest.mark.parametrize("reason", list(CancelReason))
def test_the_server_understands_why_the_phone_gives_up(
    certificates: Certificates, card: Card, reason: CancelReason
) -> None:
    server = Server(certificates)
    with pytest.raises(Declined):
        download(card, lambda _: server, CODE, AT, token, agree=lambda _: reason)
    assert server.cancelled == [reason]


def test_the_confirmation_code_opens_the_download(certificates: Certificates, card: Card) -> None:
    server = Server(certificates, code="4711")
    with pytest.raises(CodeNeeded):
        download(card, lambda _: server, CODE, AT, token)
    with pytest.raises(ServerRefused, match=r"8\.2\.7/3\.8"):
        download(card, lambda _: server, CODE, AT, token, confirmation_code="0815")
    assert download(card, lambda _: server, CODE, AT, token, confirmation_code="4711").iccid == PERSONAL.iccid
    assert server.cancelled == [1, 1]


def test_a_card_of_another_world_is_not_served(certificates: Certificates, tmp_path: Path) -> None:
    mint(tmp_path / "other", AT, ADDRESS)
    other = load(tmp_path / "other")
    assert other.euicc
    assert other.eum
    card = Card.new(credential(other, other.euicc, other.eum))
    with pytest.raises(ServerRefused, match=r"8\.8"):
        download(card, lambda _: Server(certificates), CODE, AT, token)
