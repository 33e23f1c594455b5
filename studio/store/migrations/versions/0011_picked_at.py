"""A shot says when its take was picked: the log of edits, which said it before, stays behind in a copy."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("shot", sa.Column("picked_at", sa.Integer(), nullable=True))
    connection = op.get_bind()
    picks = sa.text(
        "SELECT changes, created FROM command WHERE kind = 'edit' AND label LIKE 'pick take %' ORDER BY id"
    )
    told = sa.text("UPDATE shot SET picked_at = :at WHERE id = :shot AND picked = :take")
    for changes, created in connection.execute(picks).all():
        for change in json.loads(changes):
            if (change["table"], change["field"]) == ("shot", "picked"):
                connection.execute(told, {"at": created, "shot": change["id"], "take": change["after"]})


def downgrade() -> None:
    op.drop_column("shot", "picked_at")
