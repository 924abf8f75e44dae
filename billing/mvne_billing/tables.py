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
    literal_column,
    text,
)
from sqlalchemy.schema import ExecutableDDLElement

from mvne_billing.columns import UtcDateTime
from mvne_billing.states import (
    STORED,
    Came,
    PaymentState,
    RefundState,
    SessionState,
    SubscriptionState,
    UsageState,
)

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
#: The code of every transfer of a charging session. These are most of the ledger, and an index by account would cost
#: each of them a page of its own to write: they are found through their session, see `ledger.books.of_line`.
SESSION_CODE = "session"
NOT_OF_A_SESSION = transfer.c.code != literal_column(f"'{SESSION_CODE}'")
for _side in (transfer.c.debit, transfer.c.credit):
    Index(
        f"billing_transfer_{_side.name}",
        transfer.c.brand,
        _side,
        sqlite_where=NOT_OF_A_SESSION,
        postgresql_where=NOT_OF_A_SESSION,
    )
Index("billing_transfer_reference", transfer.c.brand, transfer.c.reference)

usage_batch = Table(
    "billing_usage_batch",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(80), nullable=False),
    Column("source", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    #: Of a file: who sent it, the sender's own count of its files, and in `facts` (JSON) what it says of itself.
    Column("sender", String(80), nullable=False, default="", server_default=""),
    Column("sequence", BigInteger),
    Column("facts", Text, nullable=False, default="{}", server_default="{}"),
    Column("read", BigInteger, nullable=False, default=0, server_default=text("0")),
    Column("duplicates", BigInteger, nullable=False, default=0, server_default=text("0")),
    Column("unloaded_at", UtcDateTime),
    PrimaryKeyConstraint("brand", "id"),
)
Index("billing_usage_batch_sequence", usage_batch.c.brand, usage_batch.c.sender, usage_batch.c.sequence)

#: What was used, with its price as it stands. `place` counts the reports of a session, `rating` how often it was
#: priced, `taken` (JSON) is what it added to which counter, `entry` names the transfers that booked it first. `invoice`
#: is the bill that took it up, or says why none will.
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
    Column("session", String(120)),
    Column("label", String(24), nullable=False, default="", server_default=""),
    Column("state", String(8), nullable=False, default=UsageState.RATED, server_default=UsageState.RATED),
    Column("came", String(12), nullable=False, default=Came.IN_ORDER, server_default=Came.IN_ORDER),
    Column("corrects", String(120)),
    Column("place", Integer, nullable=False, default=0, server_default=text("0")),
    Column("rating", Integer, nullable=False, default=1, server_default=text("1")),
    Column("taken", Text, nullable=False, default="[]", server_default="[]"),
    Column("entry", String(130), nullable=False, default="", server_default=""),
    PrimaryKeyConstraint("brand", "id"),
    _one_of("state", STORED),
    _one_of("came", list(Came)),
    CheckConstraint("state IN ('rated', 'live') OR (charge_micro = 0 AND cost_micro = 0)", name="not_in_force_is_free"),
)
#: What no bill has taken up yet; most of the table is not in it.
Index(
    "billing_usage_open",
    usage.c.brand,
    usage.c.subscription,
    usage.c.start,
    sqlite_where=usage.c.invoice.is_(None),
    postgresql_where=usage.c.invoice.is_(None),
)
Index("billing_usage_of", usage.c.brand, usage.c.subscription, usage.c.start)
Index("billing_usage_in", usage.c.brand, usage.c.batch)
Index(
    "billing_usage_session",
    usage.c.brand,
    usage.c.session,
    sqlite_where=usage.c.session.is_not(None),
    postgresql_where=usage.c.session.is_not(None),
)

#: Ratings of records that stand no more, each with the whole row (JSON) as it was, and what replaced it.
usage_past = Table(
    "billing_usage_past",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(120), nullable=False),
    Column("rating", Integer, nullable=False),
    Column("cause", String(80), nullable=False),
    Column("state", String(8), nullable=False),
    Column("charge_micro", BigInteger, nullable=False),
    Column("cost_micro", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id", "rating"),
)

