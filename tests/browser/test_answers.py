"""Answers that come to the page together: every one arrives."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, new_film, open_studio

TOGETHER = """async () => {
  const [acknowledge, fetched, sent, seen, held] = [stage.acknowledge, window.fetch, [], [], []];
  const wait = (ms) => new Promise((go) => setTimeout(go, ms));
  stage.acknowledge = (ack) => { seen.push(ack); acknowledge(ack); };
  window.fetch = async (...given) => {  // the answers to an edit and to an insertion come in one task
    const event = JSON.parse(given[1]?.body ?? "{}").data?.data;
    const answer = await fetched(...given);
    if (!(event?.edits || event?.after)) return answer;
    const body = await answer.json();
    sent.push(event.ack);
    await new Promise((go) => { held.push(go); if (held.length === 2) held.forEach((each) => each()); });
    return { status: answer.status, ok: true, headers: answer.headers, json: async () => body };
  };
  stage.edit({ [stage.state.order[0]]: { title: "A title" } }, () => true);
  document.querySelector("#insert-shot").click();
  for (let k = 0; held.length < 2 && k < 100; k++) await wait(100);
  await wait(1000);
  return sent.map((ack) => seen.filter((each) => each === ack).length);
}"""


@pytest.fixture
def one_shot(page: Page, shared_studio: Server) -> Page:
    """A film of one shot on the page."""
    open_studio(page, shared_studio)
    new_film(page)
    page.click("#insert-shot")
    page.wait_for_function("() => stage.state.order.length === 1")
    return page


def test_answers_of_one_moment_all_arrive(one_shot: Page) -> None:
    assert one_shot.evaluate(TOGETHER) == [1, 1]
    expect(one_shot.locator(".tl-card")).to_have_count(2)
    expect(one_shot.locator(".tl-card").first).to_contain_text("A title")
