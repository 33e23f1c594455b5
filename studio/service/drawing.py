"""Drawing: jobs, takes and picks."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlmodel import Session, col, select

from engine.errors import BadInput, UnsupportedError
from engine.profiles import Profile, get_profile
from engine.step2.prompt import compose
from engine.story import FrameSide
from studio.jobs import queue
from studio.jobs.estimate import learn_pace
from studio.jobs.orders import DrawOrder
from studio.project.commands import touch
from studio.project.conditions import Conditions, FrameRef
from studio.project.film import (
    FilmState,
    load_film,
    load_records,
    owned_job,
    owned_project,
    owned_shot,
    owned_take,
)
from studio.project.lineage import Lineage, words_of
from studio.service.cards import Cards, label, moment, needs_drawing, read_worker
from studio.service.memory import packed_views
from studio.service.room import Room
from studio.service.views import Estimate, JobView, LineageView, ShotView, TakeView, WorkerView
from studio.store.errors import NotFound
from studio.store.states import JobKind, JobState
from studio.store.tables import Job, Project, Shot, Take

MAX_TAKES, MAX_STEPS, MAX_GUIDANCE, MAX_SEED = 8, 200, 30.0, 2**31 - 1


class Drawing(Room):
    """Everything that ends up in the queue of the drawing process."""

    def draw(
        self,
        owner: str,
        shot_ids: Sequence[str],
        takes: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        keep: FrameSide | None = None,
    ) -> list[JobView]:
        """Queues one job a shot, in film order, with the words and settings of this moment.

        `takes` 1..8 are drawn together with seeds seed, seed + 1, …; None draws a new random seed for each
        shot. `keep` keeps that frame of the picked take and redraws the other. The first finished take of
        each job becomes the picked one (as `pick` would, but not part of the undo history). A shot that
        already waits in the queue has its waiting job replaced.
        Raises BadInput for settings out of range, a locked shot, or `keep` on a shot without a picture.
        """
        _check_settings(takes, seed, steps, guidance)
        if not shot_ids:
            raise BadInput("Choose the shots to draw first.")
        with self.home.database.write() as session:
            project = owned_project(session, owner, owned_shot(session, owner, shot_ids[0]).project_id)
            profile = drawable(project)
            film = load_film(session, project)
            unknown = [id for id in shot_ids if id not in film.index]
            if unknown:
                raise NotFound("A shot to draw is not in the film (any more): reload the page.")
            for id in sorted(set(shot_ids), key=film.index.__getitem__):
                shot = film.shots[film.index[id]]
                first = seed if seed is not None else secrets.randbelow(MAX_SEED - MAX_TAKES)
                order = DrawOrder(
                    prompt=_prompt(film, shot),
                    words=words_of(film, shot),
                    seeds=tuple(first + i for i in range(takes)),
                    steps=steps,
                    guidance=guidance,
                    kept=_kept(film, shot, FrameSide(keep)) if keep is not None else None,
                )
                _enqueue(session, film, shot, order, units=takes * (steps or profile.steps))
        wanted = set(shot_ids)
        active = [job for job in self.jobs(owner, project.id) if job.active and job.shot_id in wanted]
        return [job for job in active if job.state is not JobState.RUNNING]

    def draw_all_stale(self, owner: str, project_id: str) -> list[JobView]:
        """Draws every shot that has no picture or is stale (not those kept, locked, or already in the
        queue).
        """
        with self.home.database.read() as session:
            view = Cards(session, owned_project(session, owner, project_id), self.signer).project()
        wanted = [shot.id for shot in view.shots if needs_drawing(shot)]
        return self.draw(owner, wanted) if wanted else []

    def downstream(self, owner: str, shot_id: str) -> tuple[str, ...]:
        """The shot and all later ones that are not locked: each continues from the end of the one before."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            film = load_film(session, owned_project(session, owner, shot.project_id))
        if shot_id not in film.index:
            raise NotFound("This shot is not in the film (any more): reload the page.")
        return tuple(shot.id for shot in film.shots[film.index[shot_id] :] if not shot.locked)

    def estimate(self, owner: str, shot_ids: Sequence[str], takes: int = 1) -> Estimate:
        """How long drawing these would take on this machine, learnt from finished jobs."""
        with self.home.database.read() as session:
            shots = [owned_shot(session, owner, id) for id in dict.fromkeys(shot_ids)]
            if not shots:
                return Estimate(shots=0, seconds=0.0)
            profile = get_profile(owned_project(session, owner, shots[0].project_id).profile)
            units = len(shots) * takes * profile.steps
            seconds = learn_pace(session).duration(JobKind.DRAW.value, profile.name, units)
        return Estimate(shots=len(shots), seconds=seconds)

    def cancel(self, owner: str, job_id: str) -> JobView:
        """Cancels a job: at once while it waits, within a step while it runs. A finished one stays."""
        with self.home.database.write() as session:
            queue.cancel(session, owned_job(session, owner, job_id))
        return self._job(owner, job_id)

    def pause(self, owner: str, job_id: str) -> JobView:
        """Holds a waiting job until `resume`; jobs behind it go first. Any other job stays as it is."""
        return self._turn(owner, job_id, JobState.QUEUED, JobState.PAUSED)

    def resume(self, owner: str, job_id: str) -> JobView:
        """Lets a paused job wait for its turn again, at its old place in the queue."""
        return self._turn(owner, job_id, JobState.PAUSED, JobState.QUEUED)

    def retry(self, owner: str, job_id: str) -> JobView:
        """Queues a failed or cancelled job again, with the words and settings it was made with."""
        with self.home.database.write() as session:
            job = owned_job(session, owner, job_id)
            if job.state not in (JobState.FAILED.value, JobState.CANCELLED.value):
                raise BadInput("Only a failed or cancelled job can be tried again.")
            project = owned_project(session, owner, job.project_id)
            again = queue.enqueue(
                session,
                project,
                JobKind(job.kind),
                job.title,
                job.order,
                shot_id=job.shot_id,
                units=job.units,
            )
        return self._job(owner, again.id)

    def jobs(self, owner: str, project_id: str) -> tuple[JobView, ...]:
        """Active jobs in running order, then the last finished ones."""
        with self.home.database.read() as session:
            return Cards(session, owned_project(session, owner, project_id), self.signer).jobs()

    def takes(self, owner: str, shot_id: str) -> tuple[TakeView, ...]:
        """All takes of a shot, newest first."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            film = load_film(session, owned_project(session, owner, shot.project_id))
            rows = select(Take).where(Take.shot_id == shot_id).order_by(col(Take.number).desc())
            return tuple(self._take_view(film, shot, take) for take in session.exec(rows))

    def pick(self, owner: str, take_id: str) -> ShotView:
        """Makes a take the one that the film uses: an edit that can be undone."""
        with self.home.database.read() as session:
            shot_id = owned_take(session, owner, take_id).shot_id
        with self._edit_shot(owner, shot_id) as (edit, shot):
            take = owned_take(edit.session, owner, take_id)
            edit.recorder.set(shot, picked=take.id)
            edit.recorder.finish(f"pick take {take.number} of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)

    def keep(self, owner: str, shot_id: str) -> ShotView:
        """Accepts a stale picture as it is: not stale again until something else changes. An edit."""
        with self._edit_shot(owner, shot_id) as (edit, shot):
            if shot.id not in edit.film.index or shot.picked is None:
                raise BadInput("This shot has no picture to keep: draw it first.")
            lineage = Lineage(edit.film, load_records(edit.session, edit.film))
            accepted = lineage.fingerprint(edit.film.index[shot.id])
            edit.recorder.set(shot, accepted=accepted)
            edit.recorder.finish(f"keep the picture of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)

    def start_worker(self) -> None:
        """Starts the drawing process and keeps it alive until `close()`; for the page's process, once."""
        self.supervisor.start()

    def worker(self) -> WorkerView:
        """How the drawing process is."""
        with self.home.database.read() as session:
            return read_worker(session)

    def _turn(self, owner: str, job_id: str, before: JobState, after: JobState) -> JobView:
        with self.home.database.write() as session:
            job = owned_job(session, owner, job_id)
            if job.state == before.value:
                job.state = after.value
                session.add(job)
                touch(session.get_one(Project, job.project_id))
        return self._job(owner, job_id)

    def _job(self, owner: str, job_id: str) -> JobView:
        with self.home.database.read() as session:
            job = owned_job(session, owner, job_id)
            return Cards(session, owned_project(session, owner, job.project_id), self.signer).job(job)

    def _take_view(self, film: FilmState, shot: Shot, take: Take) -> TakeView:
        recorded = Conditions.model_validate(take.conditions)
        recipe = take.recipe
        return TakeView(
            id=take.id,
            shot_id=shot.id,
            number=take.number,
            label=f"{label(shot)} take {take.number}",
            picked=shot.picked == take.id,
            start_url=self.signer.url(take.owner, take.start_sha256, "png"),
            end_url=self.signer.url(take.owner, take.end_sha256, "png"),
            start_sha256=take.start_sha256,
            end_sha256=take.end_sha256,
            created=moment(take.created),
            seconds=take.seconds,
            lineage=LineageView(
                **{name: recipe[name] for name in LineageView.model_fields if name in recipe},
                prompt=recorded.prompt,
                previous_end=recorded.previous.key if recorded.previous else None,
                kept=recorded.kept.side if recorded.kept else None,
                memory=packed_views(film, take, self.signer),
                imported=take.imported,
            ),
        )


