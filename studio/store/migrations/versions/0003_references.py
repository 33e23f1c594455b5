"""Reference pictures of people, places and look; takes that repeat another; the aspect of a project."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "reference_picture",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("trashed", sa.Integer(), nullable=True),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_reference_picture_owner", "reference_picture", ["owner"], unique=False)
    op.create_index("ix_reference_picture_project_id", "reference_picture", ["project_id"], unique=False)
    op.add_column("take", sa.Column("again_of", sa.String(), nullable=True))
    op.add_column("project", sa.Column("aspect", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("project", "aspect")
    op.drop_column("take", "again_of")
    op.drop_table("reference_picture")
