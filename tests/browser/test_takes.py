"""Takes, given frames and reference pictures, as a filmmaker meets them. Pictures are stand-ins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.service.studio import Studio
from studio.store.tables import Take
from tests.browser.conftest import Server, new_film, open_studio, snapshot
from tests.studio.helpers import picture

THEME = "A girl waits in a snowy forest until her father comes"
TAKES = "() => stage.details()?.takes.map((take) => take.number) ?? []"


@pytest.fixture
def film(page: Page, shared_studio: Server) -> Page:
    """A directed film of three shots, the first one drawn."""
    open_studio(page, shared_studio)
    new_film(page)
    page.fill("#theme", THEME)
    page.fill("#shot-count", "3")
    page.click("#direct")
    expect(page.locator(".tl-card")).to_have_count(3)
    page.wait_for_function("() => stage.savedState() === 'saved' && !stage.state.director?.working")
    page.locator(".tl-card").nth(0).click()
    return page


def settled(page: Page) -> None:
    """Waits until every edit was read back."""
    page.wait_for_function("() => stage.savedState() === 'saved'")


def draw(page: Page, takes: int = 1) -> None:
    """Draws the selected shot, and waits until the strip shows all of its takes."""
    before = int(page.evaluate("() => stage.shot().takes"))
    page.locator(f"label:has(> input[name=takes][value='{takes}'])").click()
    page.click("#draw-this")
    page.wait_for_function("(n) => stage.details()?.takes.length === n", arg=before + takes)


def test_takes_compared_picked_rejected_noted_purged(film: Page) -> None:
    draw(film, 3)
    assert film.evaluate(TAKES) == [3, 2, 1]
    picked = film.evaluate("() => stage.shot().take_id")

    # Compare by the slider, by the keyboard and by dragging; side by side; pick from there.
    film.get_by_role("button", name="Compare take 3").click()
    sheet = film.get_by_role("dialog", name="Compare two takes")
    expect(film.locator("#compare-a")).to_have_value(picked)
    film.keyboard.press("Home")
    assert sheet.evaluate("(el) => el.style.getPropertyValue('--wipe')") == "0%"
    screen = sheet.locator(".cm-screen").nth(1)
    box = screen.bounding_box()
    assert box is not None
    film.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 20)
    assert sheet.evaluate("(el) => el.style.getPropertyValue('--wipe')") == "75%"
    expect(sheet.get_by_alt_text("Take 3, end frame")).to_be_visible()
    snapshot(film, "compare")
    sheet.locator("input[value=beside]").check(force=True)
    expect(sheet.locator("figure")).to_have_count(4)
    film.click("#use-b")
    film.wait_for_function("(old) => stage.shot().take_id !== old", arg=picked)
    expect(film.locator("#use-b")).to_be_disabled()
    expect(sheet.locator("input[value=beside]")).to_be_focused()  # the keys have a place to go on from
    film.keyboard.press("Escape")

    # Reject hides; the toggle shows it dimmed; undo takes all of it back.
    film.get_by_role("button", name="Reject take 2").click()
    expect(film.locator(".tk-card")).to_have_count(2)
    film.get_by_role("button", name="Show 1 rejected").click()
    expect(film.locator(".tk-card[data-rejected]")).to_have_count(1)
    film.keyboard.press("Control+z")
    expect(film.locator(".tk-card[data-rejected]")).to_have_count(0)
    film.keyboard.press("Control+z")
    film.wait_for_function("(old) => stage.shot().take_id === old", arg=picked)

    # A note; how it was drawn, to copy; drawn again exactly; then purged for good.
    film.get_by_role("button", name="More about take 3").click()
    about = film.get_by_role("dialog", name="take 3", exact=False)
    film.fill("#take-note", "her face <b>is</b> better")
    film.locator("#take-note").blur()
    settled(film)
    expect(
        about.locator("dd").filter(has_text=film.evaluate("() => stage.shot().description")).first
    ).to_be_visible()
    film.context.grant_permissions(["clipboard-read", "clipboard-write"])
    film.click("#take-copy")
    expect(film.locator("#take-copy")).to_have_text("Copied")
    copied = film.evaluate("() => navigator.clipboard.readText()")
    assert "Seed: " in copied
    assert "Memory: empty" in copied
    film.click("#take-repeat")
    film.wait_for_function("() => stage.details()?.takes.length === 4")
    expect(film.locator(".tk-said").first).to_have_text("take 3 again: the same pixels")
    expect(film.locator(".tk-said").nth(1)).to_have_text("her face <b>is</b> better")

    film.get_by_role("button", name="More about take 1").click()
    film.click("#take-purge")
    expect(film.locator(".tk-purge")).to_have_text("Take 1 is in the film: use another take first.Close")
    film.keyboard.press("Escape")
    film.get_by_role("button", name="More about take 2").click()
    film.click("#take-purge")
    expect(film.locator(".tk-purge")).to_contain_text("for good: 2 pictures, the record of how it was drawn")
    film.click("#take-purge-now")
    film.wait_for_function("() => stage.details()?.takes.length === 3")
    assert film.evaluate(TAKES) == [4, 3, 1]


def test_pictures_and_given_frames(film: Page, tmp_path: Path) -> None:
    draw(film)
    girl = tmp_path / "girl.png"
    girl.write_bytes(picture("maroon", size=(200, 320)))
    film.click("#draw-all")
    film.wait_for_function("() => stage.shots().every((s) => s.take_id && !s.staleness.reasons.length)")

    # A picture of a person makes stale exactly the shots that she is in, and says why.
    who = film.locator("[data-cast]").first
    name = who.locator("input.pe-name").input_value()
    who.locator("input[type=file]").set_input_files(girl)
    expect(who.get_by_alt_text(f"Picture of {name}")).to_be_visible()
    told = film.evaluate(
        "(name) => stage.shots().map((s) => [s.attributes.cast.includes(name), s.staleness.reasons.join()])",
        name,
    )
    assert any(is_in for is_in, _ in told)
    for is_in, reasons in told:
        assert (f"a picture of {name} was added" in reasons) == is_in
    draw(film)
    expect(film.locator(".me-table")).to_contain_text(f"ref:{name}")
    snapshot(film, "pictures")

    # Dropping one on the look is for every shot; a text file is refused; removing is undone.
    drop = """(el, file) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(file.bytes)], file.name, { type: file.type }));
        el.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    look = film.locator(".pe-film")
    look.evaluate(drop, {"bytes": list(b"no picture"), "name": "a.txt", "type": "text/plain"})
    expect(film.get_by_text("Choose a PNG, JPEG or WebP picture.")).to_be_visible()
    look.evaluate(drop, {"bytes": list(picture("teal", kind="WEBP")), "name": "a.webp", "type": "image/webp"})
    every = "(why) => stage.shots().every((s) => s.staleness.reasons.join().includes(why))"
    film.wait_for_function(every, arg="a picture of the look was added")
    look.locator(".pe-picture").hover()
    look.get_by_role("button", name="Remove this picture of the look").click()
    expect(look.locator(".pe-picture")).to_have_count(0)
    film.keyboard.press("Control+z")
    expect(look.locator(".pe-picture")).to_have_count(1)

    # Continue from the shot before; an uploaded frame; the recipe's fold is remembered.
    film.locator(".tl-card").nth(1).click()
    film.wait_for_function("() => stage.details()")
    film.select_option("#draw-given", "previous")
    film.locator("#draw-fold summary").click()
    film.fill("#draw-seed", "77")
    film.fill("#draw-memory-guidance", "1.5")
    draw(film)
    assert (
        film.evaluate("() => stage.details().takes[0].facts.find((f) => f.name === 'Memory guidance').value")
        == "1.5"
    )
    assert film.evaluate("() => stage.shots()[0].end_url === stage.shots()[1].start_url")
    # One that cannot be taken is refused, and the choice stays: the next try must not draw two new frames.
    dot = tmp_path / "dot.png"
    dot.write_bytes(picture("maroon", size=(1, 1)))
    with film.expect_file_chooser() as chooser:
        film.select_option("#draw-given", "end picture")
    chooser.value.set_files(dot)
    film.click("#draw-this")
    expect(film.get_by_text("This picture is smaller than 16 pixels")).to_be_visible()
    expect(film.locator("#draw-given")).to_have_value("end picture")
    film.get_by_role("button", name="Another picture, or none").click()
    with film.expect_file_chooser() as chooser:
        film.select_option("#draw-given", "end picture")
    chooser.value.set_files(girl)
    expect(film.get_by_alt_text("The end frame to be")).to_be_visible()
    draw(film)
    assert film.evaluate(
        "() => stage.details().takes[0].facts.find((f) => f.name === 'Given frame').value"
    ).startswith("the end: an uploaded picture")
    expect(film.locator("#draw-given")).to_have_value("")

    # Another frame rate keeps the seconds.
    seconds = film.evaluate("() => stage.shots().map((s) => s.seconds)")
    film.click("#settings")
    film.select_option("#setting-fps", "25")
    film.wait_for_function("() => stage.state.head.fps === '25'")
    assert film.evaluate("() => stage.shots().map((s) => s.seconds)") == pytest.approx(seconds, abs=0.02)
    expect(film.get_by_text("draws in one shape only")).to_be_visible()
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 3")
    expect(film.locator("#draw-seed")).to_have_value("77")


def test_a_take_of_a_model_that_learnt_no_pairs_says_so(film: Page, shared_studio: Server) -> None:
    draw(film, 2)
    how = film.locator(".tk-how")
    expect(how).to_have_text([re.compile(r"^seed \d+ · \d+ steps$")] * 2)
    with Studio(shared_studio.home) as studio, studio.home.database.write() as session:
        for number, profile in ((1, "qwen-image-edit"), (2, "hosted-edit")):
            take = session.get_one(Take, film.evaluate(f"() => stage.details().takes[2 - {number}].id"))
            take.recipe = {**take.recipe, "profile": profile}
    film.reload()
    film.locator(".tl-card").nth(0).click()
    expect(how).to_have_text([re.compile(r"^zero-shot · seed \d+ · \d+ steps$")] * 2)
