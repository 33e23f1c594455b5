"""Agents of a film: chosen as data, asked through the service, never replaced; keys are kept nowhere."""

from __future__ import annotations

import base64
import io
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from sqlmodel import select

from engine.agents import Role, Source
from engine.agents.trouble import ModelTrouble
from engine.director.stages import Logline, ShotList, Stage, Working
from engine.errors import BadInput, Cancelled
from studio.service.directing import MOST_AT_WORK
from studio.service.studio import Studio
from studio.store.errors import NotFound
from studio.store.states import JobState
from studio.store.tables import Clip, Film, Project, Refinement
from studio.ui.panels.story import as_told
from tests.engine.agents import film as model_film
from tests.engine.agents.fake_server import Answer, Fail, FakeServer, Hang, Json, Say, form_of
from tests.studio.helpers import ME, YOU, draw_all_here, new_film, shots_of, wait_for_jobs, wait_until

pytestmark = pytest.mark.slow

KEY = "sk-very-secret-4711"
THEME = "An old fisherman finds a lost child on a stormy harbour at night"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STAGE_LLM_URL", "STAGE_LLM_MODEL", "STAGE_LOCAL_LLM", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STAGE_LLM_KEY", KEY)


def choose(studio: Studio, project: str, server: FakeServer, **roles: str) -> None:
    studio.choose_agents(ME, project, url=server.url, model="fake", **roles)


