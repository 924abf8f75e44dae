"""What a brand needs of its host network: commands for a line, each with a key, and a feed of usage.

A command is sent with a key that was written down before. Sent again with the same key and arguments it has no second
effect and gets the first answer; so after `HostUnavailable` the right thing is to send it again. The line is named by
its IMSI: a host network does not know the brands that ride on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn


class HostUnavailable(ProvisioningError):
    """The host network gave no answer; whether it did what was asked is not known. Retry with the same key."""


class HostRefused(ProvisioningError):
    """The host network said no and changed nothing; `code` is one of `Refusal` or the host's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message

    def __str__(self) -> str:
        return f"the host network refused: {self.message} ({self.code})"


class Refusal(StrEnum):
    """Why a host network refuses, as far as the reasons are common to all."""

    NOT_CAPABLE = "not_capable"  #: this host does not offer the command
    UNKNOWN_LINE = "unknown_line"
    WRONG_STATE = "wrong_state"
    IMSI_IN_USE = "imsi_in_use"
    ICCID_IN_USE = "iccid_in_use"
    MSISDN_IN_USE = "msisdn_in_use"
    KEY_REUSED = "key_reused"  #: the key was used before with other arguments


class Capability(StrEnum):
    """What a host network may offer."""

    VOICE = "voice"
    SMS = "sms"
    DATA = "data"
    ROAMING = "roaming"
    BARRING = "barring"
    THROTTLE = "throttle"
    CHANGE_MSISDN = "change_msisdn"
    SWAP_SIM = "swap_sim"
    USAGE_FEED = "usage_feed"


class Barring(StrEnum):
    """What a line can be kept from (after operator determined barring, 3GPP TS 22.041)."""

    OUTGOING_VOICE = "outgoing_voice"
    INTERNATIONAL = "international"
    SMS = "sms"
    DATA = "data"
    ROAMING = "roaming"
    PREMIUM = "premium"


class HostState(StrEnum):
    """Where a line stands at the host network."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


#: A terminated IMSI may be activated again: its profile went back to the pool before anybody downloaded it.
HOST_MOVES: Mapping[HostState, frozenset[HostState]] = {
    HostState.ACTIVE: frozenset({HostState.SUSPENDED, HostState.TERMINATED}),
    HostState.SUSPENDED: frozenset({HostState.ACTIVE, HostState.TERMINATED}),
    HostState.TERMINATED: frozenset({HostState.ACTIVE}),
}


@dataclass(frozen=True, slots=True)
class HostLine:
    """A line as the host network knows it; `bits_per_second` is the speed it is held to, None for full speed."""

    imsi: Imsi
    iccid: Iccid
    msisdn: Msisdn
    state: HostState
    barrings: frozenset[Barring]
    bits_per_second: int | None


class UsageKind(StrEnum):
    """What was used; the unit of its amount is beside it."""

    VOICE = "voice"  #: seconds
    SMS = "sms"  #: messages
    DATA = "data"  #: bytes, both directions


@dataclass(frozen=True, slots=True)
class NetworkUsage:
    """One record of use. `id` is the host's own and never given twice; `sequence` is its place in the feed.

    `amount` is in seconds, messages or bytes by `kind`; `called` the number as dialled, None for data; `country` where
    the phone was, ISO 3166 two-letter.
    """

    id: str
    imsi: Imsi
    msisdn: Msisdn
    kind: UsageKind
    start: datetime
    amount: int
    called: str | None
    country: str
    sequence: int


@dataclass(frozen=True, slots=True)
class UsageBatch:
    """Records in the order of their sequence; `next` is what to ask `after` for the following batch."""

    records: tuple[NetworkUsage, ...]
    next: int


class HostNetwork(Protocol):
    """A host network. Every command may raise `HostUnavailable` or `HostRefused`."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this host offers; a command it does not offer is refused as `not_capable`."""

    def activate(self, key: str, imsi: Imsi, iccid: Iccid, msisdn: Msisdn) -> None:
        """Make the line live, with this card and number, nothing barred and at full speed."""

    def suspend(self, key: str, imsi: Imsi) -> None:
        """Stop an active line; it keeps its number."""

    def resume(self, key: str, imsi: Imsi) -> None:
        """Make a suspended line active again."""

    def terminate(self, key: str, imsi: Imsi) -> None:
        """End the line; its number and card are free at the host."""

    def change_msisdn(self, key: str, imsi: Imsi, msisdn: Msisdn) -> None:
        """Give the line another number."""

    def swap_sim(self, key: str, old_imsi: Imsi, new_imsi: Imsi, new_iccid: Iccid) -> None:
        """Move the line, with number, state, barrings and speed, to another card; the old one is terminated."""

    def set_barring(self, key: str, imsi: Imsi, barrings: frozenset[Barring]) -> None:
        """Bar exactly `barrings`; the empty set bars nothing."""

    def set_throttle(self, key: str, imsi: Imsi, bits_per_second: int | None) -> None:
        """Hold data to this speed; None lifts it."""

    def line(self, imsi: Imsi) -> HostLine | None:
        """Return the line, a terminated one too; None if the host never had it. May raise `HostUnavailable`."""

    def usage_feed(self, after: int, limit: int) -> UsageBatch:
        """Return at most `limit` records with a sequence above `after` (0 for all). May raise `HostUnavailable`."""
