"""Making room: a film in the trash and an export are deleted for good, once it was said what goes."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from studio.service.studio import Studio
from tests.browser.conftest import Server, new_film, open_studio
from tests.studio.helpers import export_here


def open_film(page: Page, server: Server, title: str) -> str:
    """A new film of one shot on the page; its id."""
    open_studio(page, server)
    new_film(page)
    page.fill("#project-title", title)
    page.locator("#project-title").press("Enter")
    page.wait_for_function("(title) => stage.state.head.title === title", arg=title)
    page.click("#insert-shot")
    expect(page.locator(".tl-card")).to_have_count(1)
    film: str = page.evaluate("() => stage.state.head.id")
    return film


def test_a_film_in_the_trash_is_deleted_for_good(page: Page, shared_studio: Server) -> None:
    film = open_film(page, shared_studio, "Old film")
    other = page.context.new_page()  # it stays on the page of another tab
    other.goto(f"{shared_studio.url}?project={film}")
    expect(other.locator("#project-title")).to_have_value("Old film")
    page.click("#projects")
    page.get_by_role("button", name="Put “Old film” into the trash").click()
    expect(page.locator("#project-title")).not_to_have_value("Old film")
    page.click("#projects")
    page.locator(".hd-projects .hd-fold summary").click()
    erase = page.get_by_role("button", name="Delete “Old film” for good")
    erase.click()
    question = page.locator(".hd-projects [role=alert]")
    expect(question).to_contain_text("This deletes “Old film” for good: 1 shot (0 kB). It cannot be undone.")
    question.get_by_role("button", name="Keep it").click()
    expect(question).to_have_count(0)
    erase.click()
    page.click("#film-purge-now")
    expect(page.locator(".s-notice")).to_contain_text(["“Old film” was deleted for good."])
    expect(page.locator(".hd-projects")).not_to_contain_text("Old film")
    expect(other.locator("#project-title")).not_to_have_value("Old film")


def test_the_film_on_the_page_is_deleted_for_good(page: Page, shared_studio: Server) -> None:
    film = open_film(page, shared_studio, "Seen film")
    page.evaluate("(film) => stage.tell('header.discard', { project: null, since: -1, film })", film)
    page.wait_for_function("() => stage.state.head.trashed")
    page.click("#projects")
    page.locator(".hd-projects .hd-fold summary").click()
    page.get_by_role("button", name="Delete “Seen film” for good").click()
    page.click("#film-purge-now")
    expect(page.locator("#project-title")).not_to_have_value("Seen film")
    expect(page.locator(".s-notice[data-kind='error']")).to_have_count(0)


def test_exports_say_how_large_they_are_and_can_be_deleted(page: Page, shared_studio: Server) -> None:
    film = open_film(page, shared_studio, "Exported film")
    with Studio(shared_studio.home) as studio:
        for content in (b"1" * 3_000_000, b"2" * 2_000_000):
            export_here(studio, film, content)
    page.click("#film-button")
    expect(page.locator("#exports summary")).to_have_text("2 exports, 5.0 MB")
    page.click("#exports summary")
    page.get_by_role("button", name="Delete the export of").first.click()
    expect(page.locator("#exports [role=alert]")).to_contain_text("for good (2.0 MB). It cannot be undone.")
    page.click("#export-purge-now")
    expect(page.locator("#exports summary")).to_have_text("1 export, 3.0 MB")
    page.get_by_role("button", name="Delete the export of").click()
    page.click("#export-purge-now")
    expect(page.locator("#exports")).to_be_hidden()
    expect(page.locator("#film-video")).to_be_hidden()
