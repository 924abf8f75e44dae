"""What phones report at the end, what becomes of the order, and what the operator hears."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from mvne_provisioning.smdp.server.tables import notifications
from tests.provisioning.server.world import World, outcome

ENABLE, DISABLE, DELETE, INSTALL = 0x40, 0x20, 0x10, 0x80
OTHER_EID = "89049032000000000000000000000066"


@pytest.mark.parametrize(
    ("reason", "state", "told"),
    [
        (0, "Error", ["8.8.5/3.8"]),
        (1, "Released", []),
        (2, "Released", []),
        (3, "Error", ["8.2.8/1.2"]),
        (4, "Error", ["8.2.9/3.11"]),
        (5, "Error", ["8.2.10/4.2"]),
        (99, "Error", ["8/4.2"]),
        (127, "Error", ["8/4.2"]),
    ],
)
def test_a_cancelled_download_ends_the_order_unless_the_user_may_come_again(
    world: World, reason: int, state: str, told: list[str]
) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    offer = world.offered(card)
    assert outcome(world.es9("cancelSession", card.cancel(offer, reason))) == "ok"
    assert (world.state(iccid), world.told(), world.sessions()) == (state, [f"2 {codes}" for codes in told], 0)
    assert outcome(world.es9("cancelSession", card.cancel(offer, reason))) == "8.10.1/3.9"


def test_a_phone_that_cannot_load_the_package_ends_the_order(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    bound = world.bound(card)
    assert outcome(world.es9("cancelSession", card.cancel(bound, 5))) == "ok"
    assert (world.state(iccid), world.told()) == ("Error", ["3 ok", "3 8.2.10/4.2"])


def test_a_cancellation_that_was_not_signed_for_us_changes_nothing(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    offer = world.offered(card)
    assert outcome(world.es9("cancelSession", card.cancel(offer, 0, oid=b"\x2a\x03"))) == "8.8/3.10"
    forger = replace(card, identity=world.card(None, OTHER_EID).identity)
    assert outcome(world.es9("cancelSession", forger.cancel(offer, 0))) == "8.1/6.1"
    assert (world.state(iccid), world.sessions()) == ("Released", 1)


@pytest.mark.parametrize(
    ("reason", "state", "codes"),
    [
        (10, "Downloaded", "8.1/4.8"),
        (11, "Downloaded", "8.2.10/4.2"),
        (9, "Error", "8.2.10/4.2"),
        (127, "Error", "8.2.10/4.2"),
    ],
)
def test_an_installation_that_failed_is_told_and_may_be_tried_again_if_that_can_help(
    world: World, reason: int, state: str, codes: str
) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    assert world.installed(card, world.bound(card), iccid, (5, reason)) == "204"
    assert (world.state(iccid), world.told(), world.sessions()) == (state, ["3 ok", f"4 {codes}"], 0)
    assert outcome(world.bound(card)) == ("ok" if state == "Downloaded" else "8.2/1.2")


def test_a_result_that_comes_twice_counts_once(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    bound = world.bound(card)
    assert [world.installed(card, bound, iccid) for _ in range(3)] == ["204"] * 3
    assert world.told() == ["3 ok", "4 ok"]


def test_a_result_that_the_card_did_not_sign_changes_nothing(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    bound = world.bound(card)
    forger = replace(card, identity=world.card(None, OTHER_EID).identity)
    assert world.installed(forger, bound, iccid) == "8.1/6.1"
    assert (world.state(iccid), world.sessions()) == ("Downloaded", 1)
    assert world.installed(card, bound, iccid) == "204"
    assert world.state(iccid) == "Installed"


def test_a_result_may_come_days_later(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    bound = world.bound(card)
    world.at += timedelta(days=9)
    world.sweep()
    assert world.installed(card, bound, iccid) == "204"
    assert world.state(iccid) == "Installed"


def test_the_late_result_of_a_first_attempt_does_not_end_the_second(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    first, second = world.bound(card), world.bound(card)
    assert world.installed(card, first, iccid, (5, 11)) == "204"
    assert world.state(iccid) == "Downloaded"
    assert world.installed(card, second, iccid) == "204"
    assert (world.state(iccid), world.told()) == ("Installed", ["3 ok", "3 ok", "4 8.2.10/4.2", "4 ok"])


def on_phone(world: World) -> tuple[str, str]:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    world.installed(card, world.bound(card), iccid)
    return iccid, matching_id


@pytest.mark.parametrize(
    ("events", "states", "told"),
    [
        ([ENABLE, DISABLE, DELETE], ["Enabled", "Disabled", "Deleted"], ["101 ok", "102 ok", "5 ok"]),
        ([ENABLE, DELETE], ["Enabled", "Deleted"], ["101 ok", "102 ok", "5 ok"]),
        ([DELETE, ENABLE], ["Deleted", "Deleted"], ["5 ok"]),
        ([ENABLE, ENABLE], ["Enabled", "Enabled"], ["101 ok"]),
        ([INSTALL], ["Installed"], []),
    ],
)
def test_what_the_user_does_with_a_profile_is_followed(
    world: World, events: list[int], states: list[str], told: list[str]
) -> None:
    iccid, _ = on_phone(world)
    card = world.card(None)
    seen = []
    for sequence, event in enumerate(events, 8):
        assert world.tells(card, event, iccid, sequence) == "204"
        seen.append(world.state(iccid))
    assert (seen, world.told()[2:]) == (states, told)


def test_an_older_notification_says_nothing_new(world: World) -> None:
    iccid, _ = on_phone(world)
    card = world.card(None)
    assert [world.tells(card, *one) for one in ((ENABLE, iccid, 9), (DISABLE, iccid, 10), (ENABLE, iccid, 9))]
    assert world.state(iccid) == "Disabled"


def test_the_largest_number_that_is_taken_can_be_stored(world: World) -> None:
    iccid, _ = on_phone(world)
    assert world.tells(world.card(None), ENABLE, iccid, 2**31 - 1) == "204"
    assert world.state(iccid) == "Enabled"


def test_one_who_enables_without_having_told_the_installation_has_installed(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    bound = world.bound(card)
    assert world.tells(card, ENABLE, iccid, 8) == "204"
    assert (world.state(iccid), world.told()) == ("Enabled", ["3 ok", "4 ok", "101 ok"])
    assert world.installed(card, bound, iccid) == "204"
    assert world.state(iccid) == "Enabled"


def test_another_phone_cannot_speak_about_a_profile(world: World) -> None:
    iccid, _ = on_phone(world)
    assert world.tells(world.card(None, OTHER_EID), DELETE, iccid, 8) == "204"
    forger = replace(world.card(None), identity=world.card(None, OTHER_EID).identity)
    assert world.tells(forger, DELETE, iccid, 8) == "204"
    assert world.state(iccid) == "Installed"


def test_the_operator_gets_the_cards_own_word(world: World) -> None:
    on_phone(world)
    with world.engine.begin() as conn:
        query = select(notifications.c.content).order_by(notifications.c.sequence.desc())
        content = json.loads(conn.execute(query).scalars().first() or "")
    assert content["resultData"].startswith("vz")
    assert content["timestamp"] == "2027-03-01T12:00:00Z"
    assert (content["iccid"], content["profileType"]) == ("8999970000000000019F", "consumer")
