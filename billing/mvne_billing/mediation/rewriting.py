"""Writing down what was priced again: prices that changed, counters, and bills to be made once more."""

from __future__ import annotations

from sqlalchemy import Connection

from mvne_billing.balance.holding import Change
from mvne_billing.mediation.booking import change
from mvne_billing.mediation.desk import open_wholesale, write_counters
from mvne_billing.mediation.rater import Rater
from mvne_billing.mediation.repricing import Repriced
from mvne_billing.mediation.settled import Cause
from mvne_billing.subscription.subscription import reopen


def write(conn: Connection, brand: str, rater: Rater, cause: Cause, found: Repriced) -> list[Change]:
    """Write down what became of lines that were priced again, records that are added apart.

    Returns what became of the balances that had paid for them.
    """
    balances = change(conn, brand, cause, [one for one in found.changes if one.old.rating])
    _write_wholesale(conn, brand, rater, found)
    write_counters(conn, brand, found.desk.counters.values())
    for line in sorted({one.old.subscription for one in found.changes}):
        reopen(conn, brand, found.desk.lines[line], cause.at)
    return balances


def _write_wholesale(conn: Connection, brand: str, rater: Rater, found: Repriced) -> None:
    """Count for the brand what changed; others have counted meanwhile."""
    changed = found.desk.wholesale.changed
    if not changed:
        return
    now = open_wholesale(conn, brand, rater, found.since, lock=True)
    for name, start in changed:
        now.add(name, start, found.desk.wholesale.used(name, start) - found.wholesale.get((name, start), 0))
    write_counters(conn, brand, [now])
