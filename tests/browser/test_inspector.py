"""The inspector: several shots at once, words that cannot be drawn, text like code, a lost connection."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server
from tests.browser.test_timeline import becomes, fill_film, settled

NASTY = (
    "<img src=x onerror='window.owned=1'>${window.owned=2}{{7*7}}"  # 60 letters: it fits the shortest field
)
SHORT = "${owned=3}<b>"[:12]
FIELDS = ("description", "title", "dialogue", "sound", "notes", "place", "weather")


def test_several_shots_are_edited_at_once(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 3)
    film.fill("#new-cast", "Anna")
    film.click("#add-cast")
    anna = film.get_by_role("group", name="Cast of this shot").get_by_role("button", name="Anna")
    anna.click()
    becomes(film, "() => stage.shots().map((shot) => shot.attributes.cast.join())", ["Anna", "", ""])
    film.locator(".tl-card").nth(1).click(modifiers=["Shift"])
    expect(film.locator("#inspector h2")).to_have_text("2 shots")
    expect(film.locator("#shot-description")).to_have_attribute("placeholder", "several values")
    expect(film.locator("#shot-slate")).to_have_attribute("placeholder", "mixed")  # there is no room for more
    expect(film.locator("#shot-description")).to_have_value("")
    expect(film.locator("#shot-scale")).to_have_value("medium shot")
    expect(anna).to_have_attribute("aria-pressed", "mixed")
    # Looking at a field in which they differ, and leaving it, changes nothing.
    film.locator("#shot-description").focus()
    film.locator("#shot-description").blur()
    film.select_option("#shot-movement", "dolly in")
    becomes(
        film,
        "() => stage.shots().map((shot) => shot.attributes.movement)",
        ["dolly in", "dolly in", "static"],
    )
    becomes(film, "() => stage.state.head.undo.label", "change the movement of 2 shots")
    film.fill("#shot-notes", "with rain")
    film.locator("#shot-notes").blur()
    becomes(film, "() => stage.shots().map((shot) => shot.attributes.notes)", ["with rain", "with rain", ""])
    anna.click()
    becomes(film, "() => stage.shots().map((shot) => shot.attributes.cast.join())", ["Anna", "Anna", ""])
    film.click("#undo")
    film.click("#undo")
    becomes(film, "() => stage.shots().map((shot) => shot.attributes.notes)", ["", "", ""])
    film.locator(".tl-card").nth(2).click()
    expect(film.locator("#shot-scene")).to_have_value("1")
    film.fill("#shot-scene", "4")
    film.fill("#shot-slate", "F")
    film.locator("#shot-slate").blur()
    becomes(film, "() => stage.shots()[2].label", "4F")
    assert film.evaluate("() => stage.shots()[0].description").endswith("moment 1.")


def test_whoever_the_words_name_is_added_with_one_click(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 1)
    film.fill("#new-cast", "Anna")
    film.click("#add-cast")
    film.fill("#shot-description", "Anna waits in the rain.")
    film.locator("#shot-description").blur()
    told = film.locator("#shot-contradictions")
    expect(told).to_contain_text("The words name Anna, who is not in this shot.")
    told.get_by_role("button", name="Add Anna").click()
    becomes(film, "() => stage.shots()[0].attributes.cast.join()", "Anna")
    expect(told).to_be_hidden()
    film.click("#undo")
    becomes(film, "() => stage.shots()[0].attributes.cast.join()", "")


def test_words_that_cannot_be_drawn_are_marked(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 1)
    film.fill("#shot-description", "A dragon on a bridge")
    film.fill("#shot-weather", "hail")
    film.locator("#shot-weather").blur()
    note = film.locator("#shot-description-note")
    expect(note).to_have_text("mini has no picture for dragonbridgetry “city”")
    expect(film.locator("#shot-description")).to_have_attribute("aria-describedby", "shot-description-note")
    expect(film.locator("#shot-weather-note")).to_contain_text("try “rain”")
    expect(film.locator("#shot-place-note")).to_be_hidden()
    film.select_option("#shot-movement", "crane up")
    expect(film.locator("#shot-movement-note")).to_contain_text("try “tilt up”")


def test_text_is_never_run_in_any_field(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 2)
    film.fill("#project-title", NASTY)
    film.fill("#theme", NASTY)
    film.fill("#project-logline", NASTY)
    film.fill("#project-look", NASTY)
    film.fill("#new-cast", NASTY)
    film.keyboard.press("Enter")
    card = film.locator(".pe-card[data-cast]")
    card.get_by_label("Look").fill(NASTY)
    for name in FIELDS:
        film.fill(f"#shot-{name}", NASTY)
    film.fill("#shot-slate", SHORT)
    film.locator("#shot-slate").blur()
    settled(film)
    film.get_by_role("group", name="Cast of this shot").get_by_role("button", name=NASTY).click()
    film.locator(".tl-card").nth(1).click()
    film.keyboard.press("Enter")
    film.keyboard.type(NASTY)
    film.keyboard.press("Enter")
    film.keyboard.press("Delete")
    settled(film)
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 1")
    film.locator(".tl-card").first.click()
    for name in FIELDS:
        expect(film.locator(f"#shot-{name}")).to_have_value(NASTY)
    expect(film.locator("#shot-slate")).to_have_value(SHORT)
    for selector in ("#project-title", "#theme", "#project-logline", "#project-look"):
        expect(film.locator(selector)).to_have_value(NASTY)
    expect(card.get_by_label("Name")).to_have_value(NASTY)
    expect(card.get_by_label("Look")).to_have_value(NASTY)
    expect(film.locator(".tl-card .tl-title")).to_have_text(NASTY)
    expect(film.locator(".tl-slate")).to_have_text(f" · 1{SHORT}")
    expect(film.get_by_role("option", name=f"Shot 1, 1{SHORT}: {NASTY}")).to_have_count(1)
    film.click("#trash")
    expect(film.locator(".tl-gone")).to_contain_text(NASTY)
    film.keyboard.press("Escape")
    film.click("#projects")
    expect(film.locator(".hd-project strong").first).to_have_text(NASTY)
    film.keyboard.press("Escape")
    film.locator(".tl-strip").focus()
    film.keyboard.press(" ")
    expect(film.locator(".vw-subtitle")).to_have_text(NASTY)
    film.keyboard.press(" ")
    film.keyboard.press("?")
    assert film.evaluate("() => window.owned") is None
    strange = "#studio script, img[src='x'], #studio b, dialog script, [onerror]"
    assert film.locator(strange).count() == 0


def test_an_edit_waits_for_a_studio_that_was_away(page: Page, shared_studio: Server) -> None:
    """Without a reload and without the browser knowing: requests fail for a while, then they do not."""
    film = fill_film(page, shared_studio, 1)

    def fail(route: Route) -> None:
        route.abort()

    film.route("**/gradio_api/**", fail)
    film.fill("#shot-notes", "not lost")
    film.locator("#shot-notes").blur()
    expect(film.locator("#saved")).to_have_attribute("data-kind", "waiting")
    assert "saved" not in (film.locator("#inspector .s-mark[data-kind='saving']").text_content() or "")
    film.unroute("**/gradio_api/**", fail)
    expect(film.locator("#saved")).to_have_attribute("data-kind", "saved")
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 1")
    film.locator(".tl-card").first.click()
    expect(film.locator("#shot-notes")).to_have_value("not lost")


def test_an_older_value_is_not_sent_after_a_newer_one(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 1)
    film.context.set_offline(True)
    for words in ("first", "second"):
        film.fill("#shot-sound", words)
        film.locator("#shot-sound").blur()
    kept = film.evaluate("() => JSON.parse(localStorage['stage-outbox']).map((item) => item.message.edits)")
    assert [list(edits.values()) for edits in kept] == [[{"sound": "second"}]]
    film.context.set_offline(False)
    film.wait_for_function(  # the page may load again when the connection is back
        "() => window.stage?.state.head && stage.savedState() === 'saved' "
        "&& stage.shots()[0].attributes.sound === 'second'"
    )


def test_what_is_too_long_stays_until_it_is_shortened(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 2)
    notes, kept = film.locator("#shot-notes"), "a word " * 600
    mark = film.locator(".s-field", has=notes).locator(".s-mark")
    film.fill("#shot-notes", "before")
    notes.blur()
    settled(film)
    film.fill("#shot-notes", "m" * 3700)
    expect(film.locator(".s-field", has=notes).locator(".s-left")).to_have_text("3,700 of 4,000")
    film.fill("#shot-notes", kept)  # 4200 characters: as pasted, nothing is cut off
    notes.blur()
    expect(mark).to_have_text("too long: 4,200 of 4,000")
    expect(notes).to_have_attribute("aria-invalid", "true")
    # News of the film, and another shot: the words come back with the shot that they are of.
    film.fill("#shot-sound", "wind")
    film.locator("#shot-sound").blur()
    settled(film)
    expect(notes).to_have_value(kept)
    film.locator(".tl-card").nth(1).click()
    expect(notes).to_have_value("")
    expect(mark).to_have_text("")
    film.locator(".tl-card").nth(0).click()
    expect(notes).to_have_value(kept)
    expect(mark).to_have_text("too long: 4,200 of 4,000")
    assert film.evaluate("() => stage.shots()[0].attributes.notes") == "before"
    film.reload()  # which asks nothing: they are in the next visit, too
    film.wait_for_function("() => window.stage && stage.state.order.length === 2")
    expect(notes).to_have_value(kept)
    expect(mark).to_have_text("too long: 4,200 of 4,000")
    film.fill("#shot-notes", "short again")
    notes.blur()
    becomes(film, "() => stage.shots()[0].attributes.notes", "short again")
    expect(notes).not_to_have_attribute("aria-invalid", "true")
    film.reload()
    film.wait_for_function("() => window.stage && stage.state.order.length === 2")
    expect(notes).to_have_value("short again")
    assert film.evaluate("() => localStorage['stage-refused']") == "{}"


def test_words_that_no_storage_can_hold_are_asked_about(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 1)
    film.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    film.fill("#shot-notes", "a word " * 600)
    film.locator("#shot-notes").blur()
    film.on("dialog", lambda dialog: dialog.dismiss())  # "leave the page?": no
    film.evaluate("() => location.reload()")
    expect(film.locator("#shot-notes")).to_have_value("a word " * 600)


def test_what_the_studio_refused_stays_in_the_field(page: Page, shared_studio: Server) -> None:
    """Whatever the reason: here a length without end, which only the studio knows to refuse."""
    film = fill_film(page, shared_studio, 1)
    film.fill("#shot-length", "99999")
    film.locator("#shot-length").blur()
    mark = film.locator(".s-field", has=film.locator("#shot-length")).locator(".s-mark")
    expect(mark).to_have_text("not saved")
    film.fill("#shot-notes", "news")
    film.locator("#shot-notes").blur()
    settled(film)
    expect(film.locator("#shot-length")).to_have_value("99999")
    film.fill("#shot-length", "2")
    film.locator("#shot-length").blur()
    becomes(film, "() => stage.shots()[0].attributes.length", 48)
    # An empty title is no title, and holds no words that could be lost: the old one comes back.
    film.fill("#project-title", "")
    film.locator("#project-title").blur()
    expect(film.locator("#project-title")).not_to_have_value("")


def test_a_field_of_several_shots_is_emptied_at_once(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 2)
    film.fill("#shot-notes", "only here")
    film.locator("#shot-notes").blur()
    settled(film)
    empty = film.get_by_role("button", name="Empty: Notes")
    expect(empty).to_be_hidden()
    film.keyboard.press("Control+a")
    empty.click()
    becomes(film, "() => stage.shots().map((shot) => shot.attributes.notes)", ["", ""])
    expect(empty).to_be_hidden()
    expect(film.locator("#shot-notes")).to_be_focused()
    film.click("#undo")
    becomes(film, "() => stage.shots().map((shot) => shot.attributes.notes)", ["only here", ""])


def test_choices_say_what_the_profile_draws(page: Page, shared_studio: Server) -> None:
    film = fill_film(page, shared_studio, 2)
    note = film.locator("#shot-scale-note")
    expect(note).to_be_hidden()
    film.select_option("#shot-scale", "extreme close-up")
    expect(note).to_have_text("mini draws it as close-up")
    option = film.locator("#shot-scale option[value='medium close-up']")
    expect(option).to_have_text("medium close-up (drawn as medium shot)")
    expect(film.locator("#shot-scale option[value='close-up']")).to_have_text("close-up")
    expect(film.locator("#shot-movement option[value='crane up']")).to_have_text("crane up (not in mini)")
    film.locator(".tl-card").nth(1).click()
    expect(note).to_be_hidden()
    # Framing, support and purpose are in no prompt, and the page says so.
    expect(film.locator("#undrawn")).to_contain_text("not drawn: notes for people")
    at = [film.locator(name).bounding_box() for name in ("#shot-title", "#undrawn", "#shot-framing")]
    assert [box and box["y"] for box in at] == sorted(box["y"] for box in at if box)
