"""Where the room keeps its pools and its orders."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)

from mvne_provisioning.columns import UtcDateTime, one_of
from mvne_provisioning.states import NUMBER_MOVES, OPEN_ORDER, PROFILE_MOVES, OrderKind, OrderState, StepState

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: A holder has at most one profile and one number: NULLs, of items that nobody holds, are distinct.
provisioning_profile = Table(
    "provisioning_profile",
    metadata,
    Column("brand", String, primary_key=True),
    Column("iccid", String(20), primary_key=True),
    Column("imsi", String(15), nullable=False),
    Column("profile_type", String, nullable=False),
    Column("state", String, nullable=False),
    Column("holder", String),
    Column("changed_at", UtcDateTime, nullable=False),
    one_of("state", frozenset(PROFILE_MOVES)),
    CheckConstraint("(holder IS NOT NULL) = (state IN ('reserved', 'assigned'))", name="held"),
    UniqueConstraint("brand", "imsi"),
    UniqueConstraint("brand", "holder"),
    Index(None, "brand", "state", "iccid"),
)

provisioning_number = Table(
    "provisioning_number",
    metadata,
    Column("brand", String, primary_key=True),
    Column("msisdn", String(16), primary_key=True),
    Column("state", String, nullable=False),
    Column("holder", String),
    Column("quarantined_until", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    one_of("state", frozenset(NUMBER_MOVES)),
    CheckConstraint("(holder IS NOT NULL) = (state IN ('reserved', 'assigned'))", name="held"),
    CheckConstraint("(quarantined_until IS NOT NULL) = (state = 'quarantined')", name="resting"),
    UniqueConstraint("brand", "holder"),
    Index(None, "brand", "state", "msisdn"),
)

#: An order: what was asked, what came to be known while it ran, what the phone told, and how it ended.
provisioning_order = Table(
    "provisioning_order",
    metadata,
    Column("brand", String, primary_key=True),
    Column("order_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("line_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("profile_type", String),
    Column("wanted", String(16)),
    Column("eid", String(32)),
    Column("barrings", String),
    Column("bits_per_second", BigInteger),
    Column("quarantine_until", UtcDateTime),
    Column("iccid", String(20)),
    Column("imsi", String(15)),
    Column("msisdn", String(16)),
    Column("old_iccid", String(20)),
    Column("old_imsi", String(15)),
    Column("old_msisdn", String(16)),
    Column("matching_id", String),
    Column("smdp_address", String),
    Column("profile_spent", Boolean, nullable=False, server_default=false()),
    Column("downloaded_at", UtcDateTime),
    Column("installed_at", UtcDateTime),
    Column("outcome", String),
    Column("reason", String),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    one_of("kind", OrderKind),
    one_of("state", OrderState),
    one_of("outcome", frozenset({OrderState.FAILED, OrderState.CANCELLED})),
    Index(None, "brand", "iccid"),
    Index(None, "brand", "imsi"),
    Index(None, "brand", "state"),
)

_open = provisioning_order.c.state.in_(sorted(OPEN_ORDER))
Index(
    "uq_provisioning_order_open_line",
    provisioning_order.c.brand,
    provisioning_order.c.line_id,
    unique=True,
    sqlite_where=_open,
    postgresql_where=_open,
)

provisioning_order_step = Table(
    "provisioning_order_step",
    metadata,
    Column("brand", String, primary_key=True),
    Column("order_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("key", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("refusals", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    one_of("state", StepState),
    ForeignKeyConstraint(
        ["brand", "order_id"], [provisioning_order.c.brand, provisioning_order.c.order_id], ondelete="CASCADE"
    ),
    UniqueConstraint("brand", "key"),
)
