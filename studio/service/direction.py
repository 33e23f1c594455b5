"""The director: a theme or a screenplay becomes the shot list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlmodel import col, select

from engine.agents.choice import Role
from engine.errors import BadInput, Cancelled
from engine.profiles import get_profile
from engine.story import FrameRate, Storyboard, slate_letters
from studio.project.film import attribute_fields, owned_project
from studio.project.order import spread
from studio.project.versions import begin, label_of
from studio.service.agents import agents_of
from studio.service.directing import Work
from studio.service.leaving import cancel_work_on_gone_shots
from studio.service.projects import UNTITLED
from studio.service.rate import converted_lengths
from studio.service.references import carry_references
from studio.service.room import Edit, Room
from studio.store.states import CommandKind
from studio.store.tables import CastMember, Command, Place, Shot

if TYPE_CHECKING:
    from engine.director.stages import Stage

LABEL = "direct"


class Direction(Room):
    """Runs the director that the project chose; a local model has a process of its own."""

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
        command, as a new version beside the one that was there: a single undo brings that back. Stopping
        the iteration earlier writes nothing. Raises BadInput for a theme that cannot be read, and
        ModelTrouble where a language model directs: there is no other director in its place.
        """
        from engine.director.choose import choose_director
        from engine.director.grammar import check_length
        from engine.director.reading import check_numbers
        from engine.director.stages import ShotList, Warnings

        with self.home.database.read() as session:
            project = owned_project(session, owner, project_id)
            profile, agents = get_profile(project.profile), agents_of(project)
            rate = FrameRate(numerator=project.rate_numerator, denominator=project.rate_denominator)
        check_numbers(shots, seconds)
        if seconds is not None:
            check_length(shots, seconds, rate)
        storyboard: Storyboard | None = None
        warnings: list[str] = []
        model = agents.target(Role.DIRECTOR) is not None
        with self.directing.begin(project_id, model) as stopped:
            director = choose_director(agents, stopped)
            for stage in director.direct(theme, shots=shots, profile=profile, seed=seed, seconds=seconds):
                if isinstance(stage, ShotList):
                    storyboard = stage.storyboard
                elif isinstance(stage, Warnings):
                    warnings = [*(f"cannot draw “{word}”" for word in stage.undrawable), *stage.notes]
                yield stage
            if stopped():
                raise Cancelled("The director was stopped: nothing was changed.")
        if storyboard is None or not storyboard.shots:
            raise BadInput("The director made no shots of this theme: try other words.")
        with self._edit(owner, project_id) as edit:
            write_storyboard(edit, storyboard, theme, warnings)
            many = len(storyboard.shots)
            edit.recorder.finish(f"{LABEL} {many} shot{'' if many == 1 else 's'}")

    def start_directing(
        self,
        owner: str,
        project_id: str,
        theme: str,
        shots: int = 5,
        seed: int = 0,
        seconds: float | None = None,
    ) -> Work:
        """As `direct`, on a thread of its own: it goes on and writes its shot list even when nobody watches
        any more. Its `trouble` says what it failed of. Raises NotFound; all else is its trouble.
        """
        with self.home.database.read() as session:
            owned_project(session, owner, project_id)
        return self.directing.start(project_id, self.direct(owner, project_id, theme, shots, seed, seconds))

    def last_directing(self, owner: str, project_id: str) -> Work | None:
        """The director whom `start_directing` set to work last, if he is not forgotten yet."""
        with self.home.database.read() as session:
            owned_project(session, owner, project_id)
        return self.directing.last(project_id)

    def stop_directing(self, owner: str, project_id: str) -> None:
        """Stops every director that is at work on the project; `direct` then raises Cancelled, and nothing
        is written.
        """
        with self.home.database.read() as session:
            owned_project(session, owner, project_id)
        self.directing.stop(project_id)


def write_storyboard(edit: Edit, board: Storyboard, theme: str, warnings: list[str]) -> list[Shot]:
    """Makes a storyboard the version in use, beside what is there, as part of one command; returns the shots.

    The director names a film that has no name, or that it has named itself; a name from the user stays. So
    does the frame rate: the director's lengths are converted to it. What is too long for a shot at that rate
    goes to the others.
    """
    from engine.director.grammar import most_frames, shared

    project, film, recorder = edit.project, edit.film, edit.recorder
    if project.title in (UNTITLED, _own_title(edit)):
        recorder.set(project, title=board.title)
    begin(
        edit.session,
        recorder,
        project,
        film,
        label=label_of(theme),
        title=board.title,
        theme=theme,
        logline=board.logline,
        look=board.look,
        warnings=warnings,
        rate_numerator=film.rate.numerator,
        rate_denominator=film.rate.denominator,
    )
    cancel_work_on_gone_shots(edit.session, project.id)
    owner = {"owner": project.owner, "project_id": project.id}
    cards: list[CastMember | Place] = []
    for member, at in zip(board.cast, spread(None, None, len(board.cast)), strict=True):
        person = CastMember(**owner, position=at, name=member.name, look=member.look)
        cards.append(recorder.create(person))
    for place, at in zip(board.places, spread(None, None, len(board.places)), strict=True):
        fresh = Place(**owner, position=at, name=place.name, look=place.look, interior=place.interior.value)
        cards.append(recorder.create(fresh))
    carry_references(edit, cards)
    taken = [shot.position for shot in (*film.shots, *film.trash)]
    counts: dict[int, int] = {}
    rows = []
    lengths = converted_lengths([shot.attributes.length for shot in board.shots], board.rate, film.rate)
    most = most_frames(film.rate)
    if max(lengths) > most:
        lengths = shared(min(sum(lengths), most * len(lengths)), lengths, 1, most)
    positions = spread(max(taken, default=None), None, len(board.shots))
    for shot, length, at in zip(board.shots, lengths, positions, strict=True):
        index = counts[shot.scene] = counts.get(shot.scene, -1) + 1
        row = Shot(
            **owner,
            position=at,
            scene=shot.scene,
            slate=shot.slate or slate_letters(index),
            description=shot.description,
            **attribute_fields(shot.attributes) | {"length": length},
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
