"""Every table counts its changes; `studio.store.stamps` makes the triggers when a database is opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from studio.store.stamps import uninstall

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "stamp",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    uninstall(op.get_bind())
    op.drop_table("stamp")
