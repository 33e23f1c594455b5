"""A filmmaker's day with the mini checkpoint: from a sentence to an MP4 in the browser, and after a restart
it is all still there.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.conftest import Server, new_film, open_studio, snapshot
from tests.browser.test_narrow import PHONE
from tests.browser.test_timeline import fill_film

THEME = "An old fisherman finds a lost child on a stormy harbour at night"
NEW_WORDS = "The fisherman walks left along the harbour and waves."
SHOTS = 4
DRAWING = 150_000  # ms of patience for one pair: a second or two on an idle machine
ALL_DRAWN = "() => stage.shots().length && stage.shots().every((shot) => shot.status === 'drawn')"
ORDER = "() => stage.state.order"
WORDS = "() => stage.shots().map((shot) => shot.description)"
SOURCES = "(images) => images.map((img) => img.src.split('?')[0])"
PAIRS = "() => stage.shots().map((shot) => [shot.start_url, shot.end_url].map((url) => url.split('?')[0]))"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_film_from_one_sentence(page: Page, serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve()
    open_studio(page, server)
    new_film(page)
    direct(page)
    choose_how_a_place_looks(page)
    drag_the_last_shot_forward(page)
    draw_all_and_reload_meanwhile(page)
    draw_three_takes_with_other_words(page)
    compare_and_pick(page)
    pin_and_redraw_downstream(page)
    undo_it_all_and_come_back(page)
    play_the_animatic(page)
    render_a_clip(page)
    film = export(page, tmp_path)
    assert film.stat().st_size > 10_000
    assert film.read_bytes()[4:8] == b"ftyp"

    before = page.evaluate(PAIRS)
    reload(page)
    assert_all_there(page, before)
    server.stop()
    server.start()
    reload(page)
    assert_all_there(page, before)


def drawn(takes: int) -> str:
    return f"() => stage.shot().status === 'drawn' && stage.shot().takes === {takes}"


def reload(page: Page) -> None:
    """Reloads the page. Gradio's own reload after a lost connection may cut in: then that one is it."""
    try:
        page.reload()
    except Error as error:
        if not any(sign in str(error) for sign in ("ERR_ABORTED", "Not attached to an active page")):
            raise
        page.wait_for_load_state()


def direct(page: Page) -> None:
    """A theme becomes a shot list that can be edited, in stages that are seen."""
    page.fill("#theme", THEME)
    page.fill("#shot-count", str(SHOTS))
    page.click("#direct")
    expect(page.locator(".tl-card")).to_have_count(SHOTS)
    expect(page.locator(".st-stages li").first).to_contain_text("Logline")
    expect(page.locator("#project-title")).not_to_have_value("Untitled")
    assert page.locator(".pe-card[data-cast]").count() >= 2
    expect(page.locator("#saved")).to_contain_text("Saved")
    snapshot(page, "directed")


def choose_how_a_place_looks(page: Page) -> None:
    """The profile's words for a place are at hand: one takes the place of its like in the look."""
    card = page.locator(".pe-card[data-place]").first
    look, side = card.locator("textarea"), card.get_by_label("Side of the place")
    before = look.input_value()
    other = "left" if " on the right" in before else "right"
    side.select_option(label=side.locator("option", has_text=f" on the {other}").inner_text())
    after = before.replace(" on the right" if other == "left" else " on the left", f" on the {other}")
    expect(look).to_have_value(after)
    page.wait_for_function("(look) => stage.state.head.places[0].look === look", arg=after)
    page.click("#undo")
    expect(look).to_have_value(before)
    expect(side.locator("option:checked")).not_to_contain_text(other)


def drag_the_last_shot_forward(page: Page) -> None:
    """The pointer takes a card to another place, and the story goes in that order."""
    first = page.evaluate(ORDER)
    last, third = (page.locator(".tl-card").nth(at).bounding_box() for at in (3, 2))
    assert last is not None
    assert third is not None
    page.mouse.move(last["x"] + 60, last["y"] + 60)
    page.mouse.down()
    page.mouse.move(last["x"] + 20, last["y"] + 60)
    page.mouse.move(third["x"] + 10, third["y"] + 60, steps=8)
    page.mouse.up()
    moved = [first[0], first[1], first[3], first[2]]
    page.wait_for_function(f"(moved) => ({ORDER})().join() === moved.join()", arg=moved)
    expect(page.locator("#undo")).to_have_attribute("title", "Undo move shot 4")


