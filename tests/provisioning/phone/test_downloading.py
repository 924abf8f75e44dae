"""A download as it should be, and what is asked of whom on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from mvne_provisioning import tlv
from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.codes import CancelReason, Event
from mvne_provisioning.phone.es9 import Answer, BadAnswer, ServerRefused, ServerUnreachable
from mvne_provisioning.phone.giving_up import CodeNeeded, Declined, WrongServer
from mvne_provisioning.phone.info import Device
from mvne_provisioning.phone.lpa import Installed, download
from mvne_provisioning.phone.metadata import Metadata
from mvne_provisioning.phone.notifying import deliver
from mvne_provisioning.phone.state import ProfileState
from mvne_provisioning.tlv import encode, read_one
from tests.provisioning.phone import papers
from tests.provisioning.phone.double import (
    ADDRESS,
    CODE,
    CONFIRMATION,
    DONE,
    ICCID,
    TRANSACTION,
    Double,
    assert_signed,
    elements,
    metadata,
    refusal,
    token,
)
from tests.provisioning.phone.papers import AT, Papers


def card() -> Card:
    return Card.new(Papers().card())


def attempt(server: Double, chip: Card, code: str = CODE) -> Installed:
    return download(chip, lambda _: server, code, AT, token)


@pytest.mark.parametrize("curve", ["NIST", "BRP"])
@pytest.mark.parametrize("with_keys", [False, True])
def test_a_profile_is_installed_as_it_was_sent(curve: str, with_keys: bool) -> None:
    server = Double(Papers(curve=curve), with_keys=with_keys)
    chip = Card.new(server.papers.card())
    found = attempt(server, chip)
    assert (found.iccid, found.provider, found.name, found.undelivered) == (ICCID, "Tilleul", "Tilleul 5G", ())
    assert chip.package(ICCID) == server.elements
    (profile,) = chip.profiles()
    assert (profile.iccid, profile.state) == (ICCID, ProfileState.DISABLED)
    assert server.calls == [
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "handleNotification",
    ]


def test_the_result_says_what_was_installed_and_is_signed() -> None:
    server, chip = Double(), card()
    attempt(server, chip)
    data, signature = read_one(server.notified[0], 0xBF37).children
    assert_signed(signature.raw, data.raw)
    transaction, about, oid, final = data.children
    assert (transaction.value, tlv.dotted(oid.value)) == (TRANSACTION, "2.999.10")
    assert [one.value for one in about.children] == [b"\1", b"\x07\x80", ADDRESS.encode(), ICC]
    assert final.children[0].child(0x4F).value == chip.profiles()[0].aid
    assert len(chip.profiles()[0].aid) == 16


ICC = bytes.fromhex("989979000000000010F9")


def test_metadata_may_come_in_several_segments() -> None:
    icon = encode(0x93, b"\1") + encode(0x94, bytes(1024))
    server, chip = Double(metadata=metadata(more=icon)), card()
    assert attempt(server, chip).iccid == ICCID


@pytest.mark.parametrize("size", [0, 256, 1007 * 3, 100_000])
def test_a_package_of_any_size_is_installed(size: int) -> None:
    server, chip = Double(elements=elements(size=size)), card()
    attempt(server, chip)
    assert chip.package(ICCID) == server.elements
    assert chip.room == 512_000 - len(server.elements)


def test_a_card_says_what_it_can_do_and_how_much_room_it_has() -> None:
    server, chip = Double(), card()
    attempt(server, chip)
    one = read_one(server.said["info1"], 0xBF20)
    assert [tag.child(0x04).value for tag in one.children[1:]] == [papers.key_id("CI")] * 2
    two = read_one(server.said["info2"], 0xBF22)
    assert int.from_bytes(two.child(0x84).child(0x82).value, "big") == 512_000


def test_the_matching_id_is_sent_and_left_out_when_there_is_none() -> None:
    server = Double()
    attempt(server, card())
    assert read_one(server.said["context"], 0xA0).child(0x80).value == b"ABC-123"
    server = Double()
    attempt(server, card(), f"1${ADDRESS}$")
    assert read_one(server.said["context"], 0xA0).find(0x80) is None


def test_the_phone_tells_its_type_and_number() -> None:
    server = Double()
    download(card(), lambda _: server, CODE, AT, token, device=Device("35290611", "352906110000007"))
    device = read_one(server.said["context"], 0xA0).child(0xA1)
    assert device.child(0x80).value.hex() == "53926011"
    assert device.child(0x82).value.hex() == "53926011000000f7"


def test_a_server_may_write_its_address_in_capitals() -> None:
    server = Double(twists={"address": lambda data: data.upper()})
    assert attempt(server, card()).iccid == ICCID


def test_the_server_of_another_oid_than_the_code_says_is_refused() -> None:
    server = Double()
    with pytest.raises(WrongServer, match=r"2\.999\.10; the activation code says 2\.999\.11"):
        attempt(server, card(), f"{CODE}$2.999.11")
    assert server.cancelled == [CancelReason.UNDEFINED]
    assert attempt(Double(), card(), f"{CODE}$2.999.10").iccid == ICCID


@pytest.mark.parametrize("reason", [CancelReason.END_USER_REJECTION, CancelReason.POSTPONED])
def test_a_user_may_say_no_or_later(reason: CancelReason) -> None:
    server, shown = Double(), list[Metadata]()

    def ask(about: Metadata) -> CancelReason:
        shown.append(about)
        return reason

    with pytest.raises(Declined):
        download(card(), lambda _: server, CODE, AT, token, agree=ask)
    assert server.cancelled == [reason]
    assert shown[0].name == "Tilleul 5G"


def test_the_confirmation_code_is_proved_not_told() -> None:
    server = Double(needs_code=True)
    found = download(card(), lambda _: server, CODE, AT, token, confirmation_code=CONFIRMATION)
    assert found.iccid == ICCID


def test_the_user_is_asked_for_a_confirmation_code_only_when_it_is_needed() -> None:
    def asked() -> str:
        pytest.fail("nobody needs a code")

    assert download(card(), lambda _: Double(), f"{CODE}$$1", AT, token, confirmation_code=asked).iccid == ICCID


def test_without_a_confirmation_code_the_download_is_put_off() -> None:
    server = Double(needs_code=True)
    with pytest.raises(CodeNeeded, match="ask the operator"):
        attempt(server, card())
    assert server.cancelled == [CancelReason.POSTPONED]
    assert server.calls[-2:] == ["authenticateClient", "cancelSession"]


def test_a_wrong_confirmation_code_leaves_the_order_as_it_is() -> None:
    server = Double(needs_code=True)
    with pytest.raises(ServerRefused, match="the confirmation code is refused"):
        download(card(), lambda _: server, CODE, AT, token, confirmation_code="0815")
    assert server.cancelled == [CancelReason.POSTPONED]


def test_a_refusal_of_the_server_is_said_in_plain_words() -> None:
    failing: dict[str, dict[str, object]] = {"authenticateClient": refusal("8.2.6", "3.8", "no such profile")}
    server = Double(failing=failing)
    with pytest.raises(ServerRefused, match=r"the matching id is refused: no such profile \(8\.2\.6/3\.8\)"):
        attempt(server, card())
    assert server.cancelled == [CancelReason.POSTPONED]


class Cut:
    """A server whose line breaks at one function."""

    def __init__(self, server: Double, at: str) -> None:
        self.server, self.at = server, at

    def post(self, function: str, body: Mapping[str, object]) -> Answer | None:
        if function == self.at:
            raise ServerUnreachable("the line is dead")
        return self.server.post(function, body)


def test_a_broken_line_ends_the_download_for_now() -> None:
    server = Double()
    with pytest.raises(ServerUnreachable):
        download(card(), lambda _: Cut(server, "getBoundProfilePackage"), CODE, AT, token)
    assert server.cancelled == [CancelReason.TIMEOUT]


def test_the_first_fault_is_told_even_when_the_server_cannot_be_told() -> None:
    server = Cut(Double(needs_code=True), "cancelSession")
    with pytest.raises(CodeNeeded):
        download(card(), lambda _: server, CODE, AT, token)


def test_a_result_that_could_not_be_sent_is_kept_and_sent_later() -> None:
    server, chip = Double(), card()
    found = download(chip, lambda _: Cut(server, "handleNotification"), CODE, AT, token)
    assert [(one.sequence, one.event, one.why) for one in found.undelivered] == [(1, Event.INSTALL, "the line is dead")]
    assert [one.sequence for one in chip.notifications()] == [1]
    assert deliver(chip, lambda _: server) == ()
    assert chip.notifications() == ()
    assert len(server.notified) == 1


def test_a_server_that_was_not_reached_hears_nothing_later_before_what_it_missed() -> None:
    server, chip = Double(), card()
    attempt(server, chip)
    chip.enable(ICCID)
    chip.disable(ICCID)
    calls: list[str] = []

    def dead(address: str) -> Cut:
        calls.append(address)
        return Cut(server, "handleNotification")

    assert [one.sequence for one in deliver(chip, dead)] == [2, 3]
    assert calls == [ADDRESS]
    assert [one.sequence for one in chip.notifications()] == [2, 3]


def test_recipients_of_the_installation_are_told_besides_the_server() -> None:
    server, chip = Double(metadata=metadata(events=bytes.fromhex("0780"))), card()
    attempt(server, chip)
    assert [data[:2].hex() for data in server.notified] == ["bf37", server.notified[1][:2].hex()]
    assert read_one(server.notified[1], 0x30).child(0xBF2F).child(0x81).value.hex() == "0780"


ANSWERS: dict[str, tuple[Callable[[dict[str, object]], object], bool]] = {
    "a status in other letters": (lambda _: _status("EXECUTED-SUCCESS"), True),
    "a warning": (lambda _: _status("Executed-WithWarning"), True),
    "no header": (lambda answer: {key: value for key, value in answer.items() if key != "header"}, False),
    "another status": (lambda _: _status("Perhaps"), False),
    "a header of another kind": (lambda answer: {**answer, "header": 7}, False),
    "nothing": (lambda _: None, False),
    "a field that is no text": (lambda answer: {**answer, "serverSigned1": 5}, False),
    "a field that is no base64": (lambda answer: {**answer, "serverSigned1": "ä"}, False),
    "a field less": (lambda answer: {**answer, "serverSigned1": None}, False),
    "base64 in lines": (lambda answer: {**answer, "serverSigned1": _in_lines(answer["serverSigned1"])}, True),
    "no transaction id": (lambda answer: {**answer, "transactionId": ""}, False),
    "a transaction id that is none": (lambda answer: {**answer, "transactionId": "xyz"}, False),
    "a transaction id that is too long": (lambda answer: {**answer, "transactionId": "00" * 17}, False),
    "a signature that is none": (lambda answer: {**answer, "serverSignature1": "MAA="}, False),
}


def _status(word: str) -> dict[str, object]:
    return {"header": {"functionExecutionStatus": {"status": word}}}


def _in_lines(value: object) -> str:
    return "\n".join(str(value)[at : at + 10] for at in range(0, len(str(value)), 10))


class Odd:
    """A server that answers the first call in its own way."""

    def __init__(self, server: Double, twist: Callable[[dict[str, object]], object]) -> None:
        self.server, self.twist = server, twist

    def post(self, function: str, body: Mapping[str, object]) -> Answer | None:
        answer = self.server.post(function, body)
        if function != "initiateAuthentication":
            return answer
        assert answer is not None
        twisted = self.twist(dict(answer))
        assert twisted is None or isinstance(twisted, dict)
        return {**answer, **twisted} if twisted and "serverSigned1" not in twisted else twisted


@pytest.mark.parametrize("name", ANSWERS)
def test_a_phone_takes_habits_and_refuses_nonsense(name: str) -> None:
    twist, is_taken = ANSWERS[name]
    server = Odd(Double(), twist)
    if is_taken:
        assert download(card(), lambda _: server, CODE, AT, token).iccid == ICCID
    else:
        with pytest.raises(BadAnswer):
            download(card(), lambda _: server, CODE, AT, token)


def test_an_answer_to_a_notification_does_no_harm() -> None:
    server = Double(failing={"handleNotification": DONE})
    assert attempt(server, card()).undelivered == ()


def test_a_notification_that_is_refused_is_kept() -> None:
    server, chip = Double(failing={"handleNotification": refusal("8.10.1", "3.9")}), card()
    (left,) = attempt(server, chip).undelivered
    assert "the transaction id is unknown" in left.why
    assert len(chip.notifications()) == 1
