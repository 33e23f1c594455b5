"""The page opens also when the first answer is lost on its way, and a new browser then has one key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import Server

LOSE_THE_LETTER = """() => {
  const look = () => {
    if (!window.stage?.post) return setTimeout(look, 5);
    const post = stage.post;
    stage.post = (text) => {
      if (text && text.includes('"open"')) { stage.post = post; window.lost = JSON.parse(text).open.head.id; }
      else post(text);
    };
  };
  look();
}"""


def letter_lost(page: Page) -> Callable[[], str]:
    """The answer comes, with the key, and its letter is not read."""
    page.add_init_script(f"({LOSE_THE_LETTER})()")
    return lambda: str(page.wait_for_function("() => window.lost").json_value())


def answer_lost(page: Page) -> Callable[[], str]:
    """The studio answers, and nothing of it arrives: not even the key."""
    lost: list[str] = []

    def pass_on(route: Route) -> None:
        answer = route.fetch()
        found = re.search(r'\{"n":\d+.*', "\n".join(texts(answer.text())))
        opened = json.loads(found.group()).get("open") if found else None
        if opened and not lost:
            lost.append(opened["head"]["id"])
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route(re.compile(r"/gradio_api/run/predict"), pass_on)
    return lambda: lost[0]


def texts(body: str) -> list[str]:
    """The values of an answer that are texts."""
    return [value for value in json.loads(body).get("data", []) if isinstance(value, str)]


@pytest.mark.parametrize("lose", [letter_lost, answer_lost])
def test_an_answer_that_is_lost_is_asked_for_again(
    page: Page, shared_studio: Server, lose: Callable[[Page], Callable[[], str]]
) -> None:
    lost = lose(page)
    page.goto(shared_studio.url)
    page.wait_for_function("() => window.stage?.state.head")
    page.unroute_all(behavior="ignoreErrors")
    assert page.evaluate("() => stage.state.head.id") == lost(), "the same film of the same key"
    assert page.evaluate("() => stage.state.projects.length") == 1


def test_a_key_that_is_not_there_yet_is_asked_for_four_times_a_second_and_no_more(
    page: Page, shared_studio: Server
) -> None:
    """However long it takes: asked faster, the page would give the key up before its twenty seconds."""
    page.add_init_script(
        "localStorage.getItem('stage-owner') ?? localStorage.setItem('stage-owner', 'unreadable')"
    )
    asked: list[float] = []
    page.on("request", lambda request: "keyed" in (request.post_data or "") and asked.append(1.0))
    page.goto(shared_studio.url)
    page.wait_for_timeout(14_000)
    assert 10 < len(asked) <= 14 * 4
