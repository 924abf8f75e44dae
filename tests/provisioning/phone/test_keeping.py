"""A card in a folder: what it remembers, who can read it, and what a torn file gives."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.keeping import CardExists, CardInUse, Folder, NoCard
from mvne_provisioning.phone.lpa import download
from mvne_provisioning.phone.making import NoMaker, make
from mvne_provisioning.phone.state import BrokenState, from_text, to_text
from mvne_provisioning.pki.minting import mint
from tests.provisioning.phone.double import CODE, ICCID, Double, token
from tests.provisioning.phone.papers import AT, Papers


def test_a_card_remembers_everything_but_an_open_session(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "card")
    card = Card.new(Papers().card(), folder)
    server = Double()
    download(card, lambda _: server, CODE, AT, token)
    card.enable(ICCID)
    again = Card(folder.read(), folder)
    assert again.eid == card.eid
    assert again.profiles() == card.profiles()
    assert again.notifications() == card.notifications()
    assert again.package(ICCID) == server.elements
    again.disable(ICCID)
    assert [one.sequence for one in again.notifications()] == [2, 3]


def test_only_its_owner_can_read_a_card(tmp_path: Path) -> None:
    Card.new(Papers().card(), Folder(tmp_path))
    assert stat.S_IMODE((tmp_path / "card.json").stat().st_mode) == 0o600


TEXT = to_text(Card.new(Papers().card())._state)


@pytest.mark.parametrize(
    "torn",
    ["", "{", "[]", "null", TEXT[:-40], TEXT.replace('"format": 1', '"format": 2'), TEXT.replace("MII", "M!I")],
)
def test_a_torn_file_is_said_and_left_as_it_is(torn: str, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(torn)
    with pytest.raises(BrokenState, match=r"card\.json cannot be used"):
        Folder(tmp_path).read()
    assert (tmp_path / "card.json").read_text() == torn


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BrokenState):
        Folder(tmp_path).read()


@given(place=st.integers(0, len(TEXT) - 1), size=st.integers(0, 40), other=st.text(max_size=3))
def test_a_damaged_file_is_read_or_refused(place: int, size: int, other: str) -> None:
    try:
        Card(from_text(TEXT[:place] + other + TEXT[place + size :]), Folder(Path("nowhere")))
    except BrokenState:
        return


def test_a_folder_without_a_card_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoCard, match="mvne phone new"):
        Folder(tmp_path).read()


def test_a_card_is_used_by_one_at_a_time(tmp_path: Path) -> None:
    with Folder(tmp_path).alone(), pytest.raises(CardInUse), Folder(tmp_path).alone():
        pass
    with Folder(tmp_path).alone():
        pass


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki") / "certs"
    mint(folder, datetime(2027, 1, 1, tzinfo=UTC), "smdp.example.com")
    return folder


def test_a_new_card_has_an_eid_of_its_own(certs: Path, tmp_path: Path) -> None:
    first = make(certs, Folder(tmp_path / "1"), None, AT, token)
    second = make(certs, Folder(tmp_path / "2"), None, AT, lambda size: bytes(size))
    assert first.eid != second.eid
    assert {len(first.eid), first.eid[:8]} == {32, "89049032"}


def test_a_card_has_the_eid_that_was_asked_for(certs: Path, tmp_path: Path) -> None:
    there = "89049032123451234512345678901235"
    assert make(certs, Folder(tmp_path / "1"), there, AT, token).eid == there
    other = "89049032000000000000000000000066"
    assert make(certs, Folder(tmp_path / "2"), _checked(other), AT, token).eid == _checked(other)


def _checked(eid: str) -> str:
    return f"{eid[:30]}{98 - int(eid[:30] + '00') % 97:02d}"


def test_a_card_is_not_written_over(certs: Path, tmp_path: Path) -> None:
    make(certs, Folder(tmp_path), None, AT, token)
    with pytest.raises(CardExists):
        make(certs, Folder(tmp_path), None, AT, token)


def test_without_the_makers_key_there_is_only_the_card_of_the_folder(certs: Path, tmp_path: Path) -> None:
    for file in certs.rglob("*"):
        if file.is_file() and "SK_EUM" not in file.name:
            (tmp_path / "certs").mkdir(exist_ok=True)
            (tmp_path / "certs" / file.name).write_bytes(file.read_bytes())
    found = make(tmp_path / "certs", Folder(tmp_path / "1"), None, AT, token)
    assert found.eid == "89049032123451234512345678901235"
    with pytest.raises(NoMaker, match="SK_EUM"):
        make(tmp_path / "certs", Folder(tmp_path / "2"), _checked("8" * 32), AT, token)
