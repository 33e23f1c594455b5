"""Who directs, refines and judges a film, and what a judge said of its cuts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("project", sa.Column("agents", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "verdict",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("end_sha256", sa.String(), nullable=False),
        sa.Column("start_sha256", sa.String(), nullable=False),
        sa.Column("judge", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_verdict_owner", "verdict", ["owner"], unique=False)
    op.create_index("ix_verdict_project_id", "verdict", ["project_id"], unique=False)


def downgrade() -> None:
    op.drop_table("verdict")
    op.drop_column("project", "agents")