def draw_all_and_reload_meanwhile(page: Page) -> None:
    """Pairs appear shot by shot, with progress on the card, whether or not somebody looks."""
    badge = page.locator(".tl-badge[data-kind='drawing']").first
    page.click("#draw-fold summary")
    page.fill("#draw-steps", "60")  # or all might be drawn before the page is back
    page.click("#draw-all")
    page.click("#draw-reset")
    page.click("#draw-fold summary")
    expect(badge).to_contain_text("%", timeout=DRAWING)
    reload(page)
    page.wait_for_function(f"() => window.stage && stage.state.order.length === {SHOTS}", timeout=DRAWING)
    assert page.evaluate("() => stage.activeJobs().length"), "it goes on, and the page knows"
    expect(badge).to_contain_text("%", timeout=DRAWING)
    snapshot(page, "drawing")  # which takes as long as a drawing or two
    page.wait_for_function(ALL_DRAWN, timeout=SHOTS * DRAWING)
    assert page.evaluate("() => stage.shots().map((shot) => shot.takes)") == [1] * SHOTS
    for frame in page.locator(".tl-frame img").all():
        assert frame.evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 0
    snapshot(page, "drawn")


def draw_three_takes_with_other_words(page: Page) -> None:
    """Other words and another camera make the pair stale, and drawing it changes that pair alone."""
    before = page.evaluate(PAIRS)
    page.locator(".tl-card").nth(1).click()
    expect(page.locator("#inspector h2")).to_have_text("Shot 2")
    page.fill("#shot-description", NEW_WORDS)
    page.select_option("#shot-scale", "medium shot")
    page.select_option("#shot-movement", "pan left")
    expect(page.locator("#viewer .vw-stale")).to_contain_text("the description changed")
    expect(page.locator(".tl-card").nth(1).locator(".tl-badge")).to_have_text("stale")
    snapshot(page, "stale")
    page.locator("label:has(> input[name=takes][value='3'])").click()
    page.click("#draw-this")
    page.wait_for_function(drawn(takes=4), timeout=3 * DRAWING)
    after = page.evaluate(PAIRS)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True, True]
    page.locator("label:has(> input[name=takes][value='1'])").click()
    expect(page.locator(".tk-card")).to_have_count(4)
    assert len(set(page.locator(".tk-pair img:first-child").evaluate_all(SOURCES))) == 4


def compare_and_pick(page: Page) -> None:
    """Two takes under one slider; the other one is used from there."""
    picked = page.evaluate("() => stage.shot().take_id")
    page.get_by_role("button", name="Compare take 4").click()
    sheet = page.get_by_role("dialog", name="Compare two takes")
    expect(page.locator("#compare-a")).to_have_value(picked)
    page.keyboard.press("Home")
    assert sheet.evaluate("(el) => el.style.getPropertyValue('--wipe')") == "0%"
    snapshot(page, "compare")
    page.click("#use-b")
    page.wait_for_function("(old) => stage.shot().take_id !== old", arg=picked)
    page.keyboard.press("Escape")


def pin_and_redraw_downstream(page: Page) -> None:
    """A pinned frame makes stale what was drawn without it, which says so; it is in the memory of what is
    drawn next, and said to be pinned.
    """
    page.locator(".tl-card").nth(0).click()
    page.click("#pin-end")
    expect(page.locator("#pin-end")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".me-mark")).to_contain_text("1E")
    page.locator(".tl-card").nth(2).click()
    expect(page.locator("#viewer .vw-stale")).to_contain_text("frame 1E was pinned")
    expect(page.locator("#draw-downstream")).to_contain_text("2 shots, about")
    page.click("#draw-downstream")
    page.click("#jobs")
    expect(page.locator(".hd-job")).not_to_have_count(0)
    snapshot(page, "jobs")
    page.keyboard.press("Escape")
    page.wait_for_function(
        "() => stage.shots().slice(2).every((shot) => shot.status === 'drawn' && shot.takes === 2)",
        timeout=2 * DRAWING,
    )
    page.locator(".tl-card").nth(3).click()
    expect(page.locator("#viewer .vw-stale")).to_be_hidden()
    expect(page.locator(".me-tile[data-pinned]")).to_have_count(1)
    expect(page.locator(".me-table tbody tr").first.locator("th")).to_have_text("1E")
    snapshot(page, "memory")


def undo_it_all_and_come_back(page: Page) -> None:
    """The beginning is an empty film; whatever was drawn since is there again at the end of the history."""
    before, words = page.evaluate(PAIRS), page.evaluate(WORDS)
    page.click("#history")
    snapshot(page, "history")
    page.locator(".hi-step").last.click()
    expect(page.locator(".tl-card")).to_have_count(0)
    expect(page.locator("#theme")).to_have_value("")
    expect(page.locator("#undo")).to_be_disabled()
    page.locator(".hi-step").first.click()
    expect(page.locator(".tl-card")).to_have_count(SHOTS)
    page.keyboard.press("Escape")
    assert page.evaluate(PAIRS) == before
    assert page.evaluate(WORDS) == words
    assert page.evaluate("() => stage.activeJobs().length") == 0
    for notice in page.get_by_role("button", name="Dismiss").all():
        notice.click()


