"""What can be ordered for a line. Moments are aware; numbers and EIDs are checked types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.network.port import Barring
from mvne_provisioning.states import OrderKind


@dataclass(frozen=True, slots=True)
class Request:
    """Bring a line to life: a profile (of this type), a number (this one), for one eUICC if `eid` is given."""

    line_id: str
    profile_type: str | None = None
    wanted: Msisdn | None = None
    eid: Eid | None = None


@dataclass(frozen=True, slots=True)
class SwapSim:
    """Move a line to a new profile; its old one is retired. The owner's fresh consent is the caller's business."""

    line_id: str
    profile_type: str | None = None
    eid: Eid | None = None


@dataclass(frozen=True, slots=True)
class ChangeNumber:
    """Give a line another number (this one); its old one rests until `quarantine_until`."""

    line_id: str
    quarantine_until: datetime
    wanted: Msisdn | None = None


@dataclass(frozen=True, slots=True)
class Suspend:
    """Stop a line for a while."""

    line_id: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Make a suspended line active again."""

    line_id: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Bar a line from exactly these; the empty set bars nothing."""

    line_id: str
    barrings: frozenset[Barring]


@dataclass(frozen=True, slots=True)
class Throttle:
    """Hold a line's data to this speed; None lifts it."""

    line_id: str
    bits_per_second: int | None


@dataclass(frozen=True, slots=True)
class Terminate:
    """End a line: its number rests until `quarantine_until`, its profile is retired."""

    line_id: str
    quarantine_until: datetime


AnyRequest = Request | SwapSim | ChangeNumber | Suspend | Resume | Bar | Throttle | Terminate

KINDS: Mapping[type[AnyRequest], OrderKind] = {
    Request: OrderKind.ACTIVATION,
    SwapSim: OrderKind.SIM_SWAP,
    ChangeNumber: OrderKind.NUMBER_CHANGE,
    Suspend: OrderKind.SUSPENSION,
    Resume: OrderKind.RESUMPTION,
    Bar: OrderKind.BARRING,
    Throttle: OrderKind.THROTTLE,
    Terminate: OrderKind.TERMINATION,
}


def columns_of(request: AnyRequest) -> dict[str, object]:
    """Return the request as columns of `provisioning_order`, its kind among them."""
    columns: dict[str, object] = {field.name: getattr(request, field.name) for field in fields(request)}
    if isinstance(request, Bar):
        columns["barrings"] = ",".join(sorted(request.barrings))
    return {"kind": KINDS[type(request)], **columns}
