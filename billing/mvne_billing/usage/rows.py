"""What every reader of a usage file gives beside records: rows that cannot be read, handed on and never dropped."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mvne_billing.errors import BillingError

#: The most octets of a broken row whose text is kept; what is longer is kept from its beginning.
KEPT = 16_384


class UsageFileError(BillingError):
    """The file as a whole cannot be read as usage."""


class LeftOut(Exception):
    """A part of a file is sound but no use of a line that is priced; the message is the reason it is counted under."""


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is not a usage record: its place, its text, what is wrong with it."""

    id: str
    source: str
    text: str
    message: str


def broken(source: str, place: int | str, text: str, message: str) -> BrokenRow:
    """Return a broken row whose id is the same whenever the same file is read."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return BrokenRow(f"row-{source}-{place}-{digest}"[-150:], f"{source}:{place}", text, message)


def broken_octets(source: str, place: int | str, octets: bytes, message: str) -> BrokenRow:
    """Return a broken row of a binary file: its text is in hexadecimal, cut off where it is very long."""
    text = octets[:KEPT].hex()
    return broken(source, place, text if len(octets) <= KEPT else f"{text}… ({len(octets)} octets)", message)


def existing(path: Path) -> Path:
    """Return the path of a file; raise `UsageFileError` when there is none."""
    if not path.is_file():
        raise UsageFileError(f"{path}: there is no such file")
    return path


def file_id(path: Path) -> str:
    """Return an id of a file by its content: the same file loaded twice is the same batch."""
    with existing(path).open("rb") as stream:
        return f"file-{hashlib.file_digest(stream, 'sha256').hexdigest()[:24]}"
