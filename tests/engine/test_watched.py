"""Watched work: events as they come, the result at the end, errors and cancelling handed on, one thread."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

import pytest

from engine.errors import BadInput
from engine.watched import IsCancelled, Report, at_work, watched


def drain(events: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    found = []
    while True:
        try:
            found.append(next(events))
        except StopIteration as end:
            return found, end.value


def test_events_then_the_result() -> None:
    def work(report: Report, cancelled: IsCancelled) -> str:
        report(1, 2)
        report(2, 2)
        return "done"

    assert drain(watched(work, lambda done, total: (done, total))) == ([(1, 2), (2, 2)], "done")


def test_errors_arrive_where_the_events_do() -> None:
    def work(report: Report, cancelled: IsCancelled) -> None:
        raise BadInput("no")

    with pytest.raises(BadInput, match="no"):
        drain(watched(work, lambda done, total: None))


def test_closing_cancels_and_waits() -> None:
    ended = threading.Event()

    def work(report: Report, cancelled: IsCancelled) -> None:
        report(1, 2)
        while not cancelled():
            pass
        ended.set()

    events = watched(work, lambda done, total: done)
    assert next(events) == 1
    events.close()
    assert ended.is_set()


def test_models_are_loaded_where_they_work() -> None:
    """Two OpenMP teams on two cores made every pair of `stage film` take twice as long."""
    names = {at_work(lambda: threading.current_thread().name)}
    for _ in range(2):
        names.add(drain(watched(lambda report, stop: threading.current_thread().name, lambda a, b: None))[1])
    assert len(names) == 1
    assert threading.current_thread().name not in names
