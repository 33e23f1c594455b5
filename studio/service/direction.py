"""The director: a theme or a screenplay becomes the shot list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlmodel import col, select

from engine.errors import BadInput
from engine.profiles import get_profile
from engine.story import Storyboard, slate_letters
from studio.project.film import attribute_fields, owned_project
from studio.project.order import spread
from studio.service.projects import UNTITLED
from studio.service.room import Edit, Room
from studio.store.states import CommandKind
from studio.store.tables import CastMember, Command, Place, Shot, now

if TYPE_CHECKING:
    from engine.director.stages import Stage

LABEL = "direct"


class Direction(Room):
    """Runs the built-in director in this process (it needs no torch)."""

    def direct(
        self,
        owner: str,
        project_id: str,
        theme: str,
        shots: int = 5,
        seed: int = 0,
        seconds: float | None = None,
    ) -> Iterator[Stage]:
        """Yields the director's stages (frozen dataclasses of `engine.director.stages`) as they come.

        When the last one was yielded, the shot list, cast, places, title and look are written as ONE
        command: the shots that were there go to the trash, and a single undo brings them back. Stopping
        the iteration earlier writes nothing. Raises BadInput for a theme that cannot be read.
        """
        from engine.director.breakdown_director import BreakdownDirector
        from engine.director.stages import ShotList, Warnings

        with self.home.database.read() as session:
            profile = get_profile(owned_project(session, owner, project_id).profile)
        storyboard: Storyboard | None = None
        warnings: list[str] = []
        stages = BreakdownDirector().direct(theme, shots=shots, profile=profile, seed=seed, seconds=seconds)
        for stage in stages:
            if isinstance(stage, ShotList):
                storyboard = stage.storyboard
            elif isinstance(stage, Warnings):
                warnings = [*(f"cannot draw “{word}”" for word in stage.undrawable), *stage.notes]
            yield stage
        if storyboard is None or not storyboard.shots:
            raise BadInput("The director made no shots of this theme: try other words.")
        with self._edit(owner, project_id) as edit:
            write_storyboard(edit, storyboard, theme, warnings)
            edit.recorder.finish(f"{LABEL} {len(storyboard.shots)} shots")


def write_storyboard(edit: Edit, board: Storyboard, theme: str, warnings: list[str]) -> list[Shot]:
    """Puts a storyboard in the place of what is there, as part of one command; returns the new shots.

    The director names a film that has no name, or that it has named itself; a name from the user stays.
    """
    project, film, recorder = edit.project, edit.film, edit.recorder
    if project.title in (UNTITLED, _own_title(edit)):
        recorder.set(project, title=board.title)
    recorder.set(
        project,
        theme=theme,
        logline=board.logline,
        look=board.look,
        warnings=warnings,
        rate_numerator=board.rate.numerator,
        rate_denominator=board.rate.denominator,
    )
    for row in (*film.shots, *film.cast, *film.places):
        recorder.set(row, trashed=now())
    owner = {"owner": project.owner, "project_id": project.id}
    for member, at in zip(board.cast, spread(None, None, len(board.cast)), strict=True):
        recorder.create(CastMember(**owner, position=at, name=member.name, look=member.look))
    for place, at in zip(board.places, spread(None, None, len(board.places)), strict=True):
        recorder.create(
            Place(**owner, position=at, name=place.name, look=place.look, interior=place.interior.value)
        )
    taken = [shot.position for shot in (*film.shots, *film.trash)]
    counts: dict[int, int] = {}
    rows = []
    for shot, at in zip(board.shots, spread(max(taken, default=None), None, len(board.shots)), strict=True):
        index = counts[shot.scene] = counts.get(shot.scene, -1) + 1
        row = Shot(
            **owner,
            position=at,
            scene=shot.scene,
            slate=shot.slate or slate_letters(index),
            description=shot.description,
            **attribute_fields(shot.attributes),
        )
        rows.append(recorder.create(row))
    return rows


def _own_title(edit: Edit) -> str | None:
    """The title that the director gave this film last."""
    log = select(Command).where(Command.project_id == edit.project.id, Command.kind == CommandKind.EDIT.value)
    log = log.where(col(Command.label).startswith(f"{LABEL} "))
    for command in edit.session.exec(log.order_by(col(Command.id).desc())):
        for change in command.changes:
            if (change["table"], change["field"]) == ("project", "title"):
                return str(change["after"])
    return None
