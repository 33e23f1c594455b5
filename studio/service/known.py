"""What was worked out of a film when it was looked at last, for as long as it holds."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from studio.project.film import FilmState
from studio.project.lineage import Staleness
from studio.store.tables import Shot

_Stale = dict[str, tuple[Shot, Staleness]]


def known_staleness(film: FilmState, notes: dict[str, Any]) -> _Stale:
    """Staleness by shot as it was last worked out; nothing once the film around the shots differs.

    What bears on it beside a shot's own row: the order, the picked takes, and all else of the film, of which
    only a few columns are known not to.
    """
    around = (
        tuple((shot.id, shot.picked) for shot in film.shots),
        *(_plain(getattr(film, item.name)) for item in fields(film) if item.name not in _WATCHED_APART),
        film.project.model_dump(exclude=_NO_CONDITION),
    )
    known = notes.get("staleness")  # one look at the notes: other threads write them, too
    if known is None or known[0] != around:
        known = notes["staleness"] = around, {}
    stale: _Stale = known[1]
    return stale


def _plain(value: Any) -> Any:
    """Rows as their values: two objects of one row are not equal to SQLAlchemy."""
    return [row.model_dump() for row in value] if isinstance(value, tuple) else value


_WATCHED_APART = ("project", "shots", "trash", "takes")
_NO_CONDITION = {"revision", "updated", "title", "theme", "logline", "warnings"}
