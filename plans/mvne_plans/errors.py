"""The root of what cannot be read as money, time, quantity or plan."""

from __future__ import annotations


class PlansError(ValueError):
    """This is not what it should be; the message says what to write instead."""
