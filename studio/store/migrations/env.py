"""Alembic's entry: uses the connection that `studio.store.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import studio.store.tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
assert studio.store.tables.Project.metadata is SQLModel.metadata
with context.begin_transaction():
    context.run_migrations()
