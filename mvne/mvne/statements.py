"""How a balance stands, stood, and came to stand so: what a person who helps subscribers looks at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mvne import care
from mvne.care import Cells
from mvne.platform import Platform
from mvne_billing.balance import account, statement
from mvne_billing.balance.account import Balance
from mvne_billing.balance.holding import lots_of
from mvne_billing.balance.lots import Lot, expired, in_order, reduced, settled
from mvne_billing.balance.statement import Statement
from mvne_plans.money import micro_text


def show(platform: Platform, brand: str, name: str, at: datetime) -> dict[str, Any]:
    """Return how the balance of a line stands, titles first: what is free and held, and the lots it is made of.

    What has expired by `at` and no sweep has taken yet is not free any more, and told apart.
    """
    line_id = care.line_id(platform, brand, name)
    with platform.store.read() as conn:
        known = account.get(conn, brand, line_id)
        lots = settled(lots_of(conn, brand, line_id), known.held_micro)
        told = statement.recomputed(conn, brand, line_id)
    over = expired(lots, known.free_micro, known.reserved_micro, at)
    lapsing = sum(micro for _, micro in over)
    shown = _summary(line_id, known.currency, told)
    shown["free"] = micro_text(known.free_micro - lapsing, known.currency)
    if lapsing:
        shown["expired, not yet taken"] = micro_text(lapsing, known.currency)
    if known.floor_micro:
        shown["may fall to"] = micro_text(known.floor_micro, known.currency)
    return {**shown, "lots": [_lot(lot, known) for lot in in_order(reduced(lots, over)) if lot.left_micro]}


def show_at(platform: Platform, brand: str, name: str, at: datetime) -> dict[str, Any]:
    """Return how the balance of a line stood after everything up to `at`, recomputed from the ledger alone."""
    line_id = care.line_id(platform, brand, name)
    with platform.store.read() as conn:
        known = account.get(conn, brand, line_id)
        told = statement.recomputed(conn, brand, line_id, at)
    return {**_summary(line_id, known.currency, told), "at": at.isoformat(timespec="seconds")}


def history(platform: Platform, brand: str, name: str, limit: int, at: datetime | None = None) -> list[Cells]:
    """Return a line's newest movements up to `at`, newest first, each with what was free after it."""
    line_id = care.line_id(platform, brand, name)
    with platform.store.read() as conn:
        currency = account.get(conn, brand, line_id).currency
        found = statement.movements(conn, brand, line_id, limit, at)
    return [
        {
            "id": one.id,
            "when": one.at.isoformat(timespec="minutes"),
            "what": one.code.replace("_", " "),
            "free": _signed(one.free, currency),
            "held": _signed(one.reserved, currency),
            "free after": micro_text(one.free_after, currency),
            "reference": one.reference,
        }
        for one in found
    ]


def _summary(line_id: str, currency: str, told: Statement) -> dict[str, Any]:
    def text(micro: int) -> str:
        return micro_text(micro, currency)

    return {
        "line": line_id,
        "free": text(told.free),
        "held by sessions": text(told.reserved),
        "paid in": text(told.paid_in),
        "bonus": text(told.bonus),
        "sent and received": text(told.sent),
        "adjusted": text(told.adjusted),
        "expired": text(told.expired),
        "spent": text(told.spent),
    }


def _lot(lot: Lot, known: Balance) -> Cells:
    return {
        "lot": lot.id,
        "from": str(lot.kind),
        "left": micro_text(lot.left_micro, known.currency),
        "of": micro_text(lot.micro, known.currency),
        "good until": lot.expires_at.isoformat(timespec="minutes") if lot.expires_at else "for ever",
    }


def _signed(micro: int, currency: str) -> str:
    return "" if not micro else f"{'+' if micro > 0 else ''}{micro_text(micro, currency)}"
