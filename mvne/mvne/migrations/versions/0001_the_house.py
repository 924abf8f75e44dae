"""The tables of all rooms, as the platform began."""

from __future__ import annotations

from alembic import op

from mvne.tables import metadata as roof
from mvne_billing.tables import metadata as billing
from mvne_provisioning.tables import metadata as provisioning

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    for metadata in (roof, billing, provisioning):
        metadata.create_all(op.get_bind())
