"""The order of the shots: moved by those who see the whole film, or only what they move."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from engine.errors import BadInput
from studio.project.film import load_film, owned_project
from studio.project.order import moves, spread
from studio.service.room import Edit, Room
from studio.store.errors import NotFound
from studio.store.tables import Shot

_NAMED = 3
"""So many moved shots are named in the history; more are counted."""


class Ordering(Room):
    """Moving shots changes the positions of as few as possible."""

    def move_shots(
        self, owner: str, project_id: str, shot_ids: Sequence[str], after: str | None = None
    ) -> tuple[str, ...]:
        """Puts these shots, in this order, right after another one (None: at the beginning), as one command.

        No other shot moves, so what another tab put in order meanwhile stays. Shots that were deleted
        meanwhile stay deleted, and one to go after them keeps its place in the trash. Returns the ids of all
        shots in the new order. Raises BadInput for a shot that is to go after itself, NotFound for one that
        is not of this film.
        """
        moved = list(dict.fromkeys(shot_ids))
        if not moved:
            raise BadInput("Choose the shots to move first.")
        if after in moved:
            raise BadInput("A shot cannot go after itself: choose another place.")
        with self._edit(owner, project_id) as edit:
            everyone = {shot.id: shot for shot in (*edit.film.shots, *edit.film.trash)}
            if any(id not in everyone for id in (*moved, *([after] if after else []))):
                raise NotFound("A shot of this move is not in this project: reload the page.")
            live = [everyone[id] for id in moved if id in edit.film.index]
            others = [shot.position for shot in everyone.values() if shot not in live]
            start = everyone[after].position if after else None
            end = min((p for p in others if start is None or p > start), default=None)
            if live and not _settled([shot.position for shot in live], start, end):
                for shot, position in zip(live, spread(start, end, len(live)), strict=True):
                    edit.recorder.set(shot, position=position)
            edit.recorder.finish(_label(edit, live))
        return self._order_of(owner, project_id)

    def reorder(self, owner: str, project_id: str, order: Sequence[str]) -> tuple[str, ...]:
        """Puts the shots in this order, as one command. Shots that the caller did not know of keep their
        place, those deleted meanwhile stay deleted. Who shows a film to people calls `move_shots`: a whole
        order from a view of a minute ago would undo the moves of others.

        Returns the ids of all shots in the new order. Raises NotFound for an id of no shot of the project.
        """
        with self._edit(owner, project_id) as edit:
            everyone = {shot.id: shot for shot in (*edit.film.shots, *edit.film.trash)}
            if len(set(order)) != len(order) or any(id not in everyone for id in order):
                raise NotFound(
                    "The order names a shot twice, or one that is not in this project: reload the page."
                )
            wanted = [id for id in order if id in edit.film.index]
            positions = {id: everyone[id].position for id in wanted}
            moved = moves(wanted, positions, [shot.position for shot in everyone.values()])
            for id, position in moved.items():
                edit.recorder.set(everyone[id], position=position)
            edit.recorder.finish(_label(edit, [everyone[id] for id in moved]))
        return self._order_of(owner, project_id)

    def _order_of(self, owner: str, project_id: str) -> tuple[str, ...]:
        with self.home.database.read() as session:
            film = load_film(session, owned_project(session, owner, project_id))
            return tuple(shot.id for shot in film.shots)


def _settled(positions: Sequence[str], start: str | None, end: str | None) -> bool:
    """Whether the positions rise already, between the two (None: the open end)."""
    bounded = (start is None or start < positions[0]) and (end is None or positions[-1] < end)
    return bounded and all(a < b for a, b in itertools.pairwise(positions))


def _label(edit: Edit, shots: Sequence[Shot]) -> str:
    named = ", ".join(map(edit.number, shots))
    return f"move {named if len(shots) <= _NAMED else f'{len(shots)} shots'}"
