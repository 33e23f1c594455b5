"""Making room on the disk: films in the trash and exports that are deleted for good."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from engine.errors import BadInput
from engine.step2.cached_frames import drop_frame
from engine.story import FrameRate
from studio.exchange.zips import ZipKind, forget_others
from studio.jobs import queue
from studio.project.clearing import delete_film, files_in_use, files_of
from studio.project.commands import touch
from studio.project.film import owned_export, owned_project
from studio.service.clearing_views import ExportView, FilmPurgeView
from studio.service.room import Room
from studio.service.times import moment
from studio.store.home import LEFT_OVER_SECONDS
from studio.store.states import JobState
from studio.store.tables import Clip, Film, Job, Project, Reference, Shot, Take

_COUNTED: tuple[tuple[str, type[Any]], ...] = (
    ("shot", Shot),
    ("take", Take),
    ("clip", Clip),
    ("uploaded picture", Reference),
    ("exported film", Film),
)


class Clearing(Room):
    """What is deleted here does not come back."""

    def purge_project_plan(self, owner: str, project_id: str) -> FilmPurgeView:
        """What `purge_project` would delete, or why it would not; deletes nothing."""
        with self.home.database.read() as session:
            project = owned_project(session, owner, project_id)
            alone = files_of(session, project_id) - files_in_use(session, without=project_id)
            counts = [(word, _count(session, table, project_id)) for word, table in _COUNTED]
            refusal = _refusal(session, project)
        return FilmPurgeView(
            film_id=project.id,
            title=project.title,
            goes=tuple(f"{n} {word}{'' if n == 1 else 's'}" for word, n in counts if n),
            frees=sum(blob.bytes for blob in self.home.blobs.stored() if blob.sha256 in alone),
            refusal=refusal,
        )

    def purge_project(self, owner: str, project_id: str) -> FilmPurgeView:
        """Deletes a film in the trash for good: all its versions, takes, clips, exports and its history, and
        the files that no other film uses. No undo. First the rows go, then the files: who is killed between
        leaves files that the next purge finds.

        Raises BadInput for a film that is not in the trash, or while work on it still runs.
        """
        began = time.time()
        view = self.purge_project_plan(owner, project_id)
        self.judges.stop(project_id)
        self.directing.stop(project_id)
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            if refusal := _refusal(session, project):
                raise BadInput(refusal)
            mine = files_of(session, project_id)
            delete_film(session, project_id)
        self._sweep(mine, began)
        return view

    def exports(self, owner: str, project_id: str) -> tuple[ExportView, ...]:
        """All exports of a film, the newest first."""
        with self.home.database.read() as session:
            project = owned_project(session, owner, project_id)
            films = select(Film).where(Film.project_id == project_id).order_by(col(Film.created).desc())
            rate = FrameRate(numerator=project.rate_numerator, denominator=project.rate_denominator)
            return tuple(self._export_view(film, rate) for film in session.exec(films))

    def delete_export(self, owner: str, export_id: str) -> None:
        """Deletes an export for good: its MP4 and its zip. The takes and clips that it was made of stay."""
        began = time.time()
        with self.home.database.write() as session:
            film = owned_export(session, owner, export_id)
            touch(session.get_one(Project, film.project_id))
            session.delete(film)
        self._sweep({film.sha256}, began)

    def _sweep(self, gone: Iterable[str], began: float) -> None:
        """Deletes those of these files that nothing uses (any more), and old ones that nothing tells of, left
        by a purge that was killed. Under the write lock, so that nothing comes into use meanwhile; what
        somebody stored again since the purge `began` is about to.
        """
        wanted = set(gone)
        with self.home.database.write() as session:
            used = files_in_use(session)
            for blob in self.home.blobs.stored():
                limit = began if blob.sha256 in wanted else began - LEFT_OVER_SECONDS
                if blob.sha256 not in used and blob.written < limit:
                    drop_frame(self.home.cache, blob.sha256)  # first: nobody would find it without the file
                    self.home.blobs.remove(blob.sha256, blob.extension, since=limit)
            forget_others(self.home, ZipKind.FILM, set(session.exec(select(Film.id))))
            forget_others(self.home, ZipKind.PREFERENCES, set(session.exec(select(Project.id))))

    def _export_view(self, film: Film, rate: FrameRate) -> ExportView:
        path = self.home.blobs.path(film.sha256, "mp4")
        return ExportView(
            id=film.id,
            url=self.signer.url(film.owner, film.sha256, "mp4"),
            created=moment(film.created),
            seconds=rate.seconds(film.frames),
            bytes=path.stat().st_size if path.is_file() else 0,
        )


def _refusal(session: Session, project: Project) -> str:
    if project.trashed is None:
        return "Only a film in the trash can be deleted for good: put it there first."
    running = queue.active_jobs(session, Job.project_id == project.id, Job.state == JobState.RUNNING.value)
    return "Work on this film still runs: wait until it has stopped." if running else ""


def _count(session: Session, table: type[Any], project_id: str) -> int:
    rows = select(func.count()).select_from(table).where(table.project_id == project_id)
    return session.exec(rows).one()
