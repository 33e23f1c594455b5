"""Films as things: copied by content, put into the archive, deleted and brought back."""

from __future__ import annotations

from pathlib import Path

from engine.story import FrameSide
from studio.service.studio import Studio
from tests.studio.helpers import ME, YOU, blob_files, draw_all_here, draw_here, new_film, shots_of


def test_a_copy_shares_its_pictures_and_nothing_else(studio: Studio, home: Path) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    draw_here(studio, project, ids[1], seed=1)
    draw_here(studio, project, ids[2], seed=1)
    studio.pin(ME, project, ids[0], FrameSide.END)
    studio.edit_shot(ME, ids[1], description="Changed since it was drawn.")
    studio.keep(ME, ids[1])
    studio.edit_shot(ME, ids[2], description="Stale.")
    before = studio.project(ME, project)
    files = blob_files(home)
    copy = studio.duplicate_project(ME, project)
    assert copy.head.title == "The harbour (copy)"
    assert blob_files(home) == files
    assert studio.project(ME, project) == before

    def told(view: object) -> list[tuple[object, ...]]:
        return [
            (s.label, s.description, s.attributes, s.start_url, s.end_url, s.takes, s.staleness, s.status)
            for s in getattr(view, "shots")  # noqa: B009 - any view with shots
        ]

    assert told(copy) == told(before)
    assert {shot.id for shot in copy.shots}.isdisjoint(ids)
    assert copy.head.undo is None
    memory = studio.memory(ME, copy.shots[2].id)
    assert {frame.shot_id for frame in memory.packed} <= {shot.id for shot in copy.shots}
    studio.edit_shot(ME, copy.shots[0].id, description="Only in the copy.")
    assert studio.project(ME, project) == before


def test_a_copy_has_all_versions(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    for theme, shots in (("A girl waits in a snowy forest", 2), ("A king walks through a desert", 3)):
        list(studio.direct(ME, project, theme, shots=shots))
    copy = studio.duplicate_project(ME, project).head.id
    old, new = studio.versions(ME, project), studio.versions(ME, copy)
    assert [(v.label, v.shots, v.current) for v in new] == [(v.label, v.shots, v.current) for v in old]
    studio.switch_version(ME, new[0].id)
    assert len(shots_of(studio, copy)) == 2
    assert len(shots_of(studio, project)) == 3


def test_the_archive_and_the_trash(studio: Studio) -> None:
    first, _ = new_film(studio, 1)
    second, _ = new_film(studio, 1)
    studio.archive_project(ME, first)
    assert [card.id for card in studio.projects(ME)] == [second]
    assert {card.id: card.archived for card in studio.all_projects(ME)} == {first: True, second: False}
    studio.edit_shot(ME, shots_of(studio, first)[0].id, title="still open to edits")
    studio.delete_project(ME, second)
    assert studio.projects(ME) == ()
    studio.unarchive_project(ME, first)
    studio.restore_project(ME, second)
    assert {card.id for card in studio.projects(ME)} == {first, second}
    assert not any(card.archived or card.trashed for card in studio.all_projects(ME))
    assert studio.all_projects(YOU) == ()


def test_the_example_can_be_had_again(studio: Studio) -> None:
    new_film(studio, 1)
    assert studio.example(ME) is None, "it comes by itself only to who has no film"
    view = studio.add_example(ME)
    assert view.shots
    assert all(shot.start_url for shot in view.shots)
    assert studio.projects(YOU) == ()
