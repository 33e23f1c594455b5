"""From rows to views: one read of a project, and every card made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

from sqlalchemy import func
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from engine.profiles import Profile, get_profile
from engine.story import FrameSide, Interior
from studio.jobs.estimate import Pace, learn_pace
from studio.jobs.orders import ClipConditions
from studio.project import commands
from studio.project.film import FilmState, attributes_of, load_film, load_records
from studio.project.lineage import Freshness, Lineage, words_of
from studio.service import views
from studio.service.media import Signer
from studio.store.states import JobKind, JobState, Mark
from studio.store.tables import Clip, Command, Film, Job, Project, Refinement, Shot, Take, Worker, now

_FINISHED_SHOWN = 20
_JOBS_READ = 400
_ALIVE_MILLISECONDS = 10_000


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


@lru_cache(maxsize=4096)
def unknown_words(profile: str, text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Words of a text that the profile cannot draw; none for a profile that reads any words."""
    vocabulary = get_profile(profile).vocabulary
    return () if vocabulary is None else tuple(vocabulary.unknown(text, names))


def clip_conditions(film: FilmState, shot: Shot) -> ClipConditions | None:
    """What a clip of the shot would be rendered from now; None without a picture."""
    if shot.picked is None:
        return None
    return ClipConditions(
        take_id=shot.picked, words=words_of(film, shot), frames=shot.length, rate=str(film.rate)
    )


@dataclass(frozen=True)
class _Rendered:
    """The newest clip of a take with its refined text."""

    clip: Clip
    refined: str


class Cards:
    """Views of one project at one moment. Built inside a session; keeps nothing open."""

    def __init__(self, session: Session, project: Project, signer: Signer) -> None:
        self.film = load_film(session, project)
        self.lineage = Lineage(self.film, load_records(session, self.film))
        self.profile: Profile = get_profile(project.profile)
        self._signer = signer
        self._names = tuple(member.name for member in self.film.cast)
        self._pace: Pace = learn_pace(session)
        self._take_counts = _count_takes(session, project.id)
        self._jobs = _read_jobs(session, project.id)
        self._rendered = _read_clips(session, self.film.takes)
        self._film = session.exec(
            select(Film).where(Film.project_id == project.id).order_by(col(Film.created).desc()).limit(1)
        ).first()
        self._undoable, self._redoable = commands.history(session, project.id)
        self._saved: int = (
            session.exec(select(func.max(Command.created)).where(Command.project_id == project.id)).one()
            or project.created
        )
        self._worker = read_worker(session)

    @property
    def owner(self) -> str:
        return self.film.project.owner

    def project(self) -> views.ProjectView:
        shots = tuple(self.shot(shot) for shot in self.film.shots)
        return views.ProjectView(
            revision=self.film.project.revision,
            head=self.head(shots),
            shots=shots,
            trash=tuple(self.shot(shot) for shot in self.film.trash),
            jobs=self.jobs(),
            worker=self._worker,
        )

    def head(self, shots: Iterable[views.ShotView]) -> views.ProjectHead:
        project, film = self.film.project, self.film
        length = sum(shot.length for shot in film.shots)
        return views.ProjectHead(
            id=project.id,
            title=project.title,
            theme=project.theme,
            logline=project.logline,
            look=project.look,
            profile=project.profile,
            profile_title=self.profile.title,
            profile_note=self.profile.note,
            fps=str(film.rate),
            rate=float(film.rate.fraction),
            width=self.profile.width,
            height=self.profile.height,
            length=length,
            seconds=film.rate.seconds(length),
            cast=tuple(
                views.CastView(id=c.id, name=c.name, look=c.look, unknown_words=self._unknown(c.look))
                for c in film.cast
            ),
            places=tuple(
                views.PlaceView(id=p.id, name=p.name, look=p.look, interior=Interior(p.interior))
                for p in film.places
            ),
            marks=tuple(self._marks()),
            warnings=tuple(project.warnings),
            undo=_next(self._undoable),
            redo=_next(self._redoable),
            film=self.film_view(),
            stale_shots=tuple(shot.id for shot in shots if needs_drawing(shot)),
            saved=moment(self._saved),
        )

    def shot(self, shot: Shot) -> views.ShotView:
        """The card of a shot, live or in the trash (there its number is 0 and it is never stale)."""
        film = self.film
        index = film.index.get(shot.id)
        take = film.picked(shot)
        stale = self.lineage.staleness(index) if index is not None else None
        job = self._latest_draw(shot)
        rendered = self._rendered.get(take.id) if take else None
        wanted = clip_conditions(film, shot)
        number = 0 if index is None else index + 1
        what = shot.description or "not described yet"
        return views.ShotView(
            id=shot.id,
            number=number,
            scene=shot.scene,
            slate=shot.slate,
            label=label(shot),
            title=shot.title,
            description=shot.description,
            attributes=attributes_of(shot),
            seconds=film.rate.seconds(shot.length),
            status=_status(take, job),
            staleness=views.Staleness(freshness=stale.freshness, reasons=stale.reasons)
            if stale
            else views.Staleness(),
            locked=shot.locked,
            take_id=take.id if take else None,
            takes=self._take_counts.get(shot.id, 0),
            start_url=self._frame_url(take, FrameSide.START),
            end_url=self._frame_url(take, FrameSide.END),
            start_alt=f"Start of shot {number}: {what}",
            end_alt=f"End of shot {number}: {what}",
            job=self.job(job) if job else None,
            clip_url=self._signer.url(self.owner, rendered.clip.sha256, "mp4") if rendered else None,
            refined=rendered.refined if rendered else "",
            clip_stale=rendered is not None
            and (wanted is None or rendered.clip.conditions != wanted.model_dump(mode="json")),
            unknown_words=self._unknown(shot.description),
            frames_marked={
                side: mark is Mark.PINNED for (id, side), mark in film.marks.items() if id == shot.id
            },
        )

    def job(self, job: Job) -> views.JobView:
        state = JobState(job.state)
        done = state is JobState.DONE
        return views.JobView(
            id=job.id,
            project_id=job.project_id,
            shot_id=job.shot_id,
            kind=JobKind(job.kind),
            state=state,
            title=job.title,
            step=job.step,
            total=job.total,
            progress=1.0 if done else job.step / job.total if job.total else 0.0,
            message=job.message,
            error=job.error,
            eta_seconds=self._pace.remaining(job) if state.active else None,
            attempts=job.attempts,
            created=moment(job.created),
            finished=moment(job.finished) if job.finished else None,
        )

    def jobs(self) -> tuple[views.JobView, ...]:
        """Active jobs in running order, then the last finished ones, newest first."""
        active = [job for job in self._jobs if JobState(job.state).active]
        active.sort(key=lambda job: (job.state != JobState.RUNNING.value, job.sequence, job.created))
        ended = [job for job in self._jobs if not JobState(job.state).active]
        ended.sort(key=lambda job: -(job.finished or 0))
        return tuple(self.job(job) for job in [*active, *ended[:_FINISHED_SHOWN]])

    def _latest_draw(self, shot: Shot) -> Job | None:
        """The newest draw job, as long as it says something: it is active, or it failed."""
        job = next((j for j in self._jobs if j.shot_id == shot.id and j.kind == JobKind.DRAW.value), None)
        if job is None or not (JobState(job.state).active or job.state == JobState.FAILED.value):
            return None
        return job

    def _frame_url(self, take: Take | None, side: FrameSide) -> str | None:
        if take is None:
            return None
        sha256 = take.start_sha256 if side is FrameSide.START else take.end_sha256
        return self._signer.url(self.owner, sha256, "png")

    def _unknown(self, text: str) -> tuple[str, ...]:
        return unknown_words(self.profile.name, text, self._names)

    def _marks(self) -> Iterable[views.MemoryMarkView]:
        for (shot_id, side), mark in sorted(self.film.marks.items()):
            if shot_id in self.film.index:
                ref = self.lineage.frame(shot_id, side)
                yield views.MemoryMarkView(
                    shot_id=shot_id,
                    side=side,
                    key=self.film.key(shot_id, side),
                    pinned=mark is Mark.PINNED,
                    url=self._signer.url(self.owner, ref.sha256, "png") if ref else None,
                )

    def film_view(self) -> views.FilmView | None:
        row = self._film
        if row is None:
            return None
        wanted = [clip_conditions(self.film, shot) for shot in self.film.shots]
        present = [w.model_dump(mode="json") if w else None for w in wanted]
        return views.FilmView(
            url=self._signer.url(self.owner, row.sha256, "mp4"),
            bundle_url=self._signer.url(self.owner, row.sha256, "zip"),
            created=moment(row.created),
            seconds=self.film.rate.seconds(row.frames),
            stale=row.conditions["clips"] != present,
        )


