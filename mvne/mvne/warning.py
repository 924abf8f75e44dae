"""Warning a subscriber whose balance runs low: an event for every mark that was passed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from mvne import outbox
from mvne.selling import Selling
from mvne_billing.balance.holding import Change
from mvne_billing.balance.marks import passed
from mvne_plans.money import micro_text


def warn(conn: Connection, sold: Selling, change: Change, at: datetime) -> None:
    """Write an event for each mark of the brand's rules below which a balance just fell."""
    after = change.after
    for mark in passed(change.before.held_micro, after.held_micro, sold.prepaid().marks):
        content = {"mark": str(mark), "left": micro_text(after.held_micro, after.currency)}
        outbox.emit(conn, sold.brand, "balance.low", after.subscription, content, at)
