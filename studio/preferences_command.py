"""`stage preferences`: what was picked against what was turned down, in a folder for `stage lora`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session, col, select

from engine.errors import BadInput
from studio.exchange.preferences import Preferences, preferences_of, write_folder
from studio.project.film import load_film
from studio.store.home import Home
from studio.store.tables import Project


def export_preferences(home_folder: Path, names: Sequence[str], out: Path) -> list[Preferences]:
    """Writes the preferences of the films of these titles or ids, a film a line.

    Raises BadInput with one sentence: no such film, nothing to prefer, or a films.jsonl that is there.
    """
    home = Home(home_folder)
    try:
        with home.database.read() as session:
            projects = [_find(session, name) for name in dict.fromkeys(names)]
            found = [preferences_of(session, load_film(session, project)) for project in projects]
        write_folder(home, found, out)
    finally:
        home.close()
    return found


def _find(session: Session, name: str) -> Project:
    live = select(Project).where(col(Project.trashed).is_(None)).order_by(col(Project.updated).desc())
    projects = session.exec(live).all()
    found = [p for p in projects if name in (p.id, p.title)]
    if not found:
        titles = ", ".join(f"“{project.title}”" for project in projects[:5]) or "none"
        raise BadInput(f"There is no film called “{name}” here; the newest are: {titles}.")
    if len(found) > 1:
        ids = ", ".join(project.id for project in found)
        raise BadInput(f"Several films are called “{name}”: name one by its id, {ids}.")
    return found[0]
