"""Whatever a client sends, the answer is a result or a refusal with codes, never anything else."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_provisioning.smdp import rsp
from mvne_provisioning.smdp.rsp import Prepared, Refused
from mvne_provisioning.smdp.status_codes import REASONS, SUBJECTS
from tests.provisioning.rsp.conftest import AT, PROFILE, SERVER_CHALLENGE, TRANSACTION, Scene
from tests.provisioning.rsp.little_card import ADDRESS, b64, swap
from tests.provisioning.somebody import PERSONAL

FUNCTIONS = ["initiate", "authenticate", "prepare", "cancelled", "installed", "other"]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


class Server:
    """Each function at its point of a download, with the request that is right there."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        card = scene.card
        self.begun, first = scene.initiated()
        self.offered, answer = scene.offered()
        self.bound, _ = scene.bound()
        self.requests: dict[str, dict[str, object]] = {
            "initiate": card.initiate(),
            "authenticate": card.authenticate(first),
            "prepare": card.prepare(answer, "1234"),
            "cancelled": card.cancel(answer, 0),
            "installed": card.installed(TRANSACTION, swap(PERSONAL.iccid), (5, 10)),
            "other": card.tells(0x40, swap(PERSONAL.iccid)),
        }

    def answer(self, function: str, request: Mapping[str, Any]) -> object:
        known = self.scene.certificates
        if function == "initiate":
            return rsp.initiate(known, ADDRESS, request, TRANSACTION, SERVER_CHALLENGE)
        if function == "authenticate":
            return rsp.authenticate(known, self.begun, request, AT)
        if function == "prepare":
            prepared = rsp.prepare(known, self.offered, request)
            return rsp.bind(known, self.offered, prepared, PROFILE, ec.generate_private_key, bytes)
        if function == "cancelled":
            return rsp.cancelled(known, self.offered, request)
        rsp.notified_transaction(request)
        return rsp.notification(known, request, AT, self.bound)

    def is_answered(self, function: str, request: Mapping[str, Any]) -> bool:
        """Say whether the request was granted; a refusal must have codes that we can explain."""
        refusal = self.refusal(function, request)
        assert refusal is None or (refusal.subject in SUBJECTS and refusal.reason in REASONS and refusal.message)
        return refusal is None

    def refusal(self, function: str, request: Mapping[str, Any]) -> Refused | None:
        try:
            self.answer(function, request)
        except Refused as refused:
            return refused
        return None


@pytest.fixture(scope="module")
def server(scene: Scene) -> Server:
    return Server(scene)


def binary_field(request: Mapping[str, object]) -> tuple[str, bytes]:
    name, value = list(request.items())[-1]
    return name, b64decode(str(value))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_right_request_is_granted(server: Server, function: str) -> None:
    assert server.is_answered(function, server.requests[function])


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_json_in_any_field_is_refused(server: Server, function: str, data: st.DataObject) -> None:
    right = server.requests[function]
    name = data.draw(st.sampled_from(list(right)))
    wrong = data.draw(JSON.filter(lambda value: value != right[name]))
    assert not server.is_answered(function, right | {name: wrong})
    assert not server.is_answered(function, {key: value for key, value in right.items() if key != name})


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=25, deadline=None)
@given(data=st.binary(max_size=80))
def test_any_bytes_in_the_structure_are_refused(server: Server, function: str, data: bytes) -> None:
    right = server.requests[function]
    name, real = binary_field(right)
    for wrong in (data, real[:3] + data, real[: len(data)], real + data + b"\x00"):
        assert not server.is_answered(function, right | {name: b64(wrong)})


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_request_with_a_changed_byte_is_granted_only_where_nobody_signed(
    server: Server, function: str, data: st.DataObject
) -> None:
    right = server.requests[function]
    name, real = binary_field(right)
    at = data.draw(st.integers(0, len(real) - 1))
    changed = bytearray(real)
    changed[at] ^= data.draw(st.integers(1, 255))
    is_granted = server.is_answered(function, right | {name: b64(bytes(changed))})
    assert not is_granted or function == "initiate"


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_structure_of_another_function_is_refused(server: Server, function: str, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from([name for name in FUNCTIONS if name != function]))
    right = server.requests[function]
    name, _ = binary_field(right)
    _, wrong = binary_field(server.requests[other])
    if {function, other} == {"installed", "other"}:
        return  # both are notifications, and right as such
    assert not server.is_answered(function, right | {name: b64(wrong)})


@settings(max_examples=60, deadline=None)
@given(key=st.binary(max_size=70))
def test_a_one_time_key_that_is_no_point_is_refused(server: Server, key: bytes) -> None:
    known, offered = server.scene.certificates, server.offered
    with pytest.raises(Refused, match=r"^1.6/2.1: euiccOtpk"):
        rsp.bind(known, offered, Prepared(key), PROFILE, ec.generate_private_key, bytes)


@given(JSON)
def test_a_transaction_id_is_read_or_refused(value: Any) -> None:
    try:
        found = rsp.transaction_id({"transactionId": value})
    except Refused:
        return
    assert found.hex().upper() == str(value).upper()


def test_the_answers_are_json(server: Server) -> None:
    _, first = server.scene.initiated()
    _, second = server.scene.offered()
    _, third = server.scene.bound()
    for answer in (first, second, third):
        assert json.loads(json.dumps(answer)) == answer
