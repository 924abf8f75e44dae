"""A whole download, on both curves, opened by a card of its own: what comes out is what the network knows."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mvne_provisioning.package import PackageUnreadable, read
from mvne_provisioning.pki.signing import is_signed
from mvne_provisioning.smdp import rsp
from mvne_provisioning.smdp.rsp import CancelReason, Event, Failure, InstallationResult, Keys, Other, Sealable, Session
from mvne_provisioning.tlv import encode
from tests.provisioning.rsp.conftest import AT, PROFILE, SERVER_CHALLENGE, TRANSACTION, Scene
from tests.provisioning.rsp.little_card import ADDRESS, CHALLENGE, swap
from tests.provisioning.rsp.opening import open_bpp, split
from tests.provisioning.somebody import PERSONAL

OWN_KEYS = Keys(bytes([1] * 16), bytes([2] * 16), bytes([3] * 16))


def key_of(certificate: str) -> ec.EllipticCurvePublicKey:
    key = x509.load_der_x509_certificate(b64decode(certificate)).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def signature_in(field: str) -> bytes:
    [(tag, value, _)] = split(b64decode(field))
    assert tag == "5F37"
    return value


def test_what_a_card_opens_is_what_the_network_knows(each: Scene) -> None:
    _, answer = each.bound()
    opened = open_bpp(b64decode(answer["boundProfilePackage"]), each.card.ot_key, each.card.identity.eid or "")
    found = read(opened.package)
    assert (found.k, found.opc, found.imsi, found.iccid) == (PERSONAL.k, PERSONAL.opc, PERSONAL.imsi, PERSONAL.iccid)
    assert found == PERSONAL
    assert (opened.package, opened.metadata) == (PROFILE.package, PROFILE.metadata)
    assert opened.configure.hex() == "bf2400"
    assert max(opened.sizes) <= 1020


def test_the_server_signs_both_challenges_with_its_certificate_for_authentication(each: Scene) -> None:
    session, answer = each.initiated()
    signed = b64decode(answer["serverSigned1"])
    [(_, inside, _)] = split(signed)
    assert [(tag, value) for tag, value, _ in split(inside)] == [
        ("80", TRANSACTION),
        ("81", CHALLENGE),
        ("83", ADDRESS.encode()),
        ("84", SERVER_CHALLENGE),
    ]
    assert is_signed(key_of(answer["serverCertificate"]), signature_in(answer["serverSignature1"]), signed)
    assert b64decode(answer["euiccCiPKIdToBeUsed"]) == b"\x04\x14" + each.card.root
    assert answer["transactionId"] == "101112131415161718191A1B1C1D1E1F"
    assert (session.eid, session.matching_id) == (None, None)


def test_the_offer_is_signed_together_with_what_the_card_signed(each: Scene) -> None:
    begun, first = each.initiated()
    request = each.card.authenticate(first)
    session = rsp.authenticate(each.certificates, begun, request, AT)
    _, answer = rsp.offer(each.certificates, session, PROFILE.metadata, PERSONAL.iccid, True)
    signed = b64decode(answer["smdpSigned2"])
    assert signed.hex() == "30158010101112131415161718191a1b1c1d1e1f0101ff"
    [(_, response, _)] = split(b64decode(str(request["authenticateServerResponse"])))
    signature1 = split(split(response)[0][1])[1]
    assert signature1[0] == "5F37"
    covered = signed + signature1[2]
    assert is_signed(key_of(answer["smdpCertificate"]), signature_in(answer["smdpSignature2"]), covered)
    assert b64decode(answer["profileMetadata"]) == PROFILE.metadata


def test_the_one_time_keys_of_both_ends_are_signed_together(each: Scene) -> None:
    _, answer = each.bound()
    [(_, body, _)] = split(b64decode(answer["boundProfilePackage"]))
    opening = split(split(body)[0][1])
    assert [tag for tag, _, _ in opening] == ["82", "80", "A6", "5F49", "5F37"]
    assert [(tag, value.hex()) for tag, value, _ in split(opening[2][1])] == [
        ("80", "88"),
        ("81", "10"),
        ("84", "00" * 16),
    ]
    covered = b"".join(whole for _, _, whole in opening[:-1]) + b"\x5f\x49\x41" + each.card.ot_point
    _, offered = each.offered()
    assert is_signed(key_of(offered["smdpCertificate"]), opening[-1][1], covered)


@pytest.mark.parametrize("size", [1, 1006, 1007, 1008, 1023, 2014, 2015, 12_000])
@pytest.mark.parametrize("protection", [None, OWN_KEYS], ids=["session keys", "own keys"])
def test_a_package_of_any_size_arrives_whole_in_blocks_of_at_most_1020_bytes(
    scene: Scene, size: int, protection: Keys | None
) -> None:
    package = bytes(at % 251 for at in range(size))
    metadata = PROFILE.metadata + bytes(size)
    _, answer = scene.bound(Sealable(package, metadata, protection))
    opened = open_bpp(b64decode(answer["boundProfilePackage"]), scene.card.ot_key, scene.card.identity.eid or "")
    assert (opened.package, opened.metadata) == (package, metadata)
    assert max(opened.sizes) <= 1020
    replaced = "bf2636" + "8010" + "01" * 16 + "8110" + "02" * 16 + "8210" + "03" * 16 if protection else ""
    assert opened.replaced.hex() == replaced


def test_the_largest_block_has_1020_bytes(scene: Scene) -> None:
    _, answer = scene.bound(Sealable(bytes(5000), bytes(5000)))
    opened = open_bpp(b64decode(answer["boundProfilePackage"]), scene.card.ot_key, scene.card.identity.eid or "")
    assert sorted(opened.sizes)[-8:] == [1020] * 8


def test_a_session_goes_on_from_its_text_at_every_point(scene: Scene) -> None:
    session, answer = scene.initiated()
    session = Session.from_text(session.to_text())
    session = rsp.authenticate(scene.certificates, session, scene.card.authenticate(answer), AT)
    assert Session.from_text(session.to_text()) == session
    session, offered = rsp.offer(scene.certificates, session, PROFILE.metadata, PERSONAL.iccid, False)
    assert Session.from_text(session.to_text()) == session
    prepared = rsp.prepare(scene.certificates, Session.from_text(session.to_text()), scene.card.prepare(offered))
    session, _ = rsp.bind(scene.certificates, session, prepared, PROFILE, ec.generate_private_key, bytes)
    assert Session.from_text(session.to_text()) == session


def test_a_session_tells_the_card_the_order_and_the_phone(scene: Scene) -> None:
    session, answer = scene.initiated()
    card = scene.card.says(imei=bytes.fromhex("941045022373158f"), matching_id="A-1")
    found = rsp.authenticate(scene.certificates, session, card.authenticate(answer), AT)
    assert (found.eid, found.matching_id, found.imei) == (card.identity.eid, "A-1", "490154203237518")


@pytest.mark.parametrize("matching_id", [None, ""])
def test_a_card_without_matching_id_comes_for_the_order_of_its_eid(scene: Scene, matching_id: str | None) -> None:
    session, answer = scene.initiated()
    card = scene.card.says(matching_id=matching_id)
    assert rsp.authenticate(scene.certificates, session, card.authenticate(answer), AT).matching_id is None


@pytest.mark.parametrize(
    ("said", "imei"),
    [
        ("94104502237315f8", "490154203237518"),
        ("490154203237518f", "490154203237518"),
        ("1234567890123456", None),
        ("ffffffffffffffff", None),
        ("4901", None),
    ],
)
def test_an_imei_is_understood_however_a_phone_lays_it_out_and_nonsense_is_forgotten(
    scene: Scene, said: str, imei: str | None
) -> None:
    session, answer = scene.initiated()
    card = scene.card.says(imei=bytes.fromhex(said))
    assert rsp.authenticate(scene.certificates, session, card.authenticate(answer), AT).imei == imei


@pytest.mark.parametrize(
    ("resource", "free"),
    [("84088101008203012c00", 0x12C00), ("84058101008200", 0), ("8403810100", None), ("84018f", None), ("", None)],
)
def test_a_card_says_how_much_memory_it_has_left(scene: Scene, resource: str, free: int | None) -> None:
    session, answer = scene.initiated()
    signed = scene.card.signed1(answer, info=encode(0xBF22, bytes.fromhex(resource)))
    said = scene.card.authenticate(answer, signed)
    assert rsp.authenticate(scene.certificates, session, said, AT).free_memory == free


def test_addresses_differ_by_more_than_the_case_of_letters_and_may_hold_a_port(scene: Scene) -> None:
    card = scene.card.says(address="SMDP.Example.com:9443")
    session, answer = rsp.initiate(
        scene.certificates, "smdp.example.com:9443", card.initiate(), TRANSACTION, SERVER_CHALLENGE
    )
    assert b"SMDP.Example.com:9443" in b64decode(answer["serverSigned1"])
    said = card.says(address="smdp.example.COM:9443").authenticate(answer)
    assert rsp.authenticate(scene.certificates, session, said, AT).eid


@pytest.mark.parametrize(("typed", "is_right"), [("1234", True), ("1235", False), ("", False)])
def test_the_confirmation_code_is_compared_by_hashes(scene: Scene, typed: str, is_right: bool) -> None:
    session, answer = scene.offered(needs_code=True)
    prepared = rsp.prepare(scene.certificates, session, scene.card.prepare(answer, typed))
    kept = bytes.fromhex("03ac674216f3e15c761ee1a5e255f067953623c8b388b4459e13f978d7c846f4")  # SHA-256 of 1234
    assert rsp.is_code(session, prepared, kept) is is_right


def test_a_code_that_did_not_come_is_never_right(scene: Scene) -> None:
    session, answer = scene.offered()
    prepared = rsp.prepare(scene.certificates, session, scene.card.prepare(answer))
    assert not rsp.is_code(session, prepared, bytes(32))


@pytest.mark.parametrize("reason", [*(one for one in CancelReason if one is not CancelReason.UNDEFINED), 127, 16])
def test_a_card_says_why_it_cancels(each: Scene, reason: int) -> None:
    session, answer = each.offered()
    assert rsp.cancelled(each.certificates, session, each.card.cancel(answer, reason)) == CancelReason(reason)
    assert CancelReason(16) is CancelReason.UNDEFINED


@pytest.mark.parametrize("failure", [None, (5, 10)])
def test_a_card_says_what_became_of_the_installation(each: Scene, failure: tuple[int, int] | None) -> None:
    session, _ = each.bound()
    request = each.card.installed(TRANSACTION, swap(PERSONAL.iccid), failure)
    assert rsp.notified_transaction(request) == TRANSACTION
    found = rsp.notification(each.certificates, request, AT, session)
    assert found == InstallationResult(
        TRANSACTION, each.card.identity.eid or "", PERSONAL.iccid, 7, ADDRESS, Failure(*failure) if failure else None
    )
    assert found.is_installed is (failure is None)


@pytest.mark.parametrize("event", list(Event))
def test_a_card_tells_what_was_done_with_a_profile_later_without_a_session(each: Scene, event: Event) -> None:
    request = each.card.tells(event.value, swap(PERSONAL.iccid))
    assert rsp.notified_transaction(request) is None
    eid = each.card.identity.eid or ""
    assert rsp.notification(each.certificates, request, AT, None) == Other(event, eid, PERSONAL.iccid, 7, ADDRESS)


@pytest.mark.parametrize(
    ("package", "metadata", "says"),
    [
        (PROFILE.package, PROFILE.metadata.replace(b"\x10\xf9", b"\x20\xf7"), "different ICCIDs"),
        (PROFILE.package, PROFILE.metadata[:-1], "metadata cannot be read"),
        (PROFILE.package, b"\xbf\x25\x03\x5a\x01\xaa", "metadata cannot be read"),
        (PROFILE.package[:-1], PROFILE.metadata, "package cannot be read"),
    ],
)
def test_a_profile_that_does_not_agree_with_its_metadata_is_not_loaded(
    package: bytes, metadata: bytes, says: str
) -> None:
    with pytest.raises(PackageUnreadable, match=says):
        Sealable.checked(package, metadata)


def test_nothing_secret_shows_when_a_session_profile_or_key_is_printed(scene: Scene) -> None:
    session, _ = scene.bound()
    shown = repr((session, PROFILE, OWN_KEYS, PERSONAL))
    for secret in (PERSONAL.k, PERSONAL.opc, "1234567", PERSONAL.iccid[:-4], "ORDER-1", OWN_KEYS.encrypting):
        assert str(secret) not in shown
    assert re.search("transaction_id=101112", shown)
