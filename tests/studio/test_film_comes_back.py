"""A film.zip of a film that was worked on: what its memory held is told by the places of its shots in it, and
nothing that the film does not hold is made up when it is opened again.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadInput
from engine.story import FrameSide
from studio.project.conditions import Kept, KeptSource
from studio.project.lineage import Freshness
from studio.service.memory_views import PackedView
from studio.service.studio import Studio
from studio.service.views import ProjectView
from studio.store.states import Subject
from studio.store.tables import Take
from tests.studio.helpers import (
    ME,
    PICTURE,
    YOU,
    draw_all_here,
    draw_here,
    new_film,
    shots_of,
    wait_until,
)
from tests.studio.test_exchange import a_film_from_the_command_line
from tests.studio.test_unpack import zipped


def told_of(path: Path) -> list[dict[str, Any]]:
    """The shots of a zip's film.json."""
    with zipfile.ZipFile(path) as archive:
        return list(json.loads(archive.read("film.json"))["shots"])


def exported(studio: Studio, owner: str, project: str) -> Path:
    for shot in studio.project(owner, project).shots:
        studio.edit_shot(owner, shot.id, length=2)
    studio.export(owner, project)
    wait_until(lambda: not any(job.active for job in studio.jobs(owner, project)), 120)
    return studio.bundle(owner, project)


def memory(studio: Studio, owner: str, view: ProjectView) -> list[list[PackedView]]:
    return [list(studio.memory(owner, shot.id).packed) for shot in view.shots]


def keys(pack: list[PackedView]) -> list[tuple[str, bool, str]]:
    return [(frame.key, frame.current, frame.sha256) for frame in pack]


def test_frames_are_named_by_their_places_in_the_exported_film(working: Studio) -> None:
    project, ids = new_film(working, 4)
    draw_all_here(working, project)
    working.pin(ME, project, ids[0], FrameSide.END)
    for id in ids[1:]:
        draw_here(working, project, id, seed=1)
    working.unpin(ME, project, ids[0], FrameSide.END)
    draw_here(working, project, working.insert_shot(ME, project, None).id)
    working.ban(ME, project, ids[3], FrameSide.START)
    before = working.project(ME, project)
    film = exported(working, ME, project)
    packs = [[frame["frame"] for frame in shot["lineage"]["memory"]] for shot in told_of(film)]
    assert packs == [[], [], ["2E", "2S"], ["2E", "2S", "3E"], ["2E", "2S", "3E"]]
    view = working.open_film(YOU, film)
    assert [(mark.key, mark.pinned) for mark in view.head.marks] == [("5S", False)]
    assert [(m.key, m.pinned) for m in view.head.marks] == [(m.key, m.pinned) for m in before.head.marks]
    here, there = memory(working, ME, before), memory(working, YOU, view)
    assert list(map(keys, there)) == list(map(keys, here))
    assert all(current for pack in there for _, current, _ in keys(pack))
    assert view.shots[1].staleness.text == "it follows shot 1 now; it was not drawn after it"
    assert {shot.staleness.freshness for shot in view.shots[2:]} == {Freshness.FRESH}


def test_what_is_not_in_the_film_is_not_made_up(working: Studio) -> None:
    """Shot 3 remembers a shot that is deleted since, and another take of shot 1."""
    project, ids = new_film(working, 4)
    draw_all_here(working, project)
    draw_here(working, project, ids[0], seed=1)
    working.delete_shots(ME, [ids[1]])
    film = exported(working, ME, project)
    lineage = [shot["lineage"] for shot in told_of(film)]
    assert [[frame["frame"] for frame in one["memory"]] for one in lineage] == [
        [],
        ["?E", "?S", "?E"],
        ["?E", "?S", "?E"],
    ]
    assert [one["lost"] for one in lineage] == [[], ["previous"], []]
    view = working.open_film(YOU, film)
    assert memory(working, YOU, view) == [[], [], []]
    takes = [working.takes(YOU, shot.id)[0] for shot in view.shots]
    with working.home.database.read() as session:
        for take in takes:
            recorded = session.get_one(Take, take.id).conditions
            assert all(frame["sha256"] not in str(recorded) for frame in lineage[1]["memory"])
    with pytest.raises(BadInput, match="3 frames of its memory and the end frame before it"):
        working.draw_again(YOU, takes[1].id)
    with pytest.raises(BadInput, match=r"came along \(3 frames of its memory\), so it cannot"):
        working.draw_again(YOU, takes[2].id)
    assert working.draw_again(YOU, takes[0].id).title == "Draw take 1 of shot 1 again"
    working.every_job(YOU, view.head.id, "cancel")

    again = told_of(exported(working, YOU, view.head.id))
    for was, now in zip(lineage, (shot["lineage"] for shot in again), strict=True):
        assert [{**frame, "sha256": ""} for frame in was["memory"]] == now["memory"]
        assert was["lost"] == now["lost"]


