"""Issuing: a document gets its number, its place in the ledger and its final form, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, insert, select

from mvne_billing.errors import BillingError
from mvne_billing.invoice.invoice import Invoice, Line, LineKind, Parties
from mvne_billing.ledger import accounts
from mvne_billing.ledger.transfer import Entry, Transfer, move, post
from mvne_billing.sql import change_row, row_of, upsert
from mvne_billing.subscription.subscription import Subscription, locked
from mvne_billing.tables import counter
from mvne_billing.tables import invoice as table
from mvne_billing.tax import TaxPolicy, taxes
from mvne_plans.canonical import content_hash, dumps, loads
from mvne_plans.money import total

_CREDIT = select(table.c.content).where(table.c.brand == bindparam("brand"), table.c.corrects == bindparam("corrects"))


class InvoiceError(BillingError):
    """The document refuses this."""


class InvoiceNotFound(InvoiceError):
    """There is no such invoice in this brand."""


class NothingToCredit(InvoiceError):
    """Only an invoice can be credited, and only once in full."""


@dataclass(frozen=True)
class Form:
    """What an invoice takes from the brand and the customer: how it is taxed, and who is on it."""

    policy: TaxPolicy
    parties: Parties


def issue(
    conn: Connection, brand: str, invoice_id: str, owner: Subscription, lines: Sequence[Line], form: Form, at: datetime
) -> Invoice:
    """Issue an invoice over `lines` (at least one) at `at`, or return the one issued under this id before.

    Raises `UnknownTaxRegion` when the tax of the subscriber's place is not known.
    """
    known = find(conn, brand, invoice_id)
    if known is not None:
        return known
    amount = total([line.amount for line in lines], lines[0].amount.currency)
    periodic = any(line.kind is LineKind.RECURRING for line in lines)
    inclusive = form.policy.inclusive
    net, tax_lines = taxes(amount, form.policy.rules(owner.tax_region), inclusive, lines=int(periodic))
    document = Invoice(
        id=invoice_id,
        kind="invoice",
        number=_next_number(conn, brand, f"{brand.upper()}-{_year(at, owner.timezone)}"),
        subscription=owner.id,
        customer=owner.customer,
        parties=form.parties,
        issued_at=at,
        lines=tuple(lines),
        taxes=tuple(tax_lines),
        tax_included=inclusive,
        net=net,
        total=amount if inclusive else net + total([tax.amount for tax in tax_lines], net.currency),
        timezone=owner.timezone,
    )
    _store(conn, brand, document)
    post(conn, brand, list(_transfers(document)))
    return document


def credit(conn: Connection, brand: str, note_id: str, invoice_id: str, at: datetime) -> Invoice:
    """Issue a credit note over the whole of an invoice, or return the one issued under this id before.

    Raises `InvoiceNotFound`, and `NothingToCredit` when it has been credited already.
    """
    known = find(conn, brand, note_id)
    if known is not None:
        return known
    original = get(conn, brand, invoice_id)
    # One at a time per subscription: two credit notes at once would give everything back twice.
    locked(conn, brand, [original.subscription])
    if original.kind != "invoice" or credit_of(conn, brand, invoice_id) is not None:
        raise NothingToCredit(f"{original.number} cannot be credited: it is a credit note, or has one")
    amount = -original.total if original.tax_included else -original.net
    document = Invoice(
        id=note_id,
        kind="credit_note",
        number=_next_number(conn, brand, f"{brand.upper()}-{_year(at, original.timezone)}-C"),
        subscription=original.subscription,
        customer=original.customer,
        parties=original.parties,
        issued_at=at,
        lines=(Line(LineKind.CREDIT, original.number, amount, amount.micro),),
        taxes=tuple(type(tax)(tax.name, tax.percent, -tax.base, -tax.amount) for tax in original.taxes),
        tax_included=original.tax_included,
        net=-original.net,
        total=-original.total,
        corrects=original.id,
        timezone=original.timezone,
    )
    _store(conn, brand, document)
    post(conn, brand, list(_transfers(document)))
    return document


def find(conn: Connection, brand: str, invoice_id: str) -> Invoice | None:
    """Return a document or None."""
    row = row_of(conn, table, brand, invoice_id)
    return None if row is None else loads(Invoice, row.content)


def get(conn: Connection, brand: str, invoice_id: str) -> Invoice:
    """Return a document; raise `InvoiceNotFound`."""
    found = find(conn, brand, invoice_id)
    if found is None:
        raise InvoiceNotFound(f"there is no invoice {invoice_id} in brand {brand}")
    return found


def credit_of(conn: Connection, brand: str, invoice_id: str) -> Invoice | None:
    """Return the credit note of an invoice, None when it has none."""
    content = conn.execute(_CREDIT, {"brand": brand, "corrects": invoice_id}).scalar_one_or_none()
    return None if content is None else loads(Invoice, content)


def of_subscription(conn: Connection, brand: str, subscription: str) -> list[Invoice]:
    """Return a subscription's documents in the order of issue."""
    query = (
        select(table.c.content)
        .where(table.c.brand == brand, table.c.subscription == subscription)
        .order_by(table.c.issued_at, table.c.number)
    )
    return [loads(Invoice, content) for content in conn.execute(query).scalars()]


def _year(at: datetime, timezone: str) -> int:
    return at.astimezone(ZoneInfo(timezone)).year


def _next_number(conn: Connection, brand: str, series: str) -> str:
    """Return the next number of a series; the counter moves in the transaction that uses it, so none is lost."""
    row = row_of(conn, counter, brand, series, lock=True)
    if row is None:
        # Two first documents at once: one of them waits for the other here and then finds the row.
        upsert(conn, counter, [{"brand": brand, "series": series, "last": 0}])
        row = row_of(conn, counter, brand, series, lock=True)
    number = 1 + (row.last if row else 0)
    change_row(conn, counter, brand, series, values={"last": number})
    return f"{series}-{number:06d}"


def _store(conn: Connection, brand: str, document: Invoice) -> None:
    row = {
        "brand": brand,
        "id": document.id,
        "number": document.number,
        "kind": document.kind,
        "subscription": document.subscription,
        "customer": document.customer,
        "currency": document.total.currency,
        "net_minor": document.net.minor,
        "tax_minor": document.tax.minor,
        "total_minor": document.total.minor,
        "issued_at": document.issued_at,
        "corrects": document.corrects,
        "content": dumps(document),
        "hash": content_hash(document),
    }
    conn.execute(insert(table), row)


def _transfers(document: Invoice) -> Iterator[Transfer]:
    """Yield what a document does to the books.

    Priced use was earned when it was rated: its line moves it from unbilled to receivable, and the line's rounding has
    an account of its own. Everything else is earned now. Tax included in prices is taken out of revenue again.
    """
    owner = document.subscription
    receivable = accounts.receivable(owner)
    like = Entry(document.total.currency, document.kind, document.issued_at, document.id, owner)
    for place, line in enumerate(document.lines):
        name = f"{document.id}:{place}"
        if line.kind in (LineKind.USAGE, LineKind.CORRECTION):
            yield from move(f"{name}:use", receivable, accounts.unbilled(owner), line.micro, like)
            yield from move(f"{name}:rounding", receivable, accounts.ROUNDING, line.amount.micro - line.micro, like)
        else:
            yield from move(name, receivable, accounts.revenue(line.kind), line.amount.micro, like)
    source = accounts.TAX_INCLUDED if document.tax_included else receivable
    for place, tax in enumerate(document.taxes):
        yield from move(f"{document.id}:tax:{place}", source, accounts.tax(tax.name), tax.amount.micro, like)
