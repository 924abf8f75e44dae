"""What the card checks by itself, behind a phone that looks at nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable

import pytest

from mvne_provisioning import tlv
from mvne_provisioning.phone import certificates
from mvne_provisioning.phone.authentication import AuthenticationRefused, PreparationRefused, ServerSays
from mvne_provisioning.phone.card import Card, OutOfOrder
from mvne_provisioning.phone.codes import AuthenticateError, CancelReason, Command, DownloadError, InstallError
from mvne_provisioning.phone.notifications import failure_in
from mvne_provisioning.phone.segments import segments
from mvne_provisioning.tlv import encode
from tests.provisioning.phone import papers
from tests.provisioning.phone.double import ADDRESS, ICCID, TRANSACTION, Double, elements, metadata, token
from tests.provisioning.phone.papers import AT, DP_AUTH, ISSUER, Papers

Failed = tuple[Command, InstallError]


def asked(server: Double, function: str, **fields: bytes | str) -> dict[str, bytes]:
    """Call the server as it is; return the fields of its answer as bytes."""
    written = {name: one if isinstance(one, str) else base64.b64encode(one).decode() for name, one in fields.items()}
    answer = server.post(function, written)
    assert answer is not None
    plain = ("header", "transactionId")
    return {name: base64.b64decode(str(value)) for name, value in answer.items() if name not in plain}


def package_for(card: Card, server: Double) -> bytes:
    """Lead card and server up to the package."""
    challenge = card.challenge(token)
    said = asked(
        server, "initiateAuthentication", smdpAddress=ADDRESS, euiccChallenge=challenge, euiccInfo1=card.info1()
    )
    names = ("serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed", "serverCertificate")
    answer = card.authenticate(ServerSays(*(said[name] for name in names)), ADDRESS, "ABC", AT)
    offer = asked(server, "authenticateClient", authenticateServerResponse=answer)
    prepared = card.prepare(offer["smdpSigned2"], offer["smdpSignature2"], offer["smdpCertificate"], None, token, AT)
    return asked(server, "getBoundProfilePackage", prepareDownloadResponse=prepared)["boundProfilePackage"]


def result(card: Card, pieces: Iterable[bytes]) -> Failed | None:
    """Load pieces until the card says how it went; it has to say it before they end."""
    for piece in pieces:
        found = card.load(piece)
        if found is not None:
            return failure_in(found)
    pytest.fail("the card says nothing")


def longer(piece: bytes) -> bytes:
    """Return a beginning of which the length says one byte more."""
    return piece[:-1] + bytes([piece[-1] + 1])


def at(place: int, change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    return lambda pieces: [change(one) if number == place else one for number, one in enumerate(pieces)]


def more_in_all(first: bytes) -> bytes:
    """Return the first segment with a length of BF36 that is four bytes too much."""
    return first[:3] + (int.from_bytes(first[3:5], "big") + 4).to_bytes(2, "big") + first[5:]


STRUCTURE = InstallError.SCP03T_STRUCTURE
#: BF36 with BF23; A0; A1 and its block; A3 and its three blocks.
LOADS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], Failed]] = {
    "a length that is not the whole": (at(0, more_in_all), (Command.LOAD_PROFILE_ELEMENTS, STRUCTURE)),
    "metadata that say to be shorter": (
        at(2, lambda one: one[:-1] + bytes([one[-1] - 1])),
        (Command.STORE_METADATA, STRUCTURE),
    ),
    "metadata that say to be longer": (at(2, longer), (Command.STORE_METADATA, STRUCTURE)),
    "elements without a beginning": (lambda all_: [*all_[:4], *all_[5:]], (Command.LOAD_PROFILE_ELEMENTS, STRUCTURE)),
    "a block less": (
        lambda all_: [*all_[:6], *all_[7:]],
        (Command.LOAD_PROFILE_ELEMENTS, InstallError.SCP03T_SECURITY),
    ),
    "a block twice": (
        lambda all_: [*all_[:6], all_[5], *all_[6:]],
        (Command.LOAD_PROFILE_ELEMENTS, InstallError.SCP03T_SECURITY),
    ),
    "two blocks at once": (
        lambda all_: [*all_[:5], all_[5] + all_[6], all_[7]],
        (Command.LOAD_PROFILE_ELEMENTS, STRUCTURE),
    ),
    "no configuration": (lambda all_: [all_[0], *all_[2:]], (Command.CONFIGURE_ISDP, STRUCTURE)),
    "an empty configuration": (at(1, lambda _: b"\xa0\0"), (Command.CONFIGURE_ISDP, STRUCTURE)),
    "nothing": (lambda all_: [b"", *all_], (Command.INITIALISE_SECURE_CHANNEL, InstallError.INCORRECT_INPUT_VALUES)),
}


@pytest.mark.parametrize("name", LOADS)
def test_a_card_takes_its_segments_in_order_and_whole(name: str) -> None:
    change, wanted = LOADS[name]
    card = Card.new(Papers().card())
    assert result(card, change([*segments(package_for(card, Double()))])) == wanted
    assert card.profiles() == ()
    assert card.room == 512_000
    with pytest.raises(OutOfOrder):
        card.load(b"")


def test_a_good_package_is_installed_without_the_phone_looking_at_it() -> None:
    card = Card.new(Papers().card())
    assert result(card, segments(package_for(card, Double()))) is None
    assert card.package(ICCID) == elements()


METADATA: dict[str, tuple[bytes, InstallError]] = {
    "policy rules": (metadata(more=encode(0x99, bytes.fromhex("0640"))), InstallError.PPR_NOT_ALLOWED),
    "an unknown class": (metadata(more=encode(0x95, b"\3")), InstallError.UNSUPPORTED_PROFILE_CLASS),
    "an icon of no type": (metadata(more=encode(0x94, b"x")), InstallError.INCORRECT_INPUT_VALUES),
    "an icon that is too large": (
        metadata(more=encode(0x93, b"\1") + encode(0x94, bytes(1025))),
        InstallError.INCORRECT_INPUT_VALUES,
    ),
    "an icon of a strange type": (
        metadata(more=encode(0x93, b"\2") + encode(0x94, b"x")),
        InstallError.INCORRECT_INPUT_VALUES,
    ),
    "no ICCID": (encode(0xBF25, encode(0x91, b"T"), encode(0x92, b"T")), InstallError.INCORRECT_INPUT_VALUES),
    "half an ICCID": (metadata(b"\x98\x99"), InstallError.INCORRECT_INPUT_VALUES),
    "a name that is no text": (
        encode(0xBF25, encode(0x5A, bytes.fromhex("989979000000000010F9")), encode(0x91, b"\xff"), encode(0x92, b"")),
        InstallError.INCORRECT_INPUT_VALUES,
    ),
    "a name that is too long": (
        encode(0xBF25, encode(0x5A, bytes.fromhex("989979000000000010F9")), encode(0x91, b"T" * 33), encode(0x92, b"")),
        InstallError.INCORRECT_INPUT_VALUES,
    ),
}


@pytest.mark.parametrize("name", METADATA)
def test_a_card_refuses_metadata_with(name: str) -> None:
    said, error = METADATA[name]
    card = Card.new(Papers().card())
    pieces = segments(package_for(card, Double(metadata=said)))
    assert result(card, pieces) == (Command.STORE_METADATA, error)


def test_rules_that_only_say_that_they_may_change_are_no_rules() -> None:
    card = Card.new(Papers().card())
    said = metadata(more=encode(0x99, bytes.fromhex("0780")))
    assert result(card, segments(package_for(card, Double(metadata=said)))) is None


def test_a_card_that_was_given_no_session_says_so() -> None:
    card = Card.new(Papers().card())
    assert card.cancel(TRANSACTION, CancelReason.POSTPONED).hex() == "bf4103810105"
    package_for(card, Double())
    assert card.cancel(bytes(16), CancelReason.POSTPONED).hex() == "bf4103810105"
    assert card.cancel(TRANSACTION, CancelReason.POSTPONED)[3] == 0xA0
    assert card.cancel(TRANSACTION, CancelReason.POSTPONED).hex() == "bf4103810105"


def test_a_new_challenge_ends_the_session_before() -> None:
    card, server = Card.new(Papers().card()), Double()
    pieces = [*segments(package_for(card, server))]
    card.challenge(token)
    with pytest.raises(OutOfOrder):
        card.load(pieces[0])


def test_a_signature_that_is_no_whole_bytes_is_refused() -> None:
    """The library lets it pass when the last bit happens to be 0; then one certificate would have two forms."""
    der = papers.certificate(DP_AUTH)
    signed, algorithm, signature = tlv.read_one(der, 0x30).children
    even = signature.value[1:-1] + bytes([signature.value[-1] & 0xFE])
    damaged = tlv.encode(0x30, signed.raw, algorithm.raw, tlv.encode(0x03, b"\1", even))
    anchors = certificates.anchors([papers.certificate(ISSUER)])
    with pytest.raises(certificates.BadCertificate, match="not whole"):
        certificates.check(anchors, damaged, certificates.DP_AUTH, AT)


def test_a_challenge_is_answered_once() -> None:
    card, server = Card.new(Papers().card()), Double()
    challenge = card.challenge(token)
    said = asked(server, "initiateAuthentication", smdpAddress=ADDRESS, euiccChallenge=challenge, euiccInfo1=b"")
    names = ("serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed", "serverCertificate")
    says = ServerSays(*(said[name] for name in names))
    card.authenticate(says, ADDRESS, "", AT)
    with pytest.raises(AuthenticationRefused) as refused:
        card.authenticate(says, ADDRESS, "", AT)
    assert refused.value.error is AuthenticateError.NO_SESSION
    assert refused.value.answer() == encode(0xBF38, encode(0xA1, encode(0x80, TRANSACTION), encode(0x02, b"\4")))


def test_a_card_prepares_nothing_without_a_server_that_is_authenticated() -> None:
    card = Card.new(Papers().card())
    offer = encode(0x30, encode(0x80, TRANSACTION), encode(0x01, b"\0"))
    with pytest.raises(PreparationRefused) as refused:
        card.prepare(offer, b"", b"", None, token, AT)
    assert refused.value.error is DownloadError.NO_SESSION
    assert refused.value.answer() == encode(0xBF21, encode(0xA1, encode(0x80, TRANSACTION), encode(0x02, b"\4")))


def test_a_card_does_not_prepare_without_the_code_that_is_needed() -> None:
    card, server = Card.new(Papers().card()), Double(needs_code=True)
    with pytest.raises(PreparationRefused, match="a confirmation code is needed") as refused:
        package_for(card, server)
    assert refused.value.error is DownloadError.UNDEFINED
