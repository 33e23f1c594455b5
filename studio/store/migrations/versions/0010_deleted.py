"""A deleted shot stays in the trash of its version: on a shelf it must be told from those that come back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("shot", sa.Column("deleted", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("shot", "deleted")
