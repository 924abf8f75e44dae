"""Lines of a text file, with their places: as text whatever octets they hold, and never longer than can be kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from mvne_billing.usage.rows import UsageFileError

#: The longest line (characters) that is a row.
LONGEST = 262_144


class LongLine(str):
    """The beginning of a line that is too long to be a row."""


@contextmanager
def text_of(path: Path, encoding: str = "utf-8-sig") -> Iterator[TextIO]:
    """Open a text file; octets that are no text of the encoding become their escapes.

    Raises `UsageFileError` when the file cannot be read as text of this (known) encoding at all.
    """
    try:
        with path.open(encoding=encoding, newline=None, errors="backslashreplace") as stream:
            yield stream
    except (OSError, UnicodeError) as error:
        raise UsageFileError(f"{path}: cannot be read as {encoding} text ({error})") from None


def lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines that are left, without their ends; a null, which no database keeps, becomes its escape.

    Of a line that is too long the beginning is yielded, as a `LongLine`.
    """
    while line := stream.readline(LONGEST):
        text = line.rstrip("\r\n").replace("\x00", "\\x00")
        if len(line) == LONGEST and not line.endswith("\n"):
            while (rest := stream.readline(LONGEST)) and not rest.endswith("\n"):
                pass
            yield LongLine(text[:1000])
        else:
            yield text
