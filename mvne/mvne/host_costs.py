"""What the host charges a brand as a whole: the price of bought capacity, month by month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from mvne.selling import Selling
from mvne.tables import launch
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer, move, post
from mvne_billing.tables import transfer
from mvne_plans.agreement import Agreement, in_force
from mvne_plans.money import round_record
from mvne_plans.period import MONTH, Every, Unit, boundary


def accrue_capacity(conn: Connection, sold: Selling, as_of: datetime) -> None:
    """Post the capacity price of every calendar month that has begun by `as_of` since the brand was first launched.

    A month is the brand's, and paid whole by the agreement in force on its first day. A month that was posted stays as
    it is, whatever the agreement has become.
    """
    agreements = sold.agreements()
    if not any(one.capacity_micro for one in agreements):
        return
    first = conn.execute(select(func.min(launch.c.at)).where(launch.c.brand == sold.brand)).scalar()
    if first is not None:
        months = _months(first, as_of, ZoneInfo(sold.settings.timezone))
        due = [one for month in months for one in _capacity(agreements, month)]
        mine = (transfer.c.brand == sold.brand, transfer.c.id.in_([one.id for one in due]))
        posted = set(conn.execute(select(transfer.c.id).where(*mine)).scalars())
        post(conn, sold.brand, [one for one in due if one.id not in posted])


def in_months(every: Every) -> Fraction:
    """Return a length in months, with 365 days to 12 of them."""
    return every.count * (Fraction(1) if every.unit is Unit.MONTH else Fraction(12, 365))


def _months(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    opens = since.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    number = 0
    while (month := boundary(opens, MONTH, number)).astimezone(UTC) <= until.astimezone(UTC):
        yield month
        number += 1


def _capacity(agreements: tuple[Agreement, ...], month: datetime) -> tuple[Transfer, ...]:
    agreement = in_force(agreements, month.date())
    if agreement is None:
        return ()
    micro = round_record(agreement.capacity_micro / in_months(agreement.capacity_every))
    name = f"capacity:{month:%Y-%m}"
    like = Entry(agreement.currency, "capacity", month.astimezone(UTC), name)
    return move(name, accounts.CAPACITY_COST, accounts.HOST, micro, like)
