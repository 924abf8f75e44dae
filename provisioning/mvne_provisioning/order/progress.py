"""What the SM-DP+ tells of a download moves the order on: downloaded, installed, so active."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mvne_provisioning.identifiers.iccid import Iccid
from mvne_provisioning.order.errors import UnknownOrder
from mvne_provisioning.order.events import DOWNLOAD_FAILED, Emit
from mvne_provisioning.order.journal import Journal
from mvne_provisioning.order.record import Order
from mvne_provisioning.smdp.port import DownloadProgress, NotificationPoint
from mvne_provisioning.states import OrderKind, OrderState
from mvne_provisioning.tables import provisioning_order as _orders


def on_progress(conn: Connection, brand: str, progress: DownloadProgress, at: datetime, emit: Emit) -> Order:
    """Take in one notification of the SM-DP+ and return the order it is about; told twice it changes nothing.

    Installed makes a ready order active. A failed download is kept as the order's reason and told as
    `order.download_failed`; the customer may try again. What happens on the phone later (enabled, disabled, deleted)
    does not change the order. Raise `UnknownOrder` for a profile that no order of this brand had.
    """
    journal = Journal(conn, brand, _order_of(conn, brand, progress.iccid), at)
    if not progress.succeeded:
        _note_failure(journal, progress, emit)
    elif progress.point in (NotificationPoint.DOWNLOADED, NotificationPoint.INSTALLED):
        _note_success(journal, progress)
        if journal.order.state is OrderState.READY and journal.order.installed_at is not None:
            journal.move(OrderState.ACTIVE, emit, reason=None)
    return journal.order


def _note_success(journal: Journal, progress: DownloadProgress) -> None:
    """Keep the first moment of each point; who installed has downloaded, even if we were not told."""
    facts: dict[str, object] = {}
    if journal.order.downloaded_at is None:
        facts["downloaded_at"] = progress.at
    if progress.point is NotificationPoint.INSTALLED and journal.order.installed_at is None:
        facts["installed_at"] = progress.at
    journal.learn(facts)


def _note_failure(journal: Journal, progress: DownloadProgress, emit: Emit) -> None:
    told = f" ({progress.message})" if progress.message else ""
    reason = f"{progress.at.isoformat()}: {progress.explanation}{told}"
    if journal.order.state is OrderState.READY and journal.order.reason != reason:
        journal.learn({"reason": reason})
        journal.tell(DOWNLOAD_FAILED, emit)


def _order_of(conn: Connection, brand: str, iccid: Iccid) -> str:
    """Return the last order that was to give this profile to a line: a profile given back may be ordered again."""
    query = (
        select(_orders.c.order_id)
        .where(_orders.c.brand == brand, _orders.c.iccid == iccid)
        .where(_orders.c.kind.in_((OrderKind.ACTIVATION, OrderKind.SIM_SWAP)))
        .order_by(_orders.c.placed_at.desc(), _orders.c.order_id.desc())
        .limit(1)
    )
    order_id: str | None = conn.execute(query).scalar_one_or_none()
    if order_id is None:
        raise UnknownOrder(f"no order of {brand} was for the profile {iccid.masked()}")
    return order_id
