"""Text that looks like code, in what is written beside the shots: versions, clips, takes, places, files,
films in the menu, models."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from studio.exchange.drawn_film import example_folders
from tests.browser.conftest import SETTLED, Server, new_film, open_studio
from tests.browser.test_inspector import NASTY
from tests.studio.helpers import picture

NASTY_FILE = "<img src=x onerror=window.owned=1>${window.owned=2}{{owned}}"


def test_text_is_never_run_beside_the_shots(page: Page, shared_studio: Server, tmp_path: Path) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    page.fill("#theme", f"A girl waits in a snowy forest. {NASTY}")
    page.fill("#shot-count", "2")
    page.click("#direct")
    page.wait_for_function("() => stage.state.order.length === 2")
    page.wait_for_function(SETTLED)
    name_the_version(page)
    page.locator(".tl-card").first.click()
    draw_note_and_refine(page)
    rewrite(page)
    keep_a_place_with_a_picture(page, tmp_path)
    open_a_film_of_such_a_name(page, tmp_path)
    nothing_ran(page)


def test_text_is_never_run_around_the_film(page: Page, shared_studio: Server, tmp_path: Path) -> None:
    open_studio(page, shared_studio)
    new_film(page)
    look_of_a_new_place(page)
    rename_in_the_menu(page)
    name_the_models(page)
    bring_a_film_of_such_titles(page, tmp_path)
    nothing_ran(page)


def nothing_ran(page: Page) -> None:
    assert page.evaluate("() => window.owned") is None
    assert page.locator("#studio script, img[src='x'], #studio b, [onerror]").count() == 0


def name_the_version(page: Page) -> None:
    page.click("#versions")
    page.locator(".ve-label").first.fill(NASTY)
    page.locator(".ve-label").first.blur()
    page.wait_for_function(SETTLED)
    page.keyboard.press("Escape")
    page.click("#versions")
    expect(page.locator(".ve-label").first).to_have_value(NASTY)
    page.keyboard.press("Escape")
    page.click("#history")
    expect(page.locator(".hi-step").first).to_contain_text("Name version 1")
    page.keyboard.press("Escape")


def draw_note_and_refine(page: Page) -> None:
    page.click("#draw-this")
    page.wait_for_function("() => stage.shot().status === 'drawn'")
    page.get_by_role("button", name="More about take 1").click()
    page.fill("#take-note", NASTY)
    page.locator("#take-note").blur()
    page.wait_for_function(SETTLED)
    page.keyboard.press("Escape")
    expect(page.locator(".tk-said").first).to_have_text(NASTY)
    page.locator(".tl-card").first.focus()
    page.keyboard.press("Shift+R")
    page.fill("#refined", NASTY)
    page.locator("#refined").blur()
    page.wait_for_function("(text) => stage.shot().refined === text", arg=NASTY)
    expect(page.locator("#refined")).to_have_value(NASTY)
    page.click("#view-pair")


def rewrite(page: Page) -> None:
    page.click("#rewrite-open")
    page.fill("#rewrite-note", f"{NASTY}; she waves")
    page.click("#rewrite")
    expect(page.locator(".rw-diff")).to_be_visible()
    assert page.locator(".rw-diff img, .rw-diff b").count() == 0


def keep_a_place_with_a_picture(page: Page, folder: Path) -> None:
    card = page.locator(".pe-card[data-place]").first
    name = card.locator(".pe-name")
    name.fill(NASTY)
    name.blur()
    page.wait_for_function(SETTLED)
    file = folder / f"{NASTY_FILE}.png"
    file.write_bytes(picture("maroon"))
    card.locator("input[type=file]").set_input_files(file)
    expect(card.get_by_alt_text(f"Picture of {NASTY}")).to_be_visible()


def open_a_film_of_such_a_name(page: Page, folder: Path) -> None:
    """What is no film is refused by its name, and the name is only shown."""
    file = folder / f"{NASTY_FILE}.zip"
    with zipfile.ZipFile(file, "w") as bundle:
        bundle.writestr(f"{NASTY_FILE}.json", "{}")
    page.click("#projects")
    page.locator("#film-file").set_input_files(file)
    expect(page.locator(".s-notice[data-kind=error]").last).to_be_visible()
    page.keyboard.press("Escape")


def look_of_a_new_place(page: Page) -> None:
    page.fill("#new-place", NASTY)
    page.click("#add-place")
    card = page.locator(".pe-card[data-place]")
    expect(card.get_by_label("Place", exact=True)).to_have_value(NASTY)
    look = card.get_by_label("Look of the place")
    look.fill(NASTY)
    look.blur()
    page.wait_for_function("(text) => stage.state.head.places[0].look === text", arg=NASTY)
    page.reload()
    page.wait_for_function("() => window.stage?.state.head")
    expect(card.get_by_label("Place", exact=True)).to_have_value(NASTY)
    expect(look).to_have_value(NASTY)


def rename_in_the_menu(page: Page) -> None:
    title = page.input_value("#project-title")
    page.click("#projects")
    page.get_by_role("button", name=f"Rename “{title}”").first.click()
    page.get_by_role("textbox", name=f"New title of “{title}”").fill(NASTY)
    page.keyboard.press("Enter")
    expect(page.locator(".hd-project[data-here] strong")).to_have_text(NASTY)
    page.get_by_role("button", name=f"Rename “{NASTY}”").click()
    expect(page.get_by_role("textbox", name=f"New title of “{NASTY}”")).to_have_value(NASTY)
    page.keyboard.press("Escape")  # the field
    page.keyboard.press("Escape")  # the menu
    expect(page.locator("#project-title")).to_have_value(NASTY)


def name_the_models(page: Page) -> None:
    page.click("#agents-open")
    sheet = page.locator("#agents-sheet")
    sheet.get_by_role("group", name="Director").get_by_label("Server").check()
    written = {"url": f"http://127.0.0.1:9/{NASTY}", "model": NASTY, "local": NASTY}
    for name, value in written.items():
        sheet.locator(f"#agent-{name}").fill(value)
        sheet.locator(f"#agent-{name}").press("Enter")
        page.wait_for_function("([n, v]) => stage.state.head.agents[n] === v", arg=[name, value])
    sheet.get_by_role("button", name="Try the director").click()
    expect(sheet.locator("[data-role=director] .s-note")).to_contain_text(NASTY)
    sheet.get_by_role("group", name="Refiner").get_by_label("Local model").check()
    expect(sheet.locator("[data-role=refiner]").get_by_label("Local model")).to_be_checked()
    page.wait_for_function("() => stage.state.head.agents.refiner === 'local'")
    page.keyboard.press("Escape")
    expect(page.locator("#director")).to_have_value("server")
    assert page.locator("#director option").all_inner_texts()[1] == NASTY


def bring_a_film_of_such_titles(page: Page, folder: Path) -> None:
    """The shipped example with other words: a film.zip may come from anybody."""
    example, file = example_folders()[0], folder / "nasty.zip"
    told = json.loads((example / "film.json").read_text())
    told |= {"title": NASTY, "theme": NASTY, "logline": NASTY, "look": NASTY}
    told["places"][0]["look"] = told["cast"][0]["look"] = NASTY
    for shot in told["shots"]:
        shot |= {"title": NASTY, "description": NASTY}
        shot["attributes"] |= {"dialogue": NASTY, "weather": NASTY, "notes": NASTY}
    with zipfile.ZipFile(file, "w") as bundle:
        for path in (example / "film.frames").iterdir():
            bundle.write(path, path.relative_to(example))
        bundle.writestr("film.json", json.dumps(told))
    page.locator("#film-file").set_input_files(file)
    page.wait_for_function("(shots) => stage.state.order.length === shots", arg=len(told["shots"]))
    expect(page.locator("#project-title")).to_have_value(NASTY)
    expect(page.locator(".tl-card .tl-title").first).to_have_text(NASTY)
    expect(page.locator("#project-logline")).to_have_value(NASTY)
    page.locator(".tl-card").first.click()
    expect(page.locator("#shot-title")).to_have_value(NASTY)
    expect(page.get_by_alt_text(f"Start of shot 1: {NASTY}").first).to_be_visible()
    page.click("#projects")
    expect(page.locator(".hd-project strong")).to_have_text([NASTY, NASTY, "The Fisherman and the Child"])
    page.keyboard.press("Escape")
    page.click("#view-animatic")
    expect(page.locator(".vw-subtitle")).to_have_text(NASTY)
