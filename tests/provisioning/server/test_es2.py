"""What operators ask over ES2+: every refusal with its codes, and that a repeat changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.inventory.simulated import simulated_batch
from mvne_provisioning.smdp.server.tables import calls
from tests.provisioning.contract_smdp import SmdpContract
from tests.provisioning.server.world import Client, World, outcome

EID, OTHER_EID = Eid.with_check_digits("8" * 30), Eid.with_check_digits("9" * 30)
FIRST, SECOND, UNKNOWN = (simulated_batch(serial, 1)[0].iccid for serial in (1, 2, 999))


class TestTheServerKeepsTheContract(SmdpContract):
    @pytest.fixture
    def smdp(self, world: World) -> Client:
        return Client(world.stocked(1, "business"))


def nothing(world: World) -> object:
    return None


def ordered(world: World) -> object:
    return world.es2("downloadOrder", iccid=FIRST)


def confirmed(world: World) -> object:
    ordered(world)
    return world.es2("confirmOrder", iccid=FIRST, matchingId="MATCH", releaseFlag=False)


def downloaded(world: World) -> object:
    _, matching_id = world.released()
    return world.bound(world.card(matching_id))


GOOD: dict[str, Any] = {"iccid": FIRST, "finalProfileStatusIndicator": "Available"}
REFUSED: list[tuple[str, Callable[[World], object], str, dict[str, Any], str]] = [
    ("downloadOrder", nothing, "1.6/2.3", {}, "nothing named"),
    ("downloadOrder", nothing, "1.6/2.1", {"iccid": 7}, "iccid no text"),
    ("downloadOrder", nothing, "1.6/2.1", {"iccid": f"{FIRST[:-1]}8"}, "iccid mistyped"),
    ("downloadOrder", nothing, "1.6/2.1", {"iccid": FIRST, "eid": "12"}, "eid too short"),
    ("downloadOrder", nothing, "1.6/2.1", {"profileType": "x" * 256}, "type too long"),
    ("downloadOrder", nothing, "1.6/2.1", {"profileType": "con\x00sumer"}, "type unprintable"),
    ("downloadOrder", nothing, "1.6/2.1", {"profileType": "\ud800"}, "type no Unicode"),
    ("confirmOrder", ordered, "1.6/2.2", {"releaseFlag": True}, "iccid missing"),
    ("confirmOrder", ordered, "1.6/2.2", {"iccid": FIRST}, "flag missing"),
    ("confirmOrder", ordered, "1.6/2.1", {"iccid": FIRST, "releaseFlag": "true"}, "flag no boolean"),
    ("confirmOrder", ordered, "8.1.1/2.2", {"iccid": FIRST, "releaseFlag": True, "smdsAddress": "x"}, "SM-DS, no EID"),
    (
        "confirmOrder",
        ordered,
        "8.9/5.1",
        {"iccid": FIRST, "releaseFlag": True, "smdsAddress": "x", "eid": EID},
        "SM-DS not reached",
    ),
    ("cancelOrder", ordered, "8.2.1/2.2", {"finalProfileStatusIndicator": "Available"}, "iccid missing"),
    ("cancelOrder", ordered, "8.2.1/2.2", {"iccid": FIRST}, "indicator missing"),
    ("cancelOrder", ordered, "1.6/2.1", {"iccid": FIRST, "finalProfileStatusIndicator": "Gone"}, "indicator unknown"),
    ("cancelOrder", downloaded, "8.2.1/3.3", GOOD, "already downloaded"),
    ("releaseProfile", confirmed, "1.6/2.2", {}, "iccid missing"),
    ("releaseProfile", downloaded, "8.2.1/3.5", {"iccid": FIRST}, "already downloaded"),
]


@pytest.mark.parametrize(
    ("function", "prepare", "codes", "fields"),
    [row[:4] for row in REFUSED],
    ids=[f"{row[0]}: {row[4]}" for row in REFUSED],
)
def test_a_call_that_cannot_be_has_its_codes_and_changes_nothing(
    world: World, function: str, prepare: Callable[[World], object], codes: str, fields: dict[str, Any]
) -> None:
    prepare(world)
    before = world.profile(FIRST)
    assert outcome(world.es2(function, **fields)) == codes
    assert world.profile(FIRST) == before


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        ("confirmOrder", {"iccid": FIRST, "releaseFlag": True}),
        ("cancelOrder", GOOD),
        ("releaseProfile", {"iccid": FIRST}),
        ("downloadOrder", {"iccid": FIRST}),
    ],
)
def test_another_operators_order_is_out_of_reach(world: World, function: str, fields: dict[str, Any]) -> None:
    confirmed(world)
    assert outcome(world.es2(function, caller="other", **fields)) == "8.2.1/1.2"
    assert world.state(FIRST) == "Confirmed"


def test_an_order_that_was_cancelled_belongs_to_nobody(world: World) -> None:
    confirmed(world)
    world.es2("cancelOrder", **GOOD)
    assert outcome(world.es2("downloadOrder", caller="other", iccid=FIRST)) == "ok"


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b"", "1.6/2.1"),
        (b"[]", "1.6/2.1"),
        (b"\xff\xfe", "1.6/2.1"),
        (b'{"header": ', "1.6/2.1"),
        (b"[" * 50_000, "1.6/2.1"),
        (b'{"n": ' + b"1" * 5_000 + b"}", "1.6/2.1"),
        (b"{}", "1.6/2.2"),
        (b'{"header": []}', "1.6/2.2"),
        (b'{"header": {"functionRequesterIdentifier": "op"}}', "1.6/2.2"),
        (b'{"header": {"functionCallIdentifier": "1"}}', "1.6/2.2"),
        (b'{"header": {"functionRequesterIdentifier": {}, "functionCallIdentifier": "1"}}', "1.6/2.1"),
    ],
    ids=range(11),
)
def test_a_malformed_body_is_a_function_error(world: World, body: bytes, codes: str) -> None:
    assert outcome(world.es2_raw("downloadOrder", body)) == codes


def test_only_operators_that_are_known_may_call(world: World) -> None:
    closed = replace(world, settings=replace(world.settings, callers=frozenset({"op"})))
    assert outcome(closed.es2("downloadOrder", caller="stranger", iccid=FIRST)) == "1.1/1.1"
    assert outcome(closed.es2("downloadOrder", caller="op", iccid=FIRST)) == "ok"


def test_a_repeated_call_gets_the_first_answer_even_a_refusal(world: World) -> None:
    refused = world.es2("releaseProfile", call_id="same", iccid=FIRST)
    confirmed(world)
    assert world.es2("releaseProfile", call_id="same", iccid=FIRST) == refused
    assert world.state(FIRST) == "Confirmed"


def test_a_call_id_with_other_fields_is_refused(world: World) -> None:
    world.es2("downloadOrder", call_id="same", iccid=FIRST)
    assert outcome(world.es2("downloadOrder", call_id="same", iccid=SECOND)) == "1.6/2.1"
    assert outcome(world.es2("releaseProfile", call_id="same", iccid=FIRST)) == "1.6/2.1"
    assert outcome(world.es2("downloadOrder", caller="other", call_id="same", iccid=SECOND)) == "ok"


def test_a_confirmation_code_is_nowhere_kept(world: World) -> None:
    ordered(world)
    world.es2("confirmOrder", iccid=FIRST, confirmationCode="SECRET-4711", releaseFlag=True)
    with world.engine.begin() as conn:
        kept = json.dumps([[str(value) for value in row] for row in conn.execute(calls.select())])
    assert "4711" not in kept + str(world.profile(FIRST))


def test_iccids_go_out_padded_and_come_in_either_way(world: World) -> None:
    told = world.es2("downloadOrder", iccid=FIRST)
    assert told["iccid"] == f"{FIRST}F"
    assert outcome(world.es2("confirmOrder", iccid=told["iccid"], releaseFlag=False)) == "ok"
    assert outcome(world.es2("releaseProfile", iccid=FIRST)) == "ok"


def test_a_matching_id_of_ours_is_long_and_each_time_another(world: World) -> None:
    found = [world.released()[1] for _ in range(2)]
    assert len(set(found)) == 2
    assert {len(one) for one in found} == {32}