def test_what_was_given_and_a_card_s_picture_do_not_come_along(working: Studio) -> None:
    project, _ = new_film(working, 2)
    working.add_reference(ME, project, Subject.LOOK, "", PICTURE)
    draw_all_here(working, project)
    with working.home.database.write() as session:
        take = session.get_one(Take, shots_of(working, project)[0].take_id)
        assert [frame["key"] for frame in take.memory] == ["ref:look"]
        kept = Kept(side=FrameSide.START, sha256=take.memory[0]["sha256"], source=KeptSource.UPLOAD)
        take.conditions = {**take.conditions, "kept": kept.model_dump(mode="json")}
    view = working.open_film(YOU, exported(working, ME, project))
    first, second = (working.takes(YOU, shot.id)[0] for shot in view.shots)
    with pytest.raises(BadInput, match="a frame of its memory and the frame that was given"):
        working.draw_again(YOU, first.id)
    with pytest.raises(BadInput, match=r"\(a frame of its memory\)"):
        working.draw_again(YOU, second.id)
    assert [frame.key for frame in working.memory(YOU, second.shot_id).packed] == ["1E", "1S"]


def test_a_text_that_somebody_wrote_comes_back_chosen(working: Studio) -> None:
    project, ids = new_film(working, 2)
    draw_all_here(working, project)
    working.write_refinement(ME, ids[1], "She turns her head, slowly.")
    film = exported(working, ME, project)
    assert [(shot["by_hand"], bool(shot["refined"])) for shot in told_of(film)] == [
        (False, True),
        (True, True),
    ]
    view = working.open_film(YOU, film)
    assert [shot.refined for shot in view.shots] == ["", "She turns her head, slowly."]


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001])
def test_a_text_that_nobody_can_have_written_is_left_to_the_refiner(
    studio: Studio, tmp_path: Path, text: str
) -> None:
    folder, film = a_film(tmp_path)
    film["shots"][0] |= {"refined": text, "by_hand": True}
    view = opened(studio, folder, film)
    assert [shot.refined for shot in view.shots] == ["", ""]


def a_film(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    folder = a_film_from_the_command_line(tmp_path / "film")
    return folder, json.loads((folder / "film.json").read_text())


def opened(studio: Studio, folder: Path, film: dict[str, Any]) -> ProjectView:
    (folder / "film.json").write_text(json.dumps(film))
    return studio.open_film(ME, zipped(folder, folder.parent / "film.zip"))


@pytest.mark.parametrize("key", ["1E", "2S", "7E"])
def test_the_hash_of_a_frame_counts_not_its_key(studio: Studio, tmp_path: Path, key: str) -> None:
    """The key may be from another moment of the film."""
    folder, film = a_film(tmp_path)
    sha256 = hashlib.sha256((folder / film["shots"][0]["end"]).read_bytes()).hexdigest()
    end, start = film["shots"][1]["lineage"]["memory"]
    end |= {"frame": key, "sha256": sha256}
    start |= {"sha256": "ab" * 32, "frame": key}
    view = opened(studio, folder, film)
    assert [frame.key for frame in studio.memory(ME, view.shots[1].id).packed] == ["1E"]
    assert [mark.key for mark in view.head.marks] == ["1E"]
    with pytest.raises(BadInput, match=r"\(a frame of its memory\)"):
        studio.draw_again(ME, studio.takes(ME, view.shots[1].id)[0].id)


def test_marks_that_are_told_count_not_the_pins_of_the_packs(studio: Studio, tmp_path: Path) -> None:
    folder, film = a_film(tmp_path)
    film["shots"][0]["marks"] = {"start": "banned"}
    film["shots"][1]["marks"] = {}
    view = opened(studio, folder, film)
    assert [(mark.key, mark.pinned) for mark in view.head.marks] == [("1S", False)]
    film["shots"][1]["marks"] = {"start": "loved"}
    with pytest.raises(BadInput, match="not a film"):
        opened(studio, folder, film)
