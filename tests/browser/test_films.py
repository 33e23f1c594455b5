"""Several films in one browser, and words about the shots: open, rename, trash, undo, cast, cancel."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.exchange.drawn_film import example_folders
from tests.browser.conftest import Server, new_film, open_studio, snapshot
from tests.browser.test_timeline import fill_film


@pytest.fixture
def empty(page: Page, shared_studio: Server) -> Page:
    """A new, empty film on the page."""
    open_studio(page, shared_studio)
    new_film(page)
    return page


def rename(page: Page, title: str) -> None:
    page.fill("#project-title", title)
    page.locator("#project-title").press("Enter")
    page.wait_for_function("(title) => stage.state.head.title === title", arg=title)


def test_an_empty_film_says_what_to_do(empty: Page) -> None:
    expect(empty.locator(".tl-none")).to_contain_text("press Direct")
    expect(empty.locator("#inspector .s-empty")).to_be_visible()
    empty.locator(".st-idea").first.click()
    expect(empty.locator("#theme")).not_to_have_value("")
    empty.fill("#theme", "   ")
    empty.click("#direct")
    expect(empty.locator(".s-notice")).to_contain_text("Write a sentence")
    expect(empty.locator("#direct")).to_be_enabled()


def test_films_are_kept_apart_and_come_back_from_the_trash(empty: Page) -> None:
    rename(empty, "First film")
    empty.click("#insert-shot")
    expect(empty.locator(".tl-card")).to_have_count(1)
    new_film(empty)
    rename(empty, "Second film")
    expect(empty.locator(".tl-card")).to_have_count(0)

    empty.click("#projects")
    empty.get_by_role("button", name="First film").first.click()
    expect(empty.locator("#project-title")).to_have_value("First film")
    expect(empty.locator(".tl-card")).to_have_count(1)

    other = empty.context.new_page()  # another tab is told
    other.goto(f"{empty.url.split('?')[0]}?project={empty.evaluate('() => stage.state.head.id')}")
    expect(other.locator("#project-title")).to_have_value("First film")
    empty.click("#projects")
    empty.get_by_role("button", name="Put “First film” into the trash").click()
    expect(empty.locator("#project-title")).not_to_have_value("First film")
    other.wait_for_function("() => stage.state.head.trashed")
    expect(other.locator("#bring-back")).to_be_visible()
    expect(empty.locator("#bring-back")).to_be_hidden()
    empty.get_by_role("button", name="Bring it back").click()
    expect(other.locator("#bring-back")).to_be_hidden()
    expect(empty.locator("#project-title")).to_have_value("First film")
    expect(empty.locator(".tl-card")).to_have_count(1)


def test_undo_says_what_it_undoes(empty: Page) -> None:
    empty.click("#insert-shot")
    expect(empty.locator(".tl-card")).to_have_count(1)
    empty.fill("#shot-description", "A dragon in the fog")
    empty.locator("#shot-description").blur()
    expect(empty.locator("#undo")).to_have_attribute("title", "Undo change the description of shot 1")
    expect(empty.locator("#inspector .s-note:not([hidden])")).to_contain_text("dragon")
    empty.click("#undo")
    expect(empty.locator("#shot-description")).to_have_value("")
    empty.click("#redo")
    expect(empty.locator("#shot-description")).to_have_value("A dragon in the fog")


def test_a_step_is_told_in_place_of_the_one_before(empty: Page) -> None:
    empty.click("#insert-shot")
    expect(empty.locator(".tl-card")).to_have_count(1)
    for button, said in (("#undo", "Undone: "), ("#redo", "Done again: "), ("#undo", "Undone: ")):
        empty.click(button)
        empty.wait_for_function(
            "(said) => [...document.querySelectorAll('.s-notice')].at(-1)?.textContent.startsWith(said)",
            arg=said,
        )
        expect(empty.locator(".s-notice")).to_have_count(1, timeout=100)


def test_a_renamed_cast_member_stays_in_the_shot(empty: Page) -> None:
    empty.fill("#new-cast", "Anna")
    empty.click("#add-cast")
    card = empty.locator(".pe-card[data-cast]")
    expect(card).to_have_count(1)
    empty.click("#insert-shot")
    empty.get_by_role("group", name="Cast of this shot").get_by_role("button", name="Anna").click()
    empty.wait_for_function("() => stage.shot().attributes.cast.join() === 'Anna'")
    card.get_by_label("Name").fill("Berta")
    card.get_by_label("Name").press("Enter")
    empty.wait_for_function("() => stage.shot().attributes.cast.join() === 'Berta'")
    chip = empty.get_by_role("group", name="Cast of this shot").get_by_role("button", name="Berta")
    expect(chip).to_have_attribute("aria-pressed", "true")


def test_what_makes_no_sense_is_refused_in_a_sentence(empty: Page) -> None:
    empty.click("#insert-shot")
    expect(empty.locator(".tl-card")).to_have_count(1)
    empty.click(".dr-fold summary")
    empty.fill("#draw-steps", "-3")
    empty.click("#draw-this")
    expect(empty.locator(".s-notice[data-kind='error']")).to_contain_text("steps")
    expect(empty.locator(".tl-badge")).to_have_text("draft")
    empty.fill("#shot-length", "soon")
    empty.locator("#shot-length").blur()
    expect(empty.locator("#inspector .s-mark[data-kind='bad']")).to_have_text("not saved")


def test_another_film_goes_to_the_trash_and_escape_leaves_its_name(empty: Page) -> None:
    rename(empty, "Third film")
    new_film(empty)
    rename(empty, "Fourth film")
    here = empty.evaluate("() => stage.state.head.id")
    empty.click("#projects")
    empty.get_by_role("button", name="Rename “Third film”").click()
    field = empty.get_by_label("New title of “Third film”")
    field.fill("Half a na")
    field.press("Escape")
    expect(empty.get_by_role("button", name="Rename “Third film”")).to_be_visible()
    empty.get_by_role("button", name="Put “Third film” into the trash").click()
    expect(empty.locator(".s-notice")).to_contain_text("“Third film” is in the trash")
    empty.wait_for_function("() => stage.state.projects.find((film) => film.title === 'Third film').trashed")
    assert empty.evaluate("() => stage.state.head.id") == here


def test_a_film_s_name_is_kept_where_nobody_answers(empty: Page) -> None:
    """News that come while it is written do not take it away, either."""
    rename(empty, "Fifth film")
    empty.click("#projects")
    empty.get_by_role("button", name="Rename “Fifth film”").click()
    field = empty.get_by_label("New title of “Fifth film”")
    field.fill("The fif")
    empty.evaluate("() => stage.announce('projects')")
    field.press_sequentially("th film")
    empty.route("**/gradio_api/component_server/", lambda route: route.abort())
    field.press("Enter")
    expect(empty.locator(".s-notice")).to_contain_text("does not answer")
    expect(field).to_have_value("The fifth film")
    empty.unroute("**/gradio_api/component_server/")
    field.press("Enter")
    empty.wait_for_function("() => stage.state.projects.some((film) => film.title === 'The fifth film')")


def test_odd_numbers_are_told_before_the_director_starts(empty: Page) -> None:
    empty.fill("#theme", "A girl waits for a train")
    for field, number, said in (
        ("#director-seed", "4294967295", "seed is a whole number"),
        ("#shot-count", "2.5", "number of shots is a whole number"),
        ("#film-seconds", "-5", "length is a number of seconds"),
    ):
        before = empty.input_value(field)
        empty.fill(field, number)
        empty.click("#direct")
        expect(empty.locator(".s-notice").last).to_contain_text(said)
        expect(empty.locator("#direct")).to_be_enabled()
        empty.fill(field, before)


def test_a_version_s_name_is_written_through_its_own_saving(empty: Page) -> None:
    empty.fill("#theme", "A girl waits for a train")
    empty.click("#direct")
    expect(empty.locator(".tl-card")).to_have_count(5)
    empty.click("#versions")
    name = empty.locator(".ve-label").first
    name.click()
    name.fill("Night")
    empty.wait_for_function("() => stage.state.told.versions[0].label === 'Night'")  # saved after a pause
    empty.keyboard.type(" draft")
    expect(name).to_have_value("Night draft")
    assert empty.evaluate("() => stage.state.order.length") == 5, "no letter was taken for a key"


def test_a_film_that_was_taken_away_is_opened_again(empty: Page, tmp_path: Path) -> None:
    """The shipped example, zipped: its pairs are there and not stale; what is no film says so."""
    target = tmp_path / "taken.zip"
    folder = example_folders()[0]
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    here = empty.evaluate("() => stage.state.head.id")
    empty.click("#projects")
    expect(empty.get_by_role("button", name="Open a film.zip")).to_be_visible()
    empty.set_input_files("#film-file", target)
    empty.wait_for_function(
        "(here) => stage.state.head.id !== here && stage.state.order.length > 0", arg=here
    )
    title = json.loads((folder / "film.json").read_text())["title"]
    expect(empty.locator("#project-title")).to_have_value(title)
    fresh = "() => stage.shots().every((shot) => shot.start_url && shot.staleness.freshness === 'fresh')"
    assert empty.evaluate(fresh)

    (tmp_path / "notes.zip").write_bytes(b"these are notes")
    empty.set_input_files("#film-file", tmp_path / "notes.zip")
    expect(empty.locator(".s-notice").last).to_contain_text("not a whole zip")
    expect(empty.locator("#project-title")).to_have_value(title)


def test_the_keys_stay_in_the_menu_of_films(empty: Page) -> None:
    """Archiving builds the list anew: what takes the place of the button has the keys, and no shot goes."""
    rename(empty, "One")
    empty.click("#insert-shot")
    expect(empty.locator(".tl-card")).to_have_count(1)
    new_film(empty)
    rename(empty, "Two")
    empty.click("#insert-shot")
    expect(empty.locator(".tl-card")).to_have_count(1)
    empty.click("#projects")
    empty.get_by_role("button", name="Put “Two” into the archive").focus()
    empty.keyboard.press("Enter")
    expect(empty.get_by_text("Archive (1)")).to_be_visible()
    expect(empty.get_by_role("button", name="Put “One” into the archive")).to_be_focused()
    empty.keyboard.press("Delete")
    empty.keyboard.press("d")
    empty.get_by_text("Archive (1)").click()
    empty.get_by_role("button", name="Take “Two” out of the archive").focus()
    empty.keyboard.press("Enter")
    expect(empty.get_by_role("button", name="Put “Two” into the archive")).to_be_focused()
    empty.get_by_role("button", name="Rename “Two”").focus()
    empty.keyboard.press("Enter")
    empty.keyboard.type("Three")
    empty.keyboard.press("Enter")
    expect(empty.get_by_role("button", name="Rename “Three”")).to_be_focused()
    assert empty.evaluate("() => stage.state.order.length") == 1


def test_a_job_behind_another_film_says_so_and_can_go_first(page: Page, unhurried: Server) -> None:
    fill_film(page, unhurried, 10)
    page.click("#draw-all")
    page.wait_for_function("() => stage.activeJobs().length > 7")
    fill_film(page, unhurried, 1)
    page.keyboard.press("r")
    page.click("#jobs")
    row, summary = page.locator(".hd-job"), page.locator(".hd-worker")
    expect(row).to_contain_text(re.compile("[1-9] jobs? of other films before it"))
    expect(summary).to_contain_text("works for another film")
    snapshot(page, "jobs-of-other-films")
    page.get_by_role("button", name="Run next: Draw shot 1").click()
    expect(page.get_by_role("button", name="Run next: Draw shot 1")).to_have_count(0)
    expect(row).to_contain_text("running")
    expect(row).not_to_contain_text("before it")
    expect(summary).not_to_contain_text("another film")
