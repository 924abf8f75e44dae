"""Every refusal has the codes of its fault, whatever else is right about the request."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mvne_provisioning.pki.certifying import certify, subject_name
from mvne_provisioning.pki.folder import Certificates
from mvne_provisioning.pki.identity import Identity
from mvne_provisioning.pki.roles import Curve, Role
from mvne_provisioning.smdp import rsp
from mvne_provisioning.smdp.rsp import Event, Prepared, Refused
from mvne_provisioning.tlv import encode
from tests.provisioning.rsp.conftest import AT, PROFILE, SERVER_CHALLENGE, TRANSACTION, Scene
from tests.provisioning.rsp.little_card import ADDRESS, LittleCard, b64, signature, swap
from tests.provisioning.somebody import PERSONAL

OTHER_TRANSACTION = "00" * 16
YEAR = timedelta(days=366)


@contextmanager
def refused(codes: str, says: str = "") -> Iterator[None]:
    with pytest.raises(Refused, match=says or None) as found:
        yield
    assert f"{found.value.subject}/{found.value.reason}" == codes


@pytest.fixture
def stranger(scene: Scene) -> LittleCard:
    """The card in hand with the key of another."""
    other = ec.generate_private_key(ec.SECP256R1())
    return scene.card.says(identity=replace(scene.card.identity, key=other))


def initiate(scene: Scene, request: dict[str, object], certificates: Certificates | None = None) -> None:
    rsp.initiate(certificates or scene.certificates, ADDRESS, request, TRANSACTION, SERVER_CHALLENGE)


def authenticate(scene: Scene, card: LittleCard, **instead: bytes) -> None:
    session, answer = scene.initiated()
    rsp.authenticate(scene.certificates, session, card.authenticate(answer, card.signed1(answer, **instead)), AT)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"smdpAddress": "other.example.com"}, "8.8.1/3.8"),
        ({"smdpAddress": "smdp.example.com:443"}, "8.8.1/3.8"),
        ({"smdpAddress": "smdp.example.com."}, "8.8.1/3.8"),
        ({"smdpAddress": None}, "1.6/2.2"),
        ({"smdpAddress": ""}, "1.6/2.2"),
        ({"smdpAddress": 7}, "1.6/2.1"),
        ({"smdpAddress": "a" * 100_001}, "1.6/2.1"),
        ({"euiccChallenge": b64(bytes(16)) + "\n"}, "1.6/2.1"),
        ({"euiccChallenge": "*" + b64(bytes(16))}, "1.6/2.1"),
        ({"euiccChallenge": b64(bytes(15))}, "1.6/2.1"),
        ({"euiccChallenge": "no base64"}, "1.6/2.1"),
        ({"euiccChallenge": ["A"]}, "1.6/2.1"),
        ({"euiccInfo1": b64(b"\xbf\x20\x05\x82")}, "1.6/2.1"),
        ({"euiccInfo1": b64(encode(0xBF22))}, "1.6/2.1"),
        ({"euiccInfo1": b64(encode(0xBF20) + b"\x00")}, "1.6/2.1"),
        ({"euiccInfo1": b64(encode(0xBF20, encode(0x82, b"\x02\x02")))}, "1.6/2.1"),
        ({"euiccInfo1": b64(encode(0xBF20, encode(0x82, b"\x02\x02\x02"), encode(0xA9)))}, "1.6/2.1"),
        ({"euiccInfo1": "A" * 100_001}, "1.6/2.1"),
    ],
)
def test_a_beginning_that_is_not_right_is_refused(scene: Scene, changes: dict[str, object], codes: str) -> None:
    with refused(codes):
        initiate(scene, scene.card.initiate() | changes)


@pytest.mark.parametrize("version", [b"\x01\x04\x00", b"\x03\x00\x00"])
def test_a_card_of_another_major_version_is_refused(scene: Scene, version: bytes) -> None:
    info = scene.card.info(version=version)
    with refused("8.8.3/3.1"):
        initiate(scene, scene.card.initiate() | {"euiccInfo1": b64(info)})


def test_a_letter_that_only_becomes_the_address_in_lower_case_is_another_address(scene: Scene) -> None:
    with refused("8.8.1/3.8"):
        kelvin = scene.card.initiate() | {"smdpAddress": "\u212aa.example"}
        rsp.initiate(scene.certificates, "ka.example", kelvin, TRANSACTION, SERVER_CHALLENGE)


@pytest.mark.parametrize(
    ("known_for_verifying", "known_for_signing", "codes"), [(False, True, "8.8.4/3.7"), (True, False, "8.8.2/3.1")]
)
def test_a_card_under_other_roots_is_refused_by_the_list_that_fails(
    scene: Scene, known_for_verifying: bool, known_for_signing: bool, codes: str
) -> None:
    ids = [encode(0x04, scene.card.root if known else bytes(20)) for known in (known_for_verifying, known_for_signing)]
    info = encode(0xBF20, encode(0x82, b"\x02\x02\x02"), encode(0xA9, ids[0]), encode(0xAA, ids[1]))
    with refused(codes):
        initiate(scene, scene.card.initiate() | {"euiccInfo1": b64(info)})


def test_a_server_that_cannot_bind_under_a_root_does_not_begin(scene: Scene) -> None:
    with refused("8.8.4/3.7"):
        initiate(scene, scene.card.initiate(), replace(scene.certificates, dp_pb=()))


def test_a_server_without_its_key_does_not_begin(scene: Scene) -> None:
    keyless = [replace(one, key=None) for one in scene.certificates.dp_auth]
    with refused("8.8.4/3.7"):
        initiate(scene, scene.card.initiate(), replace(scene.certificates, dp_auth=keyless))
    with_both = replace(scene.certificates, dp_auth=[*keyless, *scene.certificates.dp_auth])
    initiate(scene, scene.card.initiate(), with_both)


def test_a_server_takes_the_first_root_of_the_card_that_it_knows(scenes: Callable[[Curve], Scene]) -> None:
    nist, brainpool = scenes(Curve.NIST), scenes(Curve.BRAINPOOL)
    both = Certificates(
        issuers={**nist.certificates.issuers, **brainpool.certificates.issuers},
        dp_auth=(*nist.certificates.dp_auth, *brainpool.certificates.dp_auth),
        dp_pb=(*nist.certificates.dp_pb, *brainpool.certificates.dp_pb),
    )
    ids = [encode(0x04, key) for key in (bytes(20), brainpool.card.root, nist.card.root)]
    info = encode(0xBF20, encode(0x82, b"\x02\x02\x02"), encode(0xA9, *ids), encode(0xAA, *reversed(ids)))
    request = nist.card.initiate() | {"euiccInfo1": b64(info)}
    session, answer = rsp.initiate(both, ADDRESS, request, TRANSACTION, SERVER_CHALLENGE)
    assert (session.server_issuer_key_id, session.issuer_key_id) == (brainpool.card.root, nist.card.root)
    assert b64decode(answer["serverCertificate"]) == brainpool.certificates.dp_auth[0].der
    assert b64decode(answer["euiccCiPKIdToBeUsed"])[2:] == nist.card.root
    session = rsp.authenticate(both, session, nist.card.authenticate(answer), AT)
    _, offered = rsp.offer(both, session, PROFILE.metadata, PERSONAL.iccid, False)
    assert b64decode(offered["smdpCertificate"]) == brainpool.certificates.dp_pb[0].der
    # A chain that ends in another known root than the chosen one is not believed.
    card = brainpool.card
    session, answer = rsp.initiate(both, ADDRESS, request, TRANSACTION, SERVER_CHALLENGE)
    with refused("8.11.1/3.9"):
        rsp.authenticate(both, session, card.authenticate(answer), AT)


@pytest.mark.parametrize(
    ("instead", "codes"),
    [
        ({"transaction_id": encode(0x80, bytes(16))}, "8.10.1/3.9"),
        ({"challenge": encode(0x84, bytes(16))}, "8.1/6.1"),
        ({"address": encode(0x83, b"other.example.com")}, "8.1/6.1"),
        ({"address": encode(0x83, b"\xff")}, "1.6/2.1"),
        ({"info": b""}, "1.6/2.1"),
        ({"context": b""}, "1.6/2.1"),
        ({"context": encode(0xA0, encode(0x80, b"A-1"))}, "1.6/2.1"),
        ({"context": encode(0xA0, encode(0x80, b"A-1"), encode(0xA1))}, "1.6/2.1"),
        ({"context": encode(0xA0, encode(0x80, b"a-1"), encode(0xA1, encode(0x80, bytes(4))))}, "8.2.6/3.8"),
        ({"context": encode(0xA0, encode(0x80, b"\xff"), encode(0xA1, encode(0x80, bytes(4))))}, "1.6/2.1"),
    ],
)
def test_what_a_card_signs_must_be_about_this_session_and_whole(
    scene: Scene, instead: dict[str, bytes], codes: str
) -> None:
    with refused(codes):
        authenticate(scene, scene.card, **instead)


def test_a_card_that_did_not_sign_is_refused(scene: Scene, stranger: LittleCard) -> None:
    with refused("8.1/6.1", "euiccSigned1"):
        authenticate(scene, stranger)


def test_what_was_signed_is_verified_over_its_own_bytes(scene: Scene) -> None:
    session, answer = scene.initiated()
    body = scene.card.signed1(answer)[3:]
    lengthy = b"\x30\x82" + len(body).to_bytes(2, "big") + body  # a longer length than DER allows, and signed so
    assert rsp.authenticate(scene.certificates, session, scene.card.authenticate(answer, lengthy), AT).eid


@pytest.mark.parametrize(
    ("years", "codes"), [(26, "8.1.3/6.3"), (31, "8.1.2/6.3"), (36, "8.11.1/3.9"), (-1, "8.11.1/3.9")]
)
def test_certificates_that_are_not_valid_now_are_refused(scene: Scene, years: int, codes: str) -> None:
    session, answer = scene.initiated()
    with refused(codes):
        rsp.authenticate(scene.certificates, session, scene.card.authenticate(answer), AT + years * YEAR)


def card_of(scene: Scene, role: Role, eid: str, maker: Identity | None = None) -> LittleCard:
    eum = maker or scene.card.eum
    key = ec.generate_private_key(ec.SECP256R1())
    organization = eum.certificate.subject.rfc4514_string().rpartition("O=")[2]
    return scene.card.says(identity=certify(role, subject_name("c", organization, serial_number=eid), key, eum, AT))


@pytest.mark.parametrize(
    ("role", "eid"),
    [
        (Role.EUICC, "99049032123451234512345678901235"),
        (Role.EUICC, "8904903212345123451234567890123"),
        (Role.EUICC, ""),
        (Role.DP_AUTH, "89049032123451234512345678901235"),
        (Role.EUM, "89049032123451234512345678901235"),
    ],
)
def test_a_card_that_its_maker_may_not_make_is_refused(scene: Scene, role: Role, eid: str) -> None:
    with refused("8.1.3/6.1"):
        authenticate(scene, card_of(scene, role, eid))


def test_a_card_of_another_maker_is_refused(scene: Scene, scenes: Callable[[Curve], Scene]) -> None:
    other = scenes(Curve.BRAINPOOL).card
    with refused("8.11.1/3.9"):
        authenticate(scene, other)
    with refused("8.1.3/6.1"):
        authenticate(scene, other.says(eum=scene.card.eum))


def test_a_maker_that_the_root_did_not_sign_is_refused(scene: Scene) -> None:
    forged = bytearray(scene.card.eum.der)
    forged[-1] ^= 1
    with refused("8.1.2/6.1"):
        authenticate(scene, scene.card.says(eum=replace(scene.card.eum, der=bytes(forged))))


def test_a_card_that_does_not_accept_the_server_says_why(scene: Scene) -> None:
    session, answer = scene.initiated()
    error = encode(0xBF38, encode(0xA1, encode(0x80, TRANSACTION), encode(0x02, b"\x02")))
    with refused("8.1/6.1", r"signature \(2\)"):
        request = scene.card.request(answer, "authenticateServerResponse", error)
        rsp.authenticate(scene.certificates, session, request, AT)
    with refused("8.10.1/3.9"):
        wrong = encode(0xBF38, encode(0xA1, encode(0x80, bytes(16)), encode(0x02, b"\x02")))
        request = scene.card.request(answer, "authenticateServerResponse", wrong)
        rsp.authenticate(scene.certificates, session, request, AT)


def test_the_transaction_of_the_request_is_the_sessions(scene: Scene) -> None:
    session, answer = scene.offered()
    for tid, codes in (
        (OTHER_TRANSACTION, "8.10.1/3.9"),
        ("XY", "1.6/2.1"),
        (" 00" * 16, "1.6/2.1"),
        ("00" * 17, "1.6/2.1"),
        ("", "1.6/2.2"),
    ):
        with refused(codes):
            rsp.authenticate(scene.certificates, session, {"transactionId": tid}, AT)
        with refused(codes):
            rsp.prepare(scene.certificates, session, scene.card.prepare(answer) | {"transactionId": tid})
        with refused(codes):
            rsp.cancelled(scene.certificates, session, scene.card.cancel(answer, 0) | {"transactionId": tid})
    lower = scene.card.prepare(answer) | {"transactionId": answer["transactionId"].lower()}
    assert rsp.prepare(scene.certificates, session, lower).ot_key


def test_a_step_out_of_its_turn_is_refused(scene: Scene) -> None:
    begun, first = scene.initiated()
    authenticated = scene.authenticated()
    offered, answer = scene.offered()
    bound, _ = scene.bound()
    prepared = Prepared(scene.card.ot_point)
    with refused("8.10.1/3.9"):
        rsp.authenticate(scene.certificates, authenticated, scene.card.authenticate(first), AT)
    for session in (begun, offered, bound):
        with refused("8.10.1/3.9"):
            rsp.offer(scene.certificates, session, PROFILE.metadata, PERSONAL.iccid, False)
    for session, codes in ((begun, "8.10.1/3.9"), (authenticated, "8.10.1/3.9"), (bound, "8.2/3.7")):
        with refused(codes):
            rsp.prepare(scene.certificates, session, scene.card.prepare(answer))
    for session, codes in ((begun, "8.10.1/3.9"), (bound, "8.2/3.7")):
        with refused(codes):
            rsp.bind(scene.certificates, session, prepared, PROFILE, ec.generate_private_key, bytes)
    with refused("8.10.1/3.9"):
        rsp.cancelled(scene.certificates, begun, scene.card.cancel(first, 0))
    with refused("8.10.1/3.9"):
        rsp.notification(scene.certificates, scene.card.installed(TRANSACTION, None), AT, begun)


def test_a_session_whose_certificate_was_taken_away_is_refused(scene: Scene) -> None:
    without = replace(scene.certificates, dp_pb=(), dp_auth=())
    offered, answer = scene.offered()
    with refused("8.8.4/3.7"):
        rsp.offer(without, scene.authenticated(), PROFILE.metadata, PERSONAL.iccid, False)
    with refused("8.8.4/3.7"):
        rsp.prepare(without, offered, scene.card.prepare(answer))
    with refused("8.8.4/3.7"):
        rsp.bind(without, offered, Prepared(scene.card.ot_point), PROFILE, ec.generate_private_key, bytes)


def test_the_second_signature_covers_the_offer(scene: Scene, stranger: LittleCard) -> None:
    session, answer = scene.offered()
    with refused("8.1/6.1", "euiccSigned2"):
        rsp.prepare(scene.certificates, session, stranger.prepare(answer))
    said = scene.card.signed2(answer)
    alone = encode(0xBF21, encode(0xA0, said, signature(scene.card.identity.key, said)))
    with refused("8.1/6.1", "euiccSigned2"):
        request = scene.card.request(answer, "prepareDownloadResponse", alone)
        rsp.prepare(scene.certificates, session, request)


@pytest.mark.parametrize(
    ("parts", "codes"),
    [
        ((encode(0x80, bytes(16)),), "8.10.1/3.9"),
        ((encode(0x80, TRANSACTION),), "1.6/2.1"),
        ((encode(0x80, TRANSACTION), encode(0x5F49, b"")), "1.6/2.1"),
        ((encode(0x80, TRANSACTION), encode(0x5F49, b"\x04" + bytes(64))), "1.6/2.1"),
        ((encode(0x80, TRANSACTION), encode(0x5F49, b"\x00")), "1.6/2.1"),
        ((encode(0x80, TRANSACTION), None, encode(0x04, bytes(31))), "1.6/2.1"),
    ],
)
def test_a_preparation_that_is_not_whole_is_refused(scene: Scene, parts: tuple[bytes | None, ...], codes: str) -> None:
    session, answer = scene.offered()
    key = encode(0x5F49, scene.card.ot_point)
    signed = encode(0x30, *(key if part is None else part for part in parts))
    with refused(codes):
        rsp.prepare(scene.certificates, session, scene.card.prepare(answer, signed=signed))


def test_a_one_time_key_on_the_other_curve_is_refused(scene: Scene) -> None:
    session, answer = scene.offered()
    card = scene.card.says(ot_key=ec.generate_private_key(ec.BrainpoolP256R1()))
    with refused("1.6/2.1", "curve"):
        rsp.prepare(scene.certificates, session, card.prepare(answer))


def test_a_one_time_key_in_short_form_is_refused(scene: Scene) -> None:
    session, answer = scene.offered()
    short = scene.card.ot_key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    signed = encode(0x30, encode(0x80, TRANSACTION), encode(0x5F49, short))
    with refused("1.6/2.1", "uncompressed"):
        rsp.prepare(scene.certificates, session, scene.card.prepare(answer, signed=signed))


def test_a_code_that_is_needed_and_did_not_come_is_refused(scene: Scene) -> None:
    session, answer = scene.offered(needs_code=True)
    with refused("8.2.7/2.2"):
        rsp.prepare(scene.certificates, session, scene.card.prepare(answer))


def test_a_card_that_does_not_accept_the_offer_gets_nothing(scene: Scene) -> None:
    session, answer = scene.offered(needs_code=True)
    error = encode(0xBF21, encode(0xA1, encode(0x80, TRANSACTION), encode(0x02, b"\x01")))
    request = scene.card.request(answer, "prepareDownloadResponse", error)
    prepared = rsp.prepare(scene.certificates, session, request)
    assert prepared == Prepared(b"", None, 1)
    with refused("8.10.1/3.9"):
        wrong = encode(0xBF21, encode(0xA1, encode(0x80, bytes(16)), encode(0x02, b"\x01")))
        rsp.prepare(scene.certificates, session, scene.card.request(answer, "prepareDownloadResponse", wrong))
    with refused("8.1/6.1", r"certificate \(1\)"):
        rsp.bind(scene.certificates, session, prepared, PROFILE, ec.generate_private_key, bytes)


def test_a_cancellation_is_for_us_of_this_session_and_signed(scene: Scene, stranger: LittleCard) -> None:
    session, answer = scene.offered()
    with refused("8.8/3.10"):
        rsp.cancelled(scene.certificates, session, scene.card.cancel(answer, 0, oid=bytes.fromhex("88370b")))
    with refused("8.8/3.10"):  # the number of the extension itself, 2.5.29.17
        rsp.cancelled(scene.certificates, session, scene.card.cancel(answer, 0, oid=bytes.fromhex("551d11")))
    with refused("1.6/2.1"):
        rsp.cancelled(scene.certificates, session, scene.card.cancel(answer, 0, oid=b""))
    with refused("8.10.1/3.9"):
        rsp.cancelled(scene.certificates, session, scene.card.cancel(answer, 0, tid=OTHER_TRANSACTION))
    with refused("8.1/6.1"):
        rsp.cancelled(scene.certificates, session, stranger.cancel(answer, 0))
    with refused("8.1/6.1", "error 5"):
        error = encode(0xBF41, encode(0x81, b"\x05"))
        rsp.cancelled(scene.certificates, session, scene.card.request(answer, "cancelSessionResponse", error))


def test_an_installation_is_of_this_session_its_profile_and_its_card(scene: Scene, stranger: LittleCard) -> None:
    session, _ = scene.bound()
    iccid = swap(PERSONAL.iccid)
    with refused("8.10.1/3.9"):
        rsp.notification(scene.certificates, scene.card.installed(TRANSACTION, iccid), AT, None)
    with refused("8.10.1/3.9"):
        rsp.notification(scene.certificates, scene.card.installed(bytes(16), iccid), AT, session)
    with refused("8.1/6.1"):
        rsp.notification(scene.certificates, stranger.installed(TRANSACTION, iccid), AT, session)
    with refused("8.2.1/3.10"):
        rsp.notification(scene.certificates, scene.card.installed(TRANSACTION, "9899970000"), AT, session)
    with refused("8.8/3.10"):
        wrong = scene.card.installed(TRANSACTION, iccid, oid=bytes.fromhex("88370b"))
        rsp.notification(scene.certificates, wrong, AT, session)
    with refused("1.6/2.1"):
        deleted = scene.card.installed(TRANSACTION, iccid, event=Event.DELETE.value)
        rsp.notification(scene.certificates, deleted, AT, session)


@pytest.mark.parametrize("event", [0x00, 0xC0, 0x08])
def test_a_notification_tells_of_one_event(scene: Scene, event: int) -> None:
    with refused("1.6/2.1"):
        rsp.notification(scene.certificates, scene.card.tells(event, None), AT, None)


def test_a_notification_that_no_store_could_keep_is_refused(scene: Scene) -> None:
    event = Event.ENABLE.value
    for sequence in (b"", b"\x00" * 9, b"\xff", b"\x00\x80\x00\x00\x00"):
        with refused("1.6/2.1"):
            rsp.notification(scene.certificates, scene.card.tells(event, None, sequence), AT, None)
    with refused("1.6/2.1"):
        rsp.notification(scene.certificates, scene.card.says(address="a\x00b").tells(event, None), AT, None)
    largest = rsp.notification(scene.certificates, scene.card.tells(event, None, b"\x7f\xff\xff\xff"), AT, None)
    assert largest.sequence == 2**31 - 1


def test_a_notification_brings_a_card_that_we_believe_and_its_signature(scene: Scene, stranger: LittleCard) -> None:
    event = Event.DELETE.value
    with refused("8.1/6.1"):
        rsp.notification(scene.certificates, stranger.tells(event, None), AT, None)
    with refused("8.1.3/6.3"):
        rsp.notification(scene.certificates, scene.card.tells(event, None), AT + 26 * YEAR, None)
    with refused("8.11.1/3.9"):
        unknown = replace(scene.certificates, issuers={})
        rsp.notification(unknown, scene.card.tells(event, None), AT, None)


def test_no_refusal_says_more_than_a_client_may_know(scene: Scene) -> None:
    with pytest.raises(Refused) as found:
        authenticate(scene, scene.card, context=encode(0xA0, encode(0x80, b"secret-order"), encode(0xA1)))
    assert "secret" not in str(found.value)
