"""Choosing what draws: nothing gets stale by it, memory stays of one kind, and what cannot run says why."""

from __future__ import annotations

import pytest
from sqlmodel import select

from engine.doctor import examine
from engine.errors import BadInput, UnsupportedError
from engine.fitting import Machine
from engine.profiles import ADAPTER_VARIABLE, IMAGE_URL_VARIABLE, KEY_VARIABLES
from engine.story import FrameSide
from studio.jobs import queue
from studio.jobs.bench import Bench, Painters
from studio.jobs.draw import draw
from studio.project.film import load_film
from studio.project.lineage import Freshness, Lineage
from studio.service import machine
from studio.service.studio import Studio
from studio.store.errors import NotFound
from studio.store.tables import Job, Project, Take
from tests.studio.fake_painter import load
from tests.studio.helpers import ME, YOU, draw_all_here, draw_here, new_film, shots_of

BIG = "qwen-image-edit+8step"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ADAPTER_VARIABLE, *KEY_VARIABLES):
        monkeypatch.delenv(name, raising=False)


def on(monkeypatch: pytest.MonkeyPatch, found: Machine) -> None:
    """As if the studio ran there."""
    machine._looked.cache_clear()
    monkeypatch.setattr(machine, "look_at_machine", lambda: found)


def drawn_by(studio: Studio, shot_id: str, profile: str) -> None:
    """As if the picked take of a shot had been drawn by another profile."""
    with studio.home.database.write() as session:
        take = session.exec(select(Take).where(Take.shot_id == shot_id).order_by(Take.number.desc())).first()  # type: ignore[attr-defined]
        assert take is not None
        take.recipe = {**take.recipe, "profile": profile}
        session.add(take)


def freshness(studio: Studio, project: str) -> list[Freshness]:
    return [shot.staleness.freshness for shot in shots_of(studio, project)]


def bank(studio: Studio, project_id: str, index: int) -> list[str]:
    with studio.home.database.read() as session:
        film = load_film(session, session.get_one(Project, project_id))
        return [frame.ref.key for frame in Lineage(film).memory_bank(index)]


