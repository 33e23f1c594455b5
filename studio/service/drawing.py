"""Drawing: what is queued, and what happens to it there."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlmodel import Session, select

from engine.errors import BadInput
from engine.profile import Mode
from engine.profiles import get_profile, resized
from engine.story import FrameSide
from studio.exchange.pictures import CheckedPicture, check_frame
from studio.jobs import queue
from studio.jobs.estimate import learn_pace
from studio.jobs.orders import DrawOrder
from studio.project.conditions import Kept, KeptSource
from studio.project.film import (
    FilmState,
    load_film,
    load_records,
    owned_project,
    owned_shot,
)
from studio.project.lineage import Lineage
from studio.service.cards import Cards
from studio.service.room import drawable
from studio.service.views import Estimate, JobView, ShotView
from studio.service.work import Work
from studio.store.errors import NotFound
from studio.store.states import JobKind, JobState
from studio.store.tables import Job, Shot

MAX_TAKES, MAX_STEPS, MAX_GUIDANCE, MAX_MEMORY_GUIDANCE, MAX_SEED = 8, 200, 30.0, 10.0, 2**31 - 1


class Drawing(Work):
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
        *,
        memory_guidance: float | None = None,
        continues: bool = False,
        given: bytes | None = None,
    ) -> list[JobView]:
        """Queues one job a shot, in film order, with these settings; it is drawn with the words that it has
        when its turn comes.

        `takes` 1..8 are drawn together with seeds seed, seed + 1, …; None draws a new random seed for each
        shot. The first finished take of each job becomes the picked one (as `pick` would, but not part of the
        undo history). A shot that already waits in the queue has its waiting job replaced.

        One frame may be given; it is in the take exactly, and the other is drawn in its context. `keep` keeps
        that frame of the picked take; with `given`, a picture file, that picture becomes the frame instead
        (scaled to cover, centre-cropped). `continues` starts from the end frame of the shot before, as it is
        when the job starts.
        Raises BadInput for settings out of range, a locked shot, or a frame to keep that is not there.
        """
        _check_settings(takes, seed, steps, guidance)
        if memory_guidance is not None and not 1 <= memory_guidance <= MAX_MEMORY_GUIDANCE:
            raise BadInput(
                f"Memory guidance is a number from 1 (as trained) to {MAX_MEMORY_GUIDANCE:.0f}, "
                f"not {memory_guidance:g}."
            )
        _check_given(len(set(shot_ids)), keep, continues, given)
        # Before the write lock is taken: a large picture takes longer to read than other edits should wait.
        frame = self._given_frame(owner, shot_ids[0], given) if given is not None else None
        with self.home.database.write() as session:
            project = owned_project(session, owner, owned_shot(session, owner, shot_ids[0]).project_id)
            profile = drawable(project.profile)
            if profile.mode is not Mode.PAIRS and memory_guidance not in (None, 1):
                raise BadInput(
                    f"{profile.title} reads memory as whole pictures, not more and not less: leave the "
                    "memory guidance empty."
                )
            film = load_film(session, project)
            upload = None
            if frame is not None and keep is not None:
                shape = resized(profile, project.aspect)
                if (shape.width, shape.height) != (frame.width, frame.height):
                    raise BadInput("The film got another shape meanwhile: give the picture once more.")
                sha256 = self.home.blobs.put(frame.png, "png")
                upload = Kept(side=FrameSide(keep), sha256=sha256, source=KeptSource.UPLOAD)
            unknown = [id for id in shot_ids if id not in film.index]
            if unknown:
                raise NotFound("A shot to draw is not in the film (any more): reload the page.")
            for id in sorted(set(shot_ids), key=film.index.__getitem__):
                shot = film.shots[film.index[id]]
                kept = upload
                if keep is not None and upload is None:
                    kept = _kept(film, shot, FrameSide(keep))
                if continues:
                    _check_previous(session, film, shot, shot_ids)
                first = seed if seed is not None else secrets.randbelow(MAX_SEED - MAX_TAKES)
                order = DrawOrder(
                    seeds=tuple(first + i for i in range(takes)),
                    steps=steps,
                    guidance=guidance,
                    memory_guidance=memory_guidance,
                    kept=kept,
                    continues=continues,
                    aspect=project.aspect,
                )
                _enqueue(session, film, shot, order, units=takes * (steps or profile.steps))
        wanted = set(shot_ids)
        active = [job for job in self.jobs(owner, project.id) if job.active and job.shot_id in wanted]
        return [job for job in active if job.state is not JobState.RUNNING]

    def _given_frame(self, owner: str, shot_id: str, given: bytes) -> CheckedPicture:
        """An uploaded picture in the shape that the shot's film has now. Raises BadInput."""
        with self.home.database.read() as session:
            project = owned_project(session, owner, owned_shot(session, owner, shot_id).project_id)
        shape = resized(drawable(project.profile), project.aspect)
        return check_frame(given, shape.width, shape.height)

    def draw_all_stale(
        self,
        owner: str,
        project_id: str,
        takes: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        *,
        memory_guidance: float | None = None,
    ) -> list[JobView]:
        """Draws every shot that has no picture or is stale (not those kept, locked, or already in the
        queue), with the takes and settings of `draw`.
        """
        with self.home.database.read() as session:
            view = Cards(session, owned_project(session, owner, project_id), self.signer).project()
        wanted = [shot.id for shot in view.shots if shot.wanted]
        if not wanted:
            return []
        return self.draw(owner, wanted, takes, seed, steps, guidance, memory_guidance=memory_guidance)

    def downstream(self, owner: str, shot_id: str) -> tuple[str, ...]:
        """The shot and all later ones that are not locked: each continues from the end of the one before."""
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            film = load_film(session, owned_project(session, owner, shot.project_id))
        if shot_id not in film.index:
            raise NotFound("This shot is not in the film (any more): reload the page.")
        return tuple(shot.id for shot in film.shots[film.index[shot_id] :] if not shot.locked)

    def estimate(
        self, owner: str, shot_ids: Sequence[str], takes: int = 1, steps: int | None = None
    ) -> Estimate:
        """How long drawing these would take on this machine, learnt from finished jobs."""
        with self.home.database.read() as session:
            shots = [owned_shot(session, owner, id) for id in dict.fromkeys(shot_ids)]
            if not shots:
                return Estimate(shots=0, seconds=0.0)
            profile = get_profile(owned_project(session, owner, shots[0].project_id).profile)
            units = len(shots) * takes * (steps or profile.steps)
            seconds = learn_pace(session).duration(JobKind.DRAW.value, profile.name, units)
        return Estimate(shots=len(shots), seconds=seconds)

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

    def unkeep(self, owner: str, shot_id: str) -> ShotView:
        """Takes `keep` back: the picture is stale again, for what changed since it was drawn. An edit."""
        with self._edit_shot(owner, shot_id) as (edit, shot):
            edit.recorder.set(shot, accepted=None)
            edit.recorder.finish(f"no longer keep the picture of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)


def _check_settings(takes: int, seed: int | None, steps: int | None, guidance: float | None) -> None:
    if not 1 <= takes <= MAX_TAKES:
        raise BadInput(f"Draw 1 to {MAX_TAKES} takes at once, not {takes}.")
    if seed is not None and not 0 <= seed <= MAX_SEED - MAX_TAKES:
        raise BadInput(f"A seed is a whole number from 0 to {MAX_SEED - MAX_TAKES}.")
    if steps is not None and not 1 <= steps <= MAX_STEPS:
        raise BadInput(f"Draw in 1 to {MAX_STEPS} steps, not {steps}.")
    if guidance is not None and not 1 <= guidance <= MAX_GUIDANCE:
        raise BadInput(f"Guidance is a number from 1 (none) to {MAX_GUIDANCE:.0f}, not {guidance:g}.")


def _check_given(shots: int, keep: FrameSide | None, continues: bool, given: bytes | None) -> None:
    if not shots:
        raise BadInput("Choose the shots to draw first.")
    if continues and (keep is not None or given is not None):
        raise BadInput(
            "Either continue from the shot before, or keep a frame: one of the pair must be drawn."
        )
    if given is not None and keep is None:
        raise BadInput("Say whether the picture is the start or the end frame.")
    if given is not None and shots > 1:
        raise BadInput("A picture becomes a frame of one shot: select that shot alone.")


def _check_previous(session: Session, film: FilmState, shot: Shot, drawn: Sequence[str]) -> None:
    """There is an end frame to continue from, or there will be one by the time that the job starts."""
    index = film.index[shot.id]
    if index == 0:
        raise BadInput("The first shot has no shot before it to continue from.")
    before = film.shots[index - 1]
    mine = select(Job.state).where(Job.shot_id == before.id, Job.kind == JobKind.DRAW.value)
    comes = before.id in drawn or any(JobState(state).active for state in session.exec(mine))
    if film.picked(before) is None and not comes:
        raise BadInput(f"Shot {index} has no picture to continue from: draw it first.")


def _kept(film: FilmState, shot: Shot, side: FrameSide) -> Kept:
    ref = Lineage(film).frame(shot.id, side)
    if ref is None:
        raise BadInput(f"Shot {film.index[shot.id] + 1} has no {side.value} frame to keep: draw it first.")
    return Kept(side=side, sha256=ref.sha256, key=ref.key, shot_id=ref.shot_id)


def _enqueue(session: Session, film: FilmState, shot: Shot, order: DrawOrder, units: int) -> None:
    """Queues a draw job, in the place of one of the same shot that waits; not of an exact repetition."""
    number = film.index[shot.id] + 1
    if shot.locked:
        raise BadInput(f"Shot {number} is locked: unlock it to draw it again.")
    waiting = queue.waiting_jobs(session, Job.shot_id == shot.id, Job.kind == JobKind.DRAW.value)
    waiting = [job for job in waiting if queue.replaces(order.model_dump(mode="json"), job.order)]
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
