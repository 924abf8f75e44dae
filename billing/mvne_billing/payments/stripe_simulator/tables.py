"""Where the simulated Stripe keeps its state: its own tables, on its own metadata, in its own transactions.

It is the other side of the wire: it has no brand and no foreign key into our store, and must remember what it
answered even when our process dies right after.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

#: One row: the number of the last request that may have changed something. Updating it first makes such requests
#: follow one another, on SQLite and PostgreSQL alike, and gives every object an id that the same history gives again.
COUNTER = sa.Table(
    "simulated_stripe_counter",
    METADATA,
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

#: Every object, as the JSON that Stripe would show.
OBJECT = sa.Table(
    "simulated_stripe_object",
    METADATA,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False, unique=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("simulated_stripe_object_by_kind", "kind", "seq"),
)

#: What objects are listed and searched by.
TAG = sa.Table(
    "simulated_stripe_tag",
    METADATA,
    sa.Column("object", sa.String(255), primary_key=True),
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("value", sa.String(512), nullable=False),
    sa.Index("simulated_stripe_tag_by_value", "name", "value"),
)

#: The first answer to each idempotency key, errors included.
KEY = sa.Table(
    "simulated_stripe_key",
    METADATA,
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("address", sa.String(255), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

#: Notifications still to be delivered, and what became of them; the event itself is an object.
EVENT = sa.Table(
    "simulated_stripe_event",
    METADATA,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False, unique=True),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'dropped')", name="simulated_stripe_event_state"),
    sa.Index("simulated_stripe_event_by_state", "state", "seq"),
)
