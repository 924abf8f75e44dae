"""What is wrong with one part of a TAP file, with its code."""

from __future__ import annotations

from mvne_billing.usage.record import InvalidUsage


class Fault(InvalidUsage):
    """A part is missing (30), malformed (10), out of range (20) or does not agree with another (100 and more)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
