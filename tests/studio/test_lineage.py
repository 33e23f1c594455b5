"""Staleness: which pictures do not say any more what their inputs say, and why, in words."""

from __future__ import annotations

import pytest

from engine.story import FrameSide
from studio.project.lineage import DRIFT_SHARE, Freshness
from studio.service.studio import Studio
from studio.store.tables import Project, Shot
from tests.studio.helpers import ME, draw_all_here, draw_here, new_film, shots_of

FRESH, DRIFT, STALE, KEPT = Freshness.FRESH, Freshness.MAY_DRIFT, Freshness.STALE, Freshness.KEPT


def told(studio: Studio, project: str) -> list[tuple[Freshness, str]]:
    return [(shot.staleness.freshness, shot.staleness.text) for shot in shots_of(studio, project)]


@pytest.fixture
def film(studio: Studio) -> tuple[str, list[str]]:
    project, ids = new_film(studio, 4)
    draw_all_here(studio, project)
    return project, ids


def test_a_drawn_film_is_fresh(studio: Studio, film: tuple[str, list[str]]) -> None:
    assert told(studio, film[0]) == [(FRESH, "")] * 4


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"description": "Something else."}, "the description changed"),
        ({"scale": "close-up"}, "the scale changed from medium shot to close-up"),
        ({"movement": "dolly in"}, "the movement changed from static to dolly in"),
        ({"weather": "rain"}, "the weather changed from none to rain"),
        ({"place": "the harbour"}, "the place changed from none to the harbour"),
        ({"cast": ["Ada"]}, "Ada came into the shot"),
    ],
)
def test_own_words(
    studio: Studio, film: tuple[str, list[str]], fields: dict[str, object], reason: str
) -> None:
    project, ids = film
    studio.edit_shot(ME, ids[1], **fields)
    assert told(studio, project)[1] == (STALE, reason)
    assert [f for f, _ in told(studio, project)] == [FRESH, STALE, FRESH, FRESH], "others keep their picture"
    studio.undo(ME, project)
    assert told(studio, project) == [(FRESH, "")] * 4


@pytest.mark.parametrize(
    "fields", [{"length": 10}, {"dialogue": "Hello."}, {"notes": "x"}, {"sound": "wind"}, {"title": "x"}]
)
def test_words_that_no_picture_shows(
    studio: Studio, film: tuple[str, list[str]], fields: dict[str, object]
) -> None:
    studio.edit_shot(ME, film[1][1], **fields)
    assert told(studio, film[0]) == [(FRESH, "")] * 4


