"""The queue as its owner sees it: cancel, pause, order, try again. What goes in: drawing.py, film.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlmodel import Session, col, select

from engine.errors import BadInput
from studio.jobs import queue
from studio.project.film import load_film, owned_job, owned_project
from studio.service.cards import Cards, read_worker
from studio.service.paid import check_paid_again, price_again
from studio.service.room import Room, drawable
from studio.service.views import JobView, WorkerView
from studio.store.errors import NotFound
from studio.store.states import JobKind, JobState
from studio.store.tables import Job, Project

_PRICED = 200
"""The newest failed or cancelled jobs of a film, of which it is told what trying again costs."""


class Work(Room):
    """Jobs of an owner, and the process that works on them."""

    def jobs(self, owner: str, project_id: str) -> tuple[JobView, ...]:
        """Active jobs in running order, then the last finished ones."""
        with self.home.database.read() as session:
            return Cards(session, owned_project(session, owner, project_id), self.signer).jobs()

    def cancel(self, owner: str, job_id: str) -> JobView:
        """Cancels a job: at once while it waits, within a step while it runs. A finished one stays."""
        return self._turn(owner, job_id, queue.cancel)

    def pause(self, owner: str, job_id: str) -> JobView:
        """Holds a job until `resume`; those behind it go first. A running one is put down within a step: a
        drawing then begins anew, an export keeps the clips that it has. A finished one stays as it is.
        """
        return self._turn(owner, job_id, queue.pause)

    def resume(self, owner: str, job_id: str) -> JobView:
        """Lets a paused job wait for its turn again, at its old place in the queue."""
        return self._turn(owner, job_id, queue.resume)

    def run_next(self, owner: str, job_id: str) -> JobView:
        """Puts a waiting job before all other waiting jobs of the owner; a paused one goes on."""

        def first(session: Session, job: Job) -> None:
            if job.state not in queue.WAITING:
                raise BadInput("Only a job that still waits can be run next.")
            others = queue.waiting_jobs(session, Job.owner == owner, Job.id != job.id)
            queue.resume(session, job)
            queue.reorder(session, [job, *others])

        return self._turn(owner, job_id, first)

    def reorder_jobs(self, owner: str, project_id: str, order: Sequence[str]) -> tuple[JobView, ...]:
        """Puts waiting jobs of a project in this order. Those that started or ended meanwhile are passed
        over, those that the caller did not know of come last. Raises NotFound for an id that is no job of it.
        """
        with self.home.database.write() as session:
            owned_project(session, owner, project_id)
            for job_id in order:
                if owned_job(session, owner, job_id).project_id != project_id:
                    raise NotFound("The order names a job of another film: reload the page.")
            waiting = {job.id: job for job in queue.waiting_jobs(session, Job.project_id == project_id)}
            wanted = [id for id in dict.fromkeys(order) if id in waiting]
            queue.reorder(
                session, [waiting[id] for id in (*wanted, *(id for id in waiting if id not in wanted))]
            )
        return self.jobs(owner, project_id)

    def every_job(self, owner: str, project_id: str, act: str) -> None:
        """Does one thing with all active jobs of a project: "pause", "resume" or "cancel"."""
        deeds = {"pause": queue.pause, "resume": queue.resume, "cancel": queue.cancel}
        if act not in deeds:
            raise BadInput('All jobs can be told to "pause", "resume" or "cancel".')
        with self.home.database.write() as session:
            owned_project(session, owner, project_id)
            for job in queue.active_jobs(session, Job.project_id == project_id):
                deeds[act](session, job)

    def prices_again(self, owner: str, project_id: str) -> dict[str, float | None]:
        """What trying a failed or cancelled job again would cost in dollars, by its id; None where only a
        service knows; those that cost nothing are left out.
        """
        ended = col(Job.state).in_((JobState.FAILED.value, JobState.CANCELLED.value))
        with self.home.database.read() as session:
            project = owned_project(session, owner, project_id)
            newest = select(Job).where(Job.project_id == project_id, ended).order_by(col(Job.created).desc())
            jobs = session.exec(newest.limit(_PRICED)).all()
            prices = {job.id: price_again(job, _drawn_by(project, job)) for job in jobs}
        return {job: price for job, price in prices.items() if price != 0}

    def retry(self, owner: str, job_id: str) -> JobView:
        """Queues a failed or cancelled job again, with the settings it was made with; a shot is drawn by the
        film's present profile, in its present aspect. A job of the same shot that still waits makes room.

        Raises BadInput for a shot that is locked or in the trash, UnsupportedError where what does it cannot
        be used here (any more).
        """
        with self.home.database.write() as session:
            job = owned_job(session, owner, job_id)
            if job.state not in (JobState.FAILED.value, JobState.CANCELLED.value):
                raise BadInput("Only a failed or cancelled job can be tried again.")
            project = owned_project(session, owner, job.project_id)
            who = _drawn_by(project, job)
            order = job.order if _of_another(job) else {**job.order, "aspect": project.aspect}
            check_paid_again(job, who)
            _check_drawable(session, project, job, who)
            same = (Job.project_id == project.id, Job.kind == job.kind, Job.shot_id == job.shot_id)
            for waiting in queue.waiting_jobs(session, *same):
                if queue.replaces(job.order, waiting.order):
                    queue.cancel(session, waiting)
            again = queue.enqueue(
                session,
                project,
                JobKind(job.kind),
                job.title,
                order,
                shot_id=job.shot_id,
                units=job.units,
                profile=who,
            )
        return self._job(owner, again.id)

    def start_worker(self) -> None:
        """Starts the drawing process and keeps it alive until `close()`; for the page's process, once."""
        self.supervisor.start()

    def worker(self) -> WorkerView:
        """How the drawing process is."""
        with self.home.database.read() as session:
            return read_worker(session)

    def _turn(self, owner: str, job_id: str, act: Callable[[Session, Job], None]) -> JobView:
        with self.home.database.write() as session:
            act(session, owned_job(session, owner, job_id))
        return self._job(owner, job_id)

    def _job(self, owner: str, job_id: str) -> JobView:
        with self.home.database.read() as session:
            job = owned_job(session, owner, job_id)
            return Cards(session, owned_project(session, owner, job.project_id), self.signer).job(job)


def _check_drawable(session: Session, project: Project, job: Job, profile: str) -> None:
    """Raises BadInput or UnsupportedError for a job that `draw` or `render` would not take now."""
    if job.kind == JobKind.DRAW.value:
        drawable(profile)
    if job.shot_id is None:
        return
    film = load_film(session, project)
    if job.shot_id not in film.index:
        raise BadInput("The shot of this job is in the trash: restore it first.")
    number = film.index[job.shot_id]
    if job.kind == JobKind.DRAW.value and film.shots[number].locked:
        raise BadInput(f"Shot {number + 1} is locked: unlock it to draw it.")


def _drawn_by(project: Project, job: Job) -> str:
    """The profile with which a job of the project is tried again."""
    return job.profile if _of_another(job) else project.profile


def _of_another(job: Job) -> bool:
    """Whether a job is not the project's painter's: a renderer's, or that of a take that is drawn again."""
    return job.kind != JobKind.DRAW.value or bool(job.order.get("again"))
