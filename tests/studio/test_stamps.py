"""What is remembered of a film is what would be read again, whoever wrote meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from engine.story import FrameSide
from studio.project import rows
from studio.service.cards import Cards
from studio.service.studio import Studio
from studio.store.home import Home
from studio.store.stamps import PREFIX, read_stamps, stamped
from studio.store.tables import Project
from tests.examples import examples
from tests.studio.helpers import ME, PAINTER, draw_all_here, draw_here, new_film, render_here, wait_for_jobs
from tests.studio.test_commands import Step, steps


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(tmp_path_factory.mktemp("stamps"), painter=PAINTER) as studio:
        yield studio


def remembered_and_read(studio: Studio, project: str) -> tuple[Any, Any]:
    """The project as a look finds it that remembers the last one, and as one that remembers nothing; both of
    the same moment: a cut may be measured in between, which is no job that one could wait for.
    """
    alive = {"worker"}  # says what it does at this very moment
    while True:
        before = revision(studio, project)
        remembered = studio.project(ME, project).model_dump(exclude=alive)
        rows.forget()
        read = studio.project(ME, project).model_dump(exclude=alive)
        if revision(studio, project) == before:
            return remembered, read


def revision(studio: Studio, project: str) -> int:
    """As it stands in the database."""
    with studio.home.database.read() as session:
        return session.get_one(Project, project).revision


@examples(10)
@given(st.lists(steps, min_size=1, max_size=8))
def test_edits_never_leave_an_old_card(shared: Studio, sequence: list[Step]) -> None:
    project, ids = new_film(shared, 3)
    draw_all_here(shared, project)
    draw_here(shared, project, ids[1], seed=1)
    shared.project(ME, project)
    for step in [*sequence, lambda studio, film: studio.undo(ME, film)]:
        step(shared, project)
        remembered, read = remembered_and_read(shared, project)
        assert remembered == read


def test_results_never_leave_an_old_card(working: Studio) -> None:
    project, ids = new_film(working, 3)
    before = working.project(ME, project)
    working.draw(ME, ids)  # by another process
    wait_for_jobs(working, project)
    for act in (
        lambda: draw_here(working, project, ids[0], seed=9),
        lambda: render_here(working, ids[1]),
        lambda: working.pin(ME, project, ids[0], FrameSide.END),
        lambda: working.edit_take(ME, working.takes(ME, ids[0])[0].id, note="too dark"),
        lambda: working.export(ME, project),
    ):
        act()
        wait_for_jobs(working, project)
        remembered, read = remembered_and_read(working, project)
        assert remembered == read
    assert working.project(ME, project).shots != before.shots


def test_an_older_look_never_tells_of_newer_edits(shared: Studio) -> None:
    project, ids = new_film(shared, 1)
    shared.edit_shot(ME, ids[0], title="one")
    then = shared.project(ME, project).head.undo
    with shared.home.database.read() as session:
        row = session.get_one(Project, project)  # from here on the session sees this moment
        shared.edit_shot(ME, ids[0], title="two")
        now = shared.project(ME, project).head.undo
        older = Cards(session, row, shared.signer).project()
    assert older.head.undo == then != now
    assert older.shots[0].title == "one"
    assert shared.project(ME, project).head.undo == now


def test_every_table_counts_its_changes(shared: Studio) -> None:
    project, ids = new_film(shared, 1)
    draw_all_here(shared, project)
    with shared.home.database.read() as session:
        before = read_stamps(session)
    assert set(before) == set(stamped())
    with shared.home.database.write() as session:
        session.connection().execute(text("UPDATE shot SET title = 'x' WHERE id = :id"), {"id": ids[0]})
        session.connection().execute(text("DELETE FROM command WHERE project_id = :id"), {"id": project})
    with shared.home.database.read() as session:
        after = read_stamps(session)
    assert {name for name in before if after[name] != before[name]} == {"shot", "command"}


def test_a_table_that_a_migration_made_anew_counts_again(home: Path) -> None:
    opened = Home(home)
    with opened.database.write() as session:
        session.connection().execute(text(f"DROP TRIGGER {PREFIX}shot_update"))
    opened.close()
    opened = Home(home)
    with opened.database.read() as session:
        named = text("SELECT count(*) FROM sqlite_master WHERE name GLOB :those")
        count = session.connection().execute(named, {"those": f"{PREFIX}*"}).scalar_one()
    opened.close()
    assert count == 3 * len(stamped())
