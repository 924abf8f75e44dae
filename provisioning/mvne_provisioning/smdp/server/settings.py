"""What an SM-DP+ is told when it starts: its address, its limits, its lifetimes, and whom it serves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mvne_provisioning.smdp.simulated_phone import LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long things are kept.

    `order`: a released order that no phone comes for; `session`: a download between two calls of a phone; `result`: a
    handed out package whose installation is not yet told; `call`: the answers to the operator's calls.
    """

    order: timedelta = timedelta(days=90)
    session: timedelta = timedelta(minutes=10)
    result: timedelta = timedelta(days=30)
    call: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Settings:
    """One SM-DP+: the FQDN that phones know, limits and lifetimes, and the operators (empty: any) that may call."""

    address: str
    limits: Limits = LIMITS
    lifetimes: Lifetimes = Lifetimes()
    callers: frozenset[str] = frozenset()
