"""Where the roof keeps its rows: brands, what they sell in which version, launches, subscribers, lines, jobs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from mvne.states import JobState, LaunchState, LineState
from mvne_billing.columns import UtcDateTime

metadata = MetaData()


def _state(values: Sequence[str]) -> tuple[Column[str], CheckConstraint]:
    known = ", ".join(repr(str(value)) for value in values)
    return Column("state", String(16), nullable=False), CheckConstraint(f"state IN ({known})", name="state_known")


#: `ordinal` counts the brands of a store: each has a range of simulated eSIM profiles of its own by it.
brand = Table(
    "mvne_brand",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("ordinal", Integer, nullable=False, unique=True),
    Column("market", String(2), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand"),
)

#: Everything a plan file sets, one row per version; `until` is set when a version is no longer sold or in force.
item = Table(
    "mvne_item",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("id", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    PrimaryKeyConstraint("brand", "kind", "id", "version"),
)

launch = Table(
    "mvne_launch",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("wanted", String(64), nullable=False),
    *_state(list(LaunchState)),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "number"),
)

launch_step = Table(
    "mvne_launch_step",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("launch", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("id", String(60), nullable=False),
    Column("result", Text),
    PrimaryKeyConstraint("brand", "launch", "place"),
)

subscriber = Table(
    "mvne_subscriber",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(60), nullable=False),
    Column("name", String(120), nullable=False),
    Column("email", String(200), nullable=False),
    Column("language", String(12), nullable=False),
    Column("born", Date),
    Column("region", String(40)),
    Column("test", Boolean, nullable=False),
    Column("gateway_customer", String(80)),
    Column("gateway_method", String(80)),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
)

line = Table(
    "mvne_line",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(80), nullable=False),
    Column("subscriber", String(60), nullable=False),
    *_state(list(LineState)),
    Column("cause", String(60)),
    Column("msisdn", String(20)),
    Column("iccid", String(20)),
    Column("imsi", String(15)),
    Column("activation_code", Text),
    Column("bits_per_second", BigInteger),
    Column("barrings", String(120), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
)
Index("mvne_line_subscriber", line.c.brand, line.c.subscriber)

#: Which line had which number from when until when: numbers are recycled, usage may come late.
number_use = Table(
    "mvne_number_use",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("msisdn", String(20), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("line", String(80), nullable=False),
    Column("until", UtcDateTime),
    PrimaryKeyConstraint("brand", "msisdn", "since"),
)

#: Work to be done after the transaction that asked for it, each with the key it is done under.
job = Table(
    "mvne_job",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("id", String(300), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("content", Text, nullable=False),
    *_state(list(JobState)),
    Column("message", Text),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "id"),
)
Index("mvne_job_waiting", job.c.brand, job.c.state, job.c.at)

#: What happened, in order, written in the transaction in which it happened.
event = Table(
    "mvne_event",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("type", String(60), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("content", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("brand", "number"),
)

#: How far a feed of the outside world has been read.
cursor = Table(
    "mvne_cursor",
    metadata,
    Column("brand", String(40), nullable=False),
    Column("feed", String(40), nullable=False),
    Column("after", BigInteger, nullable=False),
    PrimaryKeyConstraint("brand", "feed"),
)
