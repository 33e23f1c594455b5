"""Asynchronous work behind an ordinary generator: it runs on a thread of its own, and closing stops it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from engine.errors import Cancelled
from engine.watched import Failed, Finished, IsCancelled

T = TypeVar("T")
E = TypeVar("E")

LOOK_SECONDS = 0.1
"""How often the caller's `cancelled` is asked while the work is silent."""


def in_background(
    work: Callable[[Callable[[E], None]], Coroutine[Any, Any, T]], cancelled: IsCancelled | None = None
) -> Generator[E, None, T]:
    """Runs `work(report)` in an event loop of its own; yields what it reports, and returns its result.

    When `cancelled` answers True, or the generator is closed, the work is cancelled wherever it waits (its
    connection closes), and this waits for its end. Raises Cancelled, or what the work raised.
    """
    heard: SimpleQueue[E | Finished[T] | Failed] = SimpleQueue()
    loop = asyncio.new_event_loop()
    task: asyncio.Task[T] = loop.create_task(work(heard.put))

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            heard.put(Finished(loop.run_until_complete(task)))
        except BaseException as error:  # handed over to the thread that waits
            heard.put(Failed(error))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=run, name="agent", daemon=True)
    thread.start()
    try:
        while True:
            if cancelled is not None and cancelled():
                raise Cancelled("Stopped: nothing was changed.")
            try:
                news = heard.get(timeout=LOOK_SECONDS)
            except Empty:
                continue
            if isinstance(news, Finished):
                return news.result
            if isinstance(news, Failed):
                raise news.error
            yield news
    finally:
        if thread.is_alive():
            with suppress(RuntimeError):  # the loop ended by itself meanwhile
                loop.call_soon_threadsafe(task.cancel)
            thread.join()
