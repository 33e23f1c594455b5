"""Directing again makes a version beside the old one; a shot is rewritten by what is accepted only."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BadInput
from studio.service.studio import Studio
from studio.service.views import JobState
from studio.store.tables import Project
from tests.studio.helpers import ME, draw_here, new_film, shots_of

FIRST = "An old fisherman finds a lost child on a stormy harbour at night"
SECOND = "Two travellers meet in the desert at dawn and walk on together"


def direct(studio: Studio, project: str, theme: str, shots: int) -> None:
    list(studio.direct(ME, project, theme, shots=shots, seed=1))


def test_directing_again_overwrites_nothing(home: Path) -> None:
    with Studio(home) as studio:
        project = studio.create_project(ME).head.id
        assert studio.versions(ME, project) == ()
        direct(studio, project, FIRST, 3)
        first = shots_of(studio, project)
        take = draw_here(studio, project, first[1].id)
        studio.edit_shot(ME, first[2].id, description="My own words.")
        before = studio.project(ME, project)
        studio.edit_project(ME, project, theme=SECOND)  # as the page does before it directs
        direct(studio, project, SECOND, 5)
        one, two = studio.versions(ME, project)
        assert [(v.number, v.shots, v.drawn, v.current) for v in (one, two)] == [
            (1, 3, 1, False),
            (2, 5, 0, True),
        ]
        assert one.label.startswith("An old fisherman")
        assert two.seconds == pytest.approx(studio.project(ME, project).head.seconds)
        assert studio.project(ME, project).trash == (), "shots on a shelf are not deleted"
    with Studio(home) as studio:
        studio.switch_version(ME, one.id)
        back = studio.project(ME, project)
        assert back.shots == before.shots
        assert (back.head.theme, back.head.title, back.head.cast) == (
            before.head.theme,
            before.head.title,
            before.head.cast,
        )
        assert back.shots[1].take_id == take
        assert [version.current for version in studio.versions(ME, project)] == [True, False]


def test_a_switch_is_one_edit_that_can_be_undone(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    direct(studio, project, FIRST, 2)
    direct(studio, project, SECOND, 3)
    second = studio.project(ME, project)
    one, _ = studio.versions(ME, project)
    studio.switch_version(ME, one.id)
    studio.insert_shot(ME, project)
    first = studio.project(ME, project)
    assert len(first.shots) == 3
    studio.undo(ME, project)
    studio.undo(ME, project)
    assert studio.project(ME, project).shots == second.shots
    assert studio.project(ME, project).head.cast == second.head.cast
    studio.redo(ME, project)
    studio.redo(ME, project)
    assert studio.project(ME, project).shots == first.shots
    assert studio.switch_version(ME, one.id) == studio.versions(ME, project)


def test_the_making_of_a_version_can_be_undone(studio: Studio) -> None:
    project, _ = new_film(studio, 2)
    direct(studio, project, FIRST, 3)
    assert studio.versions(ME, project)[0].label == "The first shot list"
    gone = studio.versions(ME, project)[1].id
    studio.undo(ME, project)
    assert studio.versions(ME, project) == ()
    assert len(shots_of(studio, project)) == 2
    with pytest.raises(BadInput, match="redo it first"):
        studio.switch_version(ME, gone)
    direct(studio, project, SECOND, 4)
    assert [(v.number, v.shots) for v in studio.versions(ME, project)] == [(1, 2), (2, 4)]


def test_a_title_of_the_user_stays_with_the_film(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    direct(studio, project, FIRST, 2)
    studio.edit_project(ME, project, title="Mine")
    direct(studio, project, SECOND, 2)
    studio.switch_version(ME, studio.versions(ME, project)[0].id)
    assert studio.project(ME, project).head.title == "Mine"


def test_versions_can_be_named_and_their_drawings_are_not_begun(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    direct(studio, project, FIRST, 2)
    studio.draw(ME, [shot.id for shot in shots_of(studio, project)])
    direct(studio, project, SECOND, 2)
    assert {job.state for job in studio.jobs(ME, project)} == {JobState.CANCELLED}
    first = studio.versions(ME, project)[0]
    assert studio.rename_version(ME, first.id, "  The  harbour ")[0].label == "The harbour"
    with pytest.raises(BadInput):
        studio.rename_version(ME, first.id, "   ")
    studio.undo(ME, project)
    assert studio.versions(ME, project)[0].label == first.label


def test_a_rewriting_writes_only_what_is_accepted(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    direct(studio, project, FIRST, 3)
    shot = shots_of(studio, project)[1]
    before = studio.project(ME, project)
    proposal = studio.rewrite_shot(ME, shot.id, "closer, at dawn; he waves")
    assert studio.project(ME, project) == before, "a proposal writes nothing"
    proposed = {field.name: field.after for field in proposal.fields}
    assert {"scale", "time", "description"} <= set(proposed)
    assert all(field.before != field.after for field in proposal.fields)
    accepted = studio.accept_rewriting(ME, shot.id, {"description": proposed["description"]})
    assert accepted.description == proposed["description"]
    assert accepted.attributes == shot.attributes
    undo = studio.project(ME, project).head.undo
    assert undo is not None
    assert undo.label == "rewrite shot 2"
    studio.undo(ME, project)
    assert shots_of(studio, project)[1] == shot
    with pytest.raises(BadInput):
        studio.accept_rewriting(ME, shot.id, {})
    with pytest.raises(BadInput):
        studio.accept_rewriting(ME, shot.id, {"position": "zz"})
    with pytest.raises(BadInput):
        studio.rewrite_shot(ME, shot.id, "x" * 3000)


def test_again_and_again_are_different_proposals(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    direct(studio, project, FIRST, 3)
    shot = shots_of(studio, project)[0].id
    seen = {str(studio.rewrite_shot(ME, shot, seed=seed).fields) for seed in range(4)}
    assert len(seen) == 4


def test_the_film_keeps_its_rate_and_where_its_sound_begins(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    studio.edit_project(ME, project, fps="48")
    with studio.home.database.write() as session:
        row = session.get_one(Project, project)
        row.sound, row.sound_seconds, row.sound_offset = f"{'0' * 64}.wav", 5.0, -96
    direct(studio, project, FIRST, 3)
    other = studio.create_project(ME).head.id
    direct(studio, other, FIRST, 3)

    def told(of: str) -> tuple[float, float, list[float]]:
        head = studio.project(ME, of).head
        begins = head.sound.offset / head.rate if head.sound else 0.0
        return head.rate, begins, [shot.seconds for shot in shots_of(studio, of)]

    assert told(project) == (48, -2.0, told(other)[2]), "the director's lengths, in the film's own frames"
    studio.edit_project(ME, project, fps="24")
    direct(studio, project, SECOND, 3)
    assert told(project)[:2] == (24, -2.0)
    studio.edit_project(ME, project, fps="30")
    studio.switch_version(ME, studio.versions(ME, project)[0].id)
    assert told(project)[:2] == (24, -2.0)
    studio.undo(ME, project)
    assert told(project)[:2] == (30, -2.0)


def test_a_deleted_shot_stays_in_the_trash_of_its_version(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    direct(studio, project, FIRST, 3)
    gone = shots_of(studio, project)[1]
    studio.delete_shots(ME, [gone.id])
    before = studio.project(ME, project)
    direct(studio, project, SECOND, 2)
    second = studio.project(ME, project)
    assert second.trash == (), "version 2 never had that shot"
    with pytest.raises(BadInput, match="another version"):
        studio.restore_shot(ME, gone.id)
    one, two = studio.versions(ME, project)
    assert (one.shots, two.shots) == (2, 2), "a deleted shot does not count"
    studio.edit_project(ME, project, fps="48")
    studio.switch_version(ME, one.id)
    back = studio.project(ME, project)
    assert (back.shots, back.trash) == (before.shots, before.trash)
    studio.undo(ME, project)
    assert studio.project(ME, project).trash == ()
    studio.redo(ME, project)
    restored = studio.restore_shot(ME, gone.id)
    assert restored.seconds == gone.seconds, "the other version's rate is not this one's"
    assert [shot.id for shot in shots_of(studio, project)][1] == gone.id
