"""Milenage: the published test sets, and the conversation between a SIM and its home network."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_provisioning import milenage
from mvne_provisioning.milenage import (
    USUAL_AMF,
    Keys,
    MacFailure,
    MilenageError,
    SynchronisationFailure,
    f1,
    f1_star,
    f5_star,
    f2345,
    make_vector,
    opc_from_op,
    read_auts,
    respond,
)
from mvne_provisioning.sequence_numbers import BadSequenceNumber, Seen, next_sqn, resynchronised

#: Inputs and outputs of 3GPP TS 35.207 and TS 35.208: K, RAND, SQN, AMF, OP; OPc, f1, f1*, f2, f5, f3, f4, f5*.
PUBLISHED = [
    """465b5ce8b199b49faa5f0a2ee238a6bc 23553cbe9637a89d218ae64dae47bf35 ff9bb4d0b607 b9b9
    cdc202d5123e20f62b6d676ac72cb318 cd63cb71954a9f4e48a5994e37a02baf 4a9ffac354dfafb3 01cfaf9ec4e871e9
    a54211d5e3ba50bf aa689c648370 b40ba9a3c58b2a05bbf0d987b21bf8cb f769bcd751044604127672711c6d3441 451e8beca43b""",
    """0396eb317b6d1c36f19c1c84cd6ffd16 c00d603103dcee52c4478119494202e8 fd8eef40df7d af17
    ff53bade17df5d4e793073ce9d7579fa 53c15671c60a4b731c55b4a441c0bde2 5df5b31807e258b0 a8c016e51ef4a343
    d3a628ed988620f0 c47783995f72 58c433ff7a7082acd424220f2b67c556 21a8c1f929702adb3e738488b9f5c5da 30f1197061c1""",
    """fec86ba6eb707ed08905757b1bb44b8f 9f7c8d021accf4db213ccff0c7f71a6a 9d0277595ffc 725c
    dbc59adcb6f9a0ef735477b7fadf8374 1006020f0a478bf6b699f15c062e42b3 9cabc3e99baf7281 95814ba2b3044324
    8011c48c0c214ed2 33484dc2136b 5dbdbb2954e8f3cde665b046179a5098 59a92d3b476a0443487055cf88b2307b deacdd848cc6""",
    """9e5944aea94b81165c82fbf9f32db751 ce83dbc54ac0274a157c17f80d017bd6 0b604a81eca8 9e09
    223014c5806694c007ca1eeef57f004f a64a507ae1a2a98bb88eb4210135dc87 74a58220cba84c49 ac2cc74a96871837
    f365cd683cd92e96 f0b9c08ad02e e203edb3971574f5a94b0d61b816345d 0c4524adeac041c4dd830d20854fc46b 6085a86c6f63""",
    """4ab1deb05ca6ceb051fc98e77d026a84 74b0cd6031a1c8339b2b6ce2b8c4a186 e880a1b580b6 9f07
    2d16c5cd1fdf6b22383584e3bef2a8d8 dcf07cbd51855290b92a07a9891e523e 49e785dd12626ef2 9e85790336bb3fa2
    5860fc1bce351e7e 31e11a609118 7657766b373d1c2138f307e3de9242f9 1c42e960d89b8fa99f2744e0708ccb53 fe2555e54aa9""",
    """6c38a116ac280c454f59332ee35c8c4f ee6466bc96202c5a557abbeff8babf63 414b98222181 4464
    1ba00a1a7c6700ac8c3ff3e96ad08725 3803ef5363b947c6aaa225e58fae3934 078adfb488241a57 80246b8d0186bcf1
    16c8233f05a0ac28 45b0f69ab06c 3f8c7587fe8e4b233af676aede30ba3b a7466cc1e6b2a1337d49d3b66e95d7b4 1f53cd2b1113""",
]

KEYS = Keys(bytes(range(16)), opc_from_op(bytes(range(16)), bytes(range(16, 32))))
OTHER = Keys(bytes(16), KEYS.opc)
RAND = bytes(range(100, 116))

sqns = st.integers(0, (1 << 48) - 1)
blocks = st.binary(min_size=16, max_size=16)


@pytest.mark.parametrize("row", PUBLISHED)
def test_every_function_gives_what_the_published_test_sets_say(row: str) -> None:
    k, rand, sqn_bytes, amf, op, opc, *outputs = map(bytes.fromhex, row.split())
    keys, sqn = Keys(k, opc), int.from_bytes(sqn_bytes)
    res, ck, ik, ak = f2345(keys, rand)
    assert opc_from_op(k, op) == opc
    assert [f1(keys, rand, sqn, amf), f1_star(keys, rand, sqn, amf), res, ak, ck, ik, f5_star(keys, rand)] == outputs


@given(k=blocks, op=blocks, rand=blocks, sqn=st.integers(32, (1 << 33) - 1), amf=st.binary(min_size=2, max_size=2))
@settings(max_examples=25)
def test_a_sim_and_its_network_agree_and_the_same_challenge_is_refused_again(
    k: bytes, op: bytes, rand: bytes, sqn: int, amf: bytes
) -> None:
    keys = Keys(k, opc_from_op(k, op))
    vector = make_vector(keys, rand, sqn, amf)
    answer, seen = respond(keys, rand, vector.autn, Seen())
    assert (answer.res, answer.ck, answer.ik) == (vector.xres, vector.ck, vector.ik)
    assert seen.highest == sqn
    with pytest.raises(SynchronisationFailure) as failure:
        respond(keys, rand, vector.autn, seen)
    assert read_auts(keys, rand, failure.value.auts) == sqn
    assert str(failure.value) == "the sequence number of the challenge is not acceptable; resynchronise with the AUTS"


@pytest.mark.parametrize("place", range(16))
def test_a_challenge_changed_in_any_byte_is_refused(place: int) -> None:
    autn = bytearray(make_vector(KEYS, RAND, 64, USUAL_AMF).autn)
    autn[place] ^= 1
    with pytest.raises(MacFailure):
        respond(KEYS, RAND, bytes(autn), Seen())


@pytest.mark.parametrize("place", range(14))
def test_a_resynchronisation_changed_in_any_byte_is_refused(place: int) -> None:
    auts = bytearray(milenage.make_auts(KEYS, RAND, 64))
    auts[place] ^= 1
    with pytest.raises(MacFailure):
        read_auts(KEYS, RAND, bytes(auts))


def test_a_network_with_another_key_is_refused_and_refuses() -> None:
    with pytest.raises(MacFailure):
        respond(OTHER, RAND, make_vector(KEYS, RAND, 64, USUAL_AMF).autn, Seen())
    with pytest.raises(MacFailure):
        read_auts(OTHER, RAND, milenage.make_auts(KEYS, RAND, 64))


def test_an_auts_answers_one_challenge_only() -> None:
    with pytest.raises(MacFailure):
        read_auts(KEYS, bytes(16), milenage.make_auts(KEYS, RAND, 64))


@pytest.mark.parametrize(
    ("seen", "sqn", "accepted"),
    [
        ((0, 0), 0, False),  # nothing is below the beginning
        ((0, 0), 31, False),
        ((0, 0), 32, True),
        ((5, 0), 5 << 5, False),  # used
        ((5, 0), 4 << 5, False),
        ((5, 0), 4 << 5 | 1, True),  # late, but with an IND of its own
        ((5, 0), 6 << 5, True),
        ((5, 0), ((1 << 28) + 5) << 5, True),
        ((5, 0), ((1 << 28) + 6) << 5, False),  # too far ahead
        ((5, 9), ((1 << 28) + 9) << 5, True),  # ahead of the highest of all
    ],
)
def test_a_sequence_number_is_taken_once_and_not_from_too_far_ahead(
    seen: tuple[int, int], sqn: int, accepted: bool
) -> None:
    assert Seen((*seen, *(0,) * 30)).accepts(sqn) is accepted


@given(start=st.integers(0, 1 << 40), order=st.permutations(range(32)))
@settings(max_examples=25)
def test_thirty_two_vectors_are_taken_in_any_order(start: int, order: list[int]) -> None:
    batch, sqn = [], start
    for _ in range(32):
        batch.append(sqn := next_sqn(sqn))
    seen = Seen((start >> 5,) * 32)
    for place in order:
        assert seen.accepts(batch[place])
        seen = seen.after(batch[place])
        assert not seen.accepts(batch[place])
    assert seen.highest == batch[-1]


@given(network=st.integers(0, (1 << 48) - 65), card=st.integers(0, (1 << 48) - 65))
@settings(max_examples=60)
def test_after_resynchronisation_the_next_vector_is_always_taken(network: int, card: int) -> None:
    seen = Seen((*(card >> 5 for _ in range(card % 32 + 1)), *((card >> 5) - 1 for _ in range(31 - card % 32))))
    assert seen.highest == card
    assert seen.accepts(next_sqn(resynchronised(network, card)))


def test_an_old_auts_sent_again_does_not_turn_the_network_back() -> None:
    assert resynchronised(network=500 << 5, card=400 << 5) == 500 << 5
    assert resynchronised(network=400 << 5, card=500 << 5) == 500 << 5
    assert resynchronised(network=(1 << 30) << 5, card=5 << 5) == 5 << 5  # the SIM would refuse such a jump


@pytest.mark.parametrize(
    ("ahead", "stays"), [(-1, False), (0, False), (1, True), (1 << 28, True), ((1 << 28) + 1, False)]
)
def test_the_network_stays_where_it_is_when_the_sim_takes_its_next_number(ahead: int, stays: bool) -> None:
    network, card = (1 << 30) << 5, ((1 << 30) + 1 - ahead) << 5
    assert resynchronised(network, card) == (network if stays else card)
    assert Seen((card >> 5,) * 32).accepts(next_sqn(network)) is stays


def test_sequence_numbers_end_with_a_clear_message() -> None:
    with pytest.raises(BadSequenceNumber, match="used up"):
        next_sqn((1 << 48) - 1)


@pytest.mark.parametrize(
    ("k", "opc", "rand", "amf", "sqn", "message"),
    [
        (15, 16, 16, 2, 0, "K has 15 bytes instead of 16"),
        (16, 32, 16, 2, 0, "OPc has 32"),
        (16, 16, 8, 2, 0, "RAND has 8"),
        (16, 16, 16, 4, 0, "AMF has 4"),
        (16, 16, 16, 2, 1 << 48, "48 bits"),
        (16, 16, 16, 2, -1, "48 bits"),
    ],
)
def test_inputs_of_the_wrong_size_are_named(k: int, opc: int, rand: int, amf: int, sqn: int, message: str) -> None:
    with pytest.raises((MilenageError, BadSequenceNumber), match=message):
        make_vector(Keys(bytes(k), bytes(opc)), bytes(rand), sqn, bytes(amf))


@pytest.mark.parametrize("size", [0, 13, 17])
def test_tokens_of_the_wrong_size_are_named(size: int) -> None:
    with pytest.raises(MilenageError, match="AUTN"):
        respond(KEYS, RAND, bytes(size), Seen())
    with pytest.raises(MilenageError, match="AUTS"):
        read_auts(KEYS, RAND, bytes(size))


def test_nothing_secret_is_shown() -> None:
    vector = make_vector(KEYS, RAND, 64, USUAL_AMF)
    answer = f2345(KEYS, RAND)
    shown = repr((KEYS, vector, answer)) + f"{KEYS} {vector} {answer}"
    for secret in (KEYS.k, KEYS.opc, vector.ck, vector.ik, vector.xres, answer.ak):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