def drawable(project: Project) -> Profile:
    """The project's profile. Raises UnsupportedError when it cannot draw."""
    profile = get_profile(project.profile)
    if profile.refusal:
        raise UnsupportedError(profile.refusal)
    return profile


def _check_settings(takes: int, seed: int | None, steps: int | None, guidance: float | None) -> None:
    if not 1 <= takes <= MAX_TAKES:
        raise BadInput(f"Draw 1 to {MAX_TAKES} takes at once, not {takes}.")
    if seed is not None and not 0 <= seed <= MAX_SEED - MAX_TAKES:
        raise BadInput(f"A seed is a whole number from 0 to {MAX_SEED - MAX_TAKES}.")
    if steps is not None and not 1 <= steps <= MAX_STEPS:
        raise BadInput(f"Draw in 1 to {MAX_STEPS} steps, not {steps}.")
    if guidance is not None and not 0 <= guidance <= MAX_GUIDANCE:
        raise BadInput(f"Guidance is a number from 0 to {MAX_GUIDANCE:.0f}, not {guidance}.")


def _prompt(film: FilmState, shot: Shot) -> str:
    return compose(film.story_shot(shot), film.story_cast(), film.story_places(), film.project.look)


def _kept(film: FilmState, shot: Shot, side: FrameSide) -> FrameRef:
    ref = Lineage(film).frame(shot.id, side)
    if ref is None:
        raise BadInput(f"Shot {film.index[shot.id] + 1} has no {side.value} frame to keep: draw it first.")
    return ref


def _enqueue(session: Session, film: FilmState, shot: Shot, order: DrawOrder, units: int) -> None:
    """Queues a draw job, in the place of one of the same shot that still waits."""
    number = film.index[shot.id] + 1
    if shot.locked:
        raise BadInput(f"Shot {number} is locked: unlock it to draw it again.")
    waiting = queue.waiting_jobs(session, Job.shot_id == shot.id)
    for job in waiting:
        queue.cancel(session, job)
    takes = f" ({len(order.seeds)} takes)" if len(order.seeds) > 1 else ""
    queue.enqueue(
        session,
        film.project,
        JobKind.DRAW,
        f"Draw shot {number}{takes}",
        order.model_dump(mode="json"),
        shot_id=shot.id,
        units=units,
        sequence=min((job.sequence for job in waiting), default=None),
    )
