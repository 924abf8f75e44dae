"""Where the simulated SM-DP+ keeps profiles and notifications: on the other side of the wire."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, and_, false

from mvne_provisioning.columns import UtcDateTime, one_of
from mvne_provisioning.simulation import answers_table
from mvne_provisioning.smdp.port import NotificationStatus
from mvne_provisioning.smdp.states import ProfileState

metadata = MetaData()

answers = answers_table(metadata, "simulated_smdp_call")

profiles = Table(
    "simulated_smdp_profile",
    metadata,
    Column("iccid", String(20), primary_key=True),
    Column("imsi", String(15), nullable=False),
    Column("profile_type", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("state", String, nullable=False),
    Column("eid", String(32)),
    Column("matching_id", String(255)),
    Column("confirmation_hash", String(64)),
    Column("downloads", Integer, nullable=False),
    Column("wrong_codes", Integer, nullable=False),
    one_of("state", ProfileState),
    Index("ix_simulated_smdp_profile_type", "owner", "profile_type", "state", "iccid"),
    Index("ix_simulated_smdp_profile_eid", "eid"),
)

#: A matching id leads to one profile; an empty one leads nowhere, the EID does.
_named = and_(profiles.c.matching_id.is_not(None), profiles.c.matching_id != "")
Index(
    "uq_simulated_smdp_profile_matching_id",
    profiles.c.matching_id,
    unique=True,
    sqlite_where=_named,
    postgresql_where=_named,
)

notifications = Table(
    "simulated_smdp_notification",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("owner", String, nullable=False),
    Column("iccid", String(20), nullable=False),
    Column("profile_type", String, nullable=False),
    Column("eid", String(32)),
    Column("at", UtcDateTime, nullable=False),
    Column("point", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("subject_code", String),
    Column("reason_code", String),
    Column("message", String),
    Column("acknowledged", Boolean, nullable=False, server_default=false()),
    one_of("status", NotificationStatus),
    Index("ix_simulated_smdp_notification_pending", "owner", "acknowledged", "sequence"),
)
