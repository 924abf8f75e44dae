"""What the rest of the house is told about orders, in the same transaction as it becomes true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from mvne_provisioning.order.record import Order
from mvne_provisioning.states import OrderState

#: The outbox: called with the connection of the change, the event's name and its content (texts and None).
Emit = Callable[[Connection, str, Mapping[str, object]], None]

DOWNLOAD_FAILED = "order.download_failed"

#: The event that tells of each state; the states in between are nobody else's business.
EVENTS: Mapping[OrderState, str] = {
    OrderState.READY: "order.ready",
    OrderState.ACTIVE: "order.active",
    OrderState.COMPLETED: "order.completed",
    OrderState.FAILED: "order.failed",
    OrderState.CANCELLED: "order.cancelled",
}


def content_of(order: Order, at: datetime) -> dict[str, object]:
    """Return what an event tells of an order. The activation code stays out: who reads it can take the profile."""
    return {
        "brand": order.brand,
        "order_id": order.order_id,
        "kind": str(order.kind),
        "line_id": order.line_id,
        "iccid": order.iccid,
        "imsi": order.imsi,
        "msisdn": order.msisdn,
        "old_iccid": order.old_iccid,
        "old_imsi": order.old_imsi,
        "old_msisdn": order.old_msisdn,
        "reason": order.reason,
        "at": at.isoformat(),
    }
