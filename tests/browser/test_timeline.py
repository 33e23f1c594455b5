"""The timeline: lengths by the edge, splitting, scenes, renaming, zoom, several at once, and 200 shots."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from studio.service.studio import Studio
from studio.store.tables import Project
from tests.browser.conftest import Server, new_film, open_studio
from tests.studio.helpers import many_shots

LENGTHS = "() => stage.shots().map((shot) => shot.attributes.length)"
LABELS = "() => stage.shots().map((shot) => shot.label)"
WORDS = "() => stage.shots().map((shot) => shot.description)"
UNDO = "() => stage.state.head.undo?.label ?? null"


def fill_film(page: Page, server: Server, count: int) -> Page:
    """A new film of `count` shots on the page, written behind its back."""
    open_studio(page, server)
    new_film(page)
    project = str(page.evaluate("() => stage.state.head.id"))
    with Studio(server.home) as studio:
        with studio.home.database.read() as session:
            owner = session.get_one(Project, project).owner
        many_shots(studio, owner, project, count)
    page.wait_for_function("(count) => stage.state.order.length === count", arg=count)
    page.locator(".tl-card").first.click()
    return page


@pytest.fixture
def film(page: Page, shared_studio: Server) -> Page:
    return fill_film(page, shared_studio, 12)


def settled(page: Page) -> None:
    page.wait_for_function("() => stage.savedState() === 'saved'")


def becomes(page: Page, script: str, wanted: Any) -> None:
    """Waits until a script on the page gives a value."""
    told = json.dumps(wanted, separators=(",", ":"), ensure_ascii=False)
    page.wait_for_function(f"(told) => JSON.stringify(({script})()) === told", arg=told)


def hold_edge(page: Page, index: int, by: int) -> None:
    """Takes the right edge of a card and drags it by pixels, without letting go."""
    box = page.locator(".tl-card").nth(index).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 4, box["y"] + 40
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=4)


def test_lengths_splits_scenes_and_names(film: Page) -> None:
    # The edge: a live label, Escape leaves all as it was, letting go is one command.
    length = film.locator(".tl-card").nth(1).locator(".tl-length")
    hold_edge(film, 1, 60)
    expect(length).to_have_text("4.00 s · 96 f (+24)")
    film.keyboard.press("Escape")
    expect(length).to_have_text("3.0 s")
    film.mouse.up()
    hold_edge(film, 1, -30)
    film.mouse.up()
    becomes(film, UNDO, "change the length of shot 2")
    assert film.evaluate(LENGTHS)[:3] == [72, 60, 72]
    # The keys: many presses, one command. What the label says meanwhile goes soon, too soon for a slow poll.
    length.evaluate("""(el) => {
        window.said = [];
        new MutationObserver(() => said.push(el.textContent))
            .observe(el, { childList: true, characterData: true, subtree: true });
    }""")
    film.keyboard.press("]")
    film.keyboard.press("]")
    film.keyboard.press("Shift+{")
    film.wait_for_function("() => said.includes('2.08 s · 50 f (−10)')")
    becomes(film, LENGTHS, [72, 50, *[72] * 10])
    film.keyboard.press("Control+z")
    becomes(film, LENGTHS, [72, 60, *[72] * 10])

    # The ruler seeks; S splits there. Without a playhead in the shot it is the middle.
    box = film.locator(".tl-card").nth(2).bounding_box()
    ruler = film.locator(".tl-ruler").bounding_box()
    assert box is not None
    assert ruler is not None
    film.mouse.move(box["x"] + 30, ruler["y"] + 8)
    film.mouse.down()
    film.mouse.move(box["x"] + box["width"] / 3, ruler["y"] + 8, steps=3)
    film.mouse.up()
    assert film.evaluate("() => Math.floor(stage.playhead.frame)") == 72 + 60 + 24
    expect(film.locator(".tl-head")).to_be_visible()
    film.keyboard.press("s")
    becomes(film, LENGTHS, [72, 60, 24, 48, *[72] * 9])
    expect(film.locator(".tl-card.cursor")).to_have_attribute("aria-label", re.compile("^Shot 4, 1L.*draft"))
    film.keyboard.press("Control+z")
    becomes(film, LENGTHS, [72, 60, *[72] * 10])
    film.click("#view-pair")
    film.locator(".tl-card").nth(1).click()
    film.click("#split-shot")
    becomes(film, LENGTHS, [72, 30, 30, *[72] * 10])

    # Scenes are marked; a label is changed in place, and so is a title.
    expect(film.locator(".tl-scene")).to_have_text(["Scene 1", "Scene 2"])
    film.locator(".tl-card .tl-label").nth(4).dblclick()
    film.get_by_label("Scene and slate of shot 5").fill("7C")
    film.keyboard.press("Enter")
    expect(film.locator(".tl-scene")).to_have_text(["Scene 1", "Scene 7", "Scene 1", "Scene 2"])
    assert film.evaluate(LABELS)[4] == "7C"
    film.keyboard.press("Enter")
    film.keyboard.type("The n d r gate")
    film.keyboard.press("Escape")
    expect(film.get_by_label("Title of shot 5")).to_have_count(0)
    film.locator(".tl-card").nth(4).locator(".tl-title").dblclick()
    film.keyboard.type("The gate")
    film.keyboard.press("Enter")
    expect(film.locator(".tl-card .tl-title").nth(4)).to_have_text("The gate")
    expect(film.locator("#shot-title")).to_have_value("The gate")
    expect(film.locator(".tl-card")).to_have_count(13)


def test_a_title_that_is_being_typed_is_kept_by_a_reload(film: Page) -> None:
    film.locator(".tl-card .tl-title").first.dblclick()
    film.keyboard.type("A long title")
    film.reload()
    expect(film.locator(".tl-card .tl-title").first).to_have_text("A long title")


def test_several_move_together_and_come_back_from_the_trash(film: Page) -> None:
    before = film.evaluate(WORDS)
    cards = film.locator(".tl-card")
    cards.nth(0).click()
    cards.nth(2).click(modifiers=["Control"])
    start, end = cards.nth(2).bounding_box(), cards.nth(4).bounding_box()
    assert start is not None
    assert end is not None
    film.mouse.move(start["x"] + 40, start["y"] + 60)
    film.mouse.down()
    film.mouse.move(end["x"] + end["width"] - 30, end["y"] + 60, steps=6)
    film.mouse.up()
    moved = [before[i] for i in (1, 3, 4, 0, 2, *range(5, 12))]
    becomes(film, WORDS, moved)
    becomes(film, UNDO, "move shot 1, shot 3")
    film.keyboard.press("Alt+ArrowLeft")
    becomes(film, WORDS, [before[i] for i in (1, 3, 0, 2, 4, *range(5, 12))])
    settled(film)
    film.keyboard.press("Delete")
    expect(cards).to_have_count(10)
    film.click("#trash")
    film.get_by_role("button", name=f"Restore {before[0]}").click()
    expect(cards).to_have_count(11)
    assert before[0] in film.evaluate(WORDS)
    expect(film.get_by_role("button", name=f"Restore {before[2]}")).to_be_focused()
    film.keyboard.press("Escape")


def test_the_zoom_shows_time_and_is_remembered(film: Page) -> None:
    widths = "() => [...document.querySelectorAll('.tl-card')].map((card) => card.offsetWidth)"
    assert set(film.evaluate(widths)) == {240}
    film.evaluate("() => stage.edit({ [stage.state.order[3]]: { length: 288 } }, () => true)")
    settled(film)
    for _ in range(3):
        film.keyboard.press("-")
    wide = film.evaluate(widths)
    assert wide[3] == 4 * wide[0], "a strip in proportion to time"
    # What the page reckons without measuring is what the browser laid out.
    reckoned = "() => [...document.querySelectorAll('.tl-tick')].map((tick) => tick.offsetLeft)"
    assert film.evaluate(reckoned) == film.evaluate(
        "() => [...document.querySelectorAll('.tl-card')].map((card) => card.offsetLeft)"
    )
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 12")
    assert film.evaluate(widths) == wide
    film.get_by_role("button", name="Zoom the timeline in (+)").click()
    assert film.evaluate(widths)[3] > wide[3]


def test_two_hundred_shots_stay_smooth(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 200)
    film.evaluate(
        """() => {
          window.touched = new Set();
          const card = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest(".tl-card");
          new MutationObserver((list) => list.forEach((change) => {
            const found = card(change.target);
            if (found) touched.add(found.dataset.id);
          })).observe(document.querySelector(".tl-strip"),
            { subtree: true, childList: true, characterData: true, attributes: true });
          window.sent = [];
          const apply = stage.apply;
          stage.apply = (patch) => {
            if (patch?.changes) sent.push(JSON.stringify(patch.changes).length);
            apply(patch);
          };
        }"""
    )
    film.evaluate("() => stage.edit({ [stage.state.order[100]]: { title: 'One of many' } }, () => true)")
    expect(film.locator(".tl-card .tl-title").nth(100)).to_have_text("One of many")
    assert film.evaluate("() => [...touched].length") == 1, "one changed card repaints one card"
    assert film.evaluate("() => Math.max(...sent)") <= 1024

    film.keyboard.press("Home")
    session = film.context.new_cdp_session(film)
    session.send("Performance.enable")

    def layouts() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(item["value"] for item in metrics if item["name"] == "LayoutCount"))

    before = layouts()
    for _ in range(20):
        film.keyboard.press("ArrowRight")
    assert film.evaluate("() => stage.state.order.indexOf(stage.state.cursor)") == 20
    assert layouts() - before <= 20 * 4, (
        "moving the selection lays the page out a few times a key, not per card"
    )
    film.keyboard.press("End")
    expect(film.locator(".tl-card").last).to_be_in_viewport()


def test_the_animatic_ends_after_its_last_frame_on_a_fast_screen(film: Page) -> None:
    """Between two paintings less than a frame passes: the last frame must be over all the same."""
    film.evaluate("""() => {
        window.requestAnimationFrame = (paint) => setTimeout(() => paint(performance.now()), 5);
        stage.playhead.on = true;
        stage.player.seek(stage.player.total() - 4);
        stage.player.play();
    }""")
    film.wait_for_function("() => !stage.playhead.playing", timeout=10_000)
    assert film.evaluate("() => stage.playhead.frame === stage.player.total() - 1")


def test_a_range_begins_where_the_selection_is(film: Page) -> None:
    chosen = "() => stage.state.selection.map((id) => stage.shot(id).number)"
    cards = film.locator(".tl-card")
    cards.nth(2).click()
    film.keyboard.press("Delete")
    film.wait_for_function("() => stage.state.order.length === 11")
    film.keyboard.press("Shift+ArrowRight")
    becomes(film, chosen, [3, 4])  # the deleted shot was the range's old beginning
    cards.nth(3).click()
    cards.nth(7).click(modifiers=["Shift"])
    film.keyboard.press("Delete")
    film.wait_for_function("() => stage.state.order.length === 6")
    becomes(film, chosen, [4])  # where the deleted ones stood
    cards.nth(0).click()
    cards.nth(1).click(modifiers=["Control"])
    cards.nth(1).click(modifiers=["Control"])
    becomes(film, "() => [stage.shot().number]", [1])
    cards.nth(0).click(modifiers=["Control"])
    becomes(film, chosen, [1])


def test_space_plays_from_the_open_tab(film: Page) -> None:
    """A tab that is open has nothing to do with Space; another one opens by it."""
    playing, standing = "() => stage.playhead.playing", "() => !stage.playhead.playing"
    for tab in ("animatic", "pair"):
        film.click(f"#view-{tab}")
        film.keyboard.press(" ")
        film.wait_for_function(playing)
        expect(film.locator("#view-animatic")).to_be_focused()
        film.keyboard.press(" ")
        film.wait_for_function(standing)
        expect(film.locator("#view-animatic")).to_have_attribute("aria-selected", "true")
    film.locator("#view-cut").focus()
    film.keyboard.press(" ")
    expect(film.locator("#view-cut")).to_have_attribute("aria-selected", "true")
    assert film.evaluate(standing)


def test_whoever_writes_stops_the_animatic(film: Page) -> None:
    film.evaluate("() => { stage.playhead.on = true; stage.player.play(); }")
    film.wait_for_function("() => stage.playhead.playing")
    film.click("#shot-description")
    film.wait_for_function("() => !stage.playhead.playing")


def test_apart_shots_are_selected_by_keys(film: Page) -> None:
    chosen = "() => stage.state.selection.map((id) => stage.state.order.indexOf(id))"
    for key in ("Control+ArrowRight", "Control+ArrowRight"):
        film.keyboard.press(key)
    assert film.evaluate(chosen) == [0]
    assert film.evaluate("() => stage.shot().number") == 3
    film.keyboard.press("Control+Space")
    film.keyboard.press("Control+ArrowRight")
    film.keyboard.press("Control+ArrowRight")
    film.keyboard.press("Control+Space")
    assert film.evaluate(chosen) == [0, 2, 4]
    expect(film.locator("#inspector h2")).to_have_text("3 shots")
    expect(film.locator(".tl-card[aria-selected=true]")).to_have_count(3)
    film.keyboard.press("Control+Space")
    assert film.evaluate(chosen) == [0, 2]
    active = film.locator(".tl-strip").get_attribute("aria-activedescendant")
    assert active == film.locator(".tl-card").nth(4).get_attribute("id"), "the cursor stays where it is"
    assert not film.evaluate("() => stage.playhead.playing")
    film.keyboard.press("ArrowLeft")
    film.keyboard.press("Control+Space")
    assert film.evaluate(chosen) == [3], "something is always selected"
    film.keyboard.press("?")
    expect(film.get_by_role("dialog", name="Keyboard")).to_contain_text("Ctrl Space")


def test_a_card_held_at_the_end_of_the_strip_scrolls_it(film: Page) -> None:
    """The hand rests there, and the strip goes on to its end; back in the middle it stands still."""
    left = "() => document.querySelector('.tl-scroll').scrollLeft"
    box = film.locator(".tl-card").first.bounding_box()
    assert box is not None
    y = box["y"] + 40
    film.mouse.move(box["x"] + 40, y)
    film.mouse.down()
    film.mouse.move(640, y, steps=3)
    film.mouse.move(1270, y, steps=3)
    film.wait_for_function("""() => {
        const { scrollLeft, scrollWidth, clientWidth } = document.querySelector('.tl-scroll');
        return scrollLeft >= scrollWidth - clientWidth - 1;
    }""")
    expect(film.locator(".tl-card").last).to_have_class(re.compile("drop-after"))
    film.mouse.move(640, y)
    stood = film.evaluate(left)
    film.wait_for_timeout(300)
    assert film.evaluate(left) == stood
    film.mouse.move(1270, y)
    film.mouse.up()
    first = film.evaluate(WORDS)[0]
    becomes(film, "() => stage.shots().at(-1).description", "An old man walks along the harbour, moment 1.")
    assert first != film.evaluate("() => stage.shots().at(-1).description")
