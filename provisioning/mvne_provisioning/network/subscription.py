"""What a home network knows of a subscription: its keys, its number, the networks it may reach and how fast.

The same record is what our own HSS keeps, what PyHSS is told, and what becomes an Open5GS document.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.milenage import USUAL_AMF, Keys

#: A speed that holds nobody back, in bits per second.
FULL_SPEED = 1_000_000_000


class BadSubscription(ProvisioningError, ValueError):
    """A subscription cannot be like this; the message says what is wrong."""


class IpVersion(StrEnum):
    """The addresses that a session gets."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    IPV4V6 = "ipv4v6"


@dataclass(frozen=True, slots=True)
class Apn:
    """A data network and how its traffic is treated (3GPP TS 29.272 7.3.35): speeds in bits per second.

    `qci` is the quality class (9: best effort), `priority` 1 (first) to 15, both of TS 23.203.
    """

    name: str
    ip_version: IpVersion = IpVersion.IPV4V6
    downlink: int = FULL_SPEED
    uplink: int = FULL_SPEED
    qci: int = 9
    priority: int = 8
    may_preempt: bool = False
    preemptible: bool = True

    def __post_init__(self) -> None:
        if not self.name or not all(c.isascii() and (c.isalnum() or c in "-.") for c in self.name):
            raise BadSubscription(f"{self.name!r} is no APN: it has letters, digits, dots and dashes")
        if not 1 <= self.priority <= 15 or not 1 <= self.qci <= 254:
            raise BadSubscription(f"the APN {self.name} needs a priority of 1 to 15 and a QCI of 1 to 254")


@dataclass(frozen=True, slots=True)
class HssRecord:
    """A subscription as the home network has it; the first APN is the default, `sqn` the last number given.

    A barred subscription keeps everything and gets no service; speeds are of the whole device, in bits per second.
    """

    imsi: Imsi
    keys: Keys = field(repr=False)
    msisdn: Msisdn | None = None
    iccid: Iccid | None = None
    apns: tuple[Apn, ...] = (Apn("internet"),)
    amf: bytes = USUAL_AMF
    sqn: int = 0
    barred: bool = False
    downlink: int = FULL_SPEED
    uplink: int = FULL_SPEED

    def __post_init__(self) -> None:
        names = [apn.name for apn in self.apns]
        if not names or len(set(names)) < len(names):
            raise BadSubscription("a subscription has one APN or more, each once")
        if len(self.amf) != 2:
            raise BadSubscription(f"AMF has {len(self.amf)} bytes instead of 2")
