"""Edits of shots: every one is a command with field-level before and after, so every one can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select

from engine.errors import BadInput
from engine.story import MAX_SHOTS, CinematicAttributes, slate_letters
from studio.jobs import queue
from studio.project import commands
from studio.project.film import FilmState, attribute_fields, load_film, owned_project
from studio.project.order import after as right_after
from studio.project.order import moves
from studio.service.cards import moment
from studio.service.fields import shot_fields
from studio.service.room import Edit, Room
from studio.service.views import HistoryEntry, Outcome, ShotView
from studio.store.errors import NotFound
from studio.store.tables import Command, Job, Shot, Take, new_id, now

_INHERITED = ("place", "time", "weather", "cast", "length")


class Edits(Room):
    """Shots, undo and redo."""

    def edit_shot(self, owner: str, shot_id: str, **fields: Any) -> ShotView:
        """Changes fields of a shot: `description`, `title`, `scene`, `slate`, `locked`, or any field of
        `CinematicAttributes` (`scale`, `movement`, `length` in frames, `cast` a list of names, …; enums by
        value or member). Only fields that really differ are written; nothing different means no command.

        Returns the shot as read back from the database. Raises BadInput for an unknown field or value.
        """
        with self._edit_shot(owner, shot_id) as (edit, shot):
            checked = shot_fields(shot, fields)
            changed = [name for name, value in checked.items() if getattr(shot, name) != value]
            edit.recorder.set(shot, **checked)
            what = f"the {changed[0]}" if len(changed) == 1 else f"{len(changed)} fields"
            edit.recorder.finish(f"change {what} of {edit.number(shot)}")
        return self._shot_view(owner, shot_id)

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
                slate=_free_slate(edit.film, scene),
                **fields,
            )
            edit.recorder.create(shot)
            number = 1 if before is None else edit.film.index[before.id] + 2
            edit.recorder.finish(f"insert shot {number}")
        return self._shot_view(owner, shot.id)

    def duplicate_shot(self, owner: str, shot_id: str) -> ShotView:
        """A copy right after the shot, with its words and its picked pair."""
        with self._edit_shot(owner, shot_id) as (edit, shot):
            _check_room(edit.film, 1)
            _live(edit.film, shot_id)
            take = edit.film.picked(shot)
            copy = Shot(
                **shot.model_dump(
                    exclude={"id", "position", "slate", "picked", "created", "accepted", "locked"}
                ),
                position=_position_after(edit, shot),
                slate=_free_slate(edit.film, shot.scene),
            )
            edit.recorder.create(copy)
            if take is not None:
                edit.session.refresh(take, ["conditions", "memory"])
                same = Take(
                    **take.model_dump(exclude={"id", "shot_id", "number", "seconds", "job_id"}),
                    id=new_id(),
                    shot_id=copy.id,
                    number=1,
                )
                edit.session.add(same)
                edit.session.flush()
                edit.recorder.set(copy, picked=same.id)
            edit.recorder.finish(f"duplicate {edit.number(shot)}")
        return self._shot_view(owner, copy.id)

    def delete_shots(self, owner: str, shot_ids: Sequence[str]) -> None:
        """Moves shots to the trash as one command, and cancels drawing them; takes and pictures stay."""
        if not shot_ids:
            raise BadInput("Choose the shots to delete first.")
        with self._edit_shot(owner, shot_ids[0]) as (edit, _):
            shots = [_live(edit.film, shot_id) for shot_id in dict.fromkeys(shot_ids)]
            numbers = ", ".join(str(edit.film.index[shot.id] + 1) for shot in shots)
            for shot in shots:
                edit.recorder.set(shot, trashed=now())
                for job in queue.waiting_jobs(edit.session, Job.shot_id == shot.id):
                    queue.cancel(edit.session, job)
            edit.recorder.finish(f"delete shot{'s' if len(shots) > 1 else ''} {numbers}")

    def restore_shot(self, owner: str, shot_id: str) -> ShotView:
        """Brings a shot back from the trash to where it was."""
        with self._edit_shot(owner, shot_id) as (edit, shot):
            if shot.trashed is not None:
                _check_room(edit.film, 1)
            edit.recorder.set(shot, trashed=None)
            edit.recorder.finish("restore a shot")
        return self._shot_view(owner, shot_id)

    def reorder(self, owner: str, project_id: str, order: Sequence[str]) -> tuple[str, ...]:
        """Puts the shots in this order, as one command. Shots that the caller did not know of keep their
        place, those deleted meanwhile stay deleted.

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
            names = ", ".join(edit.number(everyone[id]) for id in moved)
            edit.recorder.finish(f"move {names if len(moved) < 4 else f'{len(moved)} shots'}")
        with self.home.database.read() as session:
            film = load_film(session, owned_project(session, owner, project_id))
            return tuple(shot.id for shot in film.shots)

    def undo(self, owner: str, project_id: str, command_id: int | None = None) -> Outcome:
        """Undoes the newest command, or the one that the page showed (`head.undo.id`).

        A field goes back only where it still holds what the command wrote: an edit made since by another tab
        stays. Raises BadInput when there is nothing to undo.
        """
        with self.home.database.write() as session:
            undone = commands.undo(session, owned_project(session, owner, project_id), command_id)
        return Outcome(label=undone.label, applied=undone.applied, kept=undone.kept)

    def redo(self, owner: str, project_id: str, command_id: int | None = None) -> Outcome:
        """Does the last undone command again, under the same rule."""
        with self.home.database.write() as session:
            redone = commands.redo(session, owned_project(session, owner, project_id), command_id)
        return Outcome(label=redone.label, applied=redone.applied, kept=redone.kept)

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


def _free_slate(film: FilmState, scene: int) -> str:
    """The first letter that no shot of the scene has, deleted ones included."""
    used = {shot.slate for shot in (*film.shots, *film.trash) if shot.scene == scene}
    return next(letters for letters in map(slate_letters, range(len(used) + 1)) if letters not in used)
