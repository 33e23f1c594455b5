"""Answers that come to the page together: every one arrives."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, new_film, open_studio

TOGETHER = """async () => {
  const [acknowledge, fetched, sent, seen, held] = [stage.acknowledge, window.fetch, [], [], []];
  const wait = (ms) => new Promise((go) => setTimeout(go, ms));
  stage.acknowledge = (ack) => { seen.push(ack); acknowledge(ack); };
  window.fetch = async (...given) => {  // the answers to a duplication and to an insertion come in one task
    const told = JSON.parse(given[1]?.body ?? "{}").data;
    const event = told?.data;
    const answer = await fetched(...given);
    if (!["timeline.duplicate", "timeline.insert"].includes(told?.event)) return answer;
    const body = await answer.json();
    sent.push(event.ack);
    await new Promise((go) => { held.push(go); if (held.length === 2) held.forEach((each) => each()); });
    return { status: answer.status, ok: true, headers: answer.headers, json: async () => body };
  };
  stage.sender("timeline")("duplicate", { shot: stage.state.order[0] });
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
    expect(one_shot.locator(".tl-card")).to_have_count(3)


SLOW_EDIT = """() => {
  const fetched = window.fetch;
  window.heard = [];
  let slow = true;
  window.fetch = async (...given) => {  // the first edit is long on its way
    const told = JSON.parse(given[1]?.body ?? "{}").data;
    if (!told?.data?.edits && told?.event !== "timeline.insert") return fetched(...given);
    const name = told.data.edits ? Object.values(told.data.edits)[0].title : "insert";
    window.heard.push(`${name} sent`);
    if (slow) { slow = false; await new Promise((go) => setTimeout(go, 1000)); }
    const answer = await fetched(...given);
    window.heard.push(`${name} answered`);
    return answer;
  };
  for (const title of ["Early", "Late"]) stage.edit({ [stage.state.order[0]]: { title } }, () => true);
  document.querySelector("#insert-shot").click();
}"""


def test_what_follows_an_edit_waits_for_it(one_shot: Page) -> None:
    """Two edits of one field are written in their order, however slow the first; an insertion waits, too."""
    one_shot.evaluate(SLOW_EDIT)
    expect(one_shot.locator(".tl-card")).to_have_count(2)
    expect(one_shot.locator(".tl-card").first).to_contain_text("Late")
    one_shot.wait_for_function("() => stage.savedState() === 'saved'")
    assert one_shot.evaluate("() => window.heard") == [
        *("Early sent", "Early answered", "Late sent", "Late answered", "insert sent", "insert answered")
    ]
