"""Two tabs with stale views: the last writer of a field wins, and nobody's undo takes a newer edit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from engine.errors import BadInput
from studio.project.commands import history
from studio.service.studio import Studio
from studio.store.errors import NotFound
from studio.store.tables import Shot
from tests.examples import examples
from tests.studio.helpers import ME, PAINTER, new_film, shots_of

FIELDS = ("description", "scale", "notes", "title")
VALUES = {
    # Few values, so that two tabs often write the same one, and write one again that was there before.
    "description": ("A man waits.", "She runs."),
    "scale": ("close-up", "long shot"),
    "notes": ("", "tight"),
    "title": ("", "The end"),
}
Slot = tuple[str, str]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(tmp_path_factory.mktemp("tabs"), painter=PAINTER) as studio:
        yield studio


@dataclass
class Slots:
    """What every field must hold, and the writes that stand on it, newest last: command, before, after."""

    value: dict[Slot, Any]
    writes: dict[Slot, list[tuple[int, Any, Any]]] = field(default_factory=dict)

    def write(self, command: int, slot: Slot, value: Any) -> None:
        if value != self.value[slot]:
            self.writes.setdefault(slot, []).append((command, self.value[slot], value))
            self.value[slot] = value

    def undo(self, command: int) -> None:
        """Only the newest write of a field goes back; under a newer one it is simply forgotten."""
        for slot, stack in self.writes.items():
            if stack and stack[-1][0] == command and stack[-1][2] == self.value[slot]:
                self.value[slot] = stack[-1][1]
            stack[:] = [write for write in stack if write[0] != command]


def read(studio: Studio, project: str) -> dict[Slot, Any]:
    with studio.home.database.read() as session:
        shots = session.exec(select(Shot).where(Shot.project_id == project)).all()
        return {(shot.id, name): getattr(shot, name) for shot in shots for name in FIELDS}


def newest(studio: Studio, project: str) -> int:
    """The command that a tab which looks now would undo."""
    with studio.home.database.read() as session:
        undoable, _ = history(session, project)
    return undoable[-1].id if undoable else 0


tabs = st.integers(0, 1)
writing = st.tuples(
    st.just("write"),
    tabs,
    st.lists(st.integers(0, 2), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(FIELDS), min_size=1, max_size=2, unique=True),
    st.integers(0, 1),
)
acts = st.one_of(
    writing,
    writing,
    st.tuples(st.just("undo"), tabs),
    st.tuples(st.just("look"), tabs),
    st.tuples(st.just("delete or restore"), tabs, st.integers(0, 2)),
)


@examples(30)
@given(st.lists(acts, min_size=3, max_size=12))
def test_two_stale_tabs_lose_nothing(shared: Studio, sequence: list[tuple[Any, ...]]) -> None:
    project, ids = new_film(shared, 3)
    slots = Slots(read(shared, project))
    seen: list[int | None] = [None, None]  # the command that each tab would undo
    made = newest(shared, project)
    for what, tab, *details in sequence:
        if what == "write":
            picked, names, value = details
            fields = {name: VALUES[name][value] for name in names}
            before = newest(shared, project)
            shared.edit_shots(ME, {ids[i]: fields for i in picked})
            command = newest(shared, project)
            if command != before:
                seen[tab] = command
                for i in picked:
                    for name, wanted in fields.items():
                        slots.write(command, (ids[i], name), wanted)
        elif what == "undo":
            undone = seen[tab]
            if undone is None or undone <= made:
                continue
            with contextlib.suppress(BadInput):  # the other tab undid it already
                shared.undo(ME, project, undone)
                slots.undo(undone)
        elif what == "look":
            seen[tab] = newest(shared, project)
        elif what == "delete or restore":
            live = [shot.id for shot in shots_of(shared, project)]
            shot = ids[details[0]]
            if shot in live:
                shared.delete_shots(ME, [shot])
            else:
                shared.restore_shot(ME, shot)
        assert read(shared, project) == slots.value


def test_undo_leaves_a_value_that_the_other_tab_wrote_again(studio: Studio) -> None:
    """The field holds what the first command wrote, but it is the other tab that wrote it last."""
    project, (shot, *_) = new_film(studio, 1)
    studio.edit_shot(ME, shot, title="A")
    mine = studio.project(ME, project).head.undo
    assert mine is not None
    studio.edit_shot(ME, shot, title="B")
    studio.edit_shot(ME, shot, title="A")
    assert (studio.undo(ME, project, mine.id).kept) == 1
    assert shots_of(studio, project)[0].title == "A"


def test_a_move_moves_what_it_names_and_nothing_else(studio: Studio) -> None:
    project, (a, b, c, d) = new_film(studio, 4)
    assert studio.move_shots(ME, project, [a], after=d) == (b, c, d, a), "one tab"
    assert studio.move_shots(ME, project, [c]) == (c, b, d, a), "another, which still shows a, b, c, d"
    assert studio.move_shots(ME, project, [d, b], after=a) == (c, a, d, b), "two that lay apart come together"
    told = len(studio.steps(ME, project))
    assert studio.move_shots(ME, project, [d, b], after=a) == (c, a, d, b)
    assert len(studio.steps(ME, project)) == told, "they are there already"
    studio.delete_shots(ME, [a])
    assert studio.move_shots(ME, project, [c, a], after=d) == (d, c, b), "who is deleted stays deleted"
    assert studio.move_shots(ME, project, [b], after=a) == (b, d, c), "and keeps its place"
    with pytest.raises(BadInput, match="after itself"):
        studio.move_shots(ME, project, [b], after=b)
    with pytest.raises(NotFound):
        studio.move_shots(ME, project, [b], after="nobody")
    with pytest.raises(BadInput, match="Choose"):
        studio.move_shots(ME, project, [])


@examples(30)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 4)), min_size=2, max_size=10))
def test_stale_moves_lose_no_other_move(shared: Studio, sequence: list[tuple[int, int]]) -> None:
    """What any tab says is read as it was meant, whatever it saw: this shot right after that one."""
    project, ids = new_film(shared, 5)
    made, wanted = newest(shared, project), list(ids)
    for moved, after in sequence:
        if moved == after:
            continue
        wanted.remove(ids[moved])
        wanted.insert(wanted.index(ids[after]) + 1 if after >= 0 else 0, ids[moved])
        target = ids[after] if after >= 0 else None
        assert shared.move_shots(ME, project, [ids[moved]], target) == tuple(wanted)
    undone = shared.jump(ME, project, made)
    assert not undone.kept
    assert [shot.id for shot in shots_of(shared, project)] == ids
