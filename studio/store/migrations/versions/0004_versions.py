"""Versions of a film's shot list, the scratch sound, archived projects, jobs that pause while they run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("logline", sa.String(), nullable=False),
        sa.Column("look", sa.String(), nullable=False),
        sa.Column("rate_numerator", sa.Integer(), nullable=False),
        sa.Column("rate_denominator", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("trashed", sa.Integer(), nullable=True),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_version_owner", "version", ["owner"], unique=False)
    op.create_index("ix_version_project_id", "version", ["project_id"], unique=False)
    for table in ("shot", "cast_member", "place"):
        # Said in SQL: Alembic leaves the REFERENCES of SQLite out.
        op.execute(f"ALTER TABLE {table} ADD COLUMN shelf VARCHAR REFERENCES version (id)")
    op.add_column("project", sa.Column("version_id", sa.String(), nullable=True))
    for name, kind, default in (
        ("sound", sa.String(), ""),
        ("sound_name", sa.String(), ""),
        ("sound_seconds", sa.Float(), "0"),
        ("sound_offset", sa.Integer(), "0"),
        ("sound_volume", sa.Integer(), "100"),
        ("sound_in_film", sa.Boolean(), sa.false()),
    ):
        op.add_column("project", sa.Column(name, kind, nullable=False, server_default=default))
    op.add_column("project", sa.Column("archived", sa.Integer(), nullable=True))
    op.add_column(
        "job", sa.Column("pause_requested", sa.Boolean(), nullable=False, server_default=sa.false())
    )
