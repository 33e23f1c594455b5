"""What follows from a change: memory, what became stale and why, cuts, and the clips of a shot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, new_film, open_studio, snapshot

SHOTS = 5
ALL_DRAWN = "() => stage.shots().every((shot) => shot.status === 'drawn')"
FRESHNESS = "() => stage.shots().map((shot) => shot.staleness.freshness)"


@pytest.mark.slow
def test_what_follows_from_a_change(page: Page, shared_studio: Server, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    open_studio(page, shared_studio)
    new_film(page)
    for number in range(SHOTS):
        page.click("#insert-shot")
        expect(page.locator(".tl-card")).to_have_count(number + 1)
    page.evaluate(
        "() => stage.edit(Object.fromEntries(stage.state.order.map((id, i) =>"
        " [id, { length: 12, description: `Moment ${i + 1} of the story.` }])))"
    )
    page.wait_for_function("() => stage.shots().every((shot) => shot.attributes.length === 12)")
    page.click("#draw-all")
    page.wait_for_function(ALL_DRAWN)
    expect(page.locator("#stale-list")).to_be_hidden()
    pin_and_see_what_became_stale(page)
    keep_one_and_redraw_downstream(page)
    remember_a_picture_from_disk(page, tmp_path)
    look_at_the_cuts(page)
    write_the_text_and_choose_a_clip(page)


def test_a_locked_shot_that_is_stale_is_not_drawn(page: Page, shared_studio: Server) -> None:
    """It is kept or unlocked; the drawer of the film counts it as the header does."""
    open_studio(page, shared_studio)
    select(page, 1)
    page.fill("#shot-description", "The fisherman waves at the child.")
    page.locator("#shot-description").blur()
    page.wait_for_function("() => stage.shot().staleness.freshness === 'stale'")
    bar, draw = page.locator("#viewer .vw-stale"), page.locator("#draw-this")
    again = bar.get_by_role("button", name="Draw again")
    expect(again).to_be_visible()
    page.check("#shot-locked")
    expect(bar).to_contain_text("locked")
    expect(again).to_have_count(0)
    expect(page.locator("#draw-downstream")).to_have_count(0)
    expect(page.locator("#keep-stale")).to_be_visible()
    expect(draw).to_be_disabled()
    expect(draw).to_have_attribute("title", re.compile("locked: unlock it"))
    page.locator(".tl-card").first.click()
    page.keyboard.press("r")
    expect(page.locator(".s-notice[data-kind=info]")).to_contain_text("locked: unlock it")
    count = len([word for word in page.evaluate(FRESHNESS) if word == "stale"])
    expect(page.locator("#stale-list")).to_contain_text(f"{count} stale")
    page.click("#film-button")
    expect(page.locator(".fi-summary")).to_contain_text(
        f"{count} shots are stale" if count > 1 else "1 shot is stale"
    )
    page.keyboard.press("Escape")
    page.evaluate("() => stage.select(stage.state.order, stage.state.order[0])")
    expect(draw).to_contain_text(f"Draw {page.evaluate('() => stage.state.order.length') - 1} shots")
    page.evaluate("() => stage.select([stage.state.order[0]], stage.state.order[0])")
    page.uncheck("#shot-locked")
    expect(again).to_be_visible()
    expect(draw).to_be_enabled()


def select(page: Page, number: int) -> None:
    page.locator(".tl-card").nth(number - 1).click()
    expect(page.locator("#inspector h2")).to_have_text(f"Shot {number}")


def pin_and_see_what_became_stale(page: Page) -> None:
    """A pin that changes every other pack makes it stale, says so, and shows what it would be now."""
    select(page, 1)
    page.click("#pin-start")
    page.wait_for_function("() => stage.shots().slice(1).every((s) => s.staleness.freshness === 'stale')")
    select(page, 4)
    expect(page.locator("#viewer .vw-stale")).to_contain_text("frame 1S was pinned")
    expect(page.locator(".me-figure:visible")).to_have_count(2)
    expect(page.locator(".me-figure").nth(1)).to_contain_text("Would be now")
    expect(page.locator(".me-figure").nth(1).locator(".me-tile[data-pinned]")).to_have_count(1)
    expect(page.locator(".me-table tbody tr").first.locator("th")).to_have_text("1S")
    page.get_by_role("button", name="Pin the end of shot 2", exact=True).click()
    expect(page.get_by_role("button", name="Unpin the end of shot 2", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pin the end of shot 2", exact=True)).to_be_focused()
    snapshot(page, "memory-now")
    page.click("#stale-list")
    expect(page.locator(".sl-row")).to_have_count(SHOTS - 1)
    expect(page.locator(".sl-row").first).to_contain_text("frame 1S was pinned")
    snapshot(page, "stale-list")


def keep_one_and_redraw_downstream(page: Page) -> None:
    page.get_by_role("button", name="Keep: shot 3").click()
    page.wait_for_function("() => stage.shots()[2].staleness.freshness === 'kept'")
    expect(page.locator(".sl-row")).to_have_count(SHOTS - 2)
    expect(page.get_by_role("button", name="Keep: shot 4")).to_be_focused()  # what took its place
    page.keyboard.press("Delete")  # the menu covers the shots: none is meant
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    assert page.evaluate("() => stage.state.order.length") == SHOTS
    select(page, 3)
    expect(page.locator(".tl-card").nth(2).locator(".tl-badge")).to_have_text("kept")
    expect(page.locator("#viewer .vw-stale")).to_contain_text("Kept as it is, though")
    page.focus("#unkeep")
    page.keyboard.press("Enter")
    page.wait_for_function("() => stage.shot().staleness.freshness === 'stale'")
    expect(page.locator("#keep-stale")).to_be_focused()  # where one was, one goes on
    page.keyboard.press("Enter")
    page.wait_for_function("() => stage.shot().staleness.freshness === 'kept'")
    expect(page.locator("#unkeep")).to_be_focused()
    select(page, 4)
    before = page.evaluate("() => stage.shots().map((shot) => shot.take_id)")
    expect(page.locator("#draw-downstream")).to_contain_text("2 shots, about")
    page.click("#draw-downstream")
    page.wait_for_function("() => stage.shots().slice(3).every((s) => s.takes === 2 && s.status === 'drawn')")
    after = page.evaluate("() => stage.shots().map((shot) => shot.take_id)")
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, True, False, False]
    assert page.evaluate(FRESHNESS) == ["fresh", "stale", "kept", "fresh", "fresh"]
    page.click("#stale-list")
    page.click("#draw-stale")
    # Drawing shot 2 again makes the kept shot stale: something else changed.
    page.wait_for_function("() => stage.shots()[2].staleness.reasons.includes('shot 2 was redrawn')")


def remember_a_picture_from_disk(page: Page, folder: Path) -> None:
    """A picture for one shot's memory makes that shot stale alone, and can be taken out again."""
    page.wait_for_function("() => stage.activeJobs().length === 0")
    select(page, 5)
    picture = folder / "map.png"
    Image.new("RGB", (320, 160), (200, 40, 40)).save(picture)
    page.locator(".me-uploads input[type=file]").first.set_input_files(picture)
    expect(page.locator("#viewer .vw-stale")).to_contain_text("a picture of this shot was added")
    assert page.evaluate("() => stage.shots().filter((s) => s.pictures.length).length") == 1
    page.get_by_role("button", name="Take ref:shot out of memory").click()
    expect(page.locator("#viewer .vw-stale")).to_be_hidden()


