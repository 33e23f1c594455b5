"""The drawing process: `python -m studio.jobs.worker --home HOME`.

It takes one job after another from the queue and loads torch only when the first one needs it. A thread
renews the lease twice a second or so; another waits on stdin, which the page's process holds open: when
that process ends, however it ends, stdin closes, the running job goes back to the queue within a step, and
this process leaves.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.errors import Cancelled, StageError
from engine.pictures import UnreadablePicture
from engine.step2.measurer import load_measurer
from engine.step2.painter import load_painter
from studio.jobs import presence, queue
from studio.jobs.bench import Bench, PainterFactory, Painters
from studio.jobs.draw import draw
from studio.jobs.measure import measure
from studio.jobs.pictures import told
from studio.store.home import Home
from studio.store.states import JobKind, JobState
from studio.store.tables import Job, new_id

HEARTBEAT_SECONDS = 2.0
IDLE_SECONDS = 0.25
GRACE_SECONDS = 5.0
_OUT_OF_MEMORY = "Not enough memory for this: draw fewer takes at once, or close other programs."
log = logging.getLogger("studio.worker")


class Worker:
    """One process that works on the queue until it is told to stop."""

    def __init__(self, home: Home, worker_id: str, factory: PainterFactory = load_painter) -> None:
        self.home = home
        self.id = worker_id
        self.painters = Painters(home, factory, load_measurer if factory is load_painter else None)
        self._stop = threading.Event()
        self._job_id: str | None = None
        self._message = "ready"

    def stop(self) -> None:
        """Asks the worker to hand back its job and to leave, within a step."""
        self._stop.set()

    def run(self) -> None:
        """Works until `stop`."""
        self._beat()
        presence.take_back(self.home.database)
        threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True).start()
        log.info("ready (process %d)", os.getpid())
        while not self._stop.is_set():
            try:
                job = queue.claim(self.home.database, self.id)
                if job is not None:
                    self._work(job)
                    continue
            except StageError as error:  # the disk is full, say: wait for the user to help, do not die
                log.error("%s", error)
            self._stop.wait(IDLE_SECONDS)
        queue.release(self.home.database, self.id)

    def _work(self, job: Job) -> None:
        """Runs one job to one of its ends. Whatever goes wrong ends this job only."""
        bench = Bench(self.home, self.painters, job, self.id, self._stop.is_set)
        log.info("%s (attempt %d)", job.title, job.attempts)
        self._job_id, self._message = job.id, job.title
        try:
            match JobKind(job.kind):
                case JobKind.DRAW:
                    draw(bench)
                case JobKind.MEASURE:
                    measure(bench)
                case JobKind.RENDER:
                    from studio.jobs.clips import render  # OpenCV, only when it is needed

                    render(bench)
                case JobKind.EXPORT:
                    from studio.jobs.export import export  # OpenCV again

                    export(bench)
        except queue.LeaseLost:
            log.warning("%s: this process does not hold the job (any more)", job.title)
        except Cancelled:
            self._stopped(job)
        except UnreadablePicture as error:
            log.error("%s: %s", job.title, error)
            self._end(job, JobState.FAILED, told(self.home, job.id, error))
        except StageError as error:
            log.error("%s: %s", job.title, error)
            self._end(job, JobState.FAILED, str(error))
        except Exception as error:
            log.exception("%s", job.title)
            self._end(job, JobState.FAILED, _sentence(error))
        finally:
            self._job_id, self._message = None, "ready"

    def _stopped(self, job: Job) -> None:
        """Cancelled, paused, or back in the queue because this process is to end."""
        log.info("%s: put down", job.title)
        try:
            queue.hand_back(self.home.database, job.id, self.id)
        except queue.LeaseLost:
            log.warning("%s: this process does not hold the job (any more)", job.title)

    def _end(self, job: Job, state: JobState, error: str = "") -> None:
        try:
            queue.end_held(self.home.database, job.id, self.id, state, error)
        except queue.LeaseLost:
            log.warning("%s: this process does not hold the job (any more)", job.title)

    def _beat(self) -> None:
        queue.beat(self.home.database, self.id, os.getpid(), self._message, self._job_id)

    def _keep_beating(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                self._beat()
            except StageError as error:
                log.error("heartbeat: %s", error)
            except Exception:  # a worker without a heartbeat is taken for dead while it works
                log.exception("heartbeat")


def _sentence(error: Exception) -> str:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return _OUT_OF_MEMORY
    what = f"{type(error).__name__}: {str(error)[:200]}"
    return f"This work stopped unexpectedly ({what}): try again; details are in worker.log."


def painter_factory(name: str) -> PainterFactory:
    """The factory that "module:function" names: another source of pictures than the built-in painter."""
    module, _, function = name.partition(":")
    found: PainterFactory = getattr(importlib.import_module(module), function)
    return found


def _follow_parent(worker: Worker) -> None:
    """Stops the worker when stdin closes. One that cannot stop in time (it loads a model, say) leaves its job
    to the queue and ends; that it was asked to is no failure of the job.
    """
    sys.stdin.buffer.read()
    worker.stop()
    time.sleep(GRACE_SECONDS)
    with suppress(Exception):  # a lease that stays runs out
        queue.release(worker.home.database, worker.id, asked=True)
    os._exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m studio.jobs.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--id", default=None, help="the name under which this worker leases jobs")
    parser.add_argument("--painter", type=painter_factory, default=load_painter, metavar="MODULE:FUNCTION")
    parser.add_argument("--follow-stdin", action="store_true", help="leave when stdin closes")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    home = Home(options.home)
    worker = Worker(home, options.id or new_id(), options.painter)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    if options.follow_stdin:
        threading.Thread(target=_follow_parent, args=(worker,), name="parent", daemon=True).start()
    try:
        worker.run()
    finally:
        home.close()


if __name__ == "__main__":
    main()