def play_the_animatic(page: Page) -> None:
    """Space plays; the playhead takes the selection from shot to shot."""
    page.locator(".tl-card").nth(0).click()
    page.keyboard.press(" ")
    page.wait_for_function("() => stage.playhead.playing && stage.playhead.frame > 12")
    snapshot(page, "animatic")
    page.keyboard.press("l")
    page.keyboard.press("l")
    page.wait_for_function("() => stage.state.cursor === stage.state.order[1]")
    page.keyboard.press("k")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play the animatic")
    page.click("#view-cut")
    expect(page.locator("#viewer img:visible")).to_have_count(2)
    snapshot(page, "cut")
    page.click("#view-pair")


def render_a_clip(page: Page) -> None:
    """One short shot becomes a clip that plays."""
    page.evaluate("() => stage.edit(Object.fromEntries(stage.state.order.map((id) => [id, { length: 12 }])))")
    page.wait_for_function("() => stage.shots().every((shot) => shot.attributes.length === 12)")
    page.locator(".tl-card").nth(1).click()
    page.keyboard.press("Shift+R")  # shows the clip with its price; only there it renders
    page.click("#render-this")
    page.wait_for_function("() => stage.shot().clips === 1 && !stage.shot().clip_job", timeout=DRAWING)
    expect(page.locator(".cl-card")).to_have_count(1)
    snapshot(page, "clip")
    page.click("#view-pair")
    page.click("#theme-switch")
    snapshot(page, "light")
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size(PHONE)
    snapshot(page, "phone")
    page.click("#theme-switch")
    page.set_viewport_size(size)


def export(page: Page, folder: Path) -> Path:
    """A film of short shots is rendered, seen, and taken home as MP4 and as a zip with film.json."""
    page.click("#film-button")
    page.click("#export")
    expect(page.locator("#download-mp4")).to_be_visible(timeout=480_000)
    width = page.locator("#film-video").evaluate(
        "(video) => new Promise((done, fail) => {"
        " const look = () => done(video.videoWidth);"
        " if (video.readyState > 0) look(); else video.addEventListener('loadedmetadata', look);"
        " video.addEventListener('error', () => fail(new Error('the film does not play'))); })"
    )
    assert width >= 1280
    snapshot(page, "film")
    with page.expect_download() as coming:
        page.click("#download-mp4")
    film = folder / "film.mp4"
    coming.value.save_as(film)
    title = page.evaluate("() => stage.state.head.title")
    assert coming.value.suggested_filename == f"{title}.mp4"
    with page.expect_download() as coming:
        page.click("#download-zip")
    assert coming.value.suggested_filename == f"{title}.zip"
    coming.value.save_as(folder / "film.zip")
    with zipfile.ZipFile(folder / "film.zip") as bundle:
        name = next(name for name in bundle.namelist() if name.endswith("film.json"))
        assert len(json.loads(bundle.read(name))["shots"]) == SHOTS
    page.keyboard.press("Escape")
    return film


def assert_all_there(page: Page, pairs: list[list[str]]) -> None:
    """The film is as it was: words, pictures, pins, takes, and the exported file."""
    page.wait_for_function("() => window.stage && window.stage.state.order.length", timeout=30_000)
    assert page.evaluate(PAIRS) == pairs
    expect(page.locator("#theme")).to_have_value(THEME)
    page.locator(".tl-card").nth(1).click()
    expect(page.locator("#shot-description")).to_have_value(NEW_WORDS)
    expect(page.locator(".tk-card")).to_have_count(4)
    expect(page.locator(".me-mark")).to_contain_text("1E")
    assert page.evaluate("() => stage.state.head.film !== null")
    assert page.evaluate("() => stage.state.head.undo !== null")
    for frame in page.locator(".tl-frame img").all():
        assert frame.evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 0


def test_a_long_film_can_be_directed_again(page: Page, shared_studio: Server) -> None:
    """A film grows longer than a director makes at once: the field then says the most that he makes."""
    film = fill_film(page, shared_studio, 61)
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 61")
    film.fill("#theme", "A girl waits in a snowy forest")
    expect(film.locator("#shot-count")).to_have_value("60")
    film.click("#direct")
    expect(film.locator("#versions")).to_have_text("Versions (2)")
