"""Bytes that nobody meant: the card and the phone refuse them in words of their own, and never break."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_provisioning import tlv
from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.phone import certificates, fields, metadata, package
from mvne_provisioning.phone.authentication import ServerSays
from mvne_provisioning.phone.card import Card, OutOfOrder
from mvne_provisioning.phone.es9 import Answer
from mvne_provisioning.phone.lpa import download
from mvne_provisioning.phone.segments import metadata_in, segments
from tests.provisioning.phone import papers
from tests.provisioning.phone.double import CODE, DONE, Double, token
from tests.provisioning.phone.papers import AT, DP_AUTH, ISSUER, Papers

#: Bytes, some of which are TLVs.
GARBAGE = st.binary(max_size=60) | st.recursive(
    st.binary(max_size=12),
    lambda inner: st.builds(
        lambda tag, values: tlv.encode(tag, *values),
        st.sampled_from([0x30, 0x80, 0x81, 0x83, 0x84, 0x5F37, 0xBF25, 0xBF36, 0xBF23, 0xA0, 0xA1, 0xA3, 0x86, 0x88]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=8,
)


def card() -> Card:
    return Card.new(Papers().card())


@given(GARBAGE)
def test_readers_read_or_refuse(data: bytes) -> None:
    for read in (metadata.read, package.iccid_of, metadata_in, fields.iccid, lambda data: [*segments(data)]):
        try:
            read(data)
        except ProvisioningError:
            continue


@given(st.tuples(GARBAGE, GARBAGE, GARBAGE, GARBAGE))
def test_a_card_refuses_a_server_that_sends_garbage(says: tuple[bytes, bytes, bytes, bytes]) -> None:
    chip = card()
    chip.challenge(token)
    with pytest.raises(ProvisioningError):
        chip.authenticate(ServerSays(*says), "smdp.example.com", "", AT)
    with pytest.raises(ProvisioningError):
        chip.prepare(says[0], says[1], says[2], None, token, AT)
    with pytest.raises(OutOfOrder):
        chip.load(says[0])


CERTIFICATE = papers.certificate(DP_AUTH)


@given(st.integers(0, len(CERTIFICATE) - 1), st.integers(1, 255))
def test_a_certificate_with_a_wrong_byte_is_refused(place: int, change: int) -> None:
    damaged = bytearray(CERTIFICATE)
    damaged[place] ^= change
    anchors = certificates.anchors([papers.certificate(ISSUER)])
    with pytest.raises(certificates.BadCertificate):
        certificates.check(anchors, bytes(damaged), certificates.DP_AUTH, AT)


class Damaging:
    """A server of which one byte of one field of an answer goes wrong on the way."""

    def __init__(self, function: str, field: int, place: float, change: int) -> None:
        self.server = Double(with_keys=True)
        self.where = function, field, place, change

    def post(self, function: str, body: Mapping[str, object]) -> Answer | None:
        answer = self.server.post(function, body)
        wanted, field, place, change = self.where
        if function != wanted or answer is None:
            return answer
        names = sorted(name for name in answer if name not in ("header", "transactionId"))
        name = names[field % len(names)]
        data = bytearray(base64.b64decode(str(answer[name])))
        data[int(place * len(data))] ^= change
        return {**answer, name: base64.b64encode(data).decode()}


@given(
    st.sampled_from(["initiateAuthentication", "authenticateClient", "getBoundProfilePackage"]),
    st.integers(0, 4),
    st.floats(0, 1, exclude_max=True),
    st.integers(1, 255),
)
@settings(max_examples=150)
def test_a_download_with_a_wrong_byte_anywhere_fails(function: str, field: int, place: float, change: int) -> None:
    chip, server = card(), Damaging(function, field, place, change)
    with pytest.raises(ProvisioningError):
        download(chip, lambda _: server, CODE, AT, token)
    assert chip.profiles() == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(
    st.sampled_from(["header", "transactionId", "serverSigned1", "serverSignature1", "serverCertificate"]), JSON
)


@given(FIELDS)
def test_any_json_is_refused(answer: dict[str, object]) -> None:
    class Server:
        def post(self, function: str, body: Mapping[str, object]) -> Answer | None:
            return {**DONE, **answer}

    with pytest.raises(ProvisioningError):
        download(card(), lambda _: Server(), CODE, AT, token)


#: BF36 with BF23; A0; A1 and its block; A3 and its three blocks.
SEGMENTS = 8


@given(st.permutations(range(SEGMENTS)) | st.just([*range(SEGMENTS)]))
def test_segments_in_another_order_are_never_installed(order: list[int]) -> None:
    """What comes is loaded piece by piece, as a phone does that does not look at it."""
    chip, server = card(), Double()
    results: list[bytes | None] = []

    def load(data: bytes) -> bytes:
        parts = [*segments(data)]
        for at in order:
            if at < len(parts) and not any(results):
                results.append(chip.load(parts[at]))
        return b""

    server.twists["package"] = load
    with pytest.raises(ProvisioningError):
        download(chip, lambda _: server, CODE, AT, token)
    assert bool(chip.profiles()) == (sorted(order) == order)


def test_a_package_for_one_session_is_nothing_in_the_next() -> None:
    chip = card()
    old: list[bytes] = []

    def keep(data: bytes) -> bytes:
        old.append(data)
        return data

    server = Double(twists={"package": keep})
    download(chip, lambda _: server, CODE, AT, token)
    chip.delete(chip.profiles()[0].iccid)
    again = Double(twists={"package": lambda _: old[0]})
    with pytest.raises(ProvisioningError, match="invalid signature"):
        download(chip, lambda _: again, CODE, AT, lambda size: bytes([9]) * size)
    assert chip.profiles() == ()
