"""Reading a text file that may be missing, huge, binary or of another encoding, and saying which."""

from __future__ import annotations

from pathlib import Path

from mvne.planfile.findings import Source

#: A plan file of a megabyte has twenty thousand lines; a table may be ten times that.
MOST_PLAN_BYTES = 1_000_000
MOST_TABLE_BYTES = 10_000_000


class Unreadable(Exception):
    """The file cannot be read as text; `place` is the line and column of the first bad byte."""

    def __init__(self, code: str, message: str, source: Source, place: tuple[int, int] = (1, 1)) -> None:
        super().__init__(message)
        self.code, self.message, self.source, self.place = code, message, source, place


def read_source(path: Path, name: str, most: int) -> Source:
    """Return the text of a file of at most `most` bytes, UTF-8 with or without a mark; raise `Unreadable`."""
    nothing = Source(name, "")
    try:
        if not path.exists():
            raise Unreadable("no_such_file", f"there is no file {name}", nothing)
        if not path.is_file():
            raise Unreadable("not_a_file", f"{name} is not a regular file", nothing)
        if path.stat().st_size > most:
            raise Unreadable("too_large", f"the file is larger than {most:,} bytes; it was not read", nothing)
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except (OSError, ValueError) as error:
        raise Unreadable("unreadable", f"the file cannot be read: {error}", nothing) from None
    return _decode(content, name, most)


def _decode(content: bytes, name: str, most: int) -> Source:
    nothing = Source(name, "")
    if len(content) > most:
        raise Unreadable("too_large", f"the file is larger than {most:,} bytes", nothing)
    if b"\0" in content:
        raise Unreadable("binary", "this is a binary file, not text; save it as UTF-8", nothing)
    try:
        return Source(name, content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise Unreadable("not_utf8", message, nothing, place) from None
