"""What changed since a revision: compares views, because staleness changes cards whose rows did not change.

A tracker remembers, for each part of a project's view, at which revision it was first seen as it is now. A
page that has revision r gets what was first seen after r. The memory is this process's own: a page that
comes with a revision from before the tracker was born gets everything.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from studio.service.views import JobView, Patch, ProjectHead, ProjectView, ShotView

_PROJECTS = 64


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_HasId)


class Tracker:
    """Follows one project."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._born: int | None = None
        self._head: tuple[ProjectHead, int] | None = None
        self._order: tuple[tuple[str, ...], int] | None = None
        self._shots: dict[str, tuple[ShotView, int]] = {}
        self._jobs: dict[str, tuple[JobView, int]] = {}

    def observe(self, look: Callable[[], ProjectView]) -> ProjectView:
        """Takes a look at the project and remembers what is new."""
        with self._lock:
            view = look()
            self._remember(view)
            return view

    def since(self, revision: int, look: Callable[[], ProjectView]) -> Patch:
        """A patch from `revision` to now."""
        with self._lock:
            view = look()
            self._remember(view)
            assert self._born is not None
            assert self._head is not None
            assert self._order is not None
            full = not self._born <= revision <= view.revision
            head, head_at = self._head
            order, order_at = self._order
            return Patch(
                revision=view.revision,
                full=full,
                head=head if full or head_at > revision else None,
                shots=tuple(s for s, at in self._shots.values() if full or at > revision),
                order=order if full or order_at > revision else None,
                jobs=tuple(j for j, at in self._jobs.values() if full or at > revision),
                worker=view.worker,
            )

    def _remember(self, view: ProjectView) -> None:
        at = view.revision
        if self._born is None:
            self._born = at
        order = tuple(shot.id for shot in view.shots)
        if self._head is None or self._head[0] != view.head:
            self._head = (view.head, at)
        if self._order is None or self._order[0] != order:
            self._order = (order, at)
        self._shots = _stamp(self._shots, view.shots, at)
        self._jobs = _stamp(self._jobs, view.jobs, at)


def _stamp(known: dict[str, tuple[Item, int]], items: Sequence[Item], at: int) -> dict[str, tuple[Item, int]]:
    """The items as they are now, each with the revision since which it has been so."""
    return {
        item.id: known[item.id] if item.id in known and known[item.id][0] == item else (item, at)
        for item in items
    }


class Trackers:
    """Trackers of the projects that were looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trackers: OrderedDict[str, Tracker] = OrderedDict()

    def of(self, project_id: str) -> Tracker:
        with self._lock:
            tracker = self._trackers.setdefault(project_id, Tracker())
            self._trackers.move_to_end(project_id)
            while len(self._trackers) > _PROJECTS:
                self._trackers.popitem(last=False)
            return tracker
