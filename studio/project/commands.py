"""Edits as commands: field-level before and after in an append-only log.

Every edit, also making and deleting, is a change of fields of rows: a new shot is a row that leaves the
trash, a deleted one enters it. So undo is one rule for all: a field goes back to `before` where it still
holds `after`. Undo and redo are lines of the log themselves; what can be undone is read from the log, so
it survives a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import sqlalchemy
from sqlmodel import Session, SQLModel, col, select

from engine.errors import BadInput
from studio.store.states import CommandKind
from studio.store.tables import (
    CastMember,
    Clip,
    Command,
    FrameMark,
    Place,
    Project,
    Reference,
    Refinement,
    Shot,
    Take,
    Version,
    now,
)

EDITABLE: Mapping[str, type[SQLModel]] = {
    "project": Project,
    "shot": Shot,
    "cast": CastMember,
    "place": Place,
    "reference": Reference,
    "mark": FrameMark,
    "take": Take,
    "version": Version,
}
_CHOSEN: Mapping[str, type[SQLModel]] = {"picked": Take, "refinement": Refinement, "clip": Clip}
"""Fields of a shot that name a result."""
_ABOUT = {"picked_at": "picked"}
"""Fields that say something of another one: they go back with it, and count with it as one."""
_NAMES = {table: name for name, table in EDITABLE.items()}
_MADE: ContextVar[list[int] | None] = ContextVar("edits made", default=None)
Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True)
class Change:
    """One field of one row: what it was and what the command wrote (JSON values)."""

    table: str
    id: str
    field: str
    before: Any
    after: Any

    @property
    def slot(self) -> tuple[str, str, str]:
        return self.table, self.id, self.field


@dataclass(frozen=True)
class Step:
    """A command that can be undone or redone."""

    id: int
    label: str
    created: int = 0


@dataclass(frozen=True)
class Undone:
    """What undo or redo did: fields written, fields left alone because they were edited since, and fields
    that stay because what they would go back to was purged.
    """

    label: str
    applied: int
    kept: int
    purged: int


@contextmanager
def made_here() -> Iterator[list[int]]:
    """The ids of the edits that this thread makes meanwhile, in their order. Good for nothing after an error:
    what was not committed was not made.
    """
    made: list[int] = []
    before = _MADE.set(made)
    try:
        yield made
    finally:
        _MADE.reset(before)


def touch(project: Project) -> int:
    """Counts up the project's revision, in the caller's write transaction, and returns it."""
    project.revision += 1
    project.updated = now()
    return project.revision


class Recorder:
    """Collects the changes of one command inside a write transaction."""

    def __init__(self, session: Session, project: Project) -> None:
        self.session = session
        self.project = project
        self._changes: dict[tuple[str, str, str], Change] = {}

    def set(self, row: SQLModel, **fields: Any) -> None:
        """Writes fields of a row and remembers what they were; what does not differ is left out."""
        table = _NAMES[type(row)]
        row_id: str = getattr(row, "id")  # noqa: B009 - every editable table has one, SQLModel does not say so
        for name, value in fields.items():
            before = getattr(row, name)
            if before == value:
                continue
            key = (table, row_id, name)
            first = self._changes[key].before if key in self._changes else before
            self._changes[key] = Change(table, row_id, name, first, value)
            setattr(row, name, value)
        self.session.add(row)

    def create(self, row: Row) -> Row:
        """Adds a row as if it had been in the trash since it is there, and takes it out: undo puts it back
        there, and `FilmState.deleted` tells by the time that nobody deleted it.
        """
        if hasattr(row, "trashed"):
            row.trashed = getattr(row, "created")  # noqa: B009 - every table has one, SQLModel does not say so
        self.session.add(row)
        self.session.flush()
        if hasattr(row, "trashed"):
            self.set(row, trashed=None)
        return row

    def wrote(self, row: SQLModel) -> bool:
        """Whether this command changed the row."""
        named = (_NAMES[type(row)], getattr(row, "id"))  # noqa: B009 - as in `set`
        return any((change.table, change.id) == named for change in self._changes.values())

    def finish(
        self, label: str, kind: CommandKind = CommandKind.EDIT, target: int | None = None
    ) -> Command | None:
        """Writes the command and counts up the revision. An edit that changed nothing leaves no trace."""
        changes = [c for c in self._changes.values() if c.before != c.after]
        if not changes and kind is CommandKind.EDIT:
            return None
        command = Command(
            owner=self.project.owner,
            project_id=self.project.id,
            revision=touch(self.project),
            kind=kind.value,
            target=target,
            label=label,
            changes=[asdict(c) for c in changes],
        )
        self.session.add(command)
        if kind is CommandKind.EDIT and (made := _MADE.get()) is not None:
            self.session.flush()
            made.append(command.id or 0)
        return command


Settle = Callable[[Recorder], None]


@dataclass(frozen=True)
class Log:
    """A project's log up to a line: what can be undone and redone, the next one last, and when that was."""

    upto: int = 0
    undoable: dict[int, Step] = field(default_factory=dict)
    redoable: dict[int, Step] = field(default_factory=dict)
    newest: int | None = None


def history(session: Session, project_id: str) -> tuple[list[Step], list[Step]]:
    """What can be undone and what can be redone, the next one last in each list. A new edit ends redoing."""
    session.flush()  # what was logged a moment ago in this transaction
    log = read_log(session, project_id, Log())
    return list(log.undoable.values()), list(log.redoable.values())


