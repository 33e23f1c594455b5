"""What the menus of the header say of what they cannot show, and of what cannot be done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.jobs import presence
from studio.jobs.presence import UNSTARTED
from studio.service.studio import Studio
from studio.store.states import CommandKind
from studio.store.tables import Command, Project, Worker, now
from tests.browser.conftest import Server, new_film, open_studio


@pytest.fixture
def unable(tmp_path: Path) -> Iterator[Server]:
    """A studio whose drawing process finds no painter, and dies before it begins."""
    server = Server(tmp_path / "home", "tests.studio.no_painter:load").start()
    yield server
    server.stop()


def test_a_drawing_process_that_cannot_start_is_no_secret(page: Page, unable: Server) -> None:
    open_studio(page, unable)
    new_film(page)
    page.click("#insert-shot")
    expect(page.locator(".tl-card")).to_have_count(1)
    page.click("#draw-all")
    page.click("#jobs")
    expect(page.locator(".hd-worker")).to_contain_text(f"Drawing process: {presence.CANNOT_START}")
    expect(page.locator(".hd-job small")).to_contain_text(f"waiting · {presence.CANNOT_DRAW}")


def test_a_film_without_jobs_hears_of_the_drawing_process_too(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    page.click("#jobs")
    told = page.locator(".hd-worker")
    expect(told).to_have_text("Drawing process: ready")
    with Studio(shared_studio.home) as studio:
        with studio.home.database.write() as session:  # newer than the heart of the one that is there
            session.add(Worker(id=UNSTARTED, pid=0, heartbeat=now() + 3_600_000, message="cannot start"))
        try:
            expect(told).to_have_text("Drawing process: cannot start")
        finally:
            presence.take_back(studio.home.database)
    expect(told).to_have_text("Drawing process: ready")


def test_a_long_history_says_that_there_is_more(page: Page, shared_studio: Server) -> None:
    """Both ways: of six hundred edits and as many that were undone, five hundred each are listed."""
    open_studio(page, shared_studio)
    new_film(page)
    film = page.evaluate("() => stage.state.head.id")
    page.click("#history")
    expect(page.locator(".hi-list")).to_have_text("The beginning")
    with Studio(shared_studio.home) as studio, studio.home.database.write() as session:
        project = session.get_one(Project, film)
        about = {"owner": project.owner, "project_id": film, "revision": project.revision, "changes": []}
        edits = [Command(label=f"edit {number}", **about) for number in range(1200)]
        session.add_all(edits)
        session.flush()
        undone = [edit.id for edit in reversed(edits[600:])]
        session.add_all(Command(kind=CommandKind.UNDO.value, target=id, label="", **about) for id in undone)
        project.revision += 1
    rows = page.locator(".hi-list li")
    expect(rows).to_have_count(1 + 500 + 500 + 1 + 1)
    expect(rows.first).to_have_text("The next 500 undone edits are listed: redo leads to later ones.")
    expect(rows.nth(1)).to_contain_text("Edit 1099")
    expect(rows.nth(1000)).to_contain_text("Edit 100")
    expect(rows.nth(1001)).to_have_text("The last 500 edits are listed: undo leads to older ones.")
    expect(rows.nth(1002)).to_have_text("The beginning")
