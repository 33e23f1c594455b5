"""Edits: every one is a command with field-level before and after, so every one can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.service.views import CastView, HistoryEntry, Outcome, PlaceView, ShotView


class Edits:
    """Shots, cast, places, project fields, undo and redo."""

    def edit_shot(self, owner: str, shot_id: str, **fields: Any) -> ShotView:
        """Changes fields of a shot: `description`, `title`, `scene`, `slate`, `locked`, or any field of
        `CinematicAttributes` (`scale`, `movement`, `length` in frames, `cast` a list of names, …; enums by
        value or member). Only fields that really differ are written; nothing different means no command.

        Returns the shot as read back from the database. Raises BadInput for a field or value that does not
        exist.
        """
        raise NotImplementedError

    def insert_shot(self, owner: str, project_id: str, after: str | None = None) -> ShotView:
        """A new draft after the given shot (None: at the beginning); it takes place, time and cast from
        its neighbour.
        """
        raise NotImplementedError

    def duplicate_shot(self, owner: str, shot_id: str) -> ShotView:
        """A copy right after the shot, with its words and its picked pair."""
        raise NotImplementedError

    def delete_shots(self, owner: str, shot_ids: Sequence[str]) -> None:
        """Moves shots to the trash as one command; takes and pictures stay."""
        raise NotImplementedError

    def restore_shot(self, owner: str, shot_id: str) -> ShotView:
        """Brings a shot back from the trash to where it was."""
        raise NotImplementedError

    def reorder(self, owner: str, project_id: str, order: Sequence[str]) -> tuple[str, ...]:
        """Puts the shots in this order, as one command. Shots that the caller did not know of keep their
        place.

        Returns the ids of all shots in the new order.
        """
        raise NotImplementedError

    def edit_project(self, owner: str, project_id: str, **fields: Any) -> None:
        """Changes `title`, `theme`, `logline`, `look` or `profile`."""
        raise NotImplementedError

    def add_cast(self, owner: str, project_id: str, name: str, look: str = "") -> CastView:
        """A new member of the cast. Raises BadInput when the name is taken."""
        raise NotImplementedError

    def edit_cast(
        self, owner: str, cast_id: str, *, name: str | None = None, look: str | None = None
    ) -> CastView:
        """Changes a member of the cast; a new name is carried into the shots that list the old one."""
        raise NotImplementedError

    def remove_cast(self, owner: str, cast_id: str) -> None:
        """Takes a member off the cast list; shots keep the name."""
        raise NotImplementedError

    def edit_place(
        self, owner: str, place_id: str, *, name: str | None = None, look: str | None = None
    ) -> PlaceView:
        """Changes a place; a new name is carried into the shots that are set there."""
        raise NotImplementedError

    def undo(self, owner: str, project_id: str, command_id: int | None = None) -> Outcome:
        """Undoes the newest command, or the one that the page showed (`head.undo.id`).

        A field goes back only where it still holds what the command wrote: an edit made since by another
        tab stays. Raises BadInput when there is nothing to undo.
        """
        raise NotImplementedError

    def redo(self, owner: str, project_id: str, command_id: int | None = None) -> Outcome:
        """Does the last undone command again, under the same rule."""
        raise NotImplementedError

    def history(self, owner: str, project_id: str, limit: int = 100) -> tuple[HistoryEntry, ...]:
        """The log of edits, newest first."""
        raise NotImplementedError
