"""Where the SM-DP+ keeps profiles, packages, sessions, calls and notifications: a deployment of its own, `smdp_…`.

It serves operators rather than brands, so its tables have no brand; nothing of the platform reads them.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    and_,
)

from mvne_provisioning.columns import UtcDateTime, one_of
from mvne_provisioning.smdp.states import ProfileState

metadata = MetaData()

#: What this code reads and writes; a store that says another number is not touched.
SCHEMA_VERSION = 1

schema = Table(
    "smdp_schema",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
)


class Stage(StrEnum):
    """How far a download of a phone has come; a session that is over has no row."""

    INITIATED = "initiated"  #: the server has signed for the card
    OFFERED = "offered"  #: the card is verified, and knows the profile's metadata
    BOUND = "bound"  #: the package was handed out; its result is awaited


STAGE_MOVES = {
    Stage.INITIATED: frozenset({Stage.OFFERED}),
    Stage.OFFERED: frozenset({Stage.BOUND}),
    Stage.BOUND: frozenset[Stage](),
}

#: `owner` may order the profile (NULL: anybody); `caller` has ordered it. `order_number` counts the orders of a
#: profile, so that a session of an order that was cancelled meanwhile is told from one of the next order.
profiles = Table(
    "smdp_profile",
    metadata,
    Column("iccid", String(20), primary_key=True),
    Column("profile_type", String(255), nullable=False),
    Column("owner", String(255)),
    Column("state", String(16), nullable=False),
    Column("caller", String(255)),
    Column("order_number", Integer, nullable=False),
    Column("eid", String(32)),
    Column("matching_id", String(255)),
    Column("code_hash", String(64)),
    Column("downloads", Integer, nullable=False),
    Column("wrong_codes", Integer, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_notification", BigInteger, nullable=False),
    one_of("state", ProfileState),
    Index("ix_smdp_profile_type", "profile_type", "state", "iccid"),
    Index("ix_smdp_profile_eid", "eid"),
)

#: A matching id leads to one profile; an empty one leads nowhere, the EID does.
_named = and_(profiles.c.matching_id.is_not(None), profiles.c.matching_id != "")
Index(
    "uq_smdp_profile_matching_id",
    profiles.c.matching_id,
    unique=True,
    sqlite_where=_named,
    postgresql_where=_named,
)
_released = profiles.c.state == ProfileState.RELEASED
Index("ix_smdp_profile_expiry", profiles.c.expires_at, sqlite_where=_released, postgresql_where=_released)

#: Apart from the profile, because states change often and packages never. `package` is sealed.
packages = Table(
    "smdp_package",
    metadata,
    Column("iccid", String(20), primary_key=True),
    Column("metadata", LargeBinary, nullable=False),
    Column("package", LargeBinary, nullable=False),
)

#: `content` is sealed.
sessions = Table(
    "smdp_session",
    metadata,
    Column("transaction_id", String(32), primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("iccid", String(20)),
    Column("order_number", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    one_of("stage", Stage),
    Index("ix_smdp_session_expiry", "expires_at"),
)

calls = Table(
    "smdp_call",
    metadata,
    Column("caller", String(255)),
    Column("call_id", String(255)),
    Column("digest", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("caller", "call_id"),
    Index("ix_smdp_call_at", "at"),
)

#: `content` is the body of a HandleDownloadProgressInfo without its header.
notifications = Table(
    "smdp_notification",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("iccid", String(20), nullable=False),
    Column("caller", String(255), nullable=False),
    Column("content", Text, nullable=False),
    Column("is_pending", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
)
Index(
    "ix_smdp_notification_pending",
    notifications.c.iccid,
    notifications.c.sequence,
    sqlite_where=notifications.c.is_pending,
    postgresql_where=notifications.c.is_pending,
)
