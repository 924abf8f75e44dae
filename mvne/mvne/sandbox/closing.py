"""Closing the books of a simulated life: the host's minimum is accrued, and everything is proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, or_, select

from mvne import jobs
from mvne.doctor import orphans
from mvne.host_costs import accrue_capacity, in_months
from mvne.sandbox.agenda import Run
from mvne.sandbox.simulation import Asked, SandboxError
from mvne.selling import selling
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, move, post
from mvne_billing.ledger.verifying import Verified, verify
from mvne_billing.tables import transfer as transfer_table
from mvne_plans.agreement import in_force
from mvne_plans.money import round_record
from mvne_plans.period import MONTH, boundary


class Posting(NamedTuple):
    """One side of a transfer that is revenue or cost, before tax: `micro` above 0 is income. `month` is `2027-01`."""

    month: str
    subscription: str | None
    account: str
    micro: int

    @property
    def is_cost(self) -> bool:
        """Whether it is a cost; the rest is revenue."""
        return self.account.startswith(_COST)


#: Use becomes revenue when it is billed: until then it stands, tax included, in the unbilled accounts.
_REVENUE = ("revenue:", "rounding", "unbilled:")
_COST = "cost:"


def postings(conn: Connection, run: Run) -> Iterator[Posting]:
    """Yield everything in the ledger that is revenue or cost, in the order of its moments."""
    table, zone = transfer_table.c, ZoneInfo(run.brand.timezone)
    columns = (table.debit, table.credit)
    counts = or_(*(column.startswith(prefix) for column in columns for prefix in (*_REVENUE, _COST)))
    query = select(table.at, table.subscription, table.debit, table.credit, table.micro).where(
        table.brand == run.name, table.currency == run.brand.currency, counts
    )
    months: dict[datetime, str] = {}
    for at, subscription, debit, credit, micro in conn.execute(query.order_by(table.at, table.id)):
        if at not in months:
            months[at] = month_of(at.astimezone(zone))
        for account, signed in ((debit, -micro), (credit, micro)):
            if account.startswith((*_REVENUE, _COST)):
                yield Posting(months[at], subscription, account, signed)


def month_of(local: datetime) -> str:
    """Return the calendar month of a local moment, `2027-01`."""
    return f"{local:%Y-%m}"


def calendar(asked: Asked) -> Iterator[tuple[datetime, datetime]]:
    """Yield the calendar months that were lived, each from its first to its last midnight within the life."""
    opens = asked.begins
    while opens < asked.ends:
        closes = min(boundary(opens.replace(day=1), MONTH, 1), asked.ends)
        yield opens, closes
        opens = closes


def accrue_minimum(run: Run, asked: Asked) -> None:
    """Post, month by month, bought capacity, and what the minimum costs beyond what the host charges for all else."""
    with run.platform.store.transact() as conn:
        accrue_capacity(conn, selling(conn, run.name), asked.ends - timedelta(seconds=1))
        spent: Counter[str] = Counter()
        for one in postings(conn, run):
            spent[one.month] -= one.micro * one.is_cost
        for opens, closes in calendar(asked):
            month, at = month_of(opens), closes.astimezone(UTC) - timedelta(seconds=1)
            like = Entry(run.brand.currency, "minimum", at, f"minimum:{month}")
            missing = max(minimum(run, opens, closes) - spent[month], 0)
            post(conn, run.name, list(move(f"minimum:{month}", accounts.MINIMUM_COST, accounts.HOST, missing, like)))


def minimum(run: Run, opens: datetime, closes: datetime) -> int:
    """Return what the agreement asks for at least over a month, or the part of it that was lived, in micro-units."""
    agreement = in_force(run.brand.catalogue.agreements, opens.date())
    if agreement is None:
        return 0
    first = opens.date().replace(day=1)
    whole = (boundary(opens.replace(day=1), MONTH, 1).date() - first).days
    lived = Fraction((closes.date() - opens.date()).days, whole)
    return round_record(lived * agreement.minimum_micro / in_months(agreement.minimum_every))


def prove(conn: Connection, run: Run) -> Verified:
    """Return the proof of the books; raise `SandboxError` when anything does not agree.

    Beyond the ledger's own proof, nobody has paid more than was billed, every reference leads somewhere, and no work
    was refused.
    """
    proof = verify(conn, run.name)
    overpaid = [
        f"{account} is {micro}"
        for held in proof.balances.values()
        for account, micro in held.items()
        if account.startswith("receivable:") and micro < 0
    ]
    refused = [f"{job}: {reason}" for job, reason in jobs.refused(conn, run.name)]
    faults = [*proof.faults, *overpaid, *orphans(conn, run.name), *refused]
    if faults:
        raise SandboxError(f"the books of the simulated life do not agree: {'; '.join(faults[:5])}")
    return proof
