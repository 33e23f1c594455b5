"""What a job's executor is given: the home, the loaded models, and a way to report and to be told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from engine.errors import Cancelled
from engine.freeing import free_memory
from engine.profiles import Profile, get_profile, resized
from engine.step2.measurer import FrameMeasurer, load_measurer
from engine.step2.painter import PairPainter, load_painter
from studio.jobs import queue
from studio.jobs.kept_renderer import release_renderer
from studio.store.home import Home
from studio.store.tables import Job

PainterFactory = Callable[[Profile, Path | None], PairPainter]
MeasurerFactory = Callable[[Profile, Path | None], FrameMeasurer]
M = TypeVar("M", bound=FrameMeasurer)
_REPORT_EVERY_SECONDS = 0.2
_ASK_EVERY_SECONDS = 0.1


class Painters:
    """Keeps the painter that was used last; another profile takes its place."""

    def __init__(
        self,
        home: Home,
        factory: PainterFactory = load_painter,
        measurers: MeasurerFactory | None = load_measurer,
    ) -> None:
        """Without `measurers`, the painters themselves compare frames."""
        self._home = home
        self._factory = factory
        self._measurers = measurers
        self._loaded: tuple[Profile, PairPainter] | None = None
        self._measuring: tuple[Profile, FrameMeasurer] | None = None

    def has(self, profile: str) -> bool:
        return self._loaded is not None and self._loaded[0] == get_profile(profile)

    def get(self, profile: str, aspect: str = "") -> PairPainter:
        """The loaded painter of a profile, drawing in a film's shape ("" for its own). Raises CheckpointError
        or UnsupportedError with one sentence.
        """
        wanted = get_profile(profile)
        if self._loaded is None or self._loaded[0] != wanted:
            self.release()  # its modules and hooks name each other: gone only when they are collected
            self._loaded = self._measuring = None
            if wanted.needs.vram:
                release_renderer()  # two large models do not share a card
            painter = self._factory(wanted, self._home.cache)
            wanted = get_profile(profile)  # a LoRA that was downloaded just now has a card, and so a size
            self._loaded = (wanted, painter)
        return _shaped(self._loaded[1], wanted, aspect)

    def measurer(self, profile: str, aspect: str = "") -> FrameMeasurer:
        """What compares a profile's frames: its painter, or of a large one that is not loaded the ranker
        alone. Raises as `get`.
        """
        wanted = get_profile(profile)
        if self.has(profile) or not wanted.needs.vram or self._measurers is None:
            return self.get(profile, aspect)
        if self._measuring is None or self._measuring[0] != wanted:
            self._measuring = None
            self._measuring = (wanted, self._measurers(wanted, self._home.cache))
        return _shaped(self._measuring[1], wanted, aspect)

    def release(self) -> None:
        """Forgets a painter that needs the card: a large renderer wants it. A small one stays."""
        if self._loaded is not None and self._loaded[0].needs.vram:
            self._loaded = None
            free_memory()


def _shaped(one: M, wanted: Profile, aspect: str) -> M:
    shape = resized(wanted, aspect)
    one.profile = replace(one.profile, width=shape.width, height=shape.height)
    return one


@dataclass
class Bench:
    """One job being worked on by one worker."""

    home: Home
    painters: Painters
    job: Job
    worker_id: str
    stopping: Callable[[], bool]
    _reported: float = 0.0
    _asked: float = 0.0
    _stopped: bool = False

    def report(self, step: int, total: int, message: str = "", *, at_once: bool = False) -> None:
        """Progress for people; a few times a second at most, unless it is said `at_once`."""
        moment = time.monotonic()
        if at_once or step >= total or moment - self._reported >= _REPORT_EVERY_SECONDS:
            self._reported = moment
            queue.report(self.home.database, self.job.id, self.worker_id, step, total, message)

    def cancelled(self) -> bool:
        """Whether to stop now: the user cancelled or paused the job, or the process is to end."""
        moment = time.monotonic()
        if not self._stopped and moment - self._asked >= _ASK_EVERY_SECONDS:
            self._asked = moment
            self._stopped = queue.stop_requested(self.home.database, self.job.id)
        return self._stopped or self.stopping()

    def check(self) -> None:
        """Raises Cancelled when it is time to stop."""
        if self.cancelled():
            raise Cancelled("The work was stopped; what was finished is kept.")
