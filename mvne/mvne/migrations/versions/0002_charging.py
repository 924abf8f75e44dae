"""Rating and charging: balances, top-ups, vouchers, sessions, and what usage records gained."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

#: New tables of which a row is never changed and never removed.
_APPEND_ONLY = ("billing_usage_past",)

#: The checks of old tables that have new ones, by name, and those that were there.
_CHECKS = {
    "billing_allowance": {"reserved_not_negative": "reserved >= 0", "used_not_negative": "used >= 0"},
    "billing_suspense": {"resolved_somehow": "(resolved_at IS NULL) = (outcome IS NULL)"},
    "billing_usage": {
        "came_known": "came IN ('in_order', 'out_of_order', 'late')",
        "not_in_force_is_free": "state IN ('rated', 'live') OR (charge_micro = 0 AND cost_micro = 0)",
        "state_known": "state IN ('rated', 'live', 'matched', 'replaced', 'void')",
    },
}
_OLD_CHECKS = ("used_not_negative",)


def upgrade() -> None:
    """Apply."""
    _tables()
    _columns()
    _checks()
    _indexes()
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
    """Make the new tables."""
    op.create_table(
        "billing_balance",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("free_micro", sa.BigInteger(), nullable=False),
        sa.Column("reserved_micro", sa.BigInteger(), nullable=False),
        sa.Column("floor_micro", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("floor_micro <= 0", name="floor_not_above_zero"),
        sa.CheckConstraint("free_micro >= floor_micro", name="not_overdrawn"),
        sa.CheckConstraint("reserved_micro >= 0", name="reserved_money_not_negative"),
        sa.PrimaryKeyConstraint("brand", "subscription"),
    )
    op.create_table(
        "billing_credit",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("micro", sa.BigInteger(), nullable=False),
        sa.Column("left_micro", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('topup', 'voucher', 'bonus', 'transfer', 'adjustment')", name="kind_known"),
        sa.CheckConstraint("left_micro BETWEEN 0 AND micro", name="left_of_the_credit"),
        sa.CheckConstraint("micro > 0", name="credit_above_zero"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_crossing",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("mark", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_own_number",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("list", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("brand", "subscription", "list", "number", "since"),
    )
    op.create_table(
        "billing_pool_member",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("caps", sa.Text(), nullable=False),
        sa.CheckConstraint("owner <> subscription", name="of_somebody_else"),
        sa.PrimaryKeyConstraint("brand", "subscription", "since"),
    )
    op.create_table(
        "billing_rerating",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("after", sa.String(length=80), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('rerate', 'unload')", name="kind_known"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_rerating_line",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("rerating", sa.String(length=60), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("brand", "rerating", "subscription"),
    )
    op.create_table(
        "billing_session",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("reserved_micro", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.CheckConstraint("state = 'open' OR reserved_micro = 0", name="a_closed_session_holds_nothing"),
        sa.CheckConstraint("state IN ('open', 'closed', 'expired')", name="state_known"),
        sa.CheckConstraint("reserved_micro >= 0", name="session_reserved_not_negative"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_session_request",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("session", sa.String(length=120), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand", "session", "sequence"),
    )
    op.create_table(
        "billing_topup",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=140), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("customer", sa.String(length=80), nullable=True),
        sa.Column("method", sa.String(length=80), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('card', 'cash', 'shop', 'bank')", name="source_known"),
        sa.CheckConstraint(
            "state IN ('created', 'processing', 'requires_action', 'succeeded', 'failed')", name="state_known"
        ),
        sa.CheckConstraint("amount_minor > 0", name="topup_above_zero"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_usage_correction",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("record", sa.String(length=120), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("micro", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("billed_on", sa.String(length=120), nullable=False),
        sa.Column("cause", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invoice", sa.String(length=120), nullable=True),
        sa.CheckConstraint("micro <> 0", name="corrects_something"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_usage_past",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("charge_micro", sa.BigInteger(), nullable=False),
        sa.Column("cost_micro", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand", "id", "rating"),
    )
    op.create_table(
        "billing_voucher",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("batch", sa.String(length=60), nullable=False),
        sa.Column("redeemed_by", sa.String(length=80), nullable=True),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(redeemed_by IS NULL) = (redeemed_at IS NULL)", name="redeemed_by_somebody_at_some_time"),
        sa.PrimaryKeyConstraint("brand", "code_hash"),
    )
    op.create_table(
        "billing_voucher_attempt",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=140), nullable=False),
        sa.Column("subscription", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_table(
        "billing_voucher_batch",
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("micro", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lasts", sa.String(length=20), nullable=True),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("micro > 0", name="voucher_above_zero"),
        sa.CheckConstraint("size > 0", name="some_vouchers"),
        sa.PrimaryKeyConstraint("brand", "id"),
    )


def _indexes() -> None:
    """Replace old indexes, and make new ones."""
    op.drop_index(op.f("billing_usage_open"), table_name="billing_usage")
    op.create_index(
        "billing_credit_expiry",
        "billing_credit",
        ["brand", "expires_at"],
        unique=False,
        sqlite_where=sa.text("left_micro > 0"),
        postgresql_where=sa.text("left_micro > 0"),
    )
    op.create_index(
        "billing_credit_left",
        "billing_credit",
        ["brand", "subscription"],
        unique=False,
        sqlite_where=sa.text("left_micro > 0"),
        postgresql_where=sa.text("left_micro > 0"),
    )
    op.create_index(
        "billing_crossing_waiting",
        "billing_crossing",
        ["brand", "at"],
        unique=False,
        sqlite_where=sa.text("noticed_at IS NULL"),
        postgresql_where=sa.text("noticed_at IS NULL"),
    )
    op.create_index("billing_pool_member_owner", "billing_pool_member", ["brand", "owner"], unique=False)
    op.create_index(
        "billing_session_of",
        "billing_session",
        ["brand", "subscription"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "billing_session_open",
        "billing_session",
        ["brand", "valid_until"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("billing_topup_reference", "billing_topup", ["brand", "reference"], unique=False)
    op.create_index("billing_topup_subscription", "billing_topup", ["brand", "subscription"], unique=False)
    op.create_index(
        "billing_usage_correction_open",
        "billing_usage_correction",
        ["brand", "subscription"],
        unique=False,
        sqlite_where=sa.text("invoice IS NULL"),
        postgresql_where=sa.text("invoice IS NULL"),
    )
    op.create_index("billing_voucher_batch_codes", "billing_voucher", ["brand", "batch"], unique=False)
    op.create_index(
        "billing_voucher_attempt_subscription", "billing_voucher_attempt", ["brand", "subscription"], unique=False
    )
    op.create_index(
        "billing_suspense_waiting",
        "billing_suspense",
        ["brand", "id"],
        unique=False,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("billing_transfer_reference", "billing_transfer", ["brand", "reference"], unique=False)
    op.create_index(
        "billing_usage_open",
        "billing_usage",
        ["brand", "subscription", "start"],
        unique=False,
        sqlite_where=sa.text("invoice IS NULL"),
        postgresql_where=sa.text("invoice IS NULL"),
    )
    op.create_index("billing_usage_in", "billing_usage", ["brand", "batch"], unique=False)
    op.create_index("billing_usage_of", "billing_usage", ["brand", "subscription", "start"], unique=False)
    op.create_index(
        "billing_usage_session",
        "billing_usage",
        ["brand", "session"],
        unique=False,
        sqlite_where=sa.text("session IS NOT NULL"),
        postgresql_where=sa.text("session IS NOT NULL"),
    )
    op.create_index(
        "billing_usage_batch_sequence", "billing_usage_batch", ["brand", "sender", "sequence"], unique=False
    )


def _columns() -> None:
    """Widen the old ones."""
    op.add_column(
        "billing_allowance", sa.Column("reserved", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("billing_suspense", sa.Column("batch", sa.String(length=80), server_default="", nullable=False))
    op.add_column("billing_suspense", sa.Column("msisdn", sa.String(length=20), nullable=True))
    op.add_column("billing_suspense", sa.Column("start", sa.DateTime(timezone=True), nullable=True))
    op.add_column("billing_suspense", sa.Column("outcome", sa.String(length=8), nullable=True))
    op.add_column("billing_suspense", sa.Column("actor", sa.String(length=60), nullable=True))
    op.add_column("billing_suspense", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("billing_suspense", sa.Column("mends", sa.String(length=160), nullable=True))
    op.add_column("billing_usage", sa.Column("session", sa.String(length=120), nullable=True))
    op.add_column("billing_usage", sa.Column("label", sa.String(length=24), server_default="", nullable=False))
    op.add_column("billing_usage", sa.Column("state", sa.String(length=8), server_default="rated", nullable=False))
    op.add_column("billing_usage", sa.Column("came", sa.String(length=12), server_default="in_order", nullable=False))
    op.add_column("billing_usage", sa.Column("corrects", sa.String(length=120), nullable=True))
    op.add_column("billing_usage", sa.Column("place", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("billing_usage", sa.Column("rating", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("billing_usage", sa.Column("taken", sa.Text(), server_default="[]", nullable=False))
    op.add_column("billing_usage", sa.Column("entry", sa.String(length=130), server_default="", nullable=False))
    op.add_column("billing_usage_batch", sa.Column("sender", sa.String(length=80), server_default="", nullable=False))
    op.add_column("billing_usage_batch", sa.Column("sequence", sa.BigInteger(), nullable=True))
    op.add_column("billing_usage_batch", sa.Column("facts", sa.Text(), server_default="{}", nullable=False))
    op.add_column(
        "billing_usage_batch", sa.Column("read", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "billing_usage_batch", sa.Column("duplicates", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("billing_usage_batch", sa.Column("unloaded_at", sa.DateTime(timezone=True), nullable=True))


def _checks() -> None:
    """Bound what old tables gained; SQLite has to make them anew, with all their checks."""
    # Whatever had left suspense until now had found its price.
    op.execute("UPDATE billing_suspense SET outcome = 'rated' WHERE resolved_at IS NOT NULL")
    for table, checks in _CHECKS.items():
        if op.get_bind().dialect.name == "postgresql":
            for name, rule in checks.items():
                if name not in _OLD_CHECKS:
                    op.create_check_constraint(name, table, rule)
            continue
        all_of_them = tuple(sa.CheckConstraint(rule, name=name) for name, rule in checks.items())
        with op.batch_alter_table(table, table_args=all_of_them, recreate="always"):
            pass
