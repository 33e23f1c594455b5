"""From rows to views: one read of a project, and every card made from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlmodel import Session, col, select

from engine.profiles import Profile, get_profile, resized
from engine.story import FrameSide
from engine.video.subtitles import too_long
from studio.jobs.estimate import Pace, last_finished, learn_pace
from studio.jobs.presence import UNSTARTED
from studio.project.clips import Rendered, load_clips
from studio.project.commands import Step
from studio.project.continuity import Cut, continuity
from studio.project.film import attributes_of, load_film, load_records
from studio.project.judging import last_judging
from studio.project.labels import label
from studio.project.lineage import Freshness, Lineage, Staleness
from studio.project.rows import rows_of
from studio.project.verdicts import judged_cuts, read_verdicts
from studio.service import views
from studio.service.agent_views import CutVerdictView, agents_view, judging_view, verdict_view
from studio.service.counts import (
    count_measures,
    known_log,
    newest_film,
    read_counts,
    read_jobs,
    read_others,
)
from studio.service.film_views import film_view
from studio.service.job_views import JobViews
from studio.service.known import known_staleness
from studio.service.media import Signer
from studio.service.picture_views import reference_views
from studio.service.sound_views import sound_view
from studio.service.times import moment
from studio.service.words import cast_view, contradictions, hints_in, place_view, shot_hints
from studio.store.states import JobKind, JobState, Mark, MemoryScope, Subject
from studio.store.tables import (
    Clip,
    Command,
    Film,
    Job,
    Judging,
    Measure,
    Project,
    Shot,
    Take,
    Verdict,
    Worker,
    now,
)

_ALIVE_MILLISECONDS = 10_000
_NOT_OF_CARDS = {
    *(str(table.__tablename__) for table in (Project, Shot, Job, Command, Worker, Film, Judging)),
}
"""Tables whose changes say nothing about cards that are not watched apart."""


@dataclass(frozen=True)
class _Given:
    """All that the card of one shot is made from, beside what is the same for the whole film."""

    shot: Shot
    number: int
    take: Take | None
    takes: int
    takes_mark: str
    stale: Staleness
    job: views.JobView | None
    rendered: Rendered | None
    clips: int
    clip_stale: Staleness
    rendering: views.JobView | None
    refined: str
    refined_by_hand: bool
    pictures: tuple[views.ReferenceView, ...]
    cut: Cut | None
    verdict: CutVerdictView | None
    marked: dict[FrameSide, bool]
    contradictions: tuple[views.Contradiction, ...]


class Cards:
    """Views of one project at one moment. Built inside a session; keeps nothing open."""

    def __init__(self, session: Session, project: Project, signer: Signer) -> None:
        rows = rows_of(project.id)
        reading = rows.at(session)
        keep, id, owner = reading.keep, project.id, project.owner
        self.film = load_film(session, project, reading)
        self._records = load_records(session, self.film)
        self._stale = known_staleness(self.film, rows.notes)
        self._cuts = continuity(session, self.film, reading)
        self._verdicts = judged_cuts(
            self.film, keep("verdicts", (Verdict,), lambda: read_verdicts(session, id))
        )
        self._judging = keep("judging", (Judging,), lambda: last_judging(session, id))
        self.profile: Profile = resized(get_profile(project.profile), project.aspect)
        self._signer = signer
        self._names = tuple(member.name for member in self.film.cast)
        self._pace: Pace = keep("pace", (), lambda: learn_pace(session), last_finished(session))
        jobs = keep("jobs", (Job,), lambda: read_jobs(reading, id))
        waits = any(job.state == JobState.QUEUED.value for job in jobs)
        others = keep("others", (Job,), lambda: read_others(session, owner, id)) if waits else []
        self._work = JobViews(jobs, self._pace, others, self.film.index, rows.notes.setdefault("jobs", {}))
        self._counts = keep("counts", (Take, Clip), lambda: read_counts(session, id))
        self._clips = load_clips(session, self.film, reading)
        self._film = keep("film", (Film,), lambda: newest_film(session, id))
        self._log = known_log(reading, id)
        self._measured = keep("measured", (Measure,), lambda: count_measures(session, owner))
        self._worker = self._work.doing(read_worker(session))
        self._marks_of: dict[str, list[tuple[tuple[str, FrameSide], Mark]]] = {}
        for at, mark in self.film.marks.items():
            self._marks_of.setdefault(at[0], []).append((at, mark))
        around = self.owner, self.profile, self.film.rate, self._names
        cards = rows.notes.get("cards")  # one look at the notes: other threads write them, too
        if cards is None or cards[0] != around:
            cards = rows.notes["cards"] = around, {}
        self._cards: dict[str, tuple[_Given, views.ShotView]] = cards[1]
        stamps = {name: at for name, at in reading.stamps.items() if name not in _NOT_OF_CARDS}
        same = rows.notes.get("same")
        if same is None or same[0] != stamps or same[1] is not self._stale:
            same = rows.notes["same"] = stamps, self._stale, {}
        self._same: dict[str, tuple[tuple[Any, ...], views.ShotView]] = same[2]

    @property
    def owner(self) -> str:
        return self.film.project.owner

    @cached_property
    def _pictures(self) -> dict[tuple[Subject, str], tuple[views.ReferenceView, ...]]:
        return reference_views(self.film, self._signer)

    @cached_property
    def lineage(self) -> Lineage:
        return Lineage(self.film, self._records)

    def project(self) -> views.ProjectView:
        shots = tuple(self._card_of(shot, index) for index, shot in enumerate(self.film.shots))
        return views.ProjectView(
            revision=self.film.project.revision,
            head=self.head(shots),
            shots=shots,
            trash=tuple(self.shot(shot) for shot in self.film.deleted),
            jobs=self._work.listed(),
            worker=self._worker,
            edited=self._log.upto,
        )

    def head(self, shots: Iterable[views.ShotView]) -> views.ProjectHead:
        project, film = self.film.project, self.film
        length = sum(shot.length for shot in film.shots)
        pictures = self._pictures
        look_hints = hints_in(project.profile, "look", project.look, self._names)
        return views.ProjectHead(
            id=project.id,
            title=project.title,
            theme=project.theme,
            logline=project.logline,
            look=project.look,
            profile=project.profile,
            profile_title=self.profile.title,
            memory_scope=MemoryScope(project.memory_scope),
            all_profiles=project.all_profiles,
            renderer=project.renderer,
            agents=agents_view(project.agents),
            judging=judging_view(self._judging, film),
            seconds_a_frame=self._pace.duration(JobKind.RENDER.value, project.renderer, 1),
            measured=self._measured,
            profile_note=self.profile.note,
            fps=str(film.rate),
            rate=float(film.rate.fraction),
            width=self.profile.width,
            height=self.profile.height,
            length=length,
            seconds=film.rate.seconds(length),
            cast=tuple(
                cast_view(project.profile, c, self._names, pictures.get((Subject.CAST, c.id), ()))
                for c in film.cast
            ),
            places=tuple(
                place_view(project.profile, p, self._names, pictures.get((Subject.PLACE, p.id), ()))
                for p in film.places
            ),
            look_pictures=pictures.get((Subject.LOOK, ""), ()),
            look_unknown=tuple(hint.word for hint in look_hints),
            trashed=project.trashed is not None,
            aspect=project.aspect,
            aspects=self.profile.aspects,
            steps=self.profile.steps,
            guidance=self.profile.guidance,
            memory_guidance=self.profile.memory_guidance,
            marks=tuple(self._marks()),
            version=project.version_id,
            hints=look_hints,
            sound=sound_view(project, self._signer),
            warnings=tuple(project.warnings),
            undo=_next(self._log.undoable),
            redo=_next(self._log.redoable),
            film=self.film_view(),
            stale_shots=tuple(shot.id for shot in shots if shot.wanted),
            saved=moment(self._log.newest or project.created),
        )

    def _card_of(self, shot: Shot, index: int) -> views.ShotView:
        """The card of a live shot; without any work where nothing differs that it is made from: its row, its
        jobs, its cut, and the tables and fields of the film that bear on all cards.
        """
        looked_at = (
            shot,
            index,
            self._work.latest(shot.id, JobKind.DRAW),
            self._work.latest(shot.id, JobKind.RENDER),
            self._cuts.get(index),
            self._verdicts.get(index),
        )
        known = self._same.get(shot.id)
        if known is None or known[0] != looked_at:
            known = self._same[shot.id] = looked_at, self.shot(shot)
        return known[1]

    def shot(self, shot: Shot) -> views.ShotView:
        """The card of a shot, live or in the trash (there its number is 0 and it is never stale).

        A card that would say what it said last time is that very card: of 200, an edit changes one.
        """
        index = self.film.index.get(shot.id)
        given = _Given(
            shot=shot,
            number=0 if index is None else index + 1,
            take=self.film.picked(shot),
            takes=self._counts.takes.get(shot.id, 0),
            takes_mark=self._counts.takes_marks.get(shot.id, ""),
            stale=self._staleness(shot, index) if index is not None else Staleness(),
            job=self._work.latest(shot.id, JobKind.DRAW),
            rendered=self._clips.picked.get(shot.id),
            clips=self._counts.clips.get(shot.id, 0),
            clip_stale=self._clips.staleness(shot),
            rendering=self._work.latest(shot.id, JobKind.RENDER),
            refined=self._clips.text(shot),
            refined_by_hand=shot.id in self._clips.written,
            pictures=self._pictures.get((Subject.SHOT, shot.id), ()),
            cut=self._cuts.get(index) if index is not None else None,
            verdict=verdict_view(self._verdicts.get(index)) if index is not None else None,
            marked={side: mark is Mark.PINNED for (id, side), mark in self._marks_of.get(shot.id, ())},
            contradictions=contradictions(self.film, shot),
        )
        known = self._cards.get(shot.id)
        if known is None or known[0] != given:
            known = self._cards[shot.id] = given, self._card(given)
        return known[1]

    def _card(self, given: _Given) -> views.ShotView:
        shot, number, take, film = given.shot, given.number, given.take, self.film
        stale, clip_stale, rendered = given.stale, given.clip_stale, given.rendered
        seconds = film.rate.seconds(shot.length)
        what = shot.description or "not described yet"
        hints = shot_hints(self.profile.name, shot, self._names)
        return views.ShotView(
            id=shot.id,
            number=number,
            scene=shot.scene,
            slate=shot.slate,
            label=label(shot),
            title=shot.title,
            description=shot.description,
            attributes=attributes_of(shot),
            seconds=seconds,
            too_long=too_long(shot.dialogue, seconds) if shot.dialogue else "",
            status=_status(take, given.job),
            staleness=views.Staleness(freshness=stale.freshness, reasons=stale.reasons),
            locked=shot.locked,
            take_id=take.id if take else None,
            takes=given.takes,
            takes_mark=given.takes_mark,
            start_url=self._frame_url(take, FrameSide.START),
            end_url=self._frame_url(take, FrameSide.END),
            start_alt=f"Start of shot {number}: {what}",
            end_alt=f"End of shot {number}: {what}",
            job=given.job,
            clip_url=self._signer.url(self.owner, rendered.clip.sha256, "mp4") if rendered else None,
            clip_id=rendered.clip.id if rendered else None,
            clips=given.clips,
            clip_stale=clip_stale.freshness is Freshness.STALE,
            clip_staleness=views.Staleness(freshness=clip_stale.freshness, reasons=clip_stale.reasons),
            clip_job=given.rendering,
            refined=given.refined,
            refined_by_hand=given.refined_by_hand,
            pictures=given.pictures,
            cut=views.CutView(**vars(given.cut)) if given.cut else None,
            verdict=given.verdict,
            unknown_words=tuple(hint.word for hint in hints if hint.field == "description"),
            hints=hints,
            contradictions=given.contradictions,
            frames_marked=given.marked,
        )

    def job(self, job: Job) -> views.JobView:
        """What is said of a job that was read, or made, apart from this look."""
        return self._work.of(job)

    def jobs(self) -> tuple[views.JobView, ...]:
        """Active jobs in running order, then the last finished ones, newest first."""
        return self._work.listed()

    def _staleness(self, shot: Shot, index: int) -> Staleness:
        """Worked out again only where the shot's row, or anything of the film that bears on it, changed."""
        known = self._stale.get(shot.id)
        if known is None or known[0] is not shot:
            known = self._stale[shot.id] = shot, self.lineage.staleness(index)
        return known[1]

    def _frame_url(self, take: Take | None, side: FrameSide) -> str | None:
        if take is None:
            return None
        sha256 = take.start_sha256 if side is FrameSide.START else take.end_sha256
        return self._signer.url(self.owner, sha256, "png")

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
        return film_view(self._film, self.film, self._clips, self._signer) if self._film else None


def read_worker(session: Session) -> views.WorkerView:
    """How the drawing process is, by its last heartbeat; one that cannot start, by its supervisor."""
    worker = session.exec(select(Worker).order_by(col(Worker.heartbeat).desc()).limit(1)).first()
    if worker is not None and worker.id == UNSTARTED:
        return views.WorkerView(alive=False, message=worker.message)
    alive = worker is not None and now() - worker.heartbeat < _ALIVE_MILLISECONDS
    return views.WorkerView(alive=alive, message=worker.message if worker and alive else "starting")


def _status(take: Take | None, job: views.JobView | None) -> views.ShotStatus:
    match job.state if job else None:
        case JobState.RUNNING:
            return views.ShotStatus.DRAWING
        case JobState.QUEUED | JobState.PAUSED:
            return views.ShotStatus.QUEUED
        case JobState.FAILED:
            return views.ShotStatus.FAILED
        case _:
            return views.ShotStatus.DRAFT if take is None else views.ShotStatus.DRAWN


def _next(steps: dict[int, Step]) -> views.HistoryItem | None:
    if not steps:
        return None
    step = steps[next(reversed(steps))]
    return views.HistoryItem(id=step.id, label=step.label)
