"""The tables of all rooms, as the platform began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

#: Tables of which a row is never changed and never removed.
_APPEND_ONLY = ("billing_transfer", "billing_invoice")


def upgrade() -> None:
    """Apply."""
    _tables()
    for name in _APPEND_ONLY:
        for statement in _guards(name, op.get_bind().dialect.name):
            op.execute(statement)


def _guards(name: str, dialect: str) -> list[str]:
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


def _tables() -> None:
    op.create_table(
        "mvne_brand",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("market", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand"),
        sa.UniqueConstraint("ordinal"),
    )
    op.create_table(
        "mvne_cursor",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("feed", sa.String(length=40), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand", "feed"),
    )
    op.create_table(
        "mvne_event",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand", "number"),
    )
    op.create_table(
        "mvne_item",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand", "kind", "id", "version"),
    )
    op.create_table(
        "mvne_job",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'done', 'refused')", name="state_known"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_index("mvne_job_waiting", "mvne_job", ["brand", "state", "at"], unique=False)
    op.create_table(
        "mvne_launch",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('running', 'done', 'superseded')", name="state_known"),
        sa.PrimaryKeyConstraint("brand", "number"),
    )
    op.create_table(
        "mvne_launch_step",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("launch", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("brand", "launch", "place"),
    )
    op.create_table(
        "mvne_line",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("subscriber", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=60), nullable=True),
        sa.Column("msisdn", sa.String(length=20), nullable=True),
        sa.Column("iccid", sa.String(length=20), nullable=True),
        sa.Column("imsi", sa.String(length=15), nullable=True),
        sa.Column("activation_code", sa.Text(), nullable=True),
        sa.Column("bits_per_second", sa.BigInteger(), nullable=True),
        sa.Column("barrings", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('ordered', 'ready', 'active', 'suspended', 'ended')", name="state_known"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_index("mvne_line_subscriber", "mvne_line", ["brand", "subscriber"], unique=False)
    op.create_table(
        "mvne_number_use",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("msisdn", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("line", sa.String(length=80), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand", "msisdn", "since"),
    )
    op.create_table(
        "mvne_subscriber",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("born", sa.Date(), nullable=True),
        sa.Column("region", sa.String(length=40), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("gateway_customer", sa.String(length=80), nullable=True),
        sa.Column("gateway_method", sa.String(length=80), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_addon",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("addon", sa.String(length=40), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("starts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invoice", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_allowance",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("bucket", sa.String(length=120), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name="used_not_negative"),
        sa.PrimaryKeyConstraint("brand", "subscription", "bucket", "period_start"),
    )
    op.create_table(
        "billing_counter",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("series", sa.String(length=60), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand", "series"),
    )
    op.create_table(
        "billing_gateway_event",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("object", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_invoice",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("customer", sa.String(length=80), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrects", sa.String(length=120), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name="kind_known"),
        sa.CheckConstraint("net_minor + tax_minor = total_minor", name="adds_up"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_index("billing_invoice_corrects", "billing_invoice", ["brand", "corrects"], unique=True)
    op.create_index("billing_invoice_number", "billing_invoice", ["brand", "number"], unique=True)
    op.create_index("billing_invoice_subscription", "billing_invoice", ["brand", "subscription"], unique=False)
    op.create_table(
        "billing_payment",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=140), nullable=False),
        sa.Column("invoice", sa.String(length=120), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("customer", sa.String(length=80), nullable=False),
        sa.Column("method", sa.String(length=80), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('created', 'processing', 'requires_action', 'succeeded', 'failed')", name="state_known"
        ),
        sa.CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_index("billing_payment_attempt", "billing_payment", ["brand", "invoice", "attempt"], unique=True)
    op.create_table(
        "billing_refund",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=140), nullable=False),
        sa.Column("payment", sa.String(length=140), nullable=False),
        sa.Column("credit_note", sa.String(length=120), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('created', 'succeeded', 'failed')", name="state_known"),
        sa.CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_subscription",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("customer", sa.String(length=80), nullable=False),
        sa.Column("plan", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("anchor", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.String(length=40), nullable=False),
        sa.Column("term_periods", sa.Integer(), nullable=False),
        sa.Column("promotion", sa.Text(), nullable=True),
        sa.Column("tax_region", sa.String(length=40), nullable=True),
        sa.Column("next_period", sa.Integer(), nullable=False),
        sa.Column("next_bill_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'active', 'suspended', 'ended')", name="state_known"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_suspense",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=160), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=240), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_transfer",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("debit", sa.String(length=120), nullable=False),
        sa.Column("credit", sa.String(length=120), nullable=False),
        sa.Column("micro", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("corrects", sa.String(length=200), nullable=True),
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.CheckConstraint("debit <> credit", name="two_accounts"),
        sa.CheckConstraint("micro > 0", name="amount_above_zero"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_index("billing_transfer_credit", "billing_transfer", ["brand", "credit"], unique=False)
    op.create_index("billing_transfer_debit", "billing_transfer", ["brand", "debit"], unique=False)
    op.create_table(
        "billing_usage",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.Column("batch", sa.String(length=80), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("plan", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("msisdn", sa.String(length=20), nullable=False),
        sa.Column("to", sa.String(length=24), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("destination", sa.String(length=80), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("charge_micro", sa.BigInteger(), nullable=False),
        sa.Column("cost_micro", sa.BigInteger(), nullable=False),
        sa.Column("cost_rule", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("invoice", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_index("billing_usage_open", "billing_usage", ["brand", "subscription", "invoice", "start"], unique=False)
    op.create_table(
        "billing_usage_batch",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "provisioning_number",
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("msisdn", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("quarantined_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(holder IS NOT NULL) = (state IN ('reserved', 'assigned'))", name=op.f("ck_provisioning_number_held")
        ),
        sa.CheckConstraint(
            "(quarantined_until IS NOT NULL) = (state = 'quarantined')", name=op.f("ck_provisioning_number_resting")
        ),
        sa.CheckConstraint(
            "state IN ('assigned', 'available', 'quarantined', 'reserved', 'retired')",
            name=op.f("ck_provisioning_number_state_known"),
        ),
        sa.PrimaryKeyConstraint("brand", "msisdn", name=op.f("pk_provisioning_number")),
        sa.UniqueConstraint("brand", "holder", name=op.f("uq_provisioning_number_brand_holder")),
    )
    op.create_index(
        op.f("ix_provisioning_number_brand_state_msisdn"),
        "provisioning_number",
        ["brand", "state", "msisdn"],
        unique=False,
    )
    op.create_table(
        "provisioning_order",
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("profile_type", sa.String(), nullable=True),
        sa.Column("wanted", sa.String(length=16), nullable=True),
        sa.Column("eid", sa.String(length=32), nullable=True),
        sa.Column("barrings", sa.String(), nullable=True),
        sa.Column("bits_per_second", sa.BigInteger(), nullable=True),
        sa.Column("quarantine_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("iccid", sa.String(length=20), nullable=True),
        sa.Column("imsi", sa.String(length=15), nullable=True),
        sa.Column("msisdn", sa.String(length=16), nullable=True),
        sa.Column("old_iccid", sa.String(length=20), nullable=True),
        sa.Column("old_imsi", sa.String(length=15), nullable=True),
        sa.Column("old_msisdn", sa.String(length=16), nullable=True),
        sa.Column("matching_id", sa.String(), nullable=True),
        sa.Column("smdp_address", sa.String(), nullable=True),
        sa.Column("profile_spent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("downloaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('activation', 'barring', 'number_change', 'resumption', "
            "'sim_swap', 'suspension', 'termination', 'throttle')",
            name=op.f("ck_provisioning_order_kind_known"),
        ),
        sa.CheckConstraint("outcome IN ('cancelled', 'failed')", name=op.f("ck_provisioning_order_outcome_known")),
        sa.CheckConstraint(
            "state IN ('active', 'cancelled', 'compensating', 'completed', 'failed', 'placed', 'ready', 'running')",
            name=op.f("ck_provisioning_order_state_known"),
        ),
        sa.PrimaryKeyConstraint("brand", "order_id", name=op.f("pk_provisioning_order")),
    )
    op.create_index(op.f("ix_provisioning_order_brand_iccid"), "provisioning_order", ["brand", "iccid"], unique=False)
    op.create_index(op.f("ix_provisioning_order_brand_imsi"), "provisioning_order", ["brand", "imsi"], unique=False)
    op.create_index(op.f("ix_provisioning_order_brand_state"), "provisioning_order", ["brand", "state"], unique=False)
    op.create_index(
        "uq_provisioning_order_open_line",
        "provisioning_order",
        ["brand", "line_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('compensating', 'placed', 'running')"),
        postgresql_where=sa.text("state IN ('compensating', 'placed', 'running')"),
    )
    op.create_table(
        "provisioning_profile",
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("iccid", sa.String(length=20), nullable=False),
        sa.Column("imsi", sa.String(length=15), nullable=False),
        sa.Column("profile_type", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(holder IS NOT NULL) = (state IN ('reserved', 'assigned'))", name=op.f("ck_provisioning_profile_held")
        ),
        sa.CheckConstraint(
            "state IN ('assigned', 'available', 'reserved', 'retired')",
            name=op.f("ck_provisioning_profile_state_known"),
        ),
        sa.PrimaryKeyConstraint("brand", "iccid", name=op.f("pk_provisioning_profile")),
        sa.UniqueConstraint("brand", "holder", name=op.f("uq_provisioning_profile_brand_holder")),
        sa.UniqueConstraint("brand", "imsi", name=op.f("uq_provisioning_profile_brand_imsi")),
    )
    op.create_index(
        op.f("ix_provisioning_profile_brand_state_iccid"),
        "provisioning_profile",
        ["brand", "state", "iccid"],
        unique=False,
    )
    op.create_table(
        "provisioning_order_step",
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('done', 'refused', 'started', 'undoing', 'undone')",
            name=op.f("ck_provisioning_order_step_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["brand", "order_id"],
            ["provisioning_order.brand", "provisioning_order.order_id"],
            name=op.f("fk_provisioning_order_step_provisioning_order"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("brand", "order_id", "step", name=op.f("pk_provisioning_order_step")),
        sa.UniqueConstraint("brand", "key", name=op.f("uq_provisioning_order_step_brand_key")),
    )
