"""Edits that nobody heard at first arrive in the order in which they were made, so that the last one wins."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server
from tests.browser.test_timeline import becomes, fill_film, settled

LOGLINE = "() => stage.state.head.logline"
ON_ITS_WAY = """(does) => {
  const fetched = window.fetch;
  window.heard = [];
  window.fetch = async (...given) => {
    const told = JSON.parse(given[1]?.body ?? "{}").data;
    if (told?.event !== "people.project") return fetched(...given);
    if (told.data.value === "Older" && does === "slow") await new Promise((go) => setTimeout(go, 1500));
    if (told.data.value === "Older" && does === "lost") { does = ""; throw new TypeError("Failed to fetch"); }
    const answer = await fetched(...given);
    window.heard.push(told.data.value);
    return answer;
  };
}"""


def write(page: Page, logline: str) -> None:
    page.fill("#project-logline", logline)
    page.locator("#project-logline").blur()


def test_two_values_of_an_outage_arrive_in_their_order(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 1)

    def fail(route: Route) -> None:
        route.abort()

    film.route("**/gradio_api/**", fail)
    write(film, "Older")
    write(film, "Newer")
    expect(film.locator("#saved")).to_have_attribute("data-kind", "waiting")
    film.evaluate(ON_ITS_WAY, "slow")
    film.unroute("**/gradio_api/**", fail)
    settled(film)
    becomes(film, LOGLINE, "Newer")
    assert film.evaluate("() => window.heard") == ["Older", "Newer"]
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 1")
    expect(film.locator("#project-logline")).to_have_value("Newer")


def test_a_value_that_was_lost_never_comes_after_a_newer_one(page: Page, shared_studio: Server) -> None:
    """The studio was away for the first one only: the second finds it there, and lets the first go ahead."""
    film = fill_film(page, shared_studio, 1)
    film.evaluate(ON_ITS_WAY, "lost")
    write(film, "Older")
    write(film, "Newer")
    settled(film)
    becomes(film, LOGLINE, "Newer")
    assert film.evaluate("() => window.heard") == ["Older", "Newer"]
