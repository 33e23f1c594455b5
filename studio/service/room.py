"""What all subjects of the service share: the open home, signed addresses, and how an edit is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from sqlmodel import Session

from engine.catalogue import MINI
from engine.doctor import refusal
from engine.errors import UnsupportedError
from engine.profiles import Profile, get_profile
from studio.jobs.supervisor import Supervisor
from studio.project.commands import Recorder
from studio.project.film import FilmState, live_ids, load_film, owned_project, owned_shot
from studio.service.cards import Cards
from studio.service.directing import AtWork, Directing
from studio.service.machine import machine_here
from studio.service.media import Signer
from studio.service.paid import paid_profile_refusal
from studio.service.tracker import Trackers
from studio.service.views import ShotView
from studio.store.home import Home
from studio.store.tables import Project, Shot


@dataclass(frozen=True)
class Edit:
    """An edit being made: one write transaction, one command.

    The whole film is read when it is first asked for: most edits touch a row or two of hundreds.
    """

    session: Session
    project: Project
    recorder: Recorder
    numbers: Mapping[str, int]
    """Place in the film, from 1, of every live shot, before this edit."""

    @cached_property
    def film(self) -> FilmState:
        return load_film(self.session, self.project)

    def number(self, shot: Shot) -> str:
        """How labels of commands name a shot: "shot 3"."""
        number = self.numbers.get(shot.id)
        return "a deleted shot" if number is None else f"shot {number}"


class Room:
    """Base of the service's subjects."""

    home: Home
    signer: Signer
    trackers: Trackers
    supervisor: Supervisor
    directing: Directing
    judges: AtWork

    @contextmanager
    def _edit(self, owner: str, project_id: str) -> Iterator[Edit]:
        """A write transaction on the owner's project. Raises NotFound."""
        with self.home.database.write() as session:
            yield _begin(session, owned_project(session, owner, project_id))

    @contextmanager
    def _edit_shot(self, owner: str, shot_id: str) -> Iterator[tuple[Edit, Shot]]:
        """A write transaction on the project of the owner's shot. Raises NotFound."""
        with self.home.database.write() as session:
            shot = owned_shot(session, owner, shot_id)
            yield _begin(session, owned_project(session, owner, shot.project_id)), shot

    def _shot_view(self, owner: str, shot_id: str) -> ShotView:
        """A shot as the database holds it now."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            return Cards(session, owned_project(session, owner, shot.project_id), self.signer).shot(shot)


def drawable(name: str) -> Profile:
    """The profile of that name. Raises UnsupportedError when it cannot draw here."""
    profile = get_profile(name)
    # A small checkpoint that is missing is told by the job; a large one must not even begin to download.
    why_not = profile.refusal if profile.family == MINI.family else refusal(profile, machine_here())
    if why_not := paid_profile_refusal(profile.name) or why_not:
        raise UnsupportedError(why_not)
    return profile


def _begin(session: Session, project: Project) -> Edit:
    numbers = {id: number for number, id in enumerate(live_ids(session, project.id), start=1)}
    return Edit(session, project, Recorder(session, project), numbers)