def look_at_the_cuts(page: Page) -> None:
    select(page, 1)
    page.click("#view-cut")
    expect(page.locator("#cut-figures")).to_contain_text("alike")
    expect(page.locator("#cut-figures")).to_contain_text("within a place and time")
    snapshot(page, "cut")
    assert page.evaluate("() => stage.shots().slice(0, -1).every((shot) => shot.cut)")


def write_the_text_and_choose_a_clip(page: Page) -> None:
    sign = page.locator(".tl-card.cursor .tl-clip")
    expect(sign).to_be_hidden()
    page.locator(".tl-card.cursor").focus()
    page.keyboard.press("Shift+R")  # shows the clip with its price; only there it renders
    expect(page.locator("#clips")).to_be_visible()
    expect(page.locator("#evidence")).to_be_hidden()
    write(page, "The boat sinks.")
    render(page, 1)
    write(page, "The boat comes back.")
    expect(page.locator(".cl-stale")).to_contain_text("the text R changed")
    expect(sign).to_have_attribute("data-kind", "stale")
    expect(sign).to_have_attribute("title", re.compile("the text R changed"))
    snapshot(page, "clip-stale")
    expect(page.locator("#render-this")).to_be_enabled()  # what it costs is said again
    page.locator(".tl-card.cursor").focus()
    page.keyboard.press("Shift+R")
    rendered(page, 2)
    expect(page.locator(".cl-stale")).to_be_hidden()
    expect(sign).to_have_attribute("title", "rendered")
    expect(page.locator("#clip-quote")).to_contain_text("about")
    page.locator(".cl-card").last.get_by_role("button", name="Compare").click()
    expect(page.locator("dialog.cl-compare video")).to_have_count(2)
    snapshot(page, "clip-compare")
    page.keyboard.press("Escape")
    page.locator(".cl-card").last.get_by_role("button", name="Use this clip").click()
    expect(page.locator(".cl-card[data-picked]")).to_contain_text("Clip 1")
    expect(page.get_by_role("button", name="Use this clip")).to_be_focused()  # that of the clip used before
    expect(page.locator("#refined")).to_have_value("The boat sinks.")
    expect(page.locator("#undo")).to_have_attribute("title", "Undo use clip 1 of shot 1")
    snapshot(page, "clips")
    page.click("#film-button")
    expect(page.locator("#render-quote")).to_contain_text(f"To render: {SHOTS - 1} clips")
    snapshot(page, "film-renderer")
    page.keyboard.press("Escape")


def write(page: Page, words: str) -> None:
    page.fill("#refined", words)
    page.locator("#refined").blur()
    page.wait_for_function(
        "(words) => stage.shot().refined === words && stage.shot().refined_by_hand", arg=words
    )


def render(page: Page, clips: int) -> None:
    page.click("#render-this")
    rendered(page, clips)


def rendered(page: Page, clips: int) -> None:
    page.wait_for_function("(clips) => stage.shot().clips === clips && !stage.shot().clip_job", arg=clips)
    expect(page.locator(".cl-card")).to_have_count(clips)
