"""BER-TLV: what is written is read again, byte for byte, and what is no TLV is said to be none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_provisioning import tlv
from mvne_provisioning.tlv import Malformed

TAGS = st.sampled_from([0x04, 0x30, 0x5A, 0x80, 0xA0, 0x5F37, 0x5F49, 0xBF25, 0xBF38])


@given(TAGS, st.binary(max_size=70_000))
def test_what_is_written_is_read_again(tag: int, value: bytes) -> None:
    written = tlv.encode(tag, value)
    one, end = tlv.read(b"\x00\x00" + written + b"rest", 2)
    assert (one.tag, one.value, one.raw, end) == (tag, value, written, 2 + len(written))


@given(st.binary(max_size=40))
def test_any_bytes_are_read_to_their_end_or_refused(data: bytes) -> None:
    try:
        found = list(tlv.read_all(data))
    except Malformed:
        return
    assert b"".join(one.raw for one in found) == data


def test_children_are_found_by_their_tags() -> None:
    one = tlv.read_one(tlv.encode(0xBF38, tlv.encode(0x80, b"a"), tlv.encode(0x5F37, b"b")), 0xBF38)
    assert [child.tag for child in one.children] == [0x80, 0x5F37]
    assert one.child(0x5F37).value == b"b"
    assert one.find(0x81) is None
    with pytest.raises(Malformed, match="BF38 has no 81"):
        one.child(0x81)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "a tag is missing"),
        ("80", "a length is missing"),
        ("8005aabb", "says 5 bytes, and there are 2"),
        ("808000", "indefinite"),
        ("8084000000010a", "too long"),
        ("8082", "cut off"),
        ("bf", "cut off"),
        ("bf8181818100", "too long"),
        ("8101aa", "80 is expected here, not 81"),
        ("8001aabb", "1 bytes follow"),
    ],
)
def test_what_is_no_tlv_is_refused_with_the_place(data: str, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        tlv.read_one(bytes.fromhex(data), 0x80)


@given(st.integers(0, 2**70))
def test_a_whole_number_is_never_read_as_negative(number: int) -> None:
    assert int.from_bytes(tlv.integer(number), "big", signed=True) == number


@given(st.sampled_from([0, 1, 2]), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=6))
def test_object_identifiers_come_back(first: int, second: int, rest: list[int]) -> None:
    said = ".".join(str(arc) for arc in (first, second, *rest))
    assert tlv.dotted(tlv.oid(said)) == said


@pytest.mark.parametrize("value", ["", "88", "06ff"])
def test_an_object_identifier_that_is_cut_off_is_refused(value: str) -> None:
    with pytest.raises(Malformed, match="cut off"):
        tlv.dotted(bytes.fromhex(value))
