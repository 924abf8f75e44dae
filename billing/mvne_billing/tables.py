"""Where billing keeps its rows: usage, suspense, ledger, subscriptions, invoices, payments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    event,
)
from sqlalchemy.schema import ExecutableDDLElement

from mvne_billing.columns import UtcDateTime
from mvne_billing.states import PaymentState, RefundState, SubscriptionState

metadata = MetaData()


def _one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(value)) for value in values)})", name=f"{column}_known")


transfer = Table(
    "billing_transfer",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(200), nullable=False),
    Column("debit", String(120), nullable=False),
    Column("credit", String(120), nullable=False),
    Column("micro", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("code", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("subscription", String(80)),
    Column("reference", String(200), nullable=False),
    Column("corrects", String(200)),
    Column("hash", String(32), nullable=False),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("micro > 0", name="amount_above_zero"),
    CheckConstraint("debit <> credit", name="two_accounts"),
)
Index("billing_transfer_debit", transfer.c.brand, transfer.c.debit)
Index("billing_transfer_credit", transfer.c.brand, transfer.c.credit)

usage_batch = Table(
    "billing_usage_batch",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(80), nullable=False),
    Column("source", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
)

usage = Table(
    "billing_usage",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(120), nullable=False),
    Column("hash", String(32), nullable=False),
    Column("batch", String(80), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("plan", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("msisdn", String(20), nullable=False),
    Column("to", String(24)),
    Column("country", String(2), nullable=False),
    Column("destination", String(80), nullable=False),
    Column("parts", Text, nullable=False),
    Column("charge_micro", BigInteger, nullable=False),
    Column("cost_micro", BigInteger, nullable=False),
    Column("cost_rule", String(120), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("invoice", String(120)),
    PrimaryKeyConstraint("brand", "id"),
)
Index("billing_usage_open", usage.c.brand, usage.c.subscription, usage.c.invoice, usage.c.start)

suspense = Table(
    "billing_suspense",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(160), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("message", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("source", String(240), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    PrimaryKeyConstraint("brand", "id"),
)

allowance = Table(
    "billing_allowance",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("bucket", String(120), nullable=False),
    Column("period_start", UtcDateTime, nullable=False),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("brand", "subscription", "bucket", "period_start"),
    CheckConstraint("used >= 0", name="used_not_negative"),
)

subscription = Table(
    "billing_subscription",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(80), nullable=False),
    Column("customer", String(80), nullable=False),
    Column("plan", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("anchor", UtcDateTime, nullable=False),
    Column("timezone", String(40), nullable=False),
    Column("term_periods", Integer, nullable=False),
    Column("promotion", Text),
    Column("tax_region", String(40)),
    Column("next_period", Integer, nullable=False),
    Column("next_bill_at", UtcDateTime),
    Column("ends_at", UtcDateTime),
    PrimaryKeyConstraint("brand", "id"),
    _one_of("state", list(SubscriptionState)),
)

addon = Table(
    "billing_addon",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(80), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("addon", String(40), nullable=False),
    Column("content", Text, nullable=False),
    Column("starts", UtcDateTime, nullable=False),
    Column("ends", UtcDateTime, nullable=False),
    Column("invoice", String(120)),
    PrimaryKeyConstraint("brand", "id"),
)

counter = Table(
    "billing_counter",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("series", String(60), nullable=False),
    Column("last", BigInteger, nullable=False),
    PrimaryKeyConstraint("brand", "series"),
)

invoice = Table(
    "billing_invoice",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(120), nullable=False),
    Column("number", String(60), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("customer", String(80), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("corrects", String(120)),
    Column("content", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("net_minor + tax_minor = total_minor", name="adds_up"),
    _one_of("kind", ["invoice", "credit_note"]),
)
Index("billing_invoice_number", invoice.c.brand, invoice.c.number, unique=True)
Index("billing_invoice_subscription", invoice.c.brand, invoice.c.subscription)
#: An invoice is credited once.
Index("billing_invoice_corrects", invoice.c.brand, invoice.c.corrects, unique=True)

payment = Table(
    "billing_payment",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(140), nullable=False),
    Column("invoice", String(120), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("customer", String(80), nullable=False),
    Column("method", String(80), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(20), nullable=False),
    Column("key", String(200), nullable=False),
    Column("reference", String(80)),
    Column("code", String(60)),
    Column("message", Text),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("amount_minor > 0", name="amount_above_zero"),
    _one_of("state", list(PaymentState)),
)
Index("billing_payment_attempt", payment.c.brand, payment.c.invoice, payment.c.attempt, unique=True)

refund = Table(
    "billing_refund",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(140), nullable=False),
    Column("payment", String(140), nullable=False),
    Column("credit_note", String(120), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(20), nullable=False),
    Column("key", String(200), nullable=False),
    Column("reference", String(80)),
    Column("code", String(60)),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("amount_minor > 0", name="amount_above_zero"),
    _one_of("state", list(RefundState)),
)

gateway_event = Table(
    "billing_gateway_event",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(120), nullable=False),
    Column("type", String(80), nullable=False),
    Column("object", String(120), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("applied_at", UtcDateTime),
    PrimaryKeyConstraint("brand", "id"),
)

#: Tables that only ever grow. A row of them is never changed and never removed, and the database says so.
APPEND_ONLY = (transfer, invoice)


def append_only_statements(name: str, dialect: str) -> list[str]:
    """Return the statements that make a table append-only on `sqlite` or `postgresql`."""
    refusal = f"{name} is append-only; a correction is a new row"
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$",
        f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {name} "
        f"FOR EACH ROW EXECUTE FUNCTION {name}_refuse()",
        f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} EXECUTE FUNCTION {name}_refuse()",
    ]


for _table in APPEND_ONLY:
    for _dialect in ("sqlite", "postgresql"):
        for _statement in append_only_statements(_table.name, _dialect):
            _ddl: ExecutableDDLElement = DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
            event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))
