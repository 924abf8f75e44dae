"""One order as it is stored: what was asked, what came to be known, what the phone told, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row

from mvne_provisioning.activation import ActivationCode
from mvne_provisioning.identifiers.eid import Eid
from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.identifiers.imsi import Imsi
from mvne_provisioning.identifiers.msisdn import Msisdn
from mvne_provisioning.network.port import Barring
from mvne_provisioning.states import OrderKind, OrderState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """An order. What is not asked or not yet known is None.

    `iccid`, `imsi` and `msisdn` are what the line has when the order is done, `old_...` what it had before.
    `profile_spent` says that the profile was downloaded although the order is undone, so nobody else can have it.
    `outcome` is how the order will end once it is undone; `reason` why, or the last problem of a download.
    """

    brand: str
    order_id: str
    kind: OrderKind
    line_id: str
    state: OrderState
    profile_type: str | None
    wanted: Msisdn | None
    eid: Eid | None
    barrings: frozenset[Barring]
    bits_per_second: int | None
    quarantine_until: datetime | None
    iccid: Iccid | None
    imsi: Imsi | None
    msisdn: Msisdn | None
    old_iccid: Iccid | None
    old_imsi: Imsi | None
    old_msisdn: Msisdn | None
    matching_id: str | None
    smdp_address: str | None
    profile_spent: bool
    downloaded_at: datetime | None
    installed_at: datetime | None
    outcome: OrderState | None
    reason: str | None
    placed_at: datetime
    changed_at: datetime

    @property
    def activation_code(self) -> ActivationCode | None:
        """What the customer's phone reads, once the order is ready."""
        if self.state not in (OrderState.READY, OrderState.ACTIVE) or self.smdp_address is None:
            return None
        return ActivationCode(self.smdp_address, self.matching_id or "")


def known(value: T | None) -> T:
    """Return what an earlier step of the order made known; that it is not would be a fault of the flow's order."""
    assert value is not None, "a step asked for what no step before it made known"
    return value


_TYPES: Mapping[str, Callable[[str], object]] = {
    "kind": OrderKind,
    "state": OrderState,
    "outcome": OrderState,
    "wanted": Msisdn,
    "msisdn": Msisdn,
    "old_msisdn": Msisdn,
    "eid": Eid,
    "iccid": Iccid,
    "old_iccid": Iccid,
    "imsi": Imsi,
    "old_imsi": Imsi,
}


def order_from(row: Row[Any]) -> Order:
    """Return the order stored in `row`."""
    values: dict[str, Any] = dict(row._mapping)
    for column, type_of in _TYPES.items():
        if values[column] is not None:
            values[column] = type_of(values[column])
    values["barrings"] = frozenset(map(Barring, filter(None, (row.barrings or "").split(","))))
    return Order(**values)
