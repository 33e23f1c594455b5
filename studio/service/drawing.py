"""Drawing: jobs, takes and picks."""

from __future__ import annotations

from collections.abc import Sequence

from engine.story import FrameSide
from studio.service.views import Estimate, JobView, ShotView, TakeView, WorkerView


class Drawing:
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
        already waits in the queue has its waiting job replaced. Raises BadInput for settings out of range,
        a locked shot, or `keep` on a shot without a picture.
        """
        raise NotImplementedError

    def draw_all_stale(self, owner: str, project_id: str) -> list[JobView]:
        """Draws every shot that has no picture or is stale (not those kept, locked, or already in the
        queue).
        """
        raise NotImplementedError

    def downstream(self, owner: str, shot_id: str) -> tuple[str, ...]:
        """The shot and all later ones that are stale, may drift or would become stale once it is redrawn."""
        raise NotImplementedError

    def estimate(self, owner: str, shot_ids: Sequence[str], takes: int = 1) -> Estimate:
        """How long drawing these would take on this machine, learnt from finished jobs."""
        raise NotImplementedError

    def cancel(self, owner: str, job_id: str) -> JobView:
        """Cancels a job: at once while it waits, within a step while it runs. A finished job stays as it
        is.
        """
        raise NotImplementedError

    def retry(self, owner: str, job_id: str) -> JobView:
        """Queues a failed or cancelled job again, with the words and settings it was made with."""
        raise NotImplementedError

    def jobs(self, owner: str, project_id: str) -> tuple[JobView, ...]:
        """Active jobs in running order, then the last finished ones."""
        raise NotImplementedError

    def takes(self, owner: str, shot_id: str) -> tuple[TakeView, ...]:
        """All takes of a shot, newest first."""
        raise NotImplementedError

    def pick(self, owner: str, take_id: str) -> ShotView:
        """Makes a take the one that the film uses: an edit that can be undone."""
        raise NotImplementedError

    def keep(self, owner: str, shot_id: str) -> ShotView:
        """Accepts a stale picture as it is: not reported as stale again until something else changes. An
        edit.
        """
        raise NotImplementedError

    def start_worker(self) -> None:
        """Starts the drawing process and keeps it alive until `close()`. Called once by the page's
        process.
        """
        raise NotImplementedError

    def worker(self) -> WorkerView:
        """How the drawing process is."""
        raise NotImplementedError
