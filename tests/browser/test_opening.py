"""The page opens also when the first answer is lost on its way, and a browser keeps its one key."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server, open_studio

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
    """The studio answers, and nothing of it arrives."""
    lost: list[str] = []

    def pass_on(route: Route) -> None:
        answer = route.fetch()
        letter = answer.json()
        opened = json.loads(letter).get("open") if letter else None
        if opened and not lost:
            lost.append(opened["head"]["id"])
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route("**/gradio_api/component_server/", pass_on)
    return lambda: lost[0]


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


# what Gradio's BrowserState wrote in November 2026 for the key below it
WRITTEN = (
    "XhU6IP6L5lNjScQ66PvpEg==:U2FsdGVkX199uhlJCgYIbpFcrLd+RO4P0PYAmXfEd71o"
    "+NIToNdRQ5mTVPpAkYfIg2D2XdWvW/kDuc8YouLcfA=="
)
FORMER = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("late", [0.0, 1.5])
def test_a_browser_of_an_earlier_studio_keeps_its_films(
    page: Page, shared_studio: Server, late: float
) -> None:
    """Only a script of Gradio's can read the former key, and that script may be slow to come."""

    def slow(route: Route) -> None:
        answer = route.fetch()
        if "storage_key" in answer.text():
            time.sleep(late)
        route.fulfill(response=answer)

    if late:
        page.route("**/assets/*.js", slow)
    page.add_init_script(f"localStorage.setItem('stage-owner', '{WRITTEN}')")
    page.goto(shared_studio.url)
    page.wait_for_function("() => window.stage?.state.head")
    assert page.evaluate("() => localStorage['stage-key']") == FORMER
    film = page.evaluate("() => stage.state.head.id")
    page.reload()
    page.wait_for_function("() => window.stage?.state.head")
    assert page.evaluate("() => stage.state.head.id") == film


def test_a_former_key_that_cannot_be_read_is_put_aside(page: Page, shared_studio: Server) -> None:
    """After twenty seconds somebody can work, and nothing was thrown away."""
    page.add_init_script("localStorage['stage-owner'] ??= 'unreadable'")
    page.goto(shared_studio.url)
    page.wait_for_function("() => window.stage?.state.head")
    kept = page.evaluate("() => Object.entries(localStorage).filter(([name]) => name.includes('unread'))")
    assert [value for _, value in kept] == ["unreadable"]
    key = page.evaluate("() => localStorage['stage-key']")
    page.reload()
    page.wait_for_function("() => window.stage?.state.head")
    assert page.evaluate("() => localStorage['stage-key']") == key


def test_a_studio_that_is_away_is_told_once(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    page.route("**/gradio_api/component_server/", lambda route: route.abort())
    for _ in range(3):
        page.click("#insert-shot")
    expect(page.locator(".s-notice")).to_have_count(1)
    expect(page.locator(".s-notice")).to_contain_text("does not answer")
    page.evaluate("() => new Promise((go) => stage.settled(go))")  # or some of it would arrive later
    page.unroute("**/gradio_api/component_server/")
    count = page.evaluate("() => stage.state.order.length")
    page.click("#insert-shot")
    page.wait_for_function("(count) => stage.state.order.length === count + 1", arg=count)


# as soon as the page's scripts have seen that there is no key, another tab has read the former one
ANOTHER_TAB = """() => {
  const look = () => window.stage?.connect ? localStorage.setItem('stage-key', KEY) : setTimeout(look, 0);
  look();
}"""


def test_a_former_key_that_another_tab_has_read_is_found(page: Page, shared_studio: Server) -> None:
    page.add_init_script(f"localStorage['stage-owner'] ??= '{WRITTEN}'")
    page.add_init_script(f"({ANOTHER_TAB.replace('KEY', repr(FORMER))})()")
    open_studio(page, shared_studio)
    assert page.evaluate("() => localStorage['stage-key']") == FORMER


def test_a_browser_whose_storage_is_full_works_all_the_same(page: Page, shared_studio: Server) -> None:
    page.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }"
    )
    open_studio(page, shared_studio)
    page.fill("#project-title", "Not kept in this browser")
    page.locator("#project-title").blur()
    page.wait_for_function("() => stage.state.head.title === 'Not kept in this browser'")


def test_a_key_that_is_none_is_put_aside(page: Page, shared_studio: Server) -> None:
    page.add_init_script("localStorage['stage-key'] ??= '../../etc'")
    open_studio(page, shared_studio)
    kept = page.evaluate("() => Object.entries(localStorage).filter(([name]) => name.includes('unread'))")
    assert [value for _, value in kept] == ["../../etc"]


def test_a_page_loads_itself_again_when_another_studio_answers(page: Page, shared_studio: Server) -> None:
    """A newer one may have other parts; what is being written goes along."""
    open_studio(page, shared_studio)
    page.evaluate("() => { window.before = true; }")
    page.route("**/gradio_api/app_id", lambda route: route.fulfill(json={"app_id": 1}))
    page.locator("#theme").fill("A whale in the desert")
    page.route("**/gradio_api/component_server/", lambda route: route.abort())
    page.wait_for_function("() => !window.before")
    page.unroute_all(behavior="ignoreErrors")
    page.wait_for_function("() => window.stage?.state.head?.theme === 'A whale in the desert'")


def test_a_director_who_does_not_answer_can_be_asked_again(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    page.route("**/gradio_api/component_server/", lambda route: route.abort())
    page.click("#direct")
    expect(page.locator(".s-notice")).to_contain_text("does not answer")
    expect(page.locator("#direct")).to_be_enabled()
    page.unroute_all(behavior="ignoreErrors")


def test_news_of_another_film_are_not_shown_in_this_one(page: Page, shared_studio: Server) -> None:
    open_studio(page, shared_studio)
    director = page.evaluate(
        "() => { stage.apply({ project: 'another', director: { working: true, stages: [] }, trash: [{}] });"
        " return [stage.state.director, stage.state.trash.length]; }"
    )
    assert director == [None, 0]
