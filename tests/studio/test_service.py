"""The service: what an owner sees, what others do not, and how little is sent when little changed."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadInput, StageError, UnsupportedError
from engine.story import FrameSide
from studio.service.studio import Studio
from studio.service.views import Patch, ShotStatus
from studio.store.errors import NotFound
from studio.store.states import Subject
from studio.ui.slim import slim
from tests.studio.foreign import FOREIGN, OPEN_TO_ALL
from tests.studio.helpers import (
    ME,
    PICTURE,
    YOU,
    draw_all_here,
    draw_here,
    export_here,
    many_shots,
    new_film,
    render_here,
    shots_of,
)

THEME = "An old fisherman finds a lost child on a stormy harbour at night"


@pytest.fixture
def owned(studio: Studio) -> dict[str, Any]:
    """One of everything, mine."""
    project = studio.create_project(ME).head.id
    list(studio.direct(ME, project, THEME, shots=3, seed=1))
    draw_all_here(studio, project)
    view = studio.project(ME, project)
    shot = view.shots[0]
    (job,) = studio.draw(ME, [shot.id])
    head = view.head
    return {
        "project": project,
        "shot": shot.id,
        "take": shot.take_id,
        "clip": render_here(studio, shot.id),
        "job": job.id,
        "export": export_here(studio, project),
        "version": studio.versions(ME, project)[0].id,
        "cast": head.cast[0].id,
        "place": head.places[0].id,
        "reference": studio.add_reference(ME, project, Subject.LOOK, "", PICTURE).id,
    }


def test_every_action_is_closed_to_others(studio: Studio, owned: dict[str, Any]) -> None:
    actions = {
        name for name, _ in inspect.getmembers(Studio, inspect.isfunction) if not name.startswith("_")
    } - OPEN_TO_ALL
    assert actions == set(FOREIGN)
    before = studio.project(ME, owned["project"])
    for call in FOREIGN.values():
        with pytest.raises(NotFound):
            call(studio, owned)
    assert studio.project(ME, owned["project"]) == before
    assert studio.projects(YOU) == ()


def test_what_does_not_exist_and_what_is_not_yours_are_the_same(
    studio: Studio, owned: dict[str, Any]
) -> None:
    def answer(project: str) -> str:
        with pytest.raises(NotFound) as caught:
            studio.project(YOU, project)
        return str(caught.value)

    assert answer(owned["project"]) == answer("0" * 16)


def test_media_addresses(studio: Studio, owned: dict[str, Any]) -> None:
    url = shots_of(studio, owned["project"])[0].start_url
    assert url is not None
    name, _, key = url.removeprefix("/media/").partition("?k=")
    media = studio.media_path(name, key)
    assert media.content_type == "image/png"
    assert media.path.read_bytes().startswith(b"\x89PNG")
    other = shots_of(studio, owned["project"])[1].start_url
    assert other is not None
    other_name = other.removeprefix("/media/").partition("?k=")[0]
    alias = key.partition(".")[0]
    for wrong_name, wrong_key in (
        (name, ""),
        (name, key[:-1] + ("0" if key[-1] != "0" else "1")),
        (name, f"{alias}."),
        (name, "ä.ö"),
        (other_name, key),
        ("../studio.db", key),
        (f"{name}/..", key),
    ):
        with pytest.raises(NotFound):
            studio.media_path(wrong_name, wrong_key)
    assert ME not in url


def test_nothing_changed_sends_nothing(studio: Studio) -> None:
    project, _ = new_film(studio, 3)
    revision = studio.project(ME, project).revision
    assert studio.changes(ME, project, revision) == Patch(revision=revision)
    assert studio.changes(ME, project, revision).empty


def test_one_changed_card_sends_one_card(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    ids = many_shots(studio, ME, project, 200)
    revision = studio.project(ME, project).revision
    studio.edit_shot(ME, ids[57], notes="tight on the hands")
    patch = studio.changes(ME, project, revision)
    assert [shot.id for shot in patch.shots] == [ids[57]]
    assert not patch.full
    assert patch.order is None
    assert patch.jobs == ()
    sent = slim(patch)
    assert sent["parts"] == [{"id": ids[57], "attributes": {"notes": "tight on the hands"}}]
    assert len(json.dumps(sent)) < 1000
    studio.insert_shot(ME, project)
    inserted = slim(studio.changes(ME, project, patch.revision))
    assert len(inserted["shots"]) == 1, "the numbers of all others follow from the order"
    assert "parts" not in inserted


def test_a_card_that_became_stale_is_sent_though_its_row_did_not_change(studio: Studio) -> None:
    project, ids = new_film(studio, 4)
    draw_all_here(studio, project)
    revision = studio.project(ME, project).revision
    draw_here(studio, project, ids[1], seed=9)
    patch = studio.changes(ME, project, revision)
    assert [shot.id for shot in patch.shots] == [ids[1], ids[2]]
    assert patch.shots[1].staleness.text == "shot 2 was redrawn"


def test_patches_add_up_to_the_whole(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    view = studio.project(ME, project)
    cards, order, head, revision = (
        {s.id: s for s in view.shots},
        [s.id for s in view.shots],
        view.head,
        view.revision,
    )
    for act in (
        lambda: studio.insert_shot(ME, project, ids[0]),
        lambda: studio.delete_shots(ME, [ids[2]]),
        lambda: studio.reorder(ME, project, [ids[1], ids[0]]),
        lambda: studio.edit_project(ME, project, title="Another name"),
        lambda: studio.draw(ME, [ids[0]]),
        lambda: studio.undo(ME, project),
        lambda: studio.pin(ME, project, ids[0], FrameSide.START),
    ):
        act()
        patch = studio.changes(ME, project, revision)
        assert patch.revision > revision
        revision = patch.revision
        cards.update({shot.id: shot for shot in patch.shots})
        order = list(patch.order) if patch.order is not None else order
        head = patch.head or head
    now = studio.project(ME, project)
    assert tuple(cards[id] for id in order) == now.shots
    assert head == now.head


def test_a_page_older_than_the_server_gets_everything(home: Path) -> None:
    with Studio(home) as studio:
        project, ids = new_film(studio, 3)
        old = studio.project(ME, project).revision
        studio.edit_shot(ME, ids[0], title="later")
    with Studio(home) as studio:
        patch = studio.changes(ME, project, old)
        assert patch.full
        assert [shot.id for shot in patch.shots] == ids
        assert patch.order == tuple(ids)
        assert patch.head is not None
        assert studio.changes(ME, project, 10**9).full


def test_directing_is_one_command(studio: Studio) -> None:
    project, old = new_film(studio, 2)
    before = studio.project(ME, project)
    stages = list(studio.direct(ME, project, THEME, shots=4, seed=3))
    assert len(stages) > 3
    view = studio.project(ME, project)
    assert len(view.shots) == 4
    assert view.head.theme == THEME
    assert view.head.cast
    assert view.trash == ()
    assert [version.shots for version in studio.versions(ME, project)] == [len(old), 4]
    assert len({shot.label for shot in view.shots}) == 4
    studio.undo(ME, project)
    after = studio.project(ME, project)
    assert after.shots == before.shots
    assert after.head.model_dump(exclude={"redo", "saved"}) == before.head.model_dump(
        exclude={"redo", "saved"}
    )
    studio.redo(ME, project)
    assert studio.project(ME, project).shots == view.shots


def test_the_director_renames_only_what_it_named(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    list(studio.direct(ME, project, THEME, shots=3))
    named = studio.project(ME, project).head.title
    assert named != "Untitled"
    list(studio.direct(ME, project, "Two women walk through a snowy forest at dawn", shots=3))
    assert studio.project(ME, project).head.title not in ("Untitled", named)
    studio.edit_project(ME, project, title="My film")
    list(studio.direct(ME, project, THEME, shots=3))
    assert studio.project(ME, project).head.title == "My film"


def test_stopping_the_director_writes_nothing(studio: Studio) -> None:
    project, _ = new_film(studio, 2)
    before = studio.project(ME, project)
    stages = studio.direct(ME, project, THEME, shots=4)
    next(stages)
    stages.close()  # type: ignore[attr-defined]
    assert studio.project(ME, project) == before


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scale": "huge"}, "The scale cannot be"),
        ({"length": 0}, "The length cannot be"),
        ({"colour": "red"}, "no field called colour"),
        ({"description": "x" * 5000}, "The description cannot be"),
        ({"project_id": "x"}, "no field called project_id"),
        ({"picked": "x"}, "no field called picked"),
        ({"cast": 5}, "The cast cannot be"),
    ],
)
def test_bad_fields_are_one_sentence(studio: Studio, fields: dict[str, Any], sentence: str) -> None:
    project, (shot,) = new_film(studio, 1)
    before = studio.project(ME, project)
    with pytest.raises(BadInput, match=sentence) as caught:
        studio.edit_shot(ME, shot, **fields)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert studio.project(ME, project) == before


def test_words_are_kept_as_they_were_typed(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    nasty = "<script>alert(1)</script> ${7*7} {{x}} \\ ' \" 🎬\n\tnew line"
    assert studio.edit_shot(ME, shot, description=nasty, notes=nasty).description == nasty
    assert studio.project(ME, project).shots[0].attributes.notes == nasty


def test_a_new_name_goes_with_the_shots_that_have_the_old_one(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    ada = studio.add_cast(ME, project, "Ada", "a woman in a red coat")
    studio.edit_shot(ME, ids[0], cast=["Ada", "Bo"])
    with pytest.raises(BadInput, match="already is somebody"):
        studio.add_cast(ME, project, "ADA")
    studio.edit_cast(ME, ada.id, name="Eve")
    assert [shot.attributes.cast for shot in shots_of(studio, project)] == [["Eve", "Bo"], []]
    studio.undo(ME, project)
    assert shots_of(studio, project)[0].attributes.cast == ["Ada", "Bo"]
    studio.remove_cast(ME, ada.id)
    assert studio.project(ME, project).head.cast == ()


def test_unknown_words_are_marked(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    view = studio.edit_shot(ME, ids[0], description="A dragon walks left in the snow.")
    assert view.unknown_words == ("dragon",)
    studio.edit_project(ME, project, profile="qwen-image")
    assert shots_of(studio, project)[0].unknown_words == ()
    with pytest.raises(UnsupportedError, match="LoRA"):
        studio.draw(ME, ids)


def test_duplicate_and_trash(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    copy = studio.duplicate_shot(ME, ids[0])
    assert (copy.number, copy.status, copy.takes) == (2, ShotStatus.DRAWN, 1)
    assert copy.start_url == shots_of(studio, project)[0].start_url
    studio.delete_shots(ME, [ids[0], ids[1]])
    assert [shot.id for shot in shots_of(studio, project)] == [copy.id]
    assert {shot.id for shot in studio.project(ME, project).trash} == set(ids)
    restored = studio.restore_shot(ME, ids[0])
    assert restored.number == 1
    assert restored.take_id is not None


def test_projects_come_and_go(studio: Studio) -> None:
    first = studio.create_project(ME, "One").head.id
    second, _ = new_film(studio, 2)
    draw_all_here(studio, second)
    cards = {card.id: card for card in studio.projects(ME)}
    assert (cards[second].shots, cards[second].drawn, cards[second].seconds) == (2, 2, 6.0)
    assert cards[second].cover_url is not None
    studio.delete_project(ME, first)
    assert [card.id for card in studio.projects(ME)] == [second]
    studio.restore_project(ME, first)
    assert {card.id for card in studio.projects(ME)} == {first, second}
    with pytest.raises(StageError, match="profile"):
        studio.create_project(ME, profile="nothing")