def read_log(session: Session, project_id: str, known: Log) -> Log:
    """The log as it is now, from what was known of it: lines are only ever added."""
    columns: list[Any] = [Command.id, Command.kind, Command.target, Command.label, Command.created]
    query = sqlalchemy.select(*columns).where(col(Command.project_id) == project_id)
    query = query.where(col(Command.id) > known.upto).order_by(col(Command.id))
    undoable, redoable = dict(known.undoable), dict(known.redoable)
    upto, newest = known.upto, known.newest
    for id, kind, target, label, created in session.connection().execute(query):
        upto, newest = id, max(created, newest or created)
        match CommandKind(kind):
            case CommandKind.EDIT:
                undoable[id] = Step(id, label, created)
                redoable.clear()
            case CommandKind.UNDO:
                redoable[target] = undoable.pop(target)
            case CommandKind.REDO:
                undoable[target] = redoable.pop(target)
    return Log(upto, undoable, redoable, newest)


def undo(
    session: Session,
    project: Project,
    command_id: int | None = None,
    settle: Settle | None = None,
) -> Undone:
    """Undoes the newest command, or the given one. Raises BadInput when there is none.

    What a later command wrote stays, also where it wrote the same value again. `settle` puts right what does
    not go together with that, as part of this step.
    """
    undoable, _ = history(session, project.id)
    step = _choose(undoable, command_id, "undo")
    later = undoable[undoable.index(step) + 1 :]
    newer = {change.slot for other in later for change in _written(session, other)}
    written = _written(session, step)
    return _revert(session, project, written, CommandKind.UNDO, step, newer, settle)


def redo(
    session: Session,
    project: Project,
    command_id: int | None = None,
    settle: Settle | None = None,
) -> Undone:
    """Does an undone command again: exactly the fields that its undo put back; `settle` as in `undo`."""
    _, redoable = history(session, project.id)
    step = _choose(redoable, command_id, "redo")
    source = _last(session, CommandKind.UNDO, step.id)
    assert source is not None, "a command can be redone only after its undo was logged"
    return _revert(session, project, _changes(source), CommandKind.REDO, step, settle=settle)


@dataclass(frozen=True)
class Jumped:
    """What a jump did: `came_from` is the command after which the film stood before (None: the beginning),
    `kept` are the labels of steps of which something was left alone because it was edited or purged since.
    """

    came_from: int | None
    undone: int
    redone: int
    kept: tuple[str, ...]


def jump(
    session: Session,
    project: Project,
    command_id: int | None,
    settle: Settle | None = None,
) -> Jumped:
    """Undoes or redoes as many steps as needed, so that the given command is the newest one that stands.

    None goes back to before the first command. Jumping to `came_from` reverses it. Raises BadInput for a
    command that is not in the list (any more). `settle` as in `undo`.
    """
    undoable, redoable = history(session, project.id)
    ids = [step.id for step in undoable]
    if command_id is not None and command_id not in ids and command_id not in [s.id for s in redoable]:
        raise BadInput("This step is not in the history (any more): open the list again and choose another.")
    if command_id is None or command_id in ids:
        steps = list(reversed(undoable[ids.index(command_id) + 1 if command_id is not None else 0 :]))
        done = [undo(session, project, step.id, settle) for step in steps]
        undone, redone = len(done), 0
    else:
        at = [step.id for step in redoable].index(command_id)
        done = [redo(session, project, step.id, settle) for step in reversed(redoable[at:])]
        undone, redone = 0, len(done)
    kept = tuple(outcome.label for outcome in done if outcome.kept or outcome.purged)
    return Jumped(ids[-1] if ids else None, undone, redone, kept)


def _choose(steps: Sequence[Step], command_id: int | None, verb: str) -> Step:
    if command_id is not None:
        steps = [step for step in steps if step.id == command_id]
    if not steps:
        raise BadInput(f"There is nothing to {verb}.")
    return steps[-1]


def _last(session: Session, kind: CommandKind, target: int) -> Command | None:
    query = select(Command).where(Command.kind == kind.value, Command.target == target)
    return session.exec(query.order_by(col(Command.id).desc()).limit(1)).first()


def _changes(command: Command) -> list[Change]:
    return [Change(**data) for data in command.changes]


def _written(session: Session, step: Step) -> list[Change]:
    """What a command that stands has written: as first logged, or by its last redo."""
    redone = _last(session, CommandKind.REDO, step.id)
    return _changes(redone if redone is not None else session.get_one(Command, step.id))


def _revert(
    session: Session,
    project: Project,
    changes: Sequence[Change],
    kind: CommandKind,
    step: Step,
    newer: Container[tuple[str, str, str]] = frozenset(),
    settle: Settle | None = None,
) -> Undone:
    """Writes the reverse of logged changes where they still stand; `newer` slots belong to somebody else."""
    recorder = Recorder(session, project)
    applied = kept = purged = 0
    gone = {change.slot for change in changes if _purged(session, change)}
    for change in reversed(changes):
        row = session.get(EDITABLE[change.table], change.id)
        there = change.slot not in newer and getattr(row, change.field, None) == change.after
        told_of = _ABOUT.get(change.field, change.field)
        counts = change.field == told_of
        if row is None or (there and (change.table, change.id, told_of) in gone):
            purged += counts
        elif not there:
            kept += counts
        else:
            recorder.set(row, **{change.field: change.before})
            applied += counts
    if settle is not None:
        settle(recorder)
    recorder.finish(step.label, kind, step.id)
    return Undone(step.label, applied, kept, purged)


def _purged(session: Session, change: Change) -> bool:
    """Whether a change would go back to a take, or to what was made of it, that the user purged since."""
    chosen = _CHOSEN.get(change.field) if change.table == "shot" else None
    return chosen is not None and change.before is not None and session.get(chosen, change.before) is None
