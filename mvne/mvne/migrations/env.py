"""Alembic's entry: runs the revisions on the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from mvne.tables import metadata as roof
from mvne_billing.tables import metadata as billing
from mvne_provisioning.tables import metadata as provisioning

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[roof, billing, provisioning],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
