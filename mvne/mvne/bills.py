"""Bills of a brand: issuing what is due, and what an opened or ended period means for the line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from mvne import jobs, lines, outbox, people, versions
from mvne.platform import Platform
from mvne.restrictions import base_barrings
from mvne.selling import Selling, selling
from mvne_billing import cycle
from mvne_billing.cycle import Billed, Biller
from mvne_billing.invoice.invoice import Parties
from mvne_billing.invoice.issuing import Form
from mvne_billing.subscription.subscription import Subscription


def biller(sold: Selling) -> Biller:
    """Return what billing needs to know of a brand."""
    policy = sold.tax_policy()
    contact = " · ".join(filter(None, (sold.settings.support.email, sold.settings.support.phone)))

    def form(conn: Connection, owner: Subscription) -> Form:
        buyer = people.get(conn, sold.brand, owner.customer)
        return Form(policy, Parties(sold.settings.name, contact, buyer.name, buyer.language))

    return Biller(
        plan=lambda conn, plan, version: versions.plan_version(conn, sold.brand, plan, version),
        form=form,
        agreements=sold.agreements(),
    )


def issue_due(platform: Platform, brand: str, as_of: datetime) -> Iterator[Billed]:
    """Issue every invoice of a brand that is due by `as_of`, one short transaction each; yields each step."""
    with platform.store.read() as conn:
        sold = selling(conn, brand)
    return cycle.run(platform.store.transact, brand, biller(sold), as_of, noticed(sold))


def issue_for(platform: Platform, sold: Selling, subscription: str, as_of: datetime) -> list[Billed]:
    """Issue what one subscription owes by `as_of`."""
    transact, brand = platform.store.transact, sold.brand
    return list(cycle.bill(transact, brand, subscription, biller(sold), as_of, noticed(sold)))


def noticed(sold: Selling) -> cycle.Noticed:
    """Return what follows from a step of billing, in its transaction: events, and work for the network."""
    brand = sold.brand

    def notice(conn: Connection, billed: Billed) -> None:
        owner = billed.subscription
        at = billed.at
        if billed.opened is None:
            jobs.ask(conn, brand, f"{owner.id}:terminate", "terminate", {"line": owner.id}, at)
        elif billed.opened > 0:
            line, plan = lines.get(conn, brand, owner.id), versions.plan_version(conn, brand, owner.plan, owner.version)
            usual = base_barrings(plan, sold.market.numbering)
            if line.bits_per_second is not None or set(line.barrings) != usual:
                jobs.ask(conn, brand, f"{owner.id}:lift:{billed.opened}", "lift", {"line": owner.id}, at)
        if billed.invoice is not None:
            document = billed.invoice
            content = {"number": document.number, "total": str(document.total)}
            outbox.emit(conn, brand, "invoice.issued", document.id, content, at)

    return notice
