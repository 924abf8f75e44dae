"""BER in a file: an element at a time, and lengths that lie are seen before anything is read."""

from __future__ import annotations

import io
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvne_billing.usage.ber.stream import BerStream, TooLong
from mvne_billing.usage.ber.tags import BrokenBer


class Watched(io.BytesIO):
    """A file that remembers the most octets that it was asked for at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.most = max(self.most, len(self.getbuffer()) if size is None or size < 0 else size)
        return super().read(size)


def stream_of(octets: bytes) -> tuple[BerStream, Watched]:
    file = Watched(octets)
    return BerStream(file, len(octets)), file


def test_elements_are_read_one_after_another() -> None:
    stream, _ = stream_of(bytes.fromhex("020105 0402aabb 3080 020101 0000 0500"))
    found = []
    while stream.position < stream.size:
        found.append(stream.element(stream.head(), 100).hex())
    assert found == ["020105", "0402aabb", "30800201010000", "0500"]


@pytest.mark.parametrize("length", ["847fffffff", "88ffffffffffffffff", "830fffff"])
def test_a_gigantic_length_is_an_error_and_nothing_is_read_for_it(length: str) -> None:
    stream, file = stream_of(bytes.fromhex(f"30{length}") + bytes(1000))
    head = stream.head()
    with pytest.raises(BrokenBer, match="longer than what holds it"):
        stream.element(head, 10**9)
    assert file.most < 100


def test_an_element_longer_than_asked_for_is_refused_and_can_be_stepped_over() -> None:
    stream, file = stream_of(bytes.fromhex("04820400") + bytes(1024) + bytes.fromhex("0500"))
    head = stream.head()
    with pytest.raises(TooLong, match="more than 100 octets"):
        stream.element(head, 100)
    stream.seek(stream.after(head))
    assert stream.head().at == 1028
    assert file.most < 100


def test_an_endless_element_of_indefinite_length_is_refused() -> None:
    stream, _ = stream_of(b"\x30\x80" + b"\x05\x00" * 1000)
    head = stream.head()
    with pytest.raises(TooLong):
        stream.element(head, 100)
    with pytest.raises(BrokenBer, match="cut off"):
        stream.after(head)


def test_more_than_the_file_has_is_never_asked_for() -> None:
    stream, file = stream_of(b"\x05\x00")
    with pytest.raises(BrokenBer, match="ends in the middle"):
        stream.take(10**12)
    assert file.most == 0


def test_a_file_that_got_shorter_is_said_so() -> None:
    file: BinaryIO = io.BytesIO(b"\x04\x02\xaa")
    stream = BerStream(file, 4)
    with pytest.raises(BrokenBer, match="got shorter"):
        stream.element(stream.head(), 100)


@pytest.mark.parametrize("octets", [b"\x24\x80" * 50, b"\x04\x80\x00\x00", b"\x30\x80\x04\x80\x00\x00"])
def test_nesting_without_end_and_plain_values_without_length_are_refused(octets: bytes) -> None:
    stream, _ = stream_of(octets)
    head = stream.head()
    with pytest.raises(BrokenBer):
        stream.after(head)


@given(st.binary(max_size=120))
def test_any_octets_come_to_an_end(octets: bytes) -> None:
    stream, file = stream_of(octets)
    read = b""
    try:
        while stream.position < stream.size:
            read += stream.element(stream.head(), 64)
    except BrokenBer:
        pass
    assert octets.startswith(read)
    assert file.most <= 64
