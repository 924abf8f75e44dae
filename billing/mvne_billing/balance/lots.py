"""Lots of prepaid money: spent from the one that expires first, expired when their time is over. Pure.

Nobody marks a lot when a call is charged: that would cost a write per lot and call. What a line still holds tells what
is left of its lots, because every spending comes out of the lot that expires first: `settled` works it out, and whoever
adds a lot or takes money out by hand does so beforehand, so that a new lot pays only for what is spent after it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

_NEVER = datetime.max.replace(tzinfo=UTC)


class CreditKind(StrEnum):
    """How a lot came in."""

    TOPUP = "topup"
    VOUCHER = "voucher"
    BONUS = "bonus"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class Lot:
    """Money that came in at once: `micro`, of which `left_micro` is left, good until `expires_at` (None: for ever).

    `content` says where it came from, as JSON.
    """

    id: str
    subscription: str
    kind: CreditKind
    micro: int
    left_micro: int
    at: datetime
    expires_at: datetime | None = None
    content: str = "{}"

    def is_over(self, at: datetime) -> bool:
        """Say whether it has expired by `at`."""
        return self.expires_at is not None and self.expires_at <= at


#: What is taken from which lot, in micro-units.
Taken = tuple[tuple[Lot, int], ...]


def in_order(lots: Iterable[Lot]) -> list[Lot]:
    """Return lots in the order in which they are spent: the earliest expiry, then the oldest, first."""
    return sorted(lots, key=lambda lot: (lot.expires_at or _NEVER, lot.at, lot.id))


def settled(lots: Sequence[Lot], held_micro: int) -> tuple[Lot, ...]:
    """Bring lots down to what their line still holds: whatever is missing was spent, in order.

    Money that is held and that no lot accounts for (a refund) belongs to none and never expires.
    """
    missing = max(sum(lot.left_micro for lot in lots) - max(held_micro, 0), 0)
    return reduced(lots, taken(lots, missing))


def taken(lots: Sequence[Lot], micro: int) -> Taken:
    """Return what `micro` takes from each lot, in order; what the lots do not have is taken from none."""
    found = []
    for lot in in_order(lots):
        part = min(lot.left_micro, micro)
        if part:
            found.append((lot, part))
        micro -= part
    return tuple(found)


def reduced(lots: Sequence[Lot], parts: Taken) -> tuple[Lot, ...]:
    """Return the lots less what is taken from them."""
    less = {lot.id: micro for lot, micro in parts}
    return tuple(replace(lot, left_micro=lot.left_micro - less.get(lot.id, 0)) for lot in lots)


def expired(lots: Sequence[Lot], free_micro: int, reserved_micro: int, at: datetime) -> Taken:
    """Return what has expired by `at` in each lot; money that an open session holds may expire when it comes back.

    The sum is what is not to be spent any more of what looks free: max(0, free - what the lots that expire later have).
    """
    over = [lot for lot in settled(lots, free_micro + reserved_micro) if lot.is_over(at)]
    in_sessions = taken(over, reserved_micro)
    return taken(reduced(over, in_sessions), max(free_micro, 0))


def extended(lots: Sequence[Lot], until: datetime | None, at: datetime) -> tuple[Lot, ...]:
    """Return the lots good until `until` (None: for ever) if that is later.

    A bonus keeps its own time, and what has expired by `at` does not come back.
    """

    def renewed(lot: Lot) -> Lot:
        is_longer = lot.expires_at is not None and (until is None or lot.expires_at < until)
        may_be = lot.kind is not CreditKind.BONUS and not lot.is_over(at)
        return replace(lot, expires_at=until) if is_longer and may_be else lot

    return tuple(renewed(lot) for lot in lots)