#: What a new price of a record that was billed already changes: the next bill takes it up.
usage_correction = Table(
    "billing_usage_correction",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(200), nullable=False),
    Column("record", String(120), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("micro", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("billed_on", String(120), nullable=False),
    Column("cause", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("invoice", String(120)),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("micro <> 0", name="corrects_something"),
)
Index(
    "billing_usage_correction_open",
    usage_correction.c.brand,
    usage_correction.c.subscription,
    sqlite_where=usage_correction.c.invoice.is_(None),
    postgresql_where=usage_correction.c.invoice.is_(None),
)

#: Every re-rating and unloading, by the caller's id: which slice of use, why, by whom, and whether it is through.
rerating = Table(
    "billing_rerating",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(60), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("scope", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    #: How far it is: the last line that is through, and how many records were priced again. Interrupted, it goes on.
    Column("after", String(80), nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("done_at", UtcDateTime),
    PrimaryKeyConstraint("brand", "id"),
    _one_of("kind", ["rerate", "unload"]),
)

#: What a re-rating changed of a line.
rerating_line = Table(
    "billing_rerating_line",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("rerating", String(60), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("brand", "rerating", "subscription"),
)

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
    Column("batch", String(80), nullable=False, default="", server_default=""),
    Column("msisdn", String(20)),
    Column("start", UtcDateTime),
    #: How it left suspense: `priced`, or by a person's hand, who said why in `note`; `mends` names what it was before.
    Column("outcome", String(8)),
    Column("actor", String(60)),
    Column("note", Text),
    Column("mends", String(160)),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("(resolved_at IS NULL) = (outcome IS NULL)", name="resolved_somehow"),
)
Index(
    "billing_suspense_waiting",
    suspense.c.brand,
    suspense.c.id,
    sqlite_where=suspense.c.resolved_at.is_(None),
    postgresql_where=suspense.c.resolved_at.is_(None),
)

allowance = Table(
    "billing_allowance",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("bucket", String(120), nullable=False),
    Column("period_start", UtcDateTime, nullable=False),
    Column("used", BigInteger, nullable=False),
    #: Units that open charging sessions hold and have not used yet.
    Column("reserved", BigInteger, nullable=False, default=0, server_default=text("0")),
    PrimaryKeyConstraint("brand", "subscription", "bucket", "period_start"),
    CheckConstraint("used >= 0", name="used_not_negative"),
    CheckConstraint("reserved >= 0", name="reserved_not_negative"),
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

#: Whose allowances a line shares, from when until when; `caps` (JSON) are its own limits, by allowance.
pool_member = Table(
    "billing_pool_member",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("owner", String(80), nullable=False),
    Column("until", UtcDateTime),
    Column("caps", Text, nullable=False),
    PrimaryKeyConstraint("brand", "subscription", "since"),
    CheckConstraint("owner <> subscription", name="of_somebody_else"),
)
Index("billing_pool_member_owner", pool_member.c.brand, pool_member.c.owner)

#: The numbers that a line keeps in a number list of its own, from when until when.
own_number = Table(
    "billing_own_number",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("list", String(40), nullable=False),
    Column("number", String(24), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    PrimaryKeyConstraint("brand", "subscription", "list", "number", "since"),
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

#: The money of a line that is charged live. Whoever changes it, or an allowance of the line, raises `version`: a
#: charging process that keeps a copy notices when it writes.
balance = Table(
    "billing_balance",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("free_micro", BigInteger, nullable=False),
    Column("reserved_micro", BigInteger, nullable=False),
    Column("floor_micro", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "subscription"),
    CheckConstraint("free_micro >= floor_micro", name="not_overdrawn"),
    CheckConstraint("reserved_micro >= 0", name="reserved_money_not_negative"),
    CheckConstraint("floor_micro <= 0", name="floor_not_above_zero"),
)

session = Table(
    "billing_session",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(120), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("state", String(8), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("reserved_micro", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("reserved_micro >= 0", name="session_reserved_not_negative"),
    CheckConstraint("state = 'open' OR reserved_micro = 0", name="a_closed_session_holds_nothing"),
    _one_of("state", list(SessionState)),
)
#: Those of the sessions that go on: few of many. Queries say it in these words, because an index of some rows
#: serves those alone that ask for no others, and what a parameter will be is not known when that is decided.
OPEN_SESSION = session.c.state == literal_column(f"'{SessionState.OPEN}'")
#: What a restarted process and the sweep look for; closed sessions are most of the table and not in these.
Index(
    "billing_session_open",
    session.c.brand,
    session.c.valid_until,
    sqlite_where=OPEN_SESSION,
    postgresql_where=OPEN_SESSION,
)
Index(
    "billing_session_of",
    session.c.brand,
    session.c.subscription,
    sqlite_where=OPEN_SESSION,
    postgresql_where=OPEN_SESSION,
)

#: Every answered request with its answer: a repeat gets the very same one.
session_request = Table(
    "billing_session_request",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("session", String(120), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", String(32), nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "session", "sequence"),
)

#: Marks that lines passed while they were charged live (see `mediation.marks.Crossing`), until the roof noticed them.
crossing = Table(
    "billing_crossing",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(200), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("mark", String(20), nullable=False),
    Column("name", String(120), nullable=False),
    Column("period_start", UtcDateTime, nullable=False),
    Column("record", String(120), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("noticed_at", UtcDateTime),
    PrimaryKeyConstraint("brand", "id"),
)
Index(
    "billing_crossing_waiting",
    crossing.c.brand,
    crossing.c.at,
    sqlite_where=crossing.c.noticed_at.is_(None),
    postgresql_where=crossing.c.noticed_at.is_(None),
)

#: Lots of prepaid money: each came in at once and is good until the same moment. `left_micro` is what is left of it as
#: of the last time that somebody but a charging process wrote; what was spent since comes out of the lot that expires
#: first.
credit = Table(
    "billing_credit",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(200), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("micro", BigInteger, nullable=False),
    Column("left_micro", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("micro > 0", name="credit_above_zero"),
    CheckConstraint("left_micro BETWEEN 0 AND micro", name="left_of_the_credit"),
    _one_of("kind", ["topup", "voucher", "bonus", "transfer", "adjustment"]),
)
#: What is left, line by line and by expiry; lots that are used up are most of the table and not in these.
Index(
    "billing_credit_left",
    credit.c.brand,
    credit.c.subscription,
    sqlite_where=credit.c.left_micro > 0,
    postgresql_where=credit.c.left_micro > 0,
)
Index(
    "billing_credit_expiry",
    credit.c.brand,
    credit.c.expires_at,
    sqlite_where=credit.c.left_micro > 0,
    postgresql_where=credit.c.left_micro > 0,
)

#: Money paid into a balance, one row a payment; a card's is written with its key before the gateway hears of it.
topup = Table(
    "billing_topup",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(140), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("source", String(8), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("actor", String(60), nullable=False),
    Column("reason", String(120), nullable=False),
    Column("customer", String(80)),
    Column("method", String(80)),
    Column("state", String(20), nullable=False),
    Column("key", String(200)),
    Column("reference", String(80)),
    Column("code", String(60)),
    Column("message", Text),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("amount_minor > 0", name="topup_above_zero"),
    _one_of("source", ["card", "cash", "shop", "bank"]),
    _one_of("state", list(PaymentState)),
)
Index("billing_topup_subscription", topup.c.brand, topup.c.subscription)
Index("billing_topup_reference", topup.c.brand, topup.c.reference)

voucher_batch = Table(
    "billing_voucher_batch",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(60), nullable=False),
    Column("size", Integer, nullable=False),
    Column("micro", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("lasts", String(20)),
    Column("actor", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("voided_at", UtcDateTime),
    PrimaryKeyConstraint("brand", "id"),
    CheckConstraint("size > 0", name="some_vouchers"),
    CheckConstraint("micro > 0", name="voucher_above_zero"),
)

#: A voucher that can be redeemed once. Its code is not here: only a hash of it is kept.
voucher = Table(
    "billing_voucher",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("code_hash", String(64), nullable=False),
    Column("batch", String(60), nullable=False),
    Column("redeemed_by", String(80)),
    Column("redeemed_at", UtcDateTime),
    PrimaryKeyConstraint("brand", "code_hash"),
    CheckConstraint("(redeemed_by IS NULL) = (redeemed_at IS NULL)", name="redeemed_by_somebody_at_some_time"),
)
Index("billing_voucher_batch_codes", voucher.c.brand, voucher.c.batch)

#: A code that was wrong, by whom and when: whoever tries too many has to wait.
voucher_attempt = Table(
    "billing_voucher_attempt",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(140), nullable=False),
    Column("subscription", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
)
Index("billing_voucher_attempt_subscription", voucher_attempt.c.brand, voucher_attempt.c.subscription)

#: Tables that only ever grow. A row of them is never changed and never removed, and the database says so.
APPEND_ONLY = (transfer, invoice, usage_past)


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
