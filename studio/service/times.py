"""Times of the database as the page and scripts read them."""

from __future__ import annotations

from datetime import datetime, timezone


def moment(milliseconds: int) -> datetime:
    """Milliseconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
