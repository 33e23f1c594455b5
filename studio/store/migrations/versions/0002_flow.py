"""Measures of the drawing process, the scope of memory, renderers, and picked texts and clips."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "measure",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_measure_owner", "measure", ["owner"], unique=False)
    for column, value in (("memory_scope", "earlier"), ("renderer", "animatic")):
        op.add_column("project", sa.Column(column, sa.String(), server_default=value, nullable=False))
    for name in ("refinement", "clip", "clip_accepted"):
        op.add_column("shot", sa.Column(name, sa.String(), nullable=True))


def downgrade() -> None:
    for name in ("clip_accepted", "clip", "refinement"):
        op.drop_column("shot", name)
    op.drop_column("project", "renderer")
    op.drop_column("project", "memory_scope")
    op.drop_table("measure")
