"""What a bad server can do, one thing at a time, and what the card and the phone answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone.authentication import AuthenticationRefused, PreparationRefused
from mvne_provisioning.phone.card import Card
from mvne_provisioning.phone.codes import AuthenticateError as A
from mvne_provisioning.phone.codes import CancelReason as R
from mvne_provisioning.phone.codes import Command as C
from mvne_provisioning.phone.codes import DownloadError as D
from mvne_provisioning.phone.codes import InstallError as I
from mvne_provisioning.phone.es9 import BadAnswer
from mvne_provisioning.phone.giving_up import BadPackage, InstallationFailed, MetadataMismatch, RulesNotAllowed
from mvne_provisioning.phone.lpa import download
from mvne_provisioning.tlv import encode
from tests.provisioning.phone import papers
from tests.provisioning.phone.double import CODE, SWAPPED, Double, elements, metadata, token
from tests.provisioning.phone.papers import AT, DP_AUTH, DP_PB, ISSUER, Papers, Wanted

Twist = Callable[[Any], Any]
LONG_AGO, LATER = AT - timedelta(days=1), AT + timedelta(days=1)


def flipped(data: bytes) -> bytes:
    """Return bytes of which the last is another."""
    return data[:-1] + bytes([data[-1] ^ 1])


def instead(value: bytes) -> Twist:
    return lambda _: value


def attempt(server: Double, card: Card | None = None) -> None:
    download(card or Card.new(server.papers.card()), lambda _: server, CODE, AT, token)


AUTH = {
    "signed by nobody we know": (replace(DP_AUTH, issuer="another CI"), A.CI_UNKNOWN),
    "not signed by the issuer it names": (replace(DP_AUTH, signer="another CI"), A.INVALID_CERTIFICATE),
    "expired": (replace(DP_AUTH, ends=LONG_AGO), A.INVALID_CERTIFICATE),
    "not yet valid": (replace(DP_AUTH, begins=LATER), A.INVALID_CERTIFICATE),
    "of the binding role": (replace(DP_AUTH, role=papers.PB), A.INVALID_CERTIFICATE),
    "of the role for TLS": (replace(DP_AUTH, role=papers.TLS), A.INVALID_CERTIFICATE),
    "of a card": (replace(DP_AUTH, role=papers.EUICC), A.INVALID_CERTIFICATE),
    "an issuer's": (replace(DP_AUTH, signs_certificates=True), A.INVALID_CERTIFICATE),
    "with an unknown critical extension": (replace(DP_AUTH, strange=True), A.INVALID_CERTIFICATE),
    "with another hash": (replace(DP_AUTH, hash_bits=384), A.INVALID_CERTIFICATE),
    "without OID": (replace(DP_AUTH, oid=None), A.INVALID_OID),
    "with two OIDs": (replace(DP_AUTH, more_names=("2.999.11",)), A.INVALID_OID),
    "on another curve": (replace(DP_AUTH, curve="P384"), A.UNSUPPORTED_CURVE),
}


@pytest.mark.parametrize(("wanted", "error"), AUTH.values(), ids=AUTH)
def test_a_card_refuses_a_server_whose_certificate_is(wanted: Wanted, error: A) -> None:
    server = Double(Papers(auth=wanted))
    with pytest.raises(AuthenticationRefused) as refused:
        attempt(server)
    assert refused.value.error is error
    assert server.said["error"] == bytes([error])
    assert server.calls == ["initiateAuthentication", "authenticateClient"]


AUTHENTICATION = {
    "signature1": (flipped, A.INVALID_SIGNATURE),
    "signed1 sent": (lambda data: data.replace(b"smdp.", b"smdq."), A.INVALID_SIGNATURE),
    "challenge": (flipped, A.CHALLENGE_MISMATCH),
    "address": (instead(b"other.example.com"), A.UNDEFINED),
    "issuer": (flipped, A.CI_UNKNOWN),
    "auth": (lambda data: data[:-3], A.INVALID_CERTIFICATE),
    "server challenge": (instead(b"short"), A.UNDEFINED),
}


@pytest.mark.parametrize("name", AUTHENTICATION)
def test_a_card_refuses_a_server_that_sends_wrong(name: str) -> None:
    twist, error = AUTHENTICATION[name]
    server = Double(twists={name: twist})
    with pytest.raises(AuthenticationRefused) as refused:
        attempt(server)
    assert refused.value.error is error
    assert server.said["error"] == bytes([error])


def test_a_card_refuses_a_server_under_an_expired_issuer() -> None:
    server = Double(Papers(issuers=(replace(ISSUER, ends=LONG_AGO),)))
    with pytest.raises(AuthenticationRefused, match="its issuer is valid from") as refused:
        attempt(server)
    assert refused.value.error is A.INVALID_CERTIFICATE


def test_a_phone_refuses_a_transaction_id_that_is_not_the_one_that_was_signed() -> None:
    server = Double(twists={"transaction": flipped})
    with pytest.raises(BadAnswer, match="transaction id"):
        attempt(server)


def test_a_card_answers_only_the_challenge_that_it_gave_last() -> None:
    server, card = Double(), Card.new(Papers().card())
    attempt(server, card)
    replayed = server.twists | {"challenge": instead(server.said["challenge"])}
    with pytest.raises(AuthenticationRefused) as refused:
        download(card, lambda _: Double(twists=replayed), CODE, AT, lambda size: bytes([7]) * size)
    assert refused.value.error is A.CHALLENGE_MISMATCH


PB = {
    "signed by nobody we know": replace(DP_PB, issuer="another CI"),
    "not signed by the issuer it names": replace(DP_PB, signer="another CI"),
    "expired": replace(DP_PB, ends=LONG_AGO),
    "not yet valid": replace(DP_PB, begins=LATER),
    "of the authenticating role": replace(DP_PB, role=papers.AUTH),
    "another server's": replace(DP_PB, oid="2.999.11"),
    "without OID": replace(DP_PB, oid=None),
}


@pytest.mark.parametrize("wanted", PB.values(), ids=PB)
def test_a_card_refuses_a_binding_certificate_that_is(wanted: Wanted) -> None:
    server = Double(Papers(pb=wanted))
    with pytest.raises(PreparationRefused) as refused:
        attempt(server)
    assert refused.value.error is D.INVALID_CERTIFICATE
    assert server.said["error"] == bytes([D.INVALID_CERTIFICATE])
    assert server.cancelled == [R.UNDEFINED]


PREPARATION = {
    "signature2": (flipped, D.INVALID_SIGNATURE),
    "signature1 seen": (flipped, D.INVALID_SIGNATURE),
    "transaction2": (flipped, D.INVALID_TRANSACTION_ID),
    "pb": (lambda data: data[:-3], D.INVALID_CERTIFICATE),
}


@pytest.mark.parametrize("name", PREPARATION)
def test_a_card_refuses_an_offer_with_wrong(name: str) -> None:
    twist, error = PREPARATION[name]
    server = Double(twists={name: twist})
    with pytest.raises(PreparationRefused) as refused:
        attempt(server)
    assert refused.value.error is error
    assert server.said["error"] == bytes([error])
    assert server.cancelled == [R.UNDEFINED]


def test_a_card_refuses_a_binding_certificate_on_another_curve() -> None:
    server = Double(Papers(pb=replace(DP_PB, curve="P384")))
    with pytest.raises(PreparationRefused) as refused:
        attempt(server)
    assert refused.value.error is D.UNSUPPORTED_CURVE


def nth(number: int, twist: Twist) -> Twist:
    """Do it to the n-th value only, counted from 1."""
    seen = 0

    def once(value: bytes) -> Any:
        nonlocal seen
        seen += 1
        return twist(value) if seen == number else value

    return once


def of_parts(place: int, twist: Twist) -> Twist:
    return lambda parts: [twist(one) if at == place else one for at, one in enumerate(parts)]


COUNTED = instead((9).to_bytes(16, "big"))
CRT = encode(0xA6, encode(0x80, b"\x80"), encode(0x81, b"\x10"), encode(0x84, b"host"))
OTHER_DP = encode(0xBF24, encode(0xB8, encode(0x06, b"\x88\x37\x0b")))

PACKAGE: dict[str, tuple[dict[str, Twist], C, I]] = {
    "another signature": ({"sign": flipped}, C.INITIALISE_SECURE_CHANNEL, I.INVALID_SIGNATURE),
    "another transaction": ({"transaction3": flipped}, C.INITIALISE_SECURE_CHANNEL, I.INVALID_TRANSACTION_ID),
    "another operation": (
        {"operation": instead(b"\2")},
        C.INITIALISE_SECURE_CHANNEL,
        I.UNSUPPORTED_REMOTE_OPERATION_TYPE,
    ),
    "keys of another type": ({"crt": instead(CRT)}, C.INITIALISE_SECURE_CHANNEL, I.UNSUPPORTED_CRT_VALUES),
    "a point that is none": ({"point": flipped}, C.INITIALISE_SECURE_CHANNEL, I.INCORRECT_INPUT_VALUES),
    "keys for another card": ({"eid": flipped}, C.CONFIGURE_ISDP, I.SCP03T_SECURITY),
    "a wrong MAC at first": ({"mac": nth(1, flipped)}, C.CONFIGURE_ISDP, I.SCP03T_SECURITY),
    "a wrong counter at first": ({"counter": nth(1, COUNTED)}, C.CONFIGURE_ISDP, I.SCP03T_STRUCTURE),
    "another server's configuration": (
        {"configuration": instead(OTHER_DP)},
        C.CONFIGURE_ISDP,
        I.INCORRECT_INPUT_VALUES,
    ),
    "a wrong MAC at the metadata": ({"mac": nth(2, flipped)}, C.STORE_METADATA, I.SCP03T_SECURITY),
    "a broken chain at the metadata": ({"chain": nth(2, flipped)}, C.STORE_METADATA, I.SCP03T_SECURITY),
    "a wrong MAC at the keys": ({"mac": nth(3, flipped)}, C.REPLACE_SESSION_KEYS, I.SCP03T_SECURITY),
    "keys of a wrong size": (
        {"session keys": instead(encode(0xBF26, encode(0x80, bytes(8)), encode(0x81, b""), encode(0x82, b"")))},
        C.REPLACE_SESSION_KEYS,
        I.INCORRECT_INPUT_VALUES,
    ),
    "a wrong MAC at the elements": ({"mac": nth(4, flipped)}, C.LOAD_PROFILE_ELEMENTS, I.SCP03T_SECURITY),
    "a wrong MAC at the last": ({"mac": nth(6, flipped)}, C.LOAD_PROFILE_ELEMENTS, I.SCP03T_SECURITY),
    "a MAC chain begun anew": (
        {"chain": nth(5, instead(bytes(16)))},
        C.LOAD_PROFILE_ELEMENTS,
        I.SCP03T_SECURITY,
    ),
    "a wrong counter at the elements": ({"counter": nth(3, COUNTED)}, C.LOAD_PROFILE_ELEMENTS, I.PE_PROCESSING),
    "no padding": ({"padding": nth(3, instead(bytes(1008)))}, C.LOAD_PROFILE_ELEMENTS, I.SCP03T_STRUCTURE),
    "too much padding": (
        {"padding": nth(5, lambda data: data + bytes(16))},
        C.LOAD_PROFILE_ELEMENTS,
        I.SCP03T_STRUCTURE,
    ),
}


@pytest.mark.parametrize("name", PACKAGE)
def test_a_card_does_not_install_a_package_with(name: str) -> None:
    twists, command, error = PACKAGE[name]
    server, card = Double(twists={**twists}, with_keys=True), Card.new(Papers().card())
    assert_not_installed(server, card, command, error)


def assert_not_installed(server: Double, card: Card, command: C, error: I) -> None:
    before = [one.iccid for one in card.profiles()]
    with pytest.raises(InstallationFailed) as failed:
        attempt(server, card)
    assert (failed.value.command, failed.value.error) == (command, error)
    assert [one.iccid for one in card.profiles()] == before
    assert bytes.fromhex(f"A1068001{command:02X}8101{error:02X}") in server.notified[0]
    assert server.cancelled == []
    assert card.notifications() == ()


def test_a_counter_that_leaves_out_the_metadata_is_seen() -> None:
    """The keys come after the metadata: their block is opened with a counter that counted the metadata too."""
    server = Double(twists={"counter not advanced": instead(b"")}, with_keys=True)
    assert_not_installed(server, Card.new(Papers().card()), C.REPLACE_SESSION_KEYS, I.INCORRECT_INPUT_VALUES)


@pytest.mark.parametrize("plain", [1008, 1024])
def test_a_segment_of_more_than_1020_bytes_is_refused(plain: int) -> None:
    server = Double(plain_size=plain)
    assert_not_installed(server, Card.new(Papers().card()), C.LOAD_PROFILE_ELEMENTS, I.SCP03T_STRUCTURE)


def test_another_iccid_in_the_header_than_in_the_metadata_is_refused() -> None:
    server = Double(elements=elements(bytes.fromhex("8999970000000000027F")))
    assert_not_installed(server, Card.new(Papers().card()), C.LOAD_PROFILE_ELEMENTS, I.ICCID_MISMATCH)


def test_a_header_with_swapped_nibbles_is_refused() -> None:
    server = Double(elements=elements(SWAPPED))
    assert_not_installed(server, Card.new(Papers().card()), C.LOAD_PROFILE_ELEMENTS, I.PE_PROCESSING)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        elements()[:-4],
        elements() + b"\xaa\x00",
        elements() + b"\xa8\x00",
        elements()[30:],
        elements() + b"\0",
        b"\x30\x00" + elements(),
        elements()[:-4] + b"\x04\x00" + elements()[-4:],
    ],
    ids=["empty", "no end", "two ends", "more after it", "no header", "a byte more", "more before it", "no element"],
)
def test_a_package_that_is_no_profile_is_refused(bad: bytes) -> None:
    server, card = Double(elements=bad), Card.new(Papers().card())
    error = I.PE_PROCESSING if bad else I.SCP03T_STRUCTURE
    assert_not_installed(server, card, C.LOAD_PROFILE_ELEMENTS, error)


def test_a_profile_is_installed_once() -> None:
    card = Card.new(Papers().card())
    attempt(Double(), card)
    assert_not_installed(Double(), card, C.STORE_METADATA, I.ICCID_ALREADY_EXISTS)


def test_a_card_without_room_refuses() -> None:
    card = Card.new(Papers().card(), room=2000)
    assert_not_installed(Double(), card, C.LOAD_PROFILE_ELEMENTS, I.INSUFFICIENT_MEMORY)


@pytest.mark.parametrize(
    ("more", "error"), [(encode(0x95, b"\3"), I.UNSUPPORTED_PROFILE_CLASS), (encode(0x93, b"\0"), None)]
)
def test_metadata_that_a_card_cannot_have_are_refused_before_the_package_comes(more: bytes, error: I | None) -> None:
    server = Double(metadata=metadata(more=more))
    with pytest.raises(BadAnswer, match="metadata"):
        attempt(server)
    assert server.cancelled == [R.UNDEFINED]


GIVEN_UP: dict[str, tuple[dict[str, Twist], type[ProvisioningError], R]] = {
    "another profile than shown": (
        {"metadata stored": lambda data: data.replace(b"5G", b"4G")},
        MetadataMismatch,
        R.METADATA_MISMATCH,
    ),
    "policy rules": (
        {"metadata shown": lambda _: metadata(more=encode(0x99, bytes.fromhex("0640")))},
        RulesNotAllowed,
        R.PPR_NOT_ALLOWED,
    ),
    "no package": ({"package": instead(b"\x30\0")}, BadPackage, R.LOAD_BPP_EXECUTION_ERROR),
    "a part less": ({"parts": lambda parts: parts[:-1]}, BadPackage, R.LOAD_BPP_EXECUTION_ERROR),
    "parts in another order": ({"parts": lambda parts: parts[::-1]}, BadPackage, R.LOAD_BPP_EXECUTION_ERROR),
    "blocks of another tag": (
        {"parts": of_parts(3, lambda part: part[:4] + b"\x85" + part[5:])},
        BadPackage,
        R.LOAD_BPP_EXECUTION_ERROR,
    ),
    "another transaction in the offer": ({"transaction in offer": flipped}, BadAnswer, R.UNDEFINED),
    "another transaction with the package": ({"transaction in package": flipped}, BadAnswer, R.UNDEFINED),
    "an offer that is none": ({"signed2 sent": instead(b"\x31\0")}, BadAnswer, R.UNDEFINED),
    "metadata that are none": ({"metadata shown": instead(b"\xbf")}, BadAnswer, R.UNDEFINED),
}


@pytest.mark.parametrize("name", GIVEN_UP)
def test_a_phone_cancels_when_the_server_sends(name: str) -> None:
    twists, error, reason = GIVEN_UP[name]
    server, card = Double(twists=twists), Card.new(Papers().card())
    with pytest.raises(error):
        attempt(server, card)
    assert server.cancelled == [reason]
    assert server.notified == []
    assert card.profiles() == ()


def test_no_refusal_says_an_iccid_or_a_key() -> None:
    card = Card.new(Papers().card())
    attempt(Double(), card)
    with pytest.raises(InstallationFailed) as failed:
        attempt(Double(), card)
    assert "8999970000000000019" not in str(failed.value)
