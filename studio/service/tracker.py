"""What changed since a revision: compares views, because staleness changes cards whose rows did not change.

A tracker remembers, for each field of a project's view, at which revision it was first seen as it is now. A
page that has revision r gets what was first seen after r. The memory is this process's own: a page that
comes with a revision from before the tracker was born gets everything.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from engine.story import CinematicAttributes
from studio.service.views import JobView, Patch, ProjectHead, ProjectView, ShotView, View

_PROJECTS = 64


Item = TypeVar("Item", ProjectHead, ShotView, JobView)


@dataclass(frozen=True)
class _Seen(Generic[Item]):
    """An item that came at revision `since` and was last changed at `at`; `fields` says when each changed."""

    item: Item
    since: int
    at: int
    fields: Mapping[str, int]

    def after(self, revision: int) -> frozenset[str]:
        """The fields that changed after a revision."""
        return frozenset(name for name, at in self.fields.items() if at > revision)


class Tracker:
    """Follows one project."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._born: int | None = None
        self._head: _Seen[ProjectHead] | None = None
        self._order: tuple[tuple[str, ...], int] | None = None
        self._shots: dict[str, _Seen[ShotView]] = {}
        self._jobs: dict[str, _Seen[JobView]] = {}

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
            order, order_at = self._order
            shots = [seen for seen in self._shots.values() if full or seen.at > revision]
            differs = {seen.item.id: seen.after(revision) for seen in shots if seen.since <= revision}
            if self._head.since <= revision < self._head.at:
                differs[self._head.item.id] = self._head.after(revision)
            return Patch(
                revision=view.revision,
                full=full,
                head=self._head.item if full or self._head.at > revision else None,
                shots=tuple(seen.item for seen in shots),
                order=order if full or order_at > revision else None,
                jobs=tuple(seen.item for seen in self._jobs.values() if full or seen.at > revision),
                worker=view.worker,
                differs={} if full else differs,
            )

    def _remember(self, view: ProjectView) -> None:
        at = view.revision
        if self._born is None:
            self._born = at
        order = tuple(shot.id for shot in view.shots)
        self._head = _again(self._head, view.head, at)
        if self._order is None or self._order[0] != order:
            self._order = (order, at)
        self._shots = {shot.id: _again(self._shots.get(shot.id), shot, at) for shot in view.shots}
        self._jobs = {job.id: _again(self._jobs.get(job.id), job, at) for job in view.jobs}


def _again(seen: _Seen[Item] | None, item: Item, at: int) -> _Seen[Item]:
    """An item as it is now, with the revisions since which its fields have been so."""
    if seen is None:
        return _Seen(item, since=at, at=at, fields={})
    if seen.item is item or seen.item == item:
        return seen
    return replace(
        seen, item=item, at=at, fields={**seen.fields, **dict.fromkeys(_differing(seen.item, item), at)}
    )


def _differing(before: View, after: View) -> Iterator[str]:
    """Names of the fields that differ; inside the attributes, each by itself."""
    for name in (*type(after).model_fields, *type(after).model_computed_fields):
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if isinstance(new, CinematicAttributes):
            inside = (field for field in type(new).model_fields if getattr(old, field) != getattr(new, field))
            yield from (f"{name}.{field}" for field in inside)
        else:
            yield name


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
