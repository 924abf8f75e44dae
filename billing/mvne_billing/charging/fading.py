"""Money in a wallet that expires while it is charged from: it is not spent then, whether it was taken yet or not.

The next sweep takes it (`balance.lapsing`), and says as ever which lot a spending came out of. What a session held when
it expired is the session's still, and is not spent again once it comes back.
"""

from __future__ import annotations

from datetime import UTC, datetime

from mvne_billing.balance.lots import expired
from mvne_billing.charging.account import Account

#: Always past: something has expired already, and more may with everything that comes back.
_NOW = datetime.min.replace(tzinfo=UTC)


def spendable(account: Account, at: datetime, released: int = 0, paid: int = 0) -> int | None:
    """Return what a line can spend at `at` when sessions gave `released` back and `paid` was taken; None: any amount.

    Less the first, what is free is counted as if that had happened already.
    """
    if not account.is_prepaid:
        return None
    if account.fades_at is not None and at >= account.fades_at:
        _look(account, at, account.free + released - paid, account.reserved - released)
    return account.free - account.floor + released - paid - account.faded


def _look(account: Account, at: datetime, free: int, reserved: int) -> None:
    """Note what has expired. It never becomes less: what is held from now on comes out of money that is good."""
    gone = sum(micro for _, micro in expired(account.lots, free, reserved, at))
    account.faded = max(account.faded, gone)
    account.fades_at = _NOW