def test_switching_marks_nothing_stale_and_can_be_undone(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    studio.edit_project(ME, project, profile=BIG)
    assert studio.project(ME, project).head.profile == BIG
    assert freshness(studio, project) == [Freshness.FRESH] * 3
    assert bank(studio, project, 2) == [], "frames of another profile stay out"
    draw_here(studio, project, ids[1], seed=4)
    drawn_by(studio, ids[1], BIG)
    assert freshness(studio, project)[0] is Freshness.FRESH
    assert freshness(studio, project)[1] is Freshness.FRESH
    assert bank(studio, project, 2) == ["2S", "2E"]
    studio.edit_project(ME, project, profile="mini")
    assert freshness(studio, project)[:2] == [Freshness.FRESH] * 2, "and back again neither"
    assert bank(studio, project, 2) == ["1S", "1E"]
    studio.undo(ME, project)
    assert studio.project(ME, project).head.profile == BIG
    assert studio.steps(ME, project)[-1].label == "change the profile of the film"


@pytest.mark.parametrize(
    ("drawn", "profile", "kept"),
    [
        ("qwen-image-edit", "qwen-image-edit+offload", True),
        ("qwen-image-edit+offload", "qwen-image-edit+compiled+stream", True),
        ("qwen-image-edit+8step+nf4+offload", "qwen-image-edit+8step+nf4", True),
        ("qwen-image-edit", "qwen-image-edit+8step", False),
        ("qwen-image-edit", "qwen-image-edit+int8+offload", False),
        ("qwen-image-edit", "qwen-image-edit+draft", False),
        ("qwen-image-edit+stream", "qwen-image-edit+stream+half", False),
        ("qwen-image", "qwen-image-2512", False),
    ],
)
def test_memory_keeps_what_looks_the_same(studio: Studio, drawn: str, profile: str, kept: bool) -> None:
    """Where the weights wait changes no picture."""
    project, ids = new_film(studio, 2)
    draw_all_here(studio, project)
    for shot in ids:
        drawn_by(studio, shot, drawn)
    studio.edit_project(ME, project, profile=profile)
    assert bank(studio, project, 1) == (["1S", "1E"] if kept else [])
    assert freshness(studio, project) == [Freshness.FRESH] * 2


def test_frames_of_all_profiles_are_a_choice_of_the_project(studio: Studio) -> None:
    project, ids = new_film(studio, 3)
    draw_all_here(studio, project)
    drawn_by(studio, ids[0], BIG)
    assert bank(studio, project, 2) == ["2S", "2E"]
    studio.pin(ME, project, ids[0], FrameSide.END)
    assert bank(studio, project, 2) == ["1E", "2S", "2E"], "a pin is asked for in any case"
    studio.unpin(ME, project, ids[0], FrameSide.END)
    studio.edit_project(ME, project, all_profiles=True)
    assert studio.project(ME, project).head.all_profiles
    assert bank(studio, project, 2) == ["1S", "1E", "2S", "2E"]
    studio.undo(ME, project)
    assert bank(studio, project, 2) == ["2S", "2E"]


def test_a_job_that_waited_is_drawn_with_the_memory_of_its_own_profile(studio: Studio) -> None:
    """It was queued with the one and is drawn by it, whatever the film has been given since."""
    project, ids = new_film(studio, 3)
    studio.draw(ME, ids)
    painters = Painters(studio.home, load, None)
    for number in range(3):
        if number == 2:
            studio.edit_project(ME, project, profile="hosted-edit")
        job = queue.claim(studio.home.database, "w")
        assert job is not None
        draw(Bench(studio.home, painters, job, "w", lambda: False))
    assert [frame.key for frame in studio.memory(ME, ids[2]).packed] == ["1E", "1S", "2E"]
    assert studio.takes(ME, ids[2])[0].lineage.profile == "mini"
    assert freshness(studio, project) == [Freshness.FRESH] * 3


def test_what_is_tried_again_has_the_film_s_present_aspect(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, ids = new_film(studio, 1)
    on(monkeypatch, Machine(64, 80, 200, "a card"))
    studio.edit_project(ME, project, profile="qwen-image-edit", aspect="9:16")
    take = draw_here(studio, project, ids[0])
    drawn_by(studio, ids[0], "qwen-image-edit")
    (job,) = studio.draw(ME, ids)
    again = studio.draw_again(ME, take)
    for id in (job.id, again.id):
        studio.cancel(ME, id)
    studio.edit_project(ME, project, aspect="")
    retried = [studio.retry(ME, id).id for id in (job.id, again.id)]
    with studio.home.database.read() as session:
        aspects = [session.get_one(Job, id).order["aspect"] for id in retried]
    assert aspects == ["", "9:16"], "a take that is drawn again is as it was"
    machine._looked.cache_clear()


def test_every_family_says_whether_it_runs_here(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    project, _ = new_film(studio, 1)
    on(monkeypatch, Machine(16, 0, 100, "CPU"))
    views = {view.family: view for view in studio.profiles(ME, project)}
    assert list(views) == ["mini", "qwen-image", "qwen-image-2512", "qwen-image-edit", "hosted-edit"]
    assert [view.runs for view in views.values()] == [True, False, False, False, False]
    assert "no STEP² LoRA" in views["qwen-image"].reason
    assert "needs a GPU" in views["qwen-image-edit"].reason
    assert "STAGE_IMAGE_API_KEY" in views["hosted-edit"].reason
    assert not any(v.runs for v in views["qwen-image-edit"].variants)

    on(monkeypatch, Machine(64, 48, 200, "a card"))
    view = {v.family: v for v in studio.profiles(ME, project)}["qwen-image-edit"]
    assert (view.runs, view.name) == (True, "qwen-image-edit+offload")
    assert "41.2 of 48 GiB" in view.reason
    words = {v.name: (v.words, v.takes, v.runs) for v in view.variants}
    assert words["qwen-image-edit"] == ("as it is", "58.5 GiB", False)
    assert words["qwen-image-edit+8step+offload"] == ("8 steps · offloaded", "41.2 GiB", True)
    assert words["qwen-image-edit+draft+offload"] == ("draft · offloaded", "41.2 GiB", True)
    assert "qwen-image-edit+taylor+offload" not in words
    studio.edit_project(ME, project, profile="qwen-image-edit+taylor+offload")
    view = {v.family: v for v in studio.profiles(ME, project)}["qwen-image-edit"]
    assert "qwen-image-edit+taylor+offload" in [v.name for v in view.variants], "the one in use is listed"
    machine._looked.cache_clear()


def test_a_take_says_how_its_pair_came_about(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    draw_all_here(studio, project)

    def mode() -> str | None:
        return {fact.name: fact.value for fact in studio.takes(ME, ids[0])[0].facts}.get("Mode")

    assert mode() == "pairs, both frames in one drawing"
    for profile, said in (("qwen-image-edit+8step", "zero-shot"), ("hosted-edit", "zero-shot by a service")):
        drawn_by(studio, ids[0], profile)
        assert (mode() or "").startswith(f"{said}, the end frame as an edit of the start")
    drawn_by(studio, ids[0], "a profile of another day")
    assert mode() is None


def test_whether_a_key_is_set_is_shown_and_never_the_key(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = new_film(studio, 1)
    for name in ("FAL_KEY", "VERTEX_API_KEY", "GOOGLE_CLOUD_PROJECT", IMAGE_URL_VARIABLE):
        monkeypatch.delenv(name, raising=False)

    def told() -> dict[str, tuple[str, bool]]:
        views = {view.family: view for view in studio.profiles(ME, project)}
        both = (*views.items(), *((view.name, view) for view in studio.renderers()))
        return {name: (view.key_variable, view.key_found) for name, view in both}

    shown = told()
    assert shown["hosted-edit"] == ("STAGE_IMAGE_API_KEY", False)
    assert shown["fal-veo-3.1"] == ("FAL_KEY", False)
    assert shown["veo-3.1-vertex"] == ("VERTEX_API_KEY or GOOGLE_CLOUD_PROJECT", False)
    assert shown["mini"] == shown["dissolve"] == ("", False), "they need none"
    for name in ("OPENAI_API_KEY", "FAL_KEY", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.setenv(name, "sk-very-secret")
    shown = told()
    assert shown["hosted-edit"] == ("OPENAI_API_KEY", True)
    assert shown["fal-veo-3.1"] == ("FAL_KEY", True)
    assert shown["veo-3.1-vertex"] == ("GOOGLE_CLOUD_PROJECT", True)
    assert "secret" not in repr((studio.profiles(ME, project), studio.renderers()))
    assert "OPENAI_API_KEY is set." in {f.subject: f.sentence for f in examine()}["profile hosted-edit"]
    monkeypatch.setenv("STAGE_IMAGE_API_KEY", "sk-very-secret")
    assert told()["hosted-edit"] == ("STAGE_IMAGE_API_KEY", True)
    found = {f.subject: f.sentence for f in examine()}
    assert "STAGE_IMAGE_API_KEY is set." in found["profile hosted-edit"]
    assert "secret" not in repr(found)


def test_a_large_profile_is_not_even_begun_where_it_cannot_run(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, ids = new_film(studio, 1)
    on(monkeypatch, Machine(16, 0, 100, "CPU"))
    studio.edit_project(ME, project, profile="qwen-image-edit")
    with pytest.raises(UnsupportedError, match="needs a GPU with 58 GiB of memory, and this machine has 0"):
        studio.draw(ME, ids)
    on(monkeypatch, Machine(64, 80, 200, "a card"))
    (job,) = studio.draw(ME, ids)
    assert job.title == "Draw shot 1"
    studio.cancel(ME, job.id)
    take = draw_here(studio, project, ids[0])
    drawn_by(studio, ids[0], "qwen-image-edit")
    on(monkeypatch, Machine(16, 0, 100, "CPU"))
    for again in (lambda: studio.retry(ME, job.id), lambda: studio.draw_again(ME, take)):
        with pytest.raises(UnsupportedError, match="needs a GPU with 58 GiB of memory"):
            again()
    studio.edit_project(ME, project, profile="qwen-image")
    with pytest.raises(UnsupportedError, match="no STEP² LoRA"):
        studio.draw(ME, ids)
    machine._looked.cache_clear()


def test_bad_choices_are_one_sentence_and_of_the_owner(studio: Studio) -> None:
    project, _ = new_film(studio, 1)
    with pytest.raises(BadInput, match="decides its precision twice"):
        studio.edit_project(ME, project, profile="qwen-image+nf4+int8")
    with pytest.raises(NotFound):
        studio.profiles(YOU, project)
