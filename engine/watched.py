"""Long work whose progress is watched: a callback becomes events of a generator.

All of it runs on one thread, and models should be loaded there too (`at_work`): OpenMP keeps a team of
threads for every thread that has computed, and two teams on two cores make a pair take twice as long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
E = TypeVar("E")

Report = Callable[[int, int], None]
"""Called with (done, in all): steps, frames."""
IsCancelled = Callable[[], bool]


_WORK = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stage-work")


def at_work(call: Callable[[], T]) -> T:
    """Runs `call` on the thread of watched work, and waits for it."""
    return _WORK.submit(call).result()


@dataclass(frozen=True)
class Finished(Generic[T]):
    """The last word of work on another thread: its result."""

    result: T


@dataclass(frozen=True)
class Failed:
    """The last word of work that raised."""

    error: BaseException


def watched(
    work: Callable[[Report, IsCancelled], T],
    event: Callable[[int, int], E],
    cancelled: IsCancelled | None = None,
) -> Generator[E, None, T]:
    """Run `work(report, cancelled)` on the working thread; yield an event a report, and return its result.

    Closing the generator (or Ctrl-C in its consumer) makes the work's `cancelled` answer True and waits for
    it, so that nothing goes on in the background. What the work raises is raised here.
    """
    reports: SimpleQueue[E | Finished[T] | Failed] = SimpleQueue()
    stop = threading.Event()

    def run() -> None:
        try:
            result = work(
                lambda done, total: reports.put(event(done, total)),
                lambda: stop.is_set() or (cancelled is not None and cancelled()),
            )
        except BaseException as error:  # handed over to the thread that waits
            reports.put(Failed(error))
        else:
            reports.put(Finished(result))

    future = _WORK.submit(run)
    try:
        while True:
            report = reports.get()
            if isinstance(report, Finished):
                return report.result
            if isinstance(report, Failed):
                raise report.error
            yield report
    finally:
        stop.set()
        if not future.cancel():
            future.result()
