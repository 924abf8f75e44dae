"""A file of BER elements, read forward: an element at a time, nothing longer than asked for is ever held.

A length that lies is seen before anything is read: what a file holds is known from its size.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from mvne_billing.usage.ber.decoding import DEEPEST
from mvne_billing.usage.ber.tags import END, INDEFINITE, BrokenBer, read_head

#: The octets of the longest head: a tag of 5, a length of 9.
_HEAD = 14


class TooLong(BrokenBer):
    """An element is whole as far as can be seen but longer than what is read at once."""


class Head(NamedTuple):
    """The head of the element that begins at octet `at`: its contents begin at `start`."""

    tag: int
    constructed: bool
    length: int
    at: int
    start: int
    minimal: bool

    @property
    def is_end(self) -> bool:
        """Whether this is an end-of-contents mark."""
        return self.tag == END and not self.constructed and self.length == 0


class BerStream:
    """Octets of a seekable file from `position` on; `size` is where they end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self.position = file.tell()

    def seek(self, position: int) -> None:
        """Go on at another octet."""
        self._file.seek(position)
        self.position = position

    def take(self, count: int) -> bytes:
        """Return the next octets; raise `BrokenBer` when the file has fewer."""
        if count > self.size - self.position:
            raise BrokenBer("the file ends in the middle of an element", self.size)
        octets = self._file.read(count)
        if len(octets) != count:
            raise BrokenBer("the file got shorter while it was read", self.position)
        self.position += count
        return octets

    def head(self, end: int | None = None) -> Head:
        """Read the next head and stand at its contents; raise `BrokenBer` when it does not fit before `end`."""
        at, end = self.position, self.size if end is None else min(end, self.size)
        octets = self._file.read(min(_HEAD, max(end - at, 0)))
        try:
            tag, constructed, length, size, minimal = read_head(octets, 0, len(octets))
        except BrokenBer as error:
            self.seek(at)
            raise BrokenBer(error.message, at + error.at) from None
        self.seek(at + size)
        return Head(tag, constructed, length, at, at + size, minimal)

    def element(self, head: Head, longest: int, end: int | None = None) -> bytes:
        """Return all octets of the element whose head was just read, and stand after it.

        Raises `TooLong` beyond `longest` octets and `BrokenBer` when it does not fit before `end`.
        """
        stop = self.after(head, end, longest)
        self.seek(head.at)
        return self.take(stop - head.at)

    def after(self, head: Head, end: int | None = None, longest: int | None = None) -> int:
        """Return where the element is over without keeping it; for an indefinite length this walks over its parts."""
        end = self.size if end is None else min(end, self.size)
        if head.length != INDEFINITE:
            stop = head.start + head.length
            if stop > end:
                raise BrokenBer("an element is longer than what holds it", head.at)
        else:
            stop = self._walk(head, end, longest)
        if longest is not None and stop - head.at > longest:
            raise TooLong(f"an element of more than {longest} octets", head.at)
        return stop

    def _walk(self, head: Head, end: int, longest: int | None) -> int:
        if not head.constructed:
            raise BrokenBer("a plain value without a length", head.at)
        self.seek(head.start)
        open_elements = 1
        while open_elements:
            inner = self.head(end)
            if inner.is_end:
                open_elements -= 1
            elif inner.length != INDEFINITE:
                self.seek(self.after(inner, end))
            elif inner.constructed and open_elements < DEEPEST:
                open_elements += 1
            else:
                raise BrokenBer("elements are nested too deeply, or a plain value has no length", inner.at)
            if longest is not None and self.position - head.at > longest:
                raise TooLong(f"an element of more than {longest} octets", head.at)
        return self.position
