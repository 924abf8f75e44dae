"""Where the simulated host network keeps its lines, its usage and its subscriptions: on the other side of the wire."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from mvne_provisioning.columns import UtcDateTime, one_of
from mvne_provisioning.network.port import HostState, UsageKind
from mvne_provisioning.simulation import answers_table

metadata = MetaData()

answers = answers_table(metadata, "simulated_host_command")

lines = Table(
    "simulated_host_line",
    metadata,
    Column("imsi", String(15), primary_key=True),
    Column("iccid", String(20), nullable=False),
    Column("msisdn", String(16), nullable=False),
    Column("state", String, nullable=False),
    Column("barrings", String, nullable=False),
    Column("bits_per_second", BigInteger),
    one_of("state", HostState),
)

_living = lines.c.state != HostState.TERMINATED.value
Index("uq_simulated_host_line_iccid", lines.c.iccid, unique=True, sqlite_where=_living, postgresql_where=_living)
Index("uq_simulated_host_line_msisdn", lines.c.msisdn, unique=True, sqlite_where=_living, postgresql_where=_living)

usage = Table(
    "simulated_host_usage",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False, unique=True),
    Column("imsi", String(15), nullable=False),
    Column("msisdn", String(16), nullable=False),
    Column("kind", String, nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("called", String),
    Column("country", String(2), nullable=False),
    one_of("kind", UsageKind),
)

#: The last sequence given. Its row is locked while records are written, so the feed grows in order and without gaps.
counter = Table(
    "simulated_host_counter",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

#: The home subscriber server: keys sealed by a vault under the key named beside them, SQN the last one given.
subscribers = Table(
    "simulated_hss_subscriber",
    metadata,
    Column("imsi", String(15), primary_key=True),
    Column("sealed_keys", LargeBinary, nullable=False),
    Column("sealed_with", String(32), nullable=False, index=True),
    Column("amf", String(4), nullable=False),
    Column("sqn", BigInteger, nullable=False),
    Column("iccid", String(20)),
    Column("msisdn", String(16)),
    Column("apns", JSON, nullable=False),
    Column("barred", Boolean, nullable=False),
    Column("downlink", BigInteger, nullable=False),
    Column("uplink", BigInteger, nullable=False),
    CheckConstraint("sqn >= 0 AND sqn < 281474976710656", name="sqn_has_48_bits"),
)
