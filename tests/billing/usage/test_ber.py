"""BER, octet by octet: what is read is what pycrate reads, what is written is shortest, what is broken is said so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrate_asn1dir.TAP3 import TAP_0312

from mvne_billing.usage.ber.decoding import DEEPEST, decode
from mvne_billing.usage.ber.encoding import encode
from mvne_billing.usage.ber.schema import Field, Form, Type, compiled, list_of, part, record
from mvne_billing.usage.ber.tags import INDEFINITE, BrokenBer, application, context, read_head, universal, write_head
from tests.billing.usage import taps

EVENT = compiled("", TAP_0312.CallEventDetail)

NUMBER, OCTETS = Type(Form.INTEGER), Type(Form.OCTETS)
CHOICE = record(Form.CHOICE, number=(0, NUMBER), octets=(1, OCTETS))
THING = record(
    Form.SEQUENCE,
    number=(0, NUMBER),
    octets=(1, OCTETS),
    text=(2, Type(Form.TEXT)),
    truth=(3, Type(Form.BOOLEAN)),
    nothing=(4, Type(Form.NULL)),
    choice=(5, CHOICE),
    numbers=(6, list_of(NUMBER, universal(2))),
)
FIELD = part("thing", 0, (context(9),), THING)


@pytest.mark.parametrize(
    ("octets", "tag", "constructed", "length", "start", "minimal"),
    [
        ("0203", universal(2), False, 3, 2, True),
        ("3003", universal(16), True, 3, 2, True),
        ("5f8113 05", application(147), False, 5, 4, True),
        ("7f8f7f 05", application(0x0F << 7 | 0x7F), True, 5, 4, True),
        ("bf1f 05", context(31), True, 5, 3, True),
        ("7f1e 05", application(30), True, 5, 3, False),
        ("5f8013 05", application(19), False, 5, 4, False),
        ("ff81808001 00", (1 << 21 | 1) << 2 | 3, True, 0, 6, True),
        ("30 8180", universal(16), True, 128, 3, True),
        ("30 8105", universal(16), True, 5, 3, False),
        ("30 820080", universal(16), True, 128, 4, False),
        ("30 820100", universal(16), True, 256, 4, True),
        ("30 80", universal(16), True, INDEFINITE, 2, False),
        ("30 88ffffffffffffffff", universal(16), True, 2**64 - 1, 10, True),
    ],
)
def test_the_head_of_an_element_is_read(
    octets: str, tag: int, constructed: bool, length: int, start: int, minimal: bool
) -> None:
    found = bytes.fromhex(octets)
    assert read_head(found, 0, len(found)) == (tag, constructed, length, start, minimal)


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("", "an element is cut off"),
        ("02", "the length of an element is cut off"),
        ("5f", "a tag is cut off"),
        ("5f81", "a tag is cut off"),
        ("5f8181818101 00", "a tag is cut off or has too many octets"),
        ("30 82 01", "a length is cut off"),
        ("30 89 000000000000000001", "a length is cut off or has too many octets"),
        ("30 ff", "a length is cut off or has too many octets"),
    ],
)
def test_a_broken_head_is_said_so(octets: str, message: str) -> None:
    found = bytes.fromhex(octets)
    with pytest.raises(BrokenBer, match=message):
        read_head(found, 0, len(found))


@given(st.integers(0, 2**28 - 1), st.integers(0, 3), st.booleans(), st.integers(0, 2**40))
def test_a_written_head_is_read_back_as_the_shortest(number: int, kind: int, constructed: bool, length: int) -> None:
    octets = write_head(number << 2 | kind, constructed, length)
    assert read_head(octets, 0, len(octets)) == (number << 2 | kind, constructed, length, len(octets), True)


values = st.fixed_dictionaries(
    {},
    optional={
        "number": st.integers(-(2**127), 2**127 - 1),
        "octets": st.binary(max_size=300),
        "text": st.text(max_size=40),
        "truth": st.booleans(),
        "nothing": st.just(0),
        "choice": st.one_of(
            st.tuples(st.just("number"), st.integers(-300, 300)), st.tuples(st.just("octets"), st.binary(max_size=3))
        ),
        "numbers": st.lists(st.integers(-(2**40), 2**40), max_size=4),
    },
)


@given(values)
def test_what_is_written_is_read_back_and_nothing_about_it_is_odd(value: dict[str, Any]) -> None:
    assert decode(FIELD, encode(FIELD, value)) == (value, [])


@pytest.mark.parametrize(
    "event",
    [
        taps.call(),
        taps.call(name="mobileTerminatedCall", duration=-5),
        taps.message(),
        taps.data(),
        taps.data(volumes=(-1, None)),
        ("supplServiceEvent", {"supplServiceUsed": {"supplServiceCode": b"21", "supplServiceActionCode": 3}}),
        (
            "messagingEvent",
            {"messagingEventService": 1, "charge": 2**40, "chargedParty": {"imsi": taps.bcd(taps.IMSI)}},
        ),
    ],
    ids=lambda event: event[0],
)
def test_events_are_read_and_written_as_pycrate_does(event: taps.Event) -> None:
    octets = TAP_0312.CallEventDetail.to_ber(event)
    value, odd = decode(EVENT, octets)
    assert (value, odd) == (event, [])
    TAP_0312.CallEventDetail.from_ber(octets)
    assert value == TAP_0312.CallEventDetail.get_val()
    assert encode(EVENT, value) == octets


@pytest.mark.parametrize(
    ("octets", "value", "odd"),
    [
        ("a9 80 800105 0000", {"number": 5}, "indefinite length"),
        ("a9 8103 800105", {"number": 5}, "longer tag or length"),
        ("a9 04 80020005", {"number": 5}, "longer number"),
        ("a9 04 8002ff80", {"number": -128}, "longer number"),
        ("a9 06 8101aa 800105", {"octets": b"\xaa", "number": 5}, "number out of order"),
        ("a9 06 800105 880100", {"number": 5}, "unknown part with tag 8"),
        ("a9 08 a106 0401aa 0401bb", {"octets": b"\xaa\xbb"}, "string in pieces"),
        ("a9 08 a206 040161 040162", {"text": "ab"}, "string in pieces"),
        ("a9 03 830101", {"truth": True}, "a truth value written 01"),
    ],
)
def test_what_is_legal_but_not_shortest_is_read_and_told(octets: str, value: dict[str, Any], odd: str) -> None:
    found, told = decode(FIELD, bytes.fromhex(octets))
    assert found == value
    assert told
    assert odd in told[0]
    assert encode(FIELD, found) != bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("a8 00", "another tag than that of thing"),
        ("89 00", "thing is a plain value"),
        ("a9 03 800105 00", "octets are left over"),
        ("a9 02 8001", "an element is longer than what holds it"),
        ("a9 02 8000", "number is a number of 0 octets"),
        ("a9 13 8011" + "01" * 17, "number is a number of 17 octets"),
        ("a9 06 800105 800106", "number is there twice"),
        ("a9 03 a00105", "number is a plain value, not parts"),
        ("a9 03 840100", "nothing has contents"),
        ("a9 02 a500", "an element is cut off"),
        ("a9 04 a5028200", "choice is none of its alternatives"),
        ("a9 07 a505 800105 8100", "choice holds more than one value"),
        ("a9 03 850105", "choice is a plain value"),
        ("a9 05 a603 040105", "an item has another tag than its list's"),
        ("a9 05 a103 020105", "a plain value is expected"),
        ("a9 80 800105", "an element is cut off"),
        ("a9 80 8080 0000", "a plain value without a length"),
        ("a9 06 8084ffffffff", "an element is longer than what holds it"),
    ],
)
def test_a_broken_element_says_what_and_where(octets: str, message: str) -> None:
    with pytest.raises(BrokenBer, match=f"{message}.*octet [0-9]+"):
        decode(FIELD, bytes.fromhex(octets))


@pytest.mark.parametrize("depth", [DEEPEST + 2, 5000])
def test_elements_that_are_nested_without_end_are_refused(depth: int) -> None:
    nested = Type(Form.SEQUENCE, lambda: (inner,))
    inner = part("inner", 0, (context(0),), nested)
    octets = b""
    for _ in range(depth):
        octets = write_head(context(0), True, len(octets)) + octets
    with pytest.raises(BrokenBer, match="nested too deeply"):
        decode(inner, octets)
    for field, opening in ((inner, b"\xa0\x80"), (part("octets", 0, (universal(4),), OCTETS), b"\x24\x80")):
        with pytest.raises(BrokenBer, match="nested too deeply"):
            decode(field, opening * depth + b"\x00\x00" * depth)


def test_a_definition_of_two_tags_is_two_elements() -> None:
    field = Field("twice", 0, (context(1), context(2)), NUMBER, 1)
    assert encode(field, 5).hex() == "a103820105"
    assert decode(field, bytes.fromhex("a103820105")) == (5, [])
    with pytest.raises(BrokenBer, match="another tag inside twice"):
        decode(field, bytes.fromhex("a103830105"))


@given(st.binary(max_size=200))
def test_any_octets_are_a_value_or_broken(octets: bytes) -> None:
    for field in (EVENT, FIELD):
        try:
            value, odd = decode(field, octets)
        except BrokenBer:
            continue
        again = encode(field, value)
        assert (again == octets) is not bool(odd)
        assert decode(field, again) == (value, [])


@given(st.data())
def test_any_damage_to_an_event_is_a_value_or_broken(data: st.DataObject) -> None:
    octets = bytearray(TAP_0312.CallEventDetail.to_ber(taps.call()))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        value, odd = decode(EVENT, bytes(octets))
    except BrokenBer:
        return
    assert (encode(EVENT, value) == octets) is not bool(odd)
