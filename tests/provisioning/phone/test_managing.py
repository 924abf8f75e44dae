"""What a person may do to the profiles of a card, and what the operator hears of it."""

from __future__ import annotations

import pytest

from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.codes import Event, ManageError
from mvne_provisioning.phone.lpa import download
from mvne_provisioning.phone.managing import ManagingRefused
from mvne_provisioning.phone.state import ProfileState
from mvne_provisioning.tlv import read_one
from tests.provisioning.phone.double import ADDRESS, CODE, ICCID, Double, assert_signed, elements, metadata, token
from tests.provisioning.phone.papers import AT, Papers

SECOND = "8999970000000000027"


def card_with_two() -> Card:
    card = Card.new(Papers().card())
    second = Double(
        metadata=metadata(bytes.fromhex("989979000000000020F7")),
        elements=elements(bytes.fromhex("8999970000000000027F")),
    )
    for server in (Double(), second):
        download(card, lambda _, server=server: server, CODE, AT, token)  # type: ignore[misc]  # a default in a lambda
    return card


def states(card: Card) -> dict[str, ProfileState]:
    return {one.iccid: one.state for one in card.profiles()}


def events(card: Card) -> list[tuple[Event, str | None]]:
    return [(one.event, one.iccid) for one in card.notifications()]


def test_a_profile_is_enabled_disabled_and_deleted_and_each_is_told() -> None:
    card = card_with_two()
    card.enable(ICCID)
    assert states(card) == {ICCID: ProfileState.ENABLED, SECOND: ProfileState.DISABLED}
    card.disable(ICCID)
    card.delete(ICCID)
    assert states(card) == {SECOND: ProfileState.DISABLED}
    assert events(card) == [(event, ICCID) for event in (Event.ENABLE, Event.DISABLE, Event.DELETE)]
    assert [one.sequence for one in card.notifications()] == [3, 4, 5]
    assert card.package(ICCID) is None


def test_enabling_one_profile_disables_the_other() -> None:
    card = card_with_two()
    card.enable(ICCID)
    card.enable(SECOND)
    assert states(card) == {ICCID: ProfileState.DISABLED, SECOND: ProfileState.ENABLED}
    assert events(card) == [(Event.ENABLE, ICCID), (Event.DISABLE, ICCID), (Event.ENABLE, SECOND)]


@pytest.mark.parametrize(
    ("before", "act", "error"),
    [
        (["enable"], "enable", ManageError.WRONG_STATE),
        (["enable"], "delete", ManageError.WRONG_STATE),
        ([], "disable", ManageError.WRONG_STATE),
        (["delete"], "enable", ManageError.NOT_FOUND),
        (["delete"], "delete", ManageError.NOT_FOUND),
    ],
)
def test_a_card_refuses_what_the_state_of_a_profile_does_not_allow(
    before: list[str], act: str, error: ManageError
) -> None:
    card = card_with_two()
    for one in before:
        getattr(card, one)(ICCID)
    kept = (card.profiles(), card.notifications())
    with pytest.raises(ManagingRefused) as refused:
        getattr(card, act)(ICCID)
    assert refused.value.error is error
    assert ICCID not in str(refused.value)
    assert (card.profiles(), card.notifications()) == kept


def test_a_notification_is_signed_and_brings_the_certificates() -> None:
    card = card_with_two()
    card.enable(ICCID)
    about, signature, chip, maker = read_one(card.notifications()[0].data, 0x30).children
    assert_signed(signature.raw, about.raw)
    assert (chip.raw, maker.raw) == (Papers().card().certificate, Papers().card().eum)
    found = [one.value for one in about.children]
    assert found == [b"\3", b"\x06\x40", ADDRESS.encode(), bytes.fromhex("989979000000000010F9")]


def test_nobody_is_told_who_does_not_want_to() -> None:
    card = Card.new(Papers().card())
    server = Double(metadata=metadata(events=bytes.fromhex("0410")))
    download(card, lambda _: server, CODE, AT, token)
    card.enable(ICCID)
    card.disable(ICCID)
    assert events(card) == []
    card.delete(ICCID)
    assert events(card) == [(Event.DELETE, ICCID)]


def test_a_profile_that_was_deleted_can_be_installed_again_in_its_place() -> None:
    card = card_with_two()
    before = card.profiles()[0].aid
    card.delete(ICCID)
    download(card, lambda _: Double(), CODE, AT, token)
    assert [one.iccid for one in card.profiles()] == [SECOND, ICCID]
    assert card.profiles()[1].aid == before


def test_a_listing_holds_nothing_secret() -> None:
    card = card_with_two()
    shown = repr(card.profiles())
    secret = card.package(ICCID)
    assert secret is not None
    assert repr(secret)[2:40] not in shown
