"""An exported film says so when the shot list is another one since: in pictures, or only in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlmodel import select

from engine.story import FrameSide
from studio.service.studio import Studio
from studio.store.tables import Film
from tests.studio.helpers import ME, draw_all_here, new_film, shots_of, wait_for_jobs

Edit = Callable[[Studio, str, str], object]

SAID: dict[str, Edit] = {
    "what somebody says": lambda studio, _, shot: studio.edit_shot(ME, shot, dialogue="The tide is coming."),
    "the title": lambda studio, project, _: studio.edit_project(ME, project, title="The tide"),
    "the frame rate": lambda studio, project, _: studio.edit_project(ME, project, fps="25"),
    "a card of the cast": lambda studio, project, _: studio.add_cast(ME, project, "Ada", "a girl"),
    "the title of a shot": lambda studio, _, shot: studio.edit_shot(ME, shot, title="Letter night"),
    "the number of a scene": lambda studio, _, shot: studio.edit_shot(ME, shot, scene=2),
}


@pytest.fixture
def exported(working: Studio) -> tuple[str, str]:
    project, (shot,) = new_film(working, 1)
    working.edit_shot(ME, shot, length=2)
    draw_all_here(working, project)
    working.export(ME, project)
    wait_for_jobs(working, project, 120)
    return project, shot


def is_stale(studio: Studio, project: str) -> bool:
    film = studio.film(ME, project)
    assert film is not None
    return film.stale


def test_a_film_whose_words_changed_is_not_what_was_exported(
    working: Studio, exported: tuple[str, str]
) -> None:
    project, shot = exported
    assert not is_stale(working, project)
    for what, edit in SAID.items():
        edit(working, project, shot)
        assert is_stale(working, project), what
        working.undo(ME, project)
        assert not is_stale(working, project), what
    with working.home.database.write() as session:  # an export of an earlier version, which says less
        film = session.exec(select(Film)).one()
        shots = [{k: v for k, v in told.items() if k != "title"} for told in film.manifest["shots"]]
        film.manifest = {"title": film.manifest["title"], "theme": "", "shots": shots}
    assert not is_stale(working, project)
    working.edit_shot(ME, shot, title="Not told by an earlier version")
    assert not is_stale(working, project)
    working.edit_shot(ME, shot, notes="too dark here")  # for those who make the film; nobody sees it there
    working.edit_shot(ME, shot, locked=True)
    working.pin(ME, project, shot, FrameSide.END)
    assert not is_stale(working, project)
    assert not shots_of(working, project)[0].clip_stale
