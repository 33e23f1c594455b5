"""Edits of shots: every one is a command with field-level before and after, so every one can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlmodel import col, select

from engine.errors import BadInput
from engine.story import MAX_SHOTS, CinematicAttributes
from studio.project import commands
from studio.project.commands import Undone
from studio.project.copying import copy_shown
from studio.project.film import FilmState, attribute_fields, owned_project, owned_shot
from studio.project.labels import check_labels, free_slate, part_labels, slate_in, taken
from studio.project.order import after as right_after
from studio.service.fields import shot_fields
from studio.service.leaving import cancel_work_on_gone_shots
from studio.service.room import Edit, Room
from studio.service.story_views import HistoryEntry, HistoryStep, JumpOutcome
from studio.service.times import moment
from studio.service.views import Outcome, ShotView
from studio.store.errors import NotFound
from studio.store.tables import Command, Shot, now

SHORTEST_HALF = 0.25
"""Seconds that each half of a split shot has at least."""
_NOT_COPIED = {
    *("id", "position", "slate", "picked", "picked_at", "created", "accepted", "locked", "trashed"),
    *("deleted", "refinement", "clip", "clip_accepted"),
}
_SAID_ONCE = {"dialogue", "notes"}
"""What stays with the first half of a split shot: words are spoken once, in the animatic as in the subtitles,
and a note asks for one thing to be done. What else is heard is of the place, as the director writes it (rain,
gulls): it goes on through the cut, as the weather does. A single noise in it is the filmmaker's to take out.
"""
_SAID = {"scale": "size"}
"""What the page calls a field, where it is not the field's name."""
_SHORT = 30
"""Characters of a new value that the history has room for."""
_INHERITED = ("place", "time", "weather", "cast", "length")


