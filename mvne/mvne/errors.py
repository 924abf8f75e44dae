"""The root of what can go wrong for a reason that a person can mend."""

from __future__ import annotations


class MvneError(Exception):
    """Something cannot be done; the message says what, and what to do about it."""
