"""Directors and judges at work: somebody may stop them, and a director may be looked at after a reload."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.errors import BadInput, Cancelled
from engine.watched import IsCancelled
from studio.project.commands import made_here
from studio.store.tables import new_id

if TYPE_CHECKING:
    from engine.director.stages import Stage


MOST_AT_WORK = 4


class Work:
    """A director at work on a thread of his own, whoever watches: a page that is reloaded loses nothing."""

    def __init__(self) -> None:
        self.id = new_id()
        self._lock = threading.Lock()
        self._stages: list[Stage] = []
        self._over = False
        self._error: Exception | None = None
        self._made: list[int] = []
        self.stopped = threading.Event()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What came so far."""
        with self._lock:
            return tuple(self._stages)

    @property
    def over(self) -> bool:
        """Whether the shot list is written, or never will be."""
        with self._lock:
            return self._over

    @property
    def made(self) -> tuple[int, ...]:
        """The ids of the edits that it came to."""
        with self._lock:
            return tuple(self._made)

    def run(self, stages: Iterator[Stage]) -> None:
        """Works to the end, whatever it is. An error waits for somebody who asks."""
        error: Exception | None = None
        try:
            if self.stopped.is_set():  # before he had begun
                raise Cancelled("The director was stopped: nothing was changed.")
            with made_here() as made:
                for stage in stages:
                    with self._lock:
                        self._stages.append(stage)
            with self._lock:
                self._made = made
        except Exception as trouble:
            error = trouble
        with self._lock:
            self._over, self._error = True, error

    def trouble(self) -> Exception | None:
        """Why the work failed, for the first one who asks."""
        with self._lock:
            error, self._error = self._error, None
            return error


class AtWork:
    """On which projects an agent is at work now: a language model on one film once, and on so many films."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: defaultdict[str, list[threading.Event]] = defaultdict(list)
        self._models: dict[str, threading.Event] = {}

    @contextmanager
    def begin(self, project_id: str, model: bool = True) -> Iterator[IsCancelled]:
        """An agent begins, by default a language `model`; what it gets says whether it was stopped.

        Raises BadInput when a model is at work on the film already, or on too many others.
        """
        stop = threading.Event()
        with self._lock:
            if model and project_id in self._models:
                raise BadInput("A model is at work on this film already: stop it, or wait for it.")
            if model and len(self._models) >= MOST_AT_WORK:
                raise BadInput("Models are at work on other films at this moment: try again in a minute.")
            if model:
                self._models[project_id] = stop
            self._at_work[project_id].append(stop)
        try:
            yield stop.is_set
        finally:
            with self._lock:
                if self._models.get(project_id) is stop:
                    del self._models[project_id]
                self._at_work[project_id].remove(stop)
                if not self._at_work[project_id]:
                    del self._at_work[project_id]

    def stop(self, project_id: str) -> None:
        """Stops all that are at work on a project; another may begin at once."""
        with self._lock:
            self._models.pop(project_id, None)
            for stop in self._at_work.get(project_id, ()):
                stop.set()


class Directing(AtWork):
    """Which projects are being directed now, and what was directed last for a page."""

    def __init__(self) -> None:
        super().__init__()
        self._works: dict[str, Work] = {}

    def start(self, project_id: str, stages: Iterator[Stage]) -> Work:
        """Lets a director work on a thread of his own."""
        work = Work()
        with self._lock:
            self._works = {id: w for id, w in self._works.items() if not w.over} | {project_id: work}
        threading.Thread(target=work.run, args=(stages,), name="director", daemon=True).start()
        return work

    def stop(self, project_id: str) -> None:
        """See AtWork; also a director whose thread has not begun yet."""
        with self._lock:
            if (work := self._works.get(project_id)) is not None:
                work.stopped.set()
        super().stop(project_id)

    def last(self, project_id: str) -> Work | None:
        """The work that was started last on a project; forgotten some time after it is over."""
        with self._lock:
            return self._works.get(project_id)
