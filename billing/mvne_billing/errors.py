"""The root of what billing refuses for a reason that a person can mend."""

from __future__ import annotations


class BillingError(Exception):
    """Billing cannot do this; the message says why, and what to do about it."""
