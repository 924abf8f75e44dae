"""What a phone does on the simulated host network, and when the network does not let it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.identifier import IdentifierError
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.network.port import Barring, Capability, HostLine, HostState, UsageKind


class UseRefused(ProvisioningError):
    """The network did not let the phone do this; `reason` is a word for programs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason, self.message = reason, message

    def __str__(self) -> str:
        return f"{self.message} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Use:
    """One thing a phone does: `amount` in seconds, messages or bytes; `to` is who is called, None for data.

    `country` is where the phone is, None for at home. Without `id` the record's id is derived from its content, so the
    same use twice is one record.
    """

    imsi: Imsi
    kind: UsageKind
    at: datetime
    amount: int
    to: str | None = None
    country: str | None = None
    id: str | None = None

    def record_id(self) -> str:
        """Return the id of the record this makes."""
        if self.id is not None:
            return self.id
        parts = (self.imsi, self.kind, self.at.astimezone(UTC).isoformat(), self.amount, self.to, self.country)
        return hashlib.sha256(repr(tuple(map(str, parts))).encode()).hexdigest()[:32]


_NEEDED: Mapping[UsageKind, Capability] = {
    UsageKind.VOICE: Capability.VOICE,
    UsageKind.SMS: Capability.SMS,
    UsageKind.DATA: Capability.DATA,
}

_BARRED: Mapping[UsageKind, Barring] = {
    UsageKind.VOICE: Barring.OUTGOING_VOICE,
    UsageKind.SMS: Barring.SMS,
    UsageKind.DATA: Barring.DATA,
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what conditions a network is used: what it offers, the prefixes of premium numbers, its own country."""

    capabilities: frozenset[Capability]
    premium: frozenset[str]
    country: str


def check_use(use: Use, line: HostLine | None, conditions: Conditions) -> HostLine:
    """Return the line on which `use` may happen; raise `UseRefused`."""
    if line is None or line.state is not HostState.ACTIVE:
        raise UseRefused("not_active", f"the line {use.imsi.masked()} is {line.state if line else 'unknown'}")
    if use.amount < 0 or (use.to is None) != (use.kind is UsageKind.DATA):
        raise UseRefused("malformed", "a call or message needs a number and data has none; no amount is negative")
    roams = use.country not in (None, conditions.country)
    if missing := {_NEEDED[use.kind], *([Capability.ROAMING] if roams else [])} - conditions.capabilities:
        raise UseRefused("not_capable", f"this network does not offer {', '.join(sorted(missing))}")
    barred = _barrings_met(use, line.msisdn, roams, conditions.premium) & line.barrings
    if barred:
        raise UseRefused("barred", f"the line {use.imsi.masked()} is barred from {', '.join(sorted(barred))}")
    return line


def _barrings_met(use: Use, own: Msisdn, roams: bool, premium: frozenset[str]) -> frozenset[Barring]:
    """Return every barring that would stop this use."""
    met = {_BARRED[use.kind]}
    if roams:
        met.add(Barring.ROAMING)
    if use.to is not None and any(use.to[:length] in premium for length in range(1, len(use.to) + 1)):
        met.add(Barring.PREMIUM)
    if use.to is not None and _is_abroad(use.to, own):
        met.add(Barring.INTERNATIONAL)
    return frozenset(met)


@lru_cache(maxsize=4096)
def _is_abroad(called: str, own: Msisdn) -> bool:
    """Say whether `called` is a number of another country code; short codes are at home."""
    try:
        return Msisdn(called).country_code != own.country_code
    except IdentifierError:
        return False
