"""What all subjects of the service share: the open home, signed addresses, and how an edit is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlmodel import Session

from studio.jobs.supervisor import Supervisor
from studio.project.commands import Recorder
from studio.project.film import FilmState, load_film, owned_project, owned_shot
from studio.service.cards import Cards
from studio.service.media import Signer
from studio.service.tracker import Trackers
from studio.service.views import ShotView
from studio.store.home import Home
from studio.store.tables import Project, Shot


@dataclass(frozen=True)
class Edit:
    """An edit being made: one write transaction, one command."""

    session: Session
    project: Project
    film: FilmState
    recorder: Recorder

    def number(self, shot: Shot) -> str:
        """How labels of commands name a shot: "shot 3"."""
        index = self.film.index.get(shot.id)
        return "a deleted shot" if index is None else f"shot {index + 1}"


class Room:
    """Base of the service's subjects."""

    home: Home
    signer: Signer
    trackers: Trackers
    supervisor: Supervisor

    @contextmanager
    def _edit(self, owner: str, project_id: str) -> Iterator[Edit]:
        """A write transaction on the owner's project. Raises NotFound."""
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            yield Edit(session, project, load_film(session, project), Recorder(session, project))

    @contextmanager
    def _edit_shot(self, owner: str, shot_id: str) -> Iterator[tuple[Edit, Shot]]:
        """A write transaction on the project of the owner's shot. Raises NotFound."""
        with self.home.database.write() as session:
            shot = owned_shot(session, owner, shot_id)
            project = owned_project(session, owner, shot.project_id)
            yield Edit(session, project, load_film(session, project), Recorder(session, project)), shot

    def _shot_view(self, owner: str, shot_id: str) -> ShotView:
        """A shot as the database holds it now."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            return Cards(session, owned_project(session, owner, shot.project_id), self.signer).shot(shot)
