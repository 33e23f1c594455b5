"""The page opens also when the first answer is lost on its way, and a new browser then has one key."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import Server

LOSE_THE_FIRST = """() => {
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


def test_an_answer_that_is_lost_is_asked_for_again(page: Page, shared_studio: Server) -> None:
    page.add_init_script(f"({LOSE_THE_FIRST})()")
    page.goto(shared_studio.url)
    page.wait_for_function("() => window.lost")
    page.wait_for_function("() => stage.state.head")
    assert page.evaluate("() => stage.state.head.id === window.lost"), "the same film of the same key"
    assert page.evaluate("() => stage.state.projects.length") == 1
