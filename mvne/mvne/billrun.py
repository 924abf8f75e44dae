"""The bill run of a brand: issue what is due, collect what is open, end what is over."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mvne import balances, topups, workers
from mvne.bills import issue_due
from mvne.collecting import collect_due
from mvne.host_costs import accrue_capacity
from mvne.ordering import finish_order
from mvne.platform import Platform
from mvne.selling import selling
from mvne_billing.invoice.invoice import Invoice
from mvne_billing.invoice.issuing import InvoiceNotFound
from mvne_billing.payments import attempts
from mvne_billing.states import PaymentState
from mvne_billing.tables import invoice as invoice_table
from mvne_plans.canonical import loads
from mvne_plans.money import Money, total
from mvne_provisioning.inventory.numbers import recycle_numbers
from mvne_provisioning.order.errors import CompensationRefused, OrderInterrupted
from mvne_provisioning.order.placing import open_orders


@dataclass(frozen=True, slots=True)
class BillRun:
    """What a run did: bills issued and their sum, payments by outcome, jobs done."""

    issued: int
    billed: Money
    paid: int
    failed: int
    jobs: int

    def as_dict(self) -> dict[str, object]:
        """Return it for machines."""
        return {**asdict(self), "billed": str(self.billed)}


def run_bills(platform: Platform, brand: str, as_of: datetime) -> BillRun:
    """Bill a brand up to `as_of`. Interrupted, it is run again; run again, it changes nothing.

    Jobs are done before and after, so that lines which ended are not billed on, and what billing asks for is done.
    """
    with platform.store.read() as conn:
        currency = selling(conn, brand).settings.currency
    _tidy_up(platform, brand, as_of)
    jobs = workers.work(platform, brand, as_of)
    with platform.store.transact() as conn:
        accrue_capacity(conn, selling(conn, brand), as_of)
    documents = [step.invoice for step in issue_due(platform, brand, as_of) if step.invoice is not None]
    payments = [one.payment for one in collect_due(platform, brand, as_of)]
    jobs += workers.work(platform, brand, as_of)
    return BillRun(
        issued=len(documents),
        billed=total([one.total for one in documents], currency),
        paid=sum(one.state is PaymentState.SUCCEEDED for one in payments),
        failed=sum(one.state is PaymentState.FAILED for one in payments),
        jobs=jobs,
    )


def _tidy_up(platform: Platform, brand: str, as_of: datetime) -> None:
    """Give numbers that have rested back to the pool, let prepaid money expire, finish what an interruption left open.

    An order that gets no answer, or cannot be undone, stays open: it is a case for a person, not for a bill run.
    """
    with platform.store.transact() as conn:
        recycle_numbers(conn, brand, as_of)
        left = open_orders(conn, brand)
    topups.finish(platform, brand, as_of)
    balances.lapse(platform, brand, as_of)
    for order_id in left:
        with suppress(OrderInterrupted, CompensationRefused):
            finish_order(platform, brand, order_id, as_of)


def find_bill(conn: Connection, brand: str, number: str) -> Invoice:
    """Return a bill or credit note by its number or id; raise `InvoiceNotFound`."""
    named = (invoice_table.c.number == number) | (invoice_table.c.id == number)
    content = conn.execute(select(invoice_table.c.content).where(invoice_table.c.brand == brand, named)).scalar()
    if content is None:
        raise InvoiceNotFound(f"there is no bill {number} in brand {brand}")
    return loads(Invoice, content)


def paid_at(conn: Connection, brand: str, document: Invoice) -> datetime | None:
    """Return when a bill was paid, None when it was not."""
    paid = [one.at for one in attempts.of_invoice(conn, brand, document.id) if one.state is PaymentState.SUCCEEDED]
    return max(paid, default=None)
