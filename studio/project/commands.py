"""Edits as commands: field-level before and after in an append-only log.

Every edit, also making and deleting, is a change of fields of rows: a new shot is a row that leaves the
trash, a deleted one enters it. So undo is one rule for all: a field goes back to `before` where it still
holds `after`. Undo and redo are lines of the log themselves; what can be undone is read from the log, so
it survives a restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel, col, select

from engine.errors import BadInput
from studio.store.states import CommandKind
from studio.store.tables import CastMember, Command, FrameMark, Place, Project, Shot, now

EDITABLE: Mapping[str, type[SQLModel]] = {
    "project": Project,
    "shot": Shot,
    "cast": CastMember,
    "place": Place,
    "mark": FrameMark,
}
_NAMES = {table: name for name, table in EDITABLE.items()}
Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True)
class Change:
    """One field of one row: what it was and what the command wrote (JSON values)."""

    table: str
    id: str
    field: str
    before: Any
    after: Any

    def reversed(self) -> Change:
        return Change(self.table, self.id, self.field, self.after, self.before)


@dataclass(frozen=True)
class Step:
    """A command that can be undone or redone."""

    id: int
    label: str


@dataclass(frozen=True)
class Undone:
    """What undo or redo did: fields written, and fields left alone because they were edited since."""

    label: str
    applied: int
    kept: int


def touch(project: Project) -> int:
    """Counts up the project's revision, in the caller's write transaction, and returns it."""
    project.revision += 1
    project.updated = now()
    return project.revision


class Recorder:
    """Collects the changes of one command inside a write transaction."""

    def __init__(self, session: Session, project: Project) -> None:
        self._session = session
        self._project = project
        self._changes: dict[tuple[str, str, str], Change] = {}

    def set(self, row: SQLModel, **fields: Any) -> None:
        """Writes fields of a row and remembers what they were; what does not differ is left out."""
        table = _NAMES[type(row)]
        row_id: str = getattr(row, "id")  # noqa: B009 - every editable table has one, SQLModel does not say so
        for field, value in fields.items():
            before = getattr(row, field)
            if before == value:
                continue
            key = (table, row_id, field)
            first = self._changes[key].before if key in self._changes else before
            self._changes[key] = Change(table, row_id, field, first, value)
            setattr(row, field, value)
        self._session.add(row)

    def create(self, row: Row) -> Row:
        """Adds a row as if it had always been in the trash, and takes it out: undo puts it back there."""
        if hasattr(row, "trashed"):
            row.trashed = now()
        self._session.add(row)
        self._session.flush()
        if hasattr(row, "trashed"):
            self.set(row, trashed=None)
        return row

    def finish(
        self, label: str, kind: CommandKind = CommandKind.EDIT, target: int | None = None
    ) -> Command | None:
        """Writes the command and counts up the revision. An edit that changed nothing leaves no trace."""
        changes = [c for c in self._changes.values() if c.before != c.after]
        if not changes and kind is CommandKind.EDIT:
            return None
        command = Command(
            owner=self._project.owner,
            project_id=self._project.id,
            revision=touch(self._project),
            kind=kind.value,
            target=target,
            label=label,
            changes=[asdict(c) for c in changes],
        )
        self._session.add(command)
        return command


def history(session: Session, project_id: str) -> tuple[list[Step], list[Step]]:
    """What can be undone and what can be redone, the next one last in each list. A new edit ends redoing."""
    columns = (col(Command.id), col(Command.kind), col(Command.target), col(Command.label))
    rows = session.exec(select(*columns).where(Command.project_id == project_id).order_by(col(Command.id)))
    undoable: dict[int, str] = {}
    redoable: dict[int, str] = {}
    for id, kind, target, label in rows:
        match CommandKind(kind):
            case CommandKind.EDIT:
                undoable[id] = label
                redoable.clear()
            case CommandKind.UNDO:
                redoable[target] = undoable.pop(target)
            case CommandKind.REDO:
                undoable[target] = redoable.pop(target)
    return [Step(*item) for item in undoable.items()], [Step(*item) for item in redoable.items()]


def undo(session: Session, project: Project, command_id: int | None = None) -> Undone:
    """Undoes the newest command, or the given one. Raises BadInput when there is none."""
    undoable, _ = history(session, project.id)
    step = _choose(undoable, command_id, "undo")
    command = session.get_one(Command, step.id)
    redone = _last(session, CommandKind.REDO, step.id)
    source = redone if redone is not None else command
    return _revert(session, project, source, CommandKind.UNDO, step)


def redo(session: Session, project: Project, command_id: int | None = None) -> Undone:
    """Does an undone command again: exactly the fields that its undo put back."""
    _, redoable = history(session, project.id)
    step = _choose(redoable, command_id, "redo")
    source = _last(session, CommandKind.UNDO, step.id)
    assert source is not None, "a command can be redone only after its undo was logged"
    return _revert(session, project, source, CommandKind.REDO, step)


def _choose(steps: Sequence[Step], command_id: int | None, verb: str) -> Step:
    if command_id is not None:
        steps = [step for step in steps if step.id == command_id]
    if not steps:
        raise BadInput(f"There is nothing to {verb}.")
    return steps[-1]


def _last(session: Session, kind: CommandKind, target: int) -> Command | None:
    query = select(Command).where(Command.kind == kind.value, Command.target == target)
    return session.exec(query.order_by(col(Command.id).desc()).limit(1)).first()


def _revert(session: Session, project: Project, source: Command, kind: CommandKind, step: Step) -> Undone:
    """Writes the reverse of a logged command's changes where they still stand."""
    recorder = Recorder(session, project)
    applied = kept = 0
    for change in (Change(**data) for data in reversed(source.changes)):
        row = session.get_one(EDITABLE[change.table], change.id)
        if getattr(row, change.field) == change.after:
            recorder.set(row, **{change.field: change.before})
            applied += 1
        else:
            kept += 1
    recorder.finish(step.label, kind, step.id)
    return Undone(step.label, applied, kept)
