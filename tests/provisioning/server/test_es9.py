"""What phones ask over ES9+: who gets which profile, how often, and with which codes nobody does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.pki.minting import FIRST_EID
from mvne_provisioning.smdp.server.loading import personal_of
from mvne_provisioning.smdp.server.tables import packages, profiles, sessions
from mvne_provisioning.vault import Vault
from tests.provisioning.server.world import World, outcome, tokens

EID, OTHER_EID = FIRST_EID, "89049032000000000000000000000066"


def test_a_profile_goes_from_order_to_phone(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    bound = world.bound(card)
    assert outcome(bound) == "ok"
    assert (world.state(iccid), world.profile(iccid).eid) == ("Downloaded", EID)
    assert world.installed(card, bound, iccid) == "204"
    assert (world.state(iccid), world.told(), world.sessions()) == ("Installed", ["3 ok", "4 ok"], 0)


def no_such(world: World) -> tuple[str, str | None]:
    return world.released()[0], "NO-SUCH-ORDER"


def other_eid(world: World) -> tuple[str, str | None]:
    return world.released(eid=OTHER_EID)


def not_released(world: World) -> tuple[str, str | None]:
    iccid = world.es2("downloadOrder", profileType="consumer")["iccid"]
    world.es2("confirmOrder", iccid=iccid, matchingId="EARLY", releaseFlag=False)
    return iccid.rstrip("F"), "EARLY"


def nobody_waits(world: World) -> tuple[str, str | None]:
    return world.released()[0], None


def other_waits(world: World) -> tuple[str, str | None]:
    return world.released(eid=OTHER_EID, matchingId="")[0], None


def cancelled(world: World) -> tuple[str, str | None]:
    iccid, matching_id = world.released()
    world.es2("cancelOrder", iccid=iccid, finalProfileStatusIndicator="Available")
    return iccid, matching_id


def taken(world: World) -> tuple[str, str | None]:
    iccid, matching_id = world.released()
    world.bound(world.card(matching_id, OTHER_EID))
    return iccid, matching_id


def installed(world: World) -> tuple[str, str | None]:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    world.installed(card, world.bound(card), iccid)
    return iccid, matching_id


NOT_FOR_YOU: list[tuple[Callable[[World], tuple[str, str | None]], str]] = [
    (no_such, "8.2.6/3.8"),
    (other_eid, "8.1.1/3.8"),
    (not_released, "8.2/1.2"),
    (nobody_waits, "8.1.1/3.8"),
    (other_waits, "8.1.1/3.8"),
    (cancelled, "8.2.6/3.8"),
    (taken, "8.1.1/3.8"),
    (installed, "8.2/1.2"),
]


@pytest.mark.parametrize(("prepare", "codes"), NOT_FOR_YOU, ids=lambda value: getattr(value, "__name__", value))
def test_a_phone_for_which_nothing_waits_is_told_why(
    world: World, prepare: Callable[[World], tuple[str, str | None]], codes: str
) -> None:
    iccid, matching_id = prepare(world)
    before = world.profile(iccid), world.told()
    assert outcome(world.offered(world.card(matching_id))) == codes
    assert (world.profile(iccid), world.told()) == before


def test_the_default_server_finds_the_profile_by_the_eid(world: World) -> None:
    iccid, matching_id = world.released(eid=EID, matchingId="")
    card = world.card(None)
    assert matching_id == ""
    assert world.installed(card, world.bound(card), iccid) == "204"
    assert world.state(iccid) == "Installed"
    assert outcome(world.bound(card)) == "8.1.1/3.8"


def test_of_several_profiles_for_an_eid_the_first_released_comes_first(world: World) -> None:
    orders = []
    for _ in range(2):
        orders.append(world.released(eid=EID, matchingId="")[0])
        world.at += timedelta(seconds=1)
    card = world.card(None)
    for iccid in orders:
        assert world.installed(card, world.bound(card), iccid) == "204"
        assert world.state(iccid) == "Installed"


def test_the_same_euicc_may_try_again_and_no_more_often_than_allowed(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    for attempt in range(1, world.settings.limits.downloads + 1):
        assert outcome(world.bound(card)) == "ok"
        assert (world.state(iccid), world.profile(iccid).downloads) == ("Downloaded", attempt)
    assert outcome(world.offered(card)) == "8.8.5/6.4"
    assert (world.state(iccid), world.told()[-1]) == ("Error", "1 8.8.5/6.4")
    assert outcome(world.offered(card)) == "8.2/1.2"


def test_offers_made_before_the_limit_was_reached_do_not_pass_it(world: World) -> None:
    _, matching_id = world.released()
    card = world.card(matching_id)
    offers = [world.offered(card) for _ in range(world.settings.limits.downloads + 1)]
    assert [outcome(world.package(card, offer)) for offer in offers] == ["ok"] * 3 + ["8.2/3.7"]


def test_of_two_phones_with_the_same_code_one_gets_the_profile(world: World) -> None:
    iccid, matching_id = world.released()
    one, two = world.card(matching_id), world.card(matching_id, OTHER_EID)
    first, second = world.offered(one), world.offered(two)
    assert outcome(world.package(two, second)) == "ok"
    assert outcome(world.package(one, first)) == "8.2/3.7"
    assert (world.profile(iccid).eid, world.profile(iccid).downloads) == (OTHER_EID, 1)


def test_an_offer_of_a_cancelled_order_is_not_good_for_the_next_order(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    before, offer = world.offered(card), world.offered(card)
    world.es2("cancelOrder", iccid=iccid, finalProfileStatusIndicator="Available")
    world.es2("downloadOrder", iccid=iccid)
    world.es2("confirmOrder", iccid=iccid, matchingId="NEXT", releaseFlag=True)
    assert outcome(world.es9("cancelSession", card.cancel(before, 0))) == "ok"
    assert outcome(world.package(card, offer)) == "8.2/3.7"
    assert world.state(iccid) == "Released"


def test_a_package_is_handed_out_once_in_a_transaction(world: World) -> None:
    iccid, matching_id = world.released()
    card = world.card(matching_id)
    offer = world.offered(card)
    world.package(card, offer)
    assert outcome(world.package(card, offer)) == "8.2/3.7"
    assert world.profile(iccid).downloads == 1


def test_wrong_codes_are_counted_over_sessions_and_the_last_one_ends_the_order(world: World) -> None:
    iccid, matching_id = world.released(confirmationCode="2468")
    card = world.card(matching_id)
    assert outcome(world.package(card, world.offered(card))) == "8.2.7/2.2"
    assert outcome(world.package(card, world.offered(card), "1")) == "8.2.7/3.8"
    assert outcome(world.package(card, world.offered(card), "2")) == "8.2.7/3.8"
    assert (world.state(iccid), world.profile(iccid).wrong_codes) == ("Released", 2)
    offer = world.offered(card)
    assert outcome(world.package(card, offer, "3")) == "8.2.7/6.4"
    assert (world.state(iccid), world.told()) == ("Error", ["2 8.2.7/6.4"])
    assert outcome(world.package(card, offer, "2468")) == "8.10.1/3.9"


def test_the_right_code_opens(world: World) -> None:
    iccid, matching_id = world.released(confirmationCode="2468")
    card = world.card(matching_id)
    assert outcome(world.package(card, world.offered(card), "8642")) == "8.2.7/3.8"
    assert outcome(world.package(card, world.offered(card), "2468")) == "ok"
    assert world.state(iccid) == "Downloaded"


@pytest.mark.parametrize("code", [None, "8642"])
def test_an_assistant_that_cancels_after_a_wrong_code_does_not_end_the_order(world: World, code: str | None) -> None:
    iccid, matching_id = world.released(confirmationCode="2468")
    card = world.card(matching_id)
    offer = world.offered(card)
    world.package(card, offer, code)
    assert outcome(world.es9("cancelSession", card.cancel(offer, 127))) == "8.10.1/3.9"
    assert (world.state(iccid), world.told()) == ("Released", [])


def test_an_order_that_nobody_came_for_expires(world: World) -> None:
    world = world.limited(order=timedelta(days=1))
    iccid, matching_id = world.released()
    world.at += timedelta(days=1)
    assert outcome(world.offered(world.card(matching_id))) == "8.8.5/4.10"
    assert (world.state(iccid), world.told()) == ("Error", ["1 8.8.5/4.10"])


def test_the_chores_end_expired_orders_and_forget_old_sessions(world: World) -> None:
    world = world.limited(order=timedelta(days=1), session=timedelta(minutes=1))
    iccid, matching_id = world.released()
    world.offered(world.card(matching_id))
    assert (world.sweep(), world.sessions()) == (0, 1)
    world.at += timedelta(minutes=1)
    assert (world.sweep(), world.sessions(), world.state(iccid)) == (0, 0, "Released")
    world.at += timedelta(days=1)
    assert (world.sweep(), world.state(iccid), world.sweep()) == (1, "Error", 0)


def test_a_session_that_has_expired_cannot_go_on(world: World) -> None:
    world = world.limited(session=timedelta(minutes=1))
    _, matching_id = world.released()
    card = world.card(matching_id)
    offer = world.offered(card)
    world.at += timedelta(minutes=1)
    assert outcome(world.package(card, offer)) == "8.10.1/3.9"


STRANGE: list[dict[str, Any]] = [
    {},
    {"transactionId": None},
    {"transactionId": 7},
    {"transactionId": "XY"},
    {"transactionId": "\ud800"},
    {"transactionId": "00" * 16, "authenticateServerResponse": "////", "prepareDownloadResponse": "AA=="},
    {"pendingNotification": "vzcA"},
    {"smdpAddress": "smdp.example.com", "euiccChallenge": "AA", "euiccInfo1": "\x00"},
]


@pytest.mark.parametrize("request_", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize(
    "function",
    [
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "handleNotification",
        "cancelSession",
    ],
)
def test_whatever_is_malformed_is_a_function_error(world: World, function: str, request_: dict[str, Any]) -> None:
    assert outcome(world.es9(function, request_)) in {"1.6/2.1", "1.6/2.2", "8.10.1/3.9"}
    assert outcome(world.es9_raw(function, b'{"x": [')) == "1.6/2.1"


def test_a_call_out_of_turn_is_refused(world: World) -> None:
    _, matching_id = world.released()
    card = world.card(matching_id)
    begun = world.es9("initiateAuthentication", card.initiate())
    assert begun is not None
    request = card.authenticate(begun)
    offer = world.es9("authenticateClient", request)
    assert outcome(offer) == "ok"
    assert outcome(world.es9("authenticateClient", request)) == "8.10.1/3.9"
    too_early = world.es9("initiateAuthentication", card.initiate())
    assert too_early is not None
    early = {**offer, **too_early} if offer else {}
    assert outcome(world.es9("getBoundProfilePackage", card.prepare(early))) == "8.10.1/3.9"


def test_keys_and_sessions_are_sealed_in_the_store(world: World) -> None:
    sealed = replace(world, vault=Vault({"k": bytes(32)}, "k", tokens(9))).stocked(3)
    with sealed.engine.begin() as conn:
        # The first two were loaded in the clear.
        iccid = Iccid(conn.execute(select(profiles.c.iccid).order_by(profiles.c.iccid.desc())).scalars().first() or "")
        found = personal_of(conn, sealed.vault, iccid)
        kept = conn.execute(select(packages.c.package).where(packages.c.iccid == iccid)).scalar_one()
        conn.execute(update(profiles).where(profiles.c.iccid != iccid).values(state="Unavailable"))
    assert found is not None
    assert found.k not in kept
    assert found.imsi[-8:].encode() not in kept
    card = sealed.card(sealed.released()[1])
    offer = sealed.offered(card)
    with sealed.engine.begin() as conn:
        content = conn.execute(select(sessions.c.content)).scalar_one()
    assert b"transaction" not in content
    assert outcome(sealed.package(card, offer)) == "ok"
