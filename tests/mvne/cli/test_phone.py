"""`mvne phone`: a card in a folder and a server over TLS; what is said, and with which status a command ends."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mvne_provisioning.phone.keeping import Folder
from mvne_provisioning.pki.folder import load
from mvne_provisioning.pki.minting import mint
from tests.mvne.cli.conftest import Mvne
from tests.provisioning.phone import web
from tests.provisioning.phone.house import ADDRESS, CODE, Server
from tests.provisioning.somebody import PERSONAL

ICCID = str(PERSONAL.iccid)
MASKED = f"{'*' * 15}{ICCID[-4:]}"


@dataclass(frozen=True)
class World:
    """Certificates, and a server that is reached at a URL."""

    certs: Path
    server: Server
    url: str


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("pki") / "certs"
    mint(folder, datetime.now(UTC), ADDRESS)  # TLS looks at the real clock
    return folder


@pytest.fixture
def world(certs: Path) -> Iterator[World]:
    loaded = load(certs)
    server = Server(loaded, at=datetime.now(UTC))
    with web.served(web.of(server.post), loaded.tls_certificate, loaded.tls_key) as served:
        yield World(certs, server, served.url)


@pytest.fixture
def phone(mvne: Mvne, world: World) -> Mvne:
    """The commands, with a card."""
    assert mvne("phone", "new", "--certs", world.certs).status == 0
    return mvne


def test_a_profile_is_downloaded_listed_enabled_disabled_and_deleted(phone: Mvne, world: World) -> None:
    said = phone("phone", "download", CODE, "--server", world.url)
    assert (said.status, said.err) == (0, "")
    assert f"installed Tilleul Mobile of Tilleul, ICCID {MASKED}, disabled" in said.out
    assert ICCID not in said.out
    listed = phone("phone", "list", "--json").json
    assert [(one["iccid"], one["state"]) for one in listed["profiles"]] == [(ICCID, "disabled")]
    assert ICCID in phone("phone", "list").out
    for verb, done in (("enable", "enabled"), ("disable", "disabled"), ("delete", "deleted")):
        said = phone("phone", verb, ICCID, "--server", world.url)
        assert (said.status, said.out) == (0, f"{done} {MASKED}\n")
    assert phone("phone", "list", "--json").json["profiles"] == []
    assert [type(one).__name__ for one in world.server.notified][-3:] == ["Other"] * 3


def test_what_machines_read_is_json_alone(phone: Mvne, world: World) -> None:
    said = phone("phone", "download", CODE, "--server", world.url, "--json")
    assert said.json == {
        "format_version": 1,
        "iccid": MASKED,
        "provider": "Tilleul",
        "name": "Tilleul Mobile",
        "state": "disabled",
        "undelivered": [],
    }
    assert phone("phone", "enable", ICCID, "--server", world.url, "--json").json["state"] == "enabled"


def test_the_card_is_for_its_owner_and_no_command_shows_a_key(phone: Mvne, world: World, tmp_path: Path) -> None:
    phone("phone", "download", CODE, "--server", world.url)
    assert stat.S_IMODE((tmp_path / "card" / "card.json").stat().st_mode) == 0o600
    shown = phone("phone", "list").out + phone("phone", "list", "--json").out
    assert PERSONAL.k.hex() not in shown.lower()


def test_a_card_with_an_eid_of_ones_own(mvne: Mvne, certs: Path) -> None:
    eid = "89049032000000000000000000000066"
    assert mvne("phone", "new", "--certs", certs, "--eid", eid, "--card", "other", "--json").json["eid"] == eid
    said = mvne("phone", "new", "--certs", certs, "--eid", eid[:-1] + "7", "--card", "third")
    assert said.status == 1
    assert "it should end in 66" in said.err
    assert "is not written over" not in said.err
    again = mvne("phone", "new", "--certs", certs, "--card", "other")
    assert (again.status, "there is a card in this folder already" in again.err) == (1, True)


def test_notifications_that_could_not_be_sent_wait_for_notify(phone: Mvne, world: World) -> None:
    phone("phone", "download", CODE, "--server", world.url)
    nowhere = "http://127.0.0.1:1"
    said = phone("phone", "enable", ICCID, "--server", nowhere)
    assert said.status == 0
    assert "could not be told of enable" in said.out
    assert phone("phone", "list", "--json").json["undelivered"] == 1
    assert phone("phone", "notify", "--server", nowhere).status == 5
    said = phone("phone", "notify", "--server", world.url)
    assert (said.status, said.out) == (0, "1 notifications delivered, 0 left\n")


def test_the_confirmation_code_comes_from_a_file_or_is_asked_for(
    phone: Mvne, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.server.code = "4711"
    (tmp_path / "code").write_text("0815\n")
    said = phone("phone", "download", CODE, "--server", world.url, "--confirmation-code-file", "code")
    assert said.status == 6
    assert "the confirmation code is refused" in said.err
    monkeypatch.setattr("sys.stdin", io.StringIO("4711\n"))
    assert phone("phone", "download", CODE, "--server", world.url).status == 0


def test_without_anybody_to_ask_the_download_is_put_off(
    phone: Mvne, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.server.code = "4711"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    said = phone("phone", "download", CODE, "--server", world.url)
    assert said.status == 1
    assert "needs a confirmation code" in said.err
    assert world.server.cancelled == [1]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("download", "LPA:1.example.com"), 1, "single quotes"),
        (("download", "LPA:1$smdp.example.com$abc"), 1, "capitals"),
        (("download", CODE, "--server", "http://127.0.0.1:1"), 5, "no connection"),
        (("download", CODE, "--server", "http://192.0.2.1"), 1, "use https"),
        (("download",), 2, "Missing argument"),
        (("enable", ICCID), 1, "there is no profile"),
        (("delete", "nonsense"), 1, "there is no profile"),
        (("list", "--card", "nowhere"), 1, "mvne phone new"),
        (("download", CODE, "--card", "nowhere"), 1, "mvne phone new"),
        (("new", "--certs", "card", "--card", "other"), 1, "the certificates cannot be used"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(phone: Mvne, words: tuple[str, ...], status: int, said: str) -> None:
    found = phone("phone", *words)
    assert found.status == status
    assert said in found.err
    assert "defect" not in found.err


def test_a_server_of_another_world_is_not_trusted(mvne: Mvne, world: World, tmp_path: Path) -> None:
    mint(tmp_path / "other", datetime.now(UTC), ADDRESS)
    mvne("phone", "new", "--certs", "other")
    said = mvne("phone", "download", CODE, "--server", world.url)
    assert said.status == 5
    assert "does not trust" in said.err


@pytest.mark.parametrize("torn", ["", "{}", '{"format": 1}', "\0\0"])
def test_a_torn_card_is_said(phone: Mvne, torn: str, tmp_path: Path) -> None:
    (tmp_path / "card" / "card.json").write_text(torn)
    for command in (("list",), ("enable", ICCID), ("notify",), ("download", CODE)):
        said = phone("phone", *command)
        assert said.status == 1
        assert "card.json cannot be used" in said.err


def test_a_card_in_use_is_said(phone: Mvne, tmp_path: Path) -> None:
    with Folder(tmp_path / "card").alone():
        said = phone("phone", "enable", ICCID)
    assert said.status == 1
    assert "another process uses the card" in said.err