def label(shot: Shot) -> str:
    """Scene and slate: "1B"."""
    return f"{shot.scene}{shot.slate}"


def needs_drawing(shot: views.ShotView) -> bool:
    """Whether "draw everything stale" takes this shot."""
    waiting = shot.job is not None and shot.job.active
    wanted = shot.take_id is None or shot.staleness.freshness is Freshness.STALE
    return wanted and not waiting and not shot.locked


def read_worker(session: Session) -> views.WorkerView:
    """How the drawing process is, by its last heartbeat."""
    worker = session.exec(select(Worker).order_by(col(Worker.heartbeat).desc()).limit(1)).first()
    alive = worker is not None and now() - worker.heartbeat < _ALIVE_MILLISECONDS
    return views.WorkerView(alive=alive, message=worker.message if worker and alive else "starting")


def _status(take: Take | None, job: Job | None) -> views.ShotStatus:
    match JobState(job.state) if job else None:
        case JobState.RUNNING:
            return views.ShotStatus.DRAWING
        case JobState.QUEUED | JobState.PAUSED:
            return views.ShotStatus.QUEUED
        case JobState.FAILED:
            return views.ShotStatus.FAILED
        case _:
            return views.ShotStatus.DRAFT if take is None else views.ShotStatus.DRAWN


def _next(steps: list[commands.Step]) -> views.HistoryItem | None:
    return views.HistoryItem(id=steps[-1].id, label=steps[-1].label) if steps else None


def _count_takes(session: Session, project_id: str) -> dict[str, int]:
    counts = select(Take.shot_id, func.count()).where(Take.project_id == project_id).group_by(Take.shot_id)
    return dict(session.exec(counts).all())


def _read_jobs(session: Session, project_id: str) -> list[Job]:
    """The project's last jobs, newest first, without their long snapshots."""
    query = select(Job).where(Job.project_id == project_id)
    query = query.order_by(col(Job.created).desc(), col(Job.sequence).desc()).limit(_JOBS_READ)
    slim = query.options(defer(Job.order), defer(Job.resolved))  # type: ignore[arg-type]
    return list(session.exec(slim).all())


def _read_clips(session: Session, takes: Mapping[str, Take]) -> dict[str, _Rendered]:
    query = select(Clip, Refinement.text).join(Refinement, col(Clip.refinement_id) == Refinement.id)
    query = query.where(col(Clip.take_id).in_(list(takes))).order_by(col(Clip.created))
    return {clip.take_id: _Rendered(clip, text) for clip, text in session.exec(query)}
