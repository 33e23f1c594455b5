"""Agents in the page: a film directed by a model, stopped, and judged, with a model server of our own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import FAKE_PAINTER, Server, new_film, open_studio, snapshot
from tests.engine.agents import film as model_film
from tests.engine.agents.fake_server import Answer, FakeServer, Json, Say, form_of

KEY = "sk-very-secret-4711"


class Models:
    """A model server whose director can be made slow, and whose judge waits after his first answer."""

    def __init__(self) -> None:
        self.pause = 0.0
        self.judged = 0
        self.go_on = threading.Event()
        self.server = FakeServer(then=self.answer)

    def answer(self, request: Json) -> Answer:
        match form_of(request):
            case "ReadyForm":
                return Say({"ready": True})
            case "VerdictForm":
                self.judged += 1
                if self.judged > 1:
                    assert self.go_on.wait(60)
                return Say({"evidence": "The light is even.", "score": 0.75})
            case "CutForm":
                return Say(
                    {
                        "evidence": "The coat changes.",
                        "score": 0.5,
                        "errors": ["The coat was red and is blue."],
                    }
                )
            case "ShotsForm":
                answer = model_film.stage(request)
                assert isinstance(answer, Say)
                return Say(answer.what, pause=self.pause)
            case _:
                return model_film.stage(request)


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    made = Models()
    with made.server:
        yield made


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, models: Models) -> Iterator[Server]:
    """A studio whose owner set a key for that server."""
    mine = {"STAGE_LLM_URL": models.server.url, "STAGE_LLM_KEY": KEY, "STAGE_LLM_MODEL": ""}
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    server = Server(tmp_path_factory.mktemp("agents") / "home", FAKE_PAINTER).start()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    yield server
    server.stop()


def test_older_news_does_not_write_over_what_was_just_typed(page: Page, studio: Server) -> None:
    open_studio(page, studio)
    new_film(page)
    kept = page.evaluate(
        """() => {
          const theme = document.querySelector("#theme");
          theme.value = "A boat in the fog";
          theme.dispatchEvent(new Event("change"));
          stage.announce("head");  // as when the answer to an earlier event comes only now
          return theme.value;
        }"""
    )
    assert kept == "A boat in the fog"
    page.wait_for_function("() => stage.state.head.theme === 'A boat in the fog'")
    expect(page.locator("#theme")).to_have_value("A boat in the fog")


def test_a_film_is_directed_stopped_and_judged_by_a_model(page: Page, studio: Server, models: Models) -> None:
    open_studio(page, studio)
    new_film(page)
    expect(page.locator("#director")).to_have_value("built-in")

    # what is missing is said where it is chosen, and the key is only named
    page.locator("#director").select_option("server")
    expect(page.locator("#director-trouble")).to_contain_text("No model is named")
    page.click("#agents-open")
    sheet = page.locator("#agents-sheet")
    expect(sheet.locator("#agent-key")).to_contain_text("STAGE_LLM_KEY is set")
    sheet.locator("#agent-model").fill("wise-1")
    sheet.locator("#agent-model").press("Enter")
    expect(sheet.locator("[data-role=director] .s-note")).to_be_hidden()
    sheet.get_by_role("button", name="Try the director").click()
    expect(sheet.locator("[data-role=director] .s-note")).to_contain_text("wise-1 at 127.0.0.1")
    sheet.locator("#agent-url").fill("https://me:secret@llm.example/v1")
    sheet.locator("#agent-url").press("Enter")
    expect(page.locator(".s-notice[data-kind=error]")).to_contain_text("holds no password")
    sheet.get_by_role("group", name="Judge").get_by_label("Server").check()
    expect(sheet.locator("#judge-film")).to_be_disabled()
    snapshot(page, "agents")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()

    # stopped in the middle: nothing is there; then the whole film
    models.pause = 0.3
    page.fill("#theme", "An old fisherman finds a lost child")
    page.fill("#shot-count", "3")
    page.fill("#film-seconds", "6")
    page.click("#direct")
    expect(page.locator("#director-doing")).to_have_text("Writing shots, 1 of 3…")
    snapshot(page, "directing")
    page.click("#stop-directing")
    expect(page.locator(".s-notice").last).to_contain_text("nothing was changed")
    expect(page.locator(".tl-card")).to_have_count(0)

    # reloaded in the middle: he goes on, and the new page sees what he does
    page.click("#direct")
    expect(page.locator("#director-doing")).to_have_text("Writing shots, 1 of 3…")
    page.reload()
    expect(page.locator("#stop-directing")).to_be_visible()
    expect(page.locator(".st-stages li").first).to_contain_text("Logline")
    models.pause = 0.0
    expect(page.locator(".tl-card")).to_have_count(3)
    expect(page.locator("#stop-directing")).to_be_hidden()
    expect(page.locator("#project-title")).to_have_value("The Lamp")
    assert "exactly 144 frames" in next(told for told in models.server.texts if "Stage 3" in told)

    # drawn and judged: the note stands at its cut
    page.click("#draw-all")
    page.wait_for_function("() => stage.shots().every((shot) => shot.start_url)", timeout=60_000)
    page.click("#agents-open")
    sheet.locator("#judge-film").click()
    expect(sheet.locator("#judging")).to_contain_text("1 of 7 questions answered")
    page.reload()  # he goes on, and the new page sees what he says
    page.click("#agents-open")
    expect(sheet.locator("#judging")).to_contain_text("1 of 7 questions answered")
    models.go_on.set()
    expect(sheet.locator("#judging")).to_contain_text("2 notes on cuts")
    expect(sheet.locator(".ag-scores")).to_contain_text("0.75")
    snapshot(page, "judged")
    page.keyboard.press("Escape")
    page.locator(".tl-card").first.click()
    page.click("#view-cut")
    expect(page.locator("#verdict")).to_contain_text("The coat was red and is blue.")
    snapshot(page, "verdict")
    assert KEY not in page.content()
    assert KEY not in studio.log()
