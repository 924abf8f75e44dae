"""Makes the tables of the SM-DP+, and refuses a store that another version of it made."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from mvne_provisioning.errors import ProvisioningError
from mvne_provisioning.smdp.server.tables import SCHEMA_VERSION, metadata, schema


class OtherSchema(ProvisioningError):
    """The store was made by another version of the SM-DP+."""


def make_tables(conn: Connection) -> None:
    """Make the tables unless they are there; raise `OtherSchema` when those that are there are not ours."""
    metadata.create_all(conn)
    found = conn.execute(select(schema.c.version)).scalar_one_or_none()
    if found is None:
        conn.execute(insert(schema).values(version=SCHEMA_VERSION))
    elif found != SCHEMA_VERSION:
        later = found > SCHEMA_VERSION
        todo = "upgrade mvne" if later else "begin a new store, or serve this one with the version that made it"
        raise OtherSchema(f"the store has the SM-DP+'s schema {found}, and this version needs {SCHEMA_VERSION}; {todo}")
