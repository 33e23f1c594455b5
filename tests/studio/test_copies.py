"""What a copy has of its original beside rows: its own date, what is kept in it, what was preferred."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlmodel import select

from engine.errors import BadInput
from studio.service.studio import Studio
from studio.store.migrate import SCRIPTS
from studio.store.tables import Command, Project, Shot, Take
from tests.studio.helpers import ME, PAINTER, draw_all_here, draw_here, new_film, render_here, shots_of


def freshness(studio: Studio, project: str) -> list[tuple[str, str, bool]]:
    """How fresh each live shot's picture and clip are, and whether there is a clip."""
    return [
        (s.staleness.freshness.value, s.clip_staleness.freshness.value, s.clip_id is not None)
        for s in shots_of(studio, project)
    ]


def keep_all(studio: Studio, shot: str) -> None:
    """A shot whose picture and clip are stale, and kept."""
    render_here(studio, shot)
    studio.edit_shot(ME, shot, description="Changed since it was drawn.")
    studio.keep(ME, shot)
    studio.keep_clip(ME, shot)


def test_what_is_kept_in_another_version_is_kept_in_the_copy(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    list(studio.direct(ME, project, "A girl waits for a train in a snowy town", shots=3))
    studio.edit_project(ME, project, look="soft light", fps="25")
    draw_all_here(studio, project)
    keep_all(studio, shots_of(studio, project)[1].id)
    before = freshness(studio, project)
    assert before[1] == ("kept", "kept", True)
    list(studio.direct(ME, project, "An old fisherman finds a child on a stormy harbour", shots=2))
    studio.edit_project(ME, project, look="hard shadows", fps="30")
    copy = studio.duplicate_project(ME, project).head.id
    for film in (project, copy):
        studio.switch_version(ME, studio.versions(ME, film)[0].id)
        assert freshness(studio, film) == before


@pytest.mark.parametrize("both", [True, False])
def test_what_is_kept_in_the_trash_is_kept_in_the_copy(studio: Studio, both: bool) -> None:
    project, ids = new_film(studio, 4)
    draw_all_here(studio, project)
    for shot in ids[1:3]:
        keep_all(studio, shot)
    before = freshness(studio, project)
    studio.delete_shots(ME, ids[1:3] if both else ids[1:2])
    if not both:
        studio.delete_shots(ME, ids[3:])
    copy = studio.duplicate_project(ME, project)
    gone = {shot.description: shot.id for shot in copy.trash}
    assert len(gone) == len({*gone.values()})
    for shot in copy.trash if both else [s for s in copy.trash if s.description.startswith("Changed")]:
        studio.restore_shot(ME, shot.id)
    assert freshness(studio, copy.head.id) == (before if both else before[:3])


def test_what_is_not_kept_any_more_is_not_kept_in_the_copy(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    keep_all(studio, ids[1])
    studio.edit_shot(ME, ids[1], description="Changed again.")
    copy = studio.duplicate_project(ME, project).head.id
    assert freshness(studio, copy) == freshness(studio, project)
    assert freshness(studio, copy)[1][:2] == ("stale", "stale")
    with studio.home.database.read() as session:
        rows = session.exec(select(Shot).where(Shot.project_id == copy)).all()
    assert [(row.accepted, row.clip_accepted) for row in rows] == [(None, None)] * 2


def test_a_copy_was_made_now(studio: Studio) -> None:
    project, _ = new_film(studio, 1)
    time.sleep(0.01)
    began = time.time_ns() // 1_000_000
    copy = studio.duplicate_project(ME, project)
    assert copy.head.saved.timestamp() * 1000 >= began - 1
    with studio.home.database.read() as session:
        original = session.get_one(Project, project)
        assert session.get_one(Project, copy.head.id).created >= began > original.created


def test_a_copied_shot_repeats_no_take(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    first = draw_here(studio, project, shot)
    second = draw_here(studio, project, shot, seed=1)
    with studio.home.database.write() as session:
        session.get_one(Take, second).again_of = first
    assert studio.takes(ME, shot)[0].again
    copy = studio.duplicate_shot(ME, shot)
    assert [take.again for take in studio.takes(ME, copy.id)] == [""]
    film = studio.duplicate_project(ME, project).head.id
    assert studio.takes(ME, shots_of(studio, film)[0].id)[0].again == studio.takes(ME, shot)[0].again


def test_a_copy_has_the_preferences_of_its_film(studio: Studio) -> None:
    project, (shot, _) = new_film(studio, 2)
    for seed in range(3):
        draw_here(studio, project, shot, seed)
    with pytest.raises(BadInput, match="nothing to prefer"):
        studio.preferences(ME, project)
    studio.pick(ME, studio.takes(ME, shot)[-1].id)
    copy = studio.duplicate_project(ME, project).head.id
    assert studio.preferences(ME, project).rejected == studio.preferences(ME, copy).rejected == 2
    studio.undo(ME, project)
    with pytest.raises(BadInput, match="nothing to prefer"):
        studio.preferences(ME, project)
    studio.redo(ME, project)
    assert studio.preferences(ME, project).rejected == 2
    # A copied shot has its own takes, with which nothing was compared.
    twin = studio.duplicate_shot(ME, shot)
    draw_here(studio, project, twin.id, seed=5)
    assert studio.preferences(ME, project).rejected == 2


def test_a_pick_that_cannot_be_undone_keeps_its_moment(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    first, second, _ = (draw_here(studio, project, shot, seed) for seed in range(3))
    studio.pick(ME, first)
    studio.pick(ME, second)
    studio.purge(ME, first)
    studio.undo(ME, project)  # the take before is gone, so this one stays picked
    assert shots_of(studio, project)[0].take_id == second
    with studio.home.database.read() as session:
        at = session.get_one(Shot, shot).picked_at
        assert at is not None
        assert at >= max(take.created for take in session.exec(select(Take)))
    assert studio.preferences(ME, project).rejected == 1
    assert studio.undo(ME, project).label.startswith("use take 1")
    assert studio.preferences(ME, project).rejected == 1


def test_picks_of_before_are_known_by_their_log(home: Path) -> None:
    """The database of an earlier program, whose shots did not say when their take was picked."""
    with Studio(home, painter=PAINTER) as studio:
        project, (shot, other) = new_film(studio, 2)
        for seed in range(2):
            draw_here(studio, project, shot, seed)
            draw_here(studio, project, other, seed)
        for picked in (shot, other):
            studio.pick(ME, studio.takes(ME, picked)[-1].id)
        draw_here(studio, project, other, seed=2)  # picked by nobody, so no pick stands
        with studio.home.database.read() as session:
            before = {row.id: row.picked_at for row in session.exec(select(Shot))}
            (logged,) = session.exec(select(Command.created).where(Command.label == "use take 1 of shot 1"))
        assert before[shot] is not None
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        with studio.home.database.engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            command.downgrade(config, "0010")
            renamed = "UPDATE command SET label = 'pick' || substr(label, 4) WHERE label LIKE 'use take %'"
            connection.execute(text(renamed))  # what the command was called then
    with Studio(home, painter=PAINTER) as studio:
        with studio.home.database.read() as session:
            after = {row.id: row.picked_at for row in session.exec(select(Shot))}
        assert after == {shot: logged, other: None}
        assert studio.preferences(ME, project).rejected == 1