class Edits(Room):
    """Shots, undo and redo."""

    def edit_shot(self, owner: str, shot_id: str, /, **fields: Any) -> ShotView:
        """Changes fields of a shot: `description`, `title`, `scene`, `slate`, `locked`, or any field of
        `CinematicAttributes` (`scale`, `movement`, `length` in frames, `cast` a list of names, …; enums by
        value or member). Only fields that really differ are written; nothing different means no command.

        Returns the shot as read back from the database. Raises BadInput for an unknown field or value.
        """
        self.edit_shots(owner, {shot_id: fields})
        return self._shot_view(owner, shot_id)

    def edit_shots(self, owner: str, fields: Mapping[str, Mapping[str, Any]]) -> None:
        """Changes fields of several shots of one film, each its own, as one command.

        A shot that goes to another scene takes its letter along, or the next free one if that is taken there.
        Raises BadInput as `edit_shot`, also for the label of another shot, and NotFound when a shot belongs
        to another film; then nothing is written.
        """
        if not fields:
            raise BadInput("Choose the shots to change first.")
        with self._edit_shot(owner, next(iter(fields))) as (edit, _):
            changed: dict[str, None] = {}
            relabelled: list[Shot] = []
            shots = [owned_shot(edit.session, owner, shot_id) for shot_id in fields]
            for shot, wanted in zip(shots, fields.values(), strict=True):
                if shot.project_id != edit.project.id:
                    raise NotFound("These shots are not all of one film: reload the page.")
                checked = shot_fields(shot, wanted)
                if checked.get("scene", shot.scene) != shot.scene and "slate" not in checked:
                    checked["slate"] = slate_in(edit.film, shot, checked["scene"])
                differ = [name for name, value in checked.items() if getattr(shot, name) != value]
                changed |= dict.fromkeys(differ)
                if {"scene", "slate"} & set(differ):
                    relabelled.append(shot)
                edit.recorder.set(shot, **checked)
            if relabelled:
                check_labels(edit.film, relabelled)
            names = [name for name in changed if not (name == "slate" and "scene" in changed)]
            what = f"the {_SAID.get(names[0], names[0])}" if len(names) == 1 else f"{len(names)} fields"
            whose = edit.number(shots[0]) if len(shots) == 1 else f"{len(shots)} shots"
            one = len(names) == len(shots) == 1 and names[0] != "description"
            value = getattr(shots[0], names[0]) if one else None
            to = f" to “{value}”" if isinstance(value, str) and 0 < len(value) <= _SHORT else ""
            edit.recorder.finish(f"change {what} of {whose}{to}")

    def insert_shot(self, owner: str, project_id: str, after: str | None = None) -> ShotView:
        """A new draft after a shot (None: at the beginning), with place, time and cast of its neighbour."""
        with self._edit(owner, project_id) as edit:
            _check_room(edit.film, 1)
            before = _live(edit.film, after) if after is not None else None
            neighbour = before or next(iter(edit.film.shots), None)
            fields = attribute_fields(CinematicAttributes())
            if neighbour is not None:
                fields |= {name: getattr(neighbour, name) for name in _INHERITED}
            scene = neighbour.scene if neighbour else 1
            shot = Shot(
                owner=owner,
                project_id=project_id,
                position=_position_after(edit, before),
                scene=scene,
                slate=free_slate(edit.film, scene),
                **fields,
            )
            edit.recorder.create(shot)
            number = 1 if before is None else edit.film.index[before.id] + 2
            edit.recorder.finish(f"insert shot {number}")
        return self._shot_view(owner, shot.id)

    def duplicate_shot(self, owner: str, shot_id: str) -> ShotView:
        """A copy right after the shot: words, own pictures, and its picked pair with its texts and clips."""
        with self._edit_shot(owner, shot_id) as (edit, shot):
            _check_room(edit.film, 1)
            _live(edit.film, shot_id)
            copy = Shot(
                **shot.model_dump(exclude=_NOT_COPIED),
                position=_position_after(edit, shot),
                slate=free_slate(edit.film, shot.scene),
            )
            edit.recorder.create(copy)
            edit.recorder.set(copy, **copy_shown(edit.session, shot, copy))
            edit.recorder.finish(f"duplicate {edit.number(shot)}")
        return self._shot_view(owner, copy.id)

    def split_shot(self, owner: str, shot_id: str, at: int | None = None) -> ShotView:
        """Cuts a shot in two after `at` frames (None: in the middle), as one command.

        Both halves keep the words, their lengths add up. The takes, the dialogue and the notes stay with the
        first half; the second is a draft, which will continue from the end frame before it as every shot
        does. Returns the second half.
        Raises BadInput when a half would be shorter than a quarter of a second.
        """
        with self._edit_shot(owner, shot_id) as (edit, shot):
            _check_room(edit.film, 1)
            _live(edit.film, shot_id)
            shortest = edit.film.rate.frames(SHORTEST_HALF)
            name = edit.number(shot).capitalize()
            if shot.length < 2 * shortest:
                raise BadInput(
                    f"{name} is too short to split: each half needs {shortest} frames, "
                    f"and it has only {shot.length}."
                )
            first = shot.length // 2 if at is None else at
            if not shortest <= first <= shot.length - shortest:
                raise BadInput(
                    f"{name} cannot be split after frame {first}: each half needs {shortest} frames, "
                    f"so split after {shortest} to {shot.length - shortest}."
                )
            half = Shot(
                **shot.model_dump(exclude=_NOT_COPIED | _SAID_ONCE),
                position=_position_after(edit, shot),
                slate=free_slate(edit.film, shot.scene),
            )
            half.length = shot.length - first
            edit.recorder.create(half)
            edit.recorder.set(shot, length=first)
            edit.recorder.finish(f"split {edit.number(shot)}")
        return self._shot_view(owner, half.id)

    def delete_shots(self, owner: str, shot_ids: Sequence[str]) -> None:
        """Moves shots to the trash as one command, and cancels the work on them; takes and pictures stay."""
        if not shot_ids:
            raise BadInput("Choose the shots to delete first.")
        with self._edit_shot(owner, shot_ids[0]) as (edit, _):
            shots = [_live(edit.film, shot_id) for shot_id in dict.fromkeys(shot_ids)]
            numbers = ", ".join(str(edit.film.index[shot.id] + 1) for shot in shots)
            for shot in shots:
                edit.recorder.set(shot, trashed=now())
            cancel_work_on_gone_shots(edit.session, edit.project.id)
            edit.recorder.finish(f"delete shot{'s' if len(shots) > 1 else ''} {numbers}")

    def restore_shot(self, owner: str, shot_id: str) -> ShotView:
        """Brings a shot back from the trash to where it was, with another letter if its own was given away.
        Raises BadInput for one of another version.
        """
        with self._edit_shot(owner, shot_id) as (edit, shot):
            if shot.shelf is not None:
                raise BadInput("This shot belongs to another version of the film: use that version first.")
            if shot.trashed is not None:
                _check_room(edit.film, 1)
                if taken(edit.film, shot):
                    edit.recorder.set(shot, slate=free_slate(edit.film, shot.scene))
            edit.recorder.set(shot, trashed=None)
            edit.recorder.finish("restore a shot")
        return self._shot_view(owner, shot_id)

    def edits_made(self) -> AbstractContextManager[list[int]]:
        """The ids of the edits that this thread makes meanwhile: see `commands.made_here`."""
        return commands.made_here()

    def undo(self, owner: str, project_id: str, command_id: int | None = None) -> Outcome:
        """Undoes the newest command, or the one that a page means: the newest that no other window made.

        A field goes back only where it still holds what the command wrote: an edit made since by another tab
        stays, and a shot whose letter was given away since comes back with another. Raises BadInput when
        there is nothing to undo.
        """
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            undone = commands.undo(session, project, command_id, part_labels)
            cancel_work_on_gone_shots(session, project_id)
        return _outcome(undone)

    def redo(self, owner: str, project_id: str, command_id: int | None = None) -> Outcome:
        """Does the last undone command again, under the same rule."""
        with self.home.database.write() as session:
            redone = commands.redo(
                session, owned_project(session, owner, project_id), command_id, part_labels
            )
            cancel_work_on_gone_shots(session, project_id)
        return _outcome(redone)

    def steps(self, owner: str, project_id: str, limit: int = 500) -> tuple[HistoryStep, ...]:
        """The edits that stand, and after them those that can be redone: oldest first, the newest `limit` of
        each.
        """
        with self.home.database.read() as session:
            owned_project(session, owner, project_id)
            undoable, redoable = commands.history(session, project_id)
        listed = [(s, True) for s in undoable[-limit:]] + [(s, False) for s in reversed(redoable[-limit:])]
        return tuple(
            HistoryStep(id=step.id, label=step.label, done=done, created=moment(step.created))
            for step, done in listed
        )

    def jump(self, owner: str, project_id: str, step_id: int | None) -> JumpOutcome:
        """Undoes or redoes until the given step is the newest that stands (None: before the first one), all
        or nothing. Jumping to `came_from` of the outcome reverses it. Raises BadInput for an unknown step.
        """
        with self.home.database.write() as session:
            jumped = commands.jump(session, owned_project(session, owner, project_id), step_id, part_labels)
            cancel_work_on_gone_shots(session, project_id)
        return JumpOutcome(
            came_from=jumped.came_from, undone=jumped.undone, redone=jumped.redone, kept=jumped.kept
        )

    def history(self, owner: str, project_id: str, limit: int = 100) -> tuple[HistoryEntry, ...]:
        """The log of edits, newest first."""
        with self.home.database.read() as session:
            owned_project(session, owner, project_id)
            _, redoable = commands.history(session, project_id)
            undone = {step.id for step in redoable}
            log = select(Command.id, Command.label, Command.kind, Command.created)
            log = log.where(Command.project_id == project_id).order_by(col(Command.id).desc()).limit(limit)
            return tuple(
                HistoryEntry(id=id, label=label, kind=kind, undone=id in undone, created=moment(created))
                for id, label, kind, created in session.exec(log)
                if id is not None
            )


def _outcome(done: Undone) -> Outcome:
    return Outcome(label=done.label, applied=done.applied, kept=done.kept, purged=done.purged)


def _live(film: FilmState, shot_id: str) -> Shot:
    if shot_id not in film.index:
        raise NotFound("This shot is not in the film (any more): reload the page, or look into the trash.")
    return film.shots[film.index[shot_id]]


def _check_room(film: FilmState, more: int) -> None:
    if len(film.shots) + more > MAX_SHOTS:
        raise BadInput(f"A film has at most {MAX_SHOTS} shots: delete some first.")


def _position_after(edit: Edit, shot: Shot | None) -> str:
    taken = [row.position for row in (*edit.film.shots, *edit.film.trash)]
    return right_after(shot.position if shot else None, taken)[0]