def test_the_choice_is_an_edit_of_the_film(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    assert studio.project(ME, project).head.agents.director is Source.BUILT_IN
    view = studio.choose_agents(
        ME, project, director="server", url="http://localhost:11434/v1/", model="qwen3"
    )
    assert (view.director, view.url, view.model) == (Source.SERVER, "http://localhost:11434/v1", "qwen3")
    assert view.trouble == {}
    studio.undo(ME, project)
    assert studio.agents(ME, project).director is Source.BUILT_IN
    with pytest.raises(NotFound):
        studio.choose_agents(YOU, project, director="server")
    with pytest.raises(NotFound):
        studio.agents(YOU, project)


def test_what_is_missing_is_said_beforehand(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    project = studio.create_project(ME).head.id
    view = studio.choose_agents(ME, project, director="server", judge="local")
    assert "No model server is named" in view.trouble[Role.DIRECTOR]
    assert "No local model is named" in view.trouble[Role.JUDGE]
    monkeypatch.setenv("STAGE_LLM_URL", "https://llm.example/v1")
    monkeypatch.setenv("STAGE_LLM_MODEL", "m")
    view = studio.agents(ME, project)
    assert Role.DIRECTOR not in view.trouble
    assert view.environment == {"url": "https://llm.example/v1", "model": "m", "local": ""}
    assert (view.key_variable, view.key_found) == ("STAGE_LLM_KEY", True)


@pytest.mark.parametrize(
    "fields",
    [{"director": "me"}, {"key": KEY}, {"url": f"https://me:{KEY}@x/v1"}, {"url": f"http://x/v1?k={KEY}"}],
)
def test_nothing_secret_and_nothing_odd_is_stored(studio: Studio, fields: dict[str, str]) -> None:
    project = studio.create_project(ME).head.id
    with pytest.raises(BadInput) as trouble:
        studio.choose_agents(ME, project, **fields)
    assert KEY not in str(trouble.value)
    assert studio.project(ME, project).head.undo is None


def test_a_model_directs_and_its_key_stays_nowhere(
    studio: Studio, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    project = studio.create_project(ME).head.id
    with FakeServer(then=model_film.stage) as server:
        monkeypatch.setenv("STAGE_LLM_URL", server.url)
        choose(studio, project, server, director="server")
        stages = list(studio.direct(ME, project, THEME, shots=2, seed=3))
    assert isinstance(stages[-1], ShotList)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    shots = shots_of(studio, project)
    assert [shot.description[:14] for shot in shots] == ["Old Tom finds "] * 2
    assert studio.project(ME, project).head.title == "The Lamp"
    assert KEY not in studio.project(ME, project).model_dump_json()
    with sqlite3.connect(home / "studio.db") as connection:
        assert KEY not in "\n".join(connection.iterdump())
    assert KEY not in caplog.text


def failing(trouble: Answer) -> FakeServer:
    """A model that is well until it has to write shots."""

    def answer(request: Json) -> Answer:
        return trouble if form_of(request) == "ShotsForm" else model_film.stage(request)

    return FakeServer(then=answer)


def test_trouble_leaves_the_film_as_it_was_and_nobody_else_directs(studio: Studio) -> None:
    project, _ = new_film(studio, 2)
    with failing(Fail(401)) as server:
        choose(studio, project, server, director="server")
        before = studio.project(ME, project)
        with pytest.raises(ModelTrouble, match="wants a key"):
            list(studio.direct(ME, project, THEME, shots=3))
    after = studio.project(ME, project)
    assert after.head == before.head
    assert after.shots == before.shots


def test_stopped_in_the_middle_nothing_is_written(studio: Studio) -> None:
    project, _ = new_film(studio, 1)
    heard: list[Stage] = []
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            heard.extend(studio.direct(ME, project, THEME, shots=3))
        except Cancelled as error:
            outcome.append(error)

    with failing(Hang(30.0)) as server:
        choose(studio, project, server, director="server")
        before = studio.project(ME, project)
        thread = threading.Thread(target=work)
        thread.start()
        while len(server.requests) < 4:
            thread.join(0.02)
        with pytest.raises(NotFound):
            studio.stop_directing(YOU, project)
        assert thread.is_alive()
        studio.stop_directing(ME, project)
        thread.join(10)
    assert not thread.is_alive()
    assert len(outcome) == 1
    assert studio.project(ME, project) == before


def test_leaving_in_the_middle_nothing_is_written(studio: Studio) -> None:
    project, _ = new_film(studio, 1)
    with FakeServer(then=model_film.stage) as server:
        choose(studio, project, server, director="server")
        before = studio.project(ME, project)
        stages = studio.direct(ME, project, THEME, shots=3)
        for stage in stages:
            if isinstance(stage, Logline):
                break
        stages.close()  # type: ignore[attr-defined]
    assert studio.project(ME, project) == before


def test_a_director_whom_nobody_watches_any_more_writes_his_shots(studio: Studio) -> None:
    """A page that is reloaded stops watching; the next one sees all stages from the first one on."""
    project, _ = new_film(studio, 1)
    with FakeServer(then=model_film.stage) as server:
        choose(studio, project, server, director="server")
        work = studio.start_directing(ME, project, THEME, shots=3)
        assert studio.last_directing(ME, project) is work
        wait_until(lambda: work.over)
    assert isinstance(work.stages[0], Working)
    assert isinstance(work.stages[-1], ShotList)
    assert len(shots_of(studio, project)) == 3
    assert as_told(work)["director"]["made"] == (studio.steps(ME, project)[-1].id,)
    told = as_told(work)["director"]["stages"]
    shots = next(stage["lines"] for stage in told if stage["name"] == "Shots 1 to 3")
    assert shots[0] == "1. Old Tom finds Lia by the boats, moment 1. (medium shot, eye level, dolly in)"
    assert len(shots) == 3
    with pytest.raises(NotFound):
        studio.last_directing(YOU, project)


def test_what_a_director_failed_of_is_told_once(studio: Studio) -> None:
    project, _ = new_film(studio, 2)
    with failing(Fail(401)) as server:
        choose(studio, project, server, director="server")
        work = studio.start_directing(ME, project, THEME, shots=3)
        wait_until(lambda: work.over)
    assert "wants a key" in str(work.trouble())
    assert work.trouble() is None
    assert len(shots_of(studio, project)) == 2


def test_so_many_directors_are_at_work_at_once_and_no_more(studio: Studio) -> None:
    """A public studio's key and threads are not one visitor's."""
    with failing(Hang(30.0)) as server:
        projects = [new_film(studio, 1)[0] for _ in range(MOST_AT_WORK + 1)]
        for project in projects:
            choose(studio, project, server, director="server")
        works = [studio.start_directing(ME, project, THEME, shots=3) for project in projects[:-1]]
        wait_until(lambda: len(server.requests) >= MOST_AT_WORK)
        with pytest.raises(BadInput, match="at work on other films"):
            list(studio.direct(ME, projects[-1], THEME, shots=3))
        with pytest.raises(BadInput, match="at work on this film already"):
            list(studio.direct(ME, projects[0], THEME, shots=3))
        with pytest.raises(BadInput, match="at work on this film already"):
            studio.rewrite_shot(ME, studio.project(ME, projects[0]).shots[0].id, "closer")
        studio.choose_agents(ME, projects[-1], director="built-in")
        assert list(studio.direct(ME, projects[-1], THEME, shots=3)), "the built-in one is no model"
        studio.stop_directing(ME, projects[0])
        asked = len(server.requests)
        works.append(studio.start_directing(ME, projects[0], THEME, shots=3))
        wait_until(lambda: works[0].over and len(server.requests) > asked)
        assert not works[-1].over, "another may begin as soon as the one before is stopped"
        for project in projects:
            studio.stop_directing(ME, project)
        wait_until(lambda: all(work.over for work in works))


def test_a_director_is_stopped_before_he_has_begun(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    project, _ = new_film(studio, 1)
    begin = threading.Thread.start
    threads: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: threads.append(thread))
    work = studio.start_directing(ME, project, THEME, shots=3)
    monkeypatch.setattr(threading.Thread, "start", begin)
    studio.stop_directing(ME, project)
    threads[0].start()
    threads[0].join(10)
    assert work.over
    assert isinstance(work.trouble(), Cancelled)
    assert len(shots_of(studio, project)) == 1


def test_the_model_that_directs_rewrites_shots(studio: Studio) -> None:
    project, (shot, _) = new_film(studio, 2)

    def answer(request: Json) -> Answer:
        assert form_of(request) == "RewriteForm"
        rewritten = {**model_film.shot(1), "description": "She runs.", "cast": [], "place": "", "time": "day"}
        return Say({**rewritten, "weather": "clear", "frames": 72, "reasons": ["She runs, as you wished."]})

    with FakeServer(then=answer) as server:
        choose(studio, project, server, director="server")
        proposal = studio.rewrite_shot(ME, shot, "elle court")
    assert proposal.reasons == ("She runs, as you wished.",)
    changed = {field.name: field.after for field in proposal.fields}
    assert changed["description"] == "She runs."
    assert shots_of(studio, project)[0].description != "She runs.", "it only proposes"
    studio.accept_rewriting(ME, shot, {"description": changed["description"]})
    assert shots_of(studio, project)[0].description == "She runs."
    with pytest.raises(ModelTrouble):
        studio.rewrite_shot(ME, shot, "closer")


def test_a_model_that_rewrites_can_be_stopped(studio: Studio) -> None:
    project, (shot, _) = new_film(studio, 2)
    with FakeServer([Hang(30.0)]) as server, ThreadPoolExecutor() as pool:
        choose(studio, project, server, director="server")
        proposing = pool.submit(studio.rewrite_shot, ME, shot, "closer")
        while not server.requests:
            assert not proposing.done()
            time.sleep(0.02)
        studio.stop_directing(ME, project)
        with pytest.raises(Cancelled):
            proposing.result(timeout=10)


def test_an_agent_can_be_tried(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    with FakeServer() as server:
        choose(studio, project, server, director="server")
        assert studio.try_agent(ME, project, Role.DIRECTOR) == f"fake at {server.url[7:-3]} answers."
    with pytest.raises(BadInput, match="nothing to try"):
        studio.try_agent(ME, project, Role.REFINER)
    with pytest.raises(ModelTrouble, match="No model server answers"):
        studio.try_agent(ME, project, Role.DIRECTOR)


def test_who_has_to_look_at_pictures_is_tried_with_pictures(studio: Studio) -> None:
    project = studio.create_project(ME).head.id

    def look(request: Json) -> Answer:
        urls = [p["image_url"]["url"] for p in request["messages"][-1]["content"] if p["type"] == "image_url"]
        colours = []
        for url in urls:
            with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
                colours.append(image.convert("RGB").getpixel((5, 5)))
        names = {(255, 0, 0): "red", (0, 128, 0): "green", (0, 0, 255): "blue", (255, 255, 0): "yellow"}
        first, second = (names[colour] for colour in colours)
        return Say({"first": first, "second": second})

    with FakeServer(then=look) as server:
        choose(studio, project, server, judge="server")
        assert studio.try_agent(ME, project, Role.JUDGE).endswith("answers, and sees pictures.")
        server.then = lambda _: Say({"first": "red", "second": "red"})
        with pytest.raises(ModelTrouble, match="does not see pictures: choose a vision model as the judge"):
            studio.try_agent(ME, project, Role.JUDGE)


def test_a_film_with_an_address_of_an_earlier_version_opens(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    with studio.home.database.write() as session:
        session.get_one(Project, project).agents = {"director": "server", "url": "http://localhost:abc/v1"}
    view = studio.agents(ME, project)
    assert (view.director, view.url) == (Source.SERVER, "")
    assert studio.project(ME, project).head.id == project
    assert studio.choose_agents(ME, project, url="http://localhost:11434/v1").url.endswith("11434/v1")


def test_the_worker_lets_the_chosen_model_refine_and_no_other(working: Studio) -> None:
    project, ids = new_film(working, 1)
    draw_all_here(working, project)
    said = {"first_frame": "A", "last_frame": "B", "differs": "C", "text": "A man turns to the sea."}
    with FakeServer([Fail(401), Say(said)]) as server:
        choose(working, project, server, refiner="server")
        working.refine(ME, ids[0])
        failed = wait_for_jobs(working, project)[0]
        assert "wants a key" in failed.error
        assert shots_of(working, project)[0].refined == ""
        working.refine(ME, ids[0])
        wait_for_jobs(working, project)
    assert shots_of(working, project)[0].refined == "A man turns to the sea."
    with working.home.database.read() as session:
        written = session.exec(select(Refinement)).one()
    assert written.recipe["refiner"] == f"fake at {server.url[7:-3]}"


def test_an_export_has_its_texts_written_before_its_clips_and_once(working: Studio) -> None:
    """A model of this machine and a large renderer need not fit together, and no text is paid twice."""
    project, ids = new_film(working, 3)
    for id in ids:
        working.edit_shot(ME, id, length=3)
    draw_all_here(working, project)
    seen = {"first_frame": "A", "last_frame": "B", "differs": "C"}
    says = [Say({**seen, "text": f"Text {number}."}) for number in (1, 2, 3)]
    with FakeServer([says[0], Fail(401), says[1], says[2]]) as server:
        choose(working, project, server, refiner="server")
        working.edit_project(ME, project, renderer="dissolve")
        job = working.export(ME, project)
        assert "wants a key" in wait_for_jobs(working, project)[-1].error
        with working.home.database.read() as session:
            assert [row.text for row in session.exec(select(Refinement))] == ["Text 1."]
            assert session.exec(select(Clip)).all() == []
        again = working.retry(ME, job.id)
        jobs = {each.id: each for each in wait_for_jobs(working, project)}
    assert (jobs[again.id].state, jobs[again.id].error) == (JobState.DONE, "")
    film = working.film(ME, project)
    assert film is not None
    with working.home.database.read() as session:
        manifest = session.exec(select(Film)).one().manifest
    assert [shot["refined"] for shot in manifest["shots"]] == ["Text 1.", "Text 2.", "Text 3."]
