"""Projects: make, list, look at, follow."""

from __future__ import annotations

from sqlmodel import Session, col, select

from engine.errors import BadInput
from engine.profiles import get_profile
from engine.story import FrameRate
from studio.jobs import queue
from studio.project.commands import touch
from studio.project.copying import copy_project
from studio.project.film import owned_project
from studio.service.cards import Cards
from studio.service.room import Room
from studio.service.times import moment
from studio.service.views import Patch, ProjectCard, ProjectView
from studio.store.tables import Project, Shot, Take, now

MAX_TITLE, MAX_THEME = 200, 200_000
UNTITLED = "Untitled"


class Projects(Room):
    """Projects of an owner."""

    def create_project(
        self, owner: str, title: str = "", theme: str = "", profile: str = "mini"
    ) -> ProjectView:
        """A new, empty project. Raises BadInput for an unknown profile or texts that are too long."""
        if not owner:
            raise BadInput("A project needs an owner.")
        if len(title) > MAX_TITLE or len(theme) > MAX_THEME:
            raise BadInput(f"A title has at most {MAX_TITLE} characters, a theme {MAX_THEME}.")
        rate = FrameRate()
        project = Project(
            owner=owner,
            title=title.strip() or UNTITLED,
            theme=theme,
            profile=get_profile(profile).name,
            rate_numerator=rate.numerator,
            rate_denominator=rate.denominator,
        )
        with self.home.database.write() as session:
            session.add(project)
        return self.project(owner, project.id)

    def projects(self, owner: str) -> tuple[ProjectCard, ...]:
        """The films that the owner works on: neither archived nor in the trash, the last changed first."""
        return tuple(card for card in self.all_projects(owner) if not (card.archived or card.trashed))

    def all_projects(self, owner: str) -> tuple[ProjectCard, ...]:
        """All projects of the owner, also archived and deleted ones, the last changed first."""
        with self.home.database.read() as session:
            rows = select(Project).where(Project.owner == owner)
            found = session.exec(rows.order_by(col(Project.updated).desc(), col(Project.id))).all()
            return tuple(self._list_entry(session, project) for project in found)

    def project(self, owner: str, project_id: str) -> ProjectView:
        """All that the page needs."""
        return self.trackers.of(project_id).observe(lambda: self._look(owner, project_id))

    def changes(self, owner: str, project_id: str, since: int) -> Patch:
        """What changed after revision `since`: cheap enough to be asked every second."""
        with self.home.database.read() as session:
            revision = owned_project(session, owner, project_id).revision
        if revision == since:
            return Patch(revision=revision)
        return self.trackers.of(project_id).since(since, lambda: self._look(owner, project_id))

    def delete_project(self, owner: str, project_id: str) -> None:
        """Moves a project to the trash and cancels its work; `restore_project` brings it back."""
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            project.trashed = now()
            touch(project)
            queue.cancel_all(session, project_id)

    def restore_project(self, owner: str, project_id: str) -> ProjectView:
        """Takes a project out of the trash."""
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            project.trashed = None
            touch(project)
        return self.project(owner, project_id)

    def archive_project(self, owner: str, project_id: str) -> None:
        """Puts a project out of the way; it can be opened and changed as before. Waiting jobs go on."""
        self._file_away(owner, project_id, now())

    def unarchive_project(self, owner: str, project_id: str) -> None:
        """Puts an archived project back among the others."""
        self._file_away(owner, project_id, None)

    def _file_away(self, owner: str, project_id: str, since: int | None) -> None:
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            project.archived = since
            touch(project)

    def duplicate_project(self, owner: str, project_id: str) -> ProjectView:
        """A copy with all shots, takes, clips and versions; pictures are shared by their content. Jobs,
        exported films and the history stay behind.
        """
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            copy = copy_project(session, project, f"{project.title[: MAX_TITLE - 7]} (copy)")
        return self.project(owner, copy.id)

    def _look(self, owner: str, project_id: str) -> ProjectView:
        with self.home.database.read() as session:
            project = owned_project(session, owner, project_id)
            return Cards(session, project, self.signer).project()

    def _list_entry(self, session: Session, project: Project) -> ProjectCard:
        shots = select(Shot.length, Take.start_sha256).join(Take, col(Shot.picked) == Take.id, isouter=True)
        shots = shots.where(Shot.project_id == project.id, col(Shot.trashed).is_(None))
        rows = session.exec(shots.order_by(col(Shot.position))).all()
        covers = [sha256 for _, sha256 in rows if sha256]
        rate = FrameRate(numerator=project.rate_numerator, denominator=project.rate_denominator)
        return ProjectCard(
            id=project.id,
            title=project.title,
            shots=len(rows),
            drawn=len(covers),
            seconds=rate.seconds(sum(length for length, _ in rows)),
            cover_url=self.signer.url(project.owner, covers[0], "png") if covers else None,
            updated=moment(project.updated),
            archived=project.archived is not None,
            trashed=project.trashed is not None,
        )