def test_looks_of_people_and_film(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    ada = studio.add_cast(ME, project, "Ada", "in a red coat")
    studio.edit_shot(ME, ids[1], cast=["Ada"])
    draw_all_here(studio, project)
    studio.edit_cast(ME, ada.id, look="in a blue coat")
    assert told(studio, project) == [(FRESH, ""), (STALE, "the look of Ada changed")]
    studio.undo(ME, project)
    studio.edit_cast(ME, ada.id, name="Eve")
    assert told(studio, project) == [(FRESH, ""), (STALE, "Ada is called Eve now")]
    studio.undo(ME, project)
    studio.edit_project(ME, project, look="watercolour")
    assert told(studio, project) == [(STALE, "the look of the film changed")] * 2


def test_a_redrawn_shot_makes_the_next_stale_and_later_ones_drift(
    studio: Studio, film: tuple[str, list[str]]
) -> None:
    project, ids = film
    draw_here(studio, project, ids[1], seed=7)
    states = told(studio, project)
    assert states[0] == states[1] == (FRESH, "")
    assert states[2] == (STALE, "shot 2 was redrawn")
    # The flat painter ranks 1E, 1S, 2E: shot 2 has an eighth of shot 4's memory, which is less than the
    # share.
    assert states[3] == (FRESH, "")
    draw_here(studio, project, ids[0], seed=7)
    assert told(studio, project)[3] == (DRIFT, "shot 1 was redrawn; shot 2 was redrawn")


def test_another_take(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    first = shots_of(studio, project)[0].take_id
    assert first is not None
    draw_here(studio, project, ids[0], seed=3)
    draw_here(studio, project, ids[1], seed=3)
    assert told(studio, project)[1] == (FRESH, "")
    studio.pick(ME, first)
    assert told(studio, project)[1] == (STALE, "another take of shot 1 was picked")


def test_order_and_deletion(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    studio.delete_shots(ME, [ids[1]])
    assert told(studio, project)[1] == (STALE, "it follows another shot now (shot 1)")
    studio.undo(ME, project)
    studio.insert_shot(ME, project, ids[2])
    assert told(studio, project)[4] == (STALE, "it follows shot 4 now, which is not drawn")


def test_what_a_dragged_shot_follows_is_said_as_it_is(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    studio.reorder(ME, project, [ids[2], ids[0], ids[1], ids[3]])
    states = told(studio, project)
    assert states[0] == (STALE, "it is the first shot now")
    assert states[1] == (STALE, "it follows shot 1 now; it was drawn as the first")
    assert states[2] == (DRIFT, "shot 1 came into the memory")
    assert states[3] == (STALE, "it follows another shot now (shot 3)")


def test_a_shot_that_lost_or_got_the_picture_before_it(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_here(studio, project, ids[0])
    draw_here(studio, project, ids[2])
    assert told(studio, project)[2] == (FRESH, "")
    draw_here(studio, project, ids[1])
    reason = "it follows shot 2 now; the shot before it had no picture then"
    assert told(studio, project)[2] == (STALE, reason)
    draw_here(studio, project, ids[2], seed=1)
    take = shots_of(studio, project)[1].take_id
    assert take is not None
    with studio.home.database.write() as session:
        shot = session.get_one(Shot, ids[1])
        shot.picked = None
        session.get_one(Project, project).revision += 1
    assert told(studio, project)[2] == (STALE, "shot 2, before it, has no picture any more")


def test_who_and_what_lost_its_card_is_named(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    ada = studio.add_cast(ME, project, "Ada", "in a red coat")
    pier = studio.add_place(ME, project, "Pier", "wet wood")
    studio.edit_shot(ME, ids[0], cast=["Ada"], place="Pier")
    draw_all_here(studio, project)
    studio.remove_cast(ME, ada.id)
    assert told(studio, project) == [(STALE, "Ada is no longer on the cast list")]
    studio.undo(ME, project)
    studio.remove_place(ME, pier.id)
    assert told(studio, project) == [(STALE, "Pier is no longer among the places")]


def test_pins(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    studio.pin(ME, project, ids[0], FrameSide.START)
    states = told(studio, project)
    assert states[0] == (FRESH, ""), "a frame is not pinned into its own shot"
    assert states[1:] == [(STALE, "frame 1S was pinned")] * 3
    draw_here(studio, project, ids[1], seed=1)
    assert told(studio, project)[1] == (FRESH, "")
    studio.unpin(ME, project, ids[0], FrameSide.START)
    assert told(studio, project)[1] == (STALE, "frame 1S was unpinned")
    assert told(studio, project)[3] == (FRESH, "")


def test_a_pin_that_changes_no_pack_makes_nothing_stale(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    before = [frame.key for frame in studio.memory(ME, ids[3]).packed]
    studio.pin(ME, project, ids[0], FrameSide.END)
    assert told(studio, project) == [(FRESH, "")] * 4, "1E had the first rank anyway"
    studio.pin(ME, project, ids[0], FrameSide.START)
    assert told(studio, project) == [(FRESH, "")] * 4, "and 1S the second"
    draw_here(studio, project, ids[3])
    assert [frame.key for frame in studio.memory(ME, ids[3]).packed] == before
    studio.pin(ME, project, ids[1], FrameSide.END)
    reason = (STALE, "frame 2E was pinned")
    assert told(studio, project)[3] == reason, "with older pins in the pack, it is not certain"
    studio.unpin(ME, project, ids[1], FrameSide.END)
    studio.unpin(ME, project, ids[0], FrameSide.START)
    draw_here(studio, project, ids[0], seed=4)
    assert (STALE, "frame 1E was pinned") in [
        (state, text.split("; ")[-1]) for state, text in told(studio, project)
    ], "the pinned frame is another one now"


def test_a_pin_of_a_later_shot_is_a_snapshot(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    studio.pin(ME, project, ids[3], FrameSide.START)
    draw_all_here(studio, project)
    assert told(studio, project)[:3] == [(FRESH, "")] * 3
    draw_here(studio, project, ids[3], seed=5)
    assert told(studio, project)[:3] == [(FRESH, "")] * 3, (
        "no cycle: later shots never make earlier ones stale"
    )


def test_bans(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    studio.ban(ME, project, ids[0], FrameSide.END)
    assert told(studio, project)[3] == (DRIFT, "frame 1E was banned")
    draw_here(studio, project, ids[3], seed=2)
    keys = [frame.key for frame in studio.memory(ME, ids[3]).packed]
    assert "1E" not in keys
    assert told(studio, project)[3] == (FRESH, "")
    last = studio.memory(ME, ids[3]).packed[-1]
    assert last.share < DRIFT_SHARE
    assert last.shot_id is not None
    assert last.side is not None
    studio.ban(ME, project, last.shot_id, last.side)
    assert told(studio, project)[3] == (DRIFT, f"frame {last.key} was banned"), "however small"


def test_keep_holds_until_something_else_changes(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    studio.edit_shot(ME, ids[1], description="Something else.")
    studio.keep(ME, ids[1])
    assert told(studio, project)[1] == (KEPT, "the description changed")
    assert ids[1] not in studio.project(ME, project).head.stale_shots
    studio.edit_shot(ME, ids[1], scale="close-up")
    assert told(studio, project)[1][0] is STALE
    studio.undo(ME, project)
    assert told(studio, project)[1][0] is KEPT
    studio.undo(ME, project)
    assert told(studio, project)[1][0] is STALE


def test_memory_names_frames_by_where_they_are_today(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    view = studio.memory(ME, ids[3])
    assert [(f.key, f.rank, f.share) for f in view.packed] == [
        ("1E", 1, 0.5),
        ("1S", 2, 0.25),
        ("2E", 3, 0.125),
    ]
    assert view.grid == (4, 8)
    assert all(frame.current for frame in view.packed)
    studio.reorder(ME, project, [ids[1], ids[0], ids[2], ids[3]])
    assert [frame.key for frame in studio.memory(ME, ids[3]).packed] == ["2E", "2S", "1E"]
    draw_here(studio, project, ids[0], seed=9)
    assert [frame.current for frame in studio.memory(ME, ids[3]).packed] == [False, False, True]


def test_frames_of_another_profile_stay_out(studio: Studio, film: tuple[str, list[str]]) -> None:
    project, ids = film
    studio.edit_project(ME, project, profile="qwen-image")
    studio.pin(ME, project, ids[0], FrameSide.START)
    draw_here(studio, project, ids[3], seed=1)
    assert [frame.key for frame in studio.memory(ME, ids[3]).packed] == ["1S"]
