"""A patch as it is sent to the page: only the fields that differ, so one changed card costs few bytes.

    revision, worker, order, jobs   as in `Patch`, left out when there is nothing to say
    full     the page forgets what it has
    head     the fields of the head that differ
    shots    shots that the page does not have
    parts    fields that differ of shots that it has, with their id; `attributes` holds only what differs

What the page works out itself from the order and the words is left out, or an inserted shot would send all
that follow: numbers, the alternative texts of pictures, and which shots are to be drawn.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from studio.service.views import Patch, ShotView, View

SHOT_DERIVED = frozenset({"number", "start_alt", "end_alt"})
HEAD_DERIVED = frozenset({"stale_shots"})


def slim(patch: Patch) -> dict[str, Any]:
    """The patch as JSON values."""
    sent: dict[str, Any] = {"revision": patch.revision}
    if patch.full:
        sent["full"] = True
    if patch.head is not None:
        sent["head"] = _part(patch.head, patch.differs.get(patch.head.id), HEAD_DERIVED)
    known = [shot for shot in patch.shots if shot.id in patch.differs]
    parts = [{"id": shot.id, **part} for shot in known if (part := _changed(shot, patch))]
    whole = [shot.model_dump(mode="json") for shot in patch.shots if shot.id not in patch.differs]
    lists = {"shots": whole, "parts": parts, "jobs": [job.model_dump(mode="json") for job in patch.jobs]}
    sent |= {name: items for name, items in lists.items() if items}
    if patch.order is not None:
        sent["order"] = list(patch.order)
    if patch.worker is not None:
        sent["worker"] = patch.worker.model_dump(mode="json")
    return sent


def _changed(shot: ShotView, patch: Patch) -> dict[str, Any]:
    return _part(shot, patch.differs[shot.id], SHOT_DERIVED)


def _part(view: View, names: Collection[str] | None, derived: frozenset[str]) -> dict[str, Any]:
    """The named fields of a view, all when None."""
    if names is None:
        return view.model_dump(mode="json")
    top = {name.partition(".")[0] for name in names} - derived
    part = view.model_dump(mode="json", include=top)
    for name, inside in part.items():
        if any(field.startswith(f"{name}.") for field in names):
            part[name] = {field: value for field, value in inside.items() if f"{name}.{field}" in names}
    return part
