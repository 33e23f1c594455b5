"""One story of a filmmaker at work: history, versions, a rewritten shot, the queue, the animatic with sound
and words, films put away and brought back. Pictures are stand-ins.
"""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SETTLED, Server, new_film, open_studio
from tests.browser.test_timeline import fill_film

FIRST = "A girl waits in a snowy forest until her father comes"
SECOND = "Two travellers meet in the desert at dawn"
NASTY_NAME = "<img src=x onerror=window.owned=1>${window.owned=2}{{owned}}.wav"


def direct(page: Page, theme: str, shots: int) -> None:
    page.fill("#theme", theme)
    page.fill("#shot-count", str(shots))
    page.click("#direct")
    page.wait_for_function("(n) => stage.state.order.length === n", arg=shots)
    page.wait_for_function(SETTLED)


def tone(path: Path, seconds: float = 6.0) -> Path:
    """A WAV of one tone."""
    rate = 8000
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        samples = (int(9000 * math.sin(i * 0.35)) for i in range(int(rate * seconds)))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


@pytest.mark.timeout(600)
def test_a_day_at_the_desk(page: Page, unhurried: Server, tmp_path: Path) -> None:
    open_studio(page, unhurried)
    new_film(page)
    direct(page, FIRST, 3)
    jump_in_the_history(page)
    keep_two_versions(page)
    rewrite_a_shot(page)
    order_the_queue(page)
    watch_with_sound_and_words(page, tmp_path)
    put_films_away(page)


def jump_in_the_history(page: Page) -> None:
    """Back over three edits at once, and forward again at once; both survive a reload."""
    page.locator(".tl-card").nth(0).click()
    for words in ("one", "two", "three"):
        page.fill("#shot-description", words)
        page.locator("#shot-description").blur()
        page.wait_for_function("(w) => stage.shots()[0].description === w", arg=words)
    page.click("#history")
    expect(page.locator(".hi-step[aria-current]")).to_contain_text("description of shot 1")
    page.locator(".hi-step").nth(2).click()
    expect(page.locator(".s-notice").last).to_contain_text("2 edits undone")
    page.wait_for_function("() => stage.shots()[0].description === 'one'")
    expect(page.locator(".hi-step[data-undone]")).to_have_count(2)
    page.reload()
    page.wait_for_function("() => window.stage && stage.state.order.length === 3")
    page.click("#history")
    expect(page.locator(".hi-step")).to_have_count(6)
    page.locator(".hi-step").nth(0).click()
    page.wait_for_function("() => stage.shots()[0].description === 'three'")
    page.get_by_role("button", name="Go back").click()
    page.wait_for_function("() => stage.shots()[0].description === 'one'")
    page.keyboard.press("Escape")


def keep_two_versions(page: Page) -> None:
    """Directing again overwrites nothing: the first list comes back with its words, by switch and undo."""
    direct(page, SECOND, 4)
    page.click("#versions")
    expect(page.locator(".ve-row")).to_have_count(2)
    expect(page.locator(".ve-row").nth(0)).to_contain_text("3 shots")
    expect(page.locator(".ve-row").nth(1)).to_contain_text("in use")
    page.get_by_role("button", name="Use version 1:").click()
    page.wait_for_function("() => stage.state.order.length === 3 && stage.shots()[0].description === 'one'")
    expect(page.locator("#theme")).to_have_value(FIRST)
    page.click("#undo")
    page.wait_for_function("() => stage.state.order.length === 4")
    expect(page.locator(".ve-row").nth(1)).to_contain_text("in use")
    page.get_by_role("button", name="Use version 1:").click()
    page.wait_for_function("() => stage.state.order.length === 3")


def rewrite_a_shot(page: Page) -> None:
    """A note becomes a diff; only what is accepted is written; what was not understood is said."""
    page.locator(".tl-card").nth(1).click()
    before = page.evaluate("() => stage.shot().attributes")
    page.click("#rewrite-open")
    page.fill("#rewrite-note", "from above, at night, purple dragons; she waves")
    page.click("#rewrite")
    expect(page.locator(".rw-diff .s-word")).to_have_text(["purple", "dragons"])
    page.locator(".rw-field", has_text="Time").locator("input").uncheck()
    page.click("#rewrite-accept")
    page.wait_for_function("() => stage.shot().attributes.angle === 'high angle'")
    assert page.evaluate("() => stage.shot().attributes.time") == before["time"]
    assert "waves" in page.evaluate("() => stage.shot().description")
    page.fill("#rewrite-note", "")
    page.click("#rewrite")
    expect(page.locator(".rw-diff")).to_be_visible()
    first = page.locator(".rw-diff").inner_text()
    page.click("#rewrite-another")
    page.wait_for_function("(old) => document.querySelector('.rw-diff').innerText !== old", arg=first)
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.evaluate(  # an answer that comes after it was left is not shown
            "() => { document.querySelector('#rewrite-another').click();"
            " document.querySelector('#rewrite-another').nextElementSibling.click(); }"
        )
    page.wait_for_timeout(500)
    expect(page.locator(".rw-diff")).to_be_hidden()


def order_the_queue(page: Page) -> None:
    """Jobs wait, change places, pause, go on, and are cancelled; then all is drawn."""
    page.evaluate("() => stage.select(stage.state.order, stage.state.order[0])")
    page.click("#jobs")
    page.evaluate("() => stage.command.draw()")
    rows = page.locator(".hd-job")
    page.wait_for_function("() => stage.activeJobs().length >= 2", polling=20)
    page.get_by_role("button", name="Pause all").click()
    page.wait_for_function("() => stage.activeJobs().every((job) => job.state === 'paused')")
    waiting = page.evaluate(
        "() => stage.activeJobs().sort((a, b) => a.sequence - b.sequence).map((job) => job.title)"
    )
    assert len(waiting) >= 2
    page.get_by_role("button", name=f"Later: {waiting[0]}").click()
    page.wait_for_function(
        "(title) => stage.activeJobs().sort((a, b) => a.sequence - b.sequence)[1].title === title",
        arg=waiting[0],
    )
    page.get_by_role("button", name=f"Cancel: {waiting[0]}").click()
    expect(page.get_by_role("button", name=f"Try again: {waiting[0]}")).to_be_focused()
    expect(rows.filter(has_text=waiting[0]).first).to_contain_text("cancelled")
    rows.filter(has_text=waiting[0]).first.get_by_role("button", name="Try again").click()
    page.get_by_role("button", name="Go on with all").or_(
        page.get_by_role("button", name=f"Go on with: {waiting[1]}")
    ).first.click()
    page.wait_for_function("() => stage.activeJobs().length === 0")
    page.keyboard.press("Escape")
    page.wait_for_function("() => stage.shots().every((shot) => shot.take_id)")


def watch_with_sound_and_words(page: Page, folder: Path) -> None:
    """Space, K, arrows by frame, J and L; a sound that starts half a second in; words over the picture."""
    page.locator(".tl-card").nth(0).click()
    page.fill("#shot-dialogue", "GIRL: " + "word " * 20)
    page.locator("#shot-dialogue").blur()
    expect(page.locator("#inspector")).to_contain_text("at 2.5 words a second, but the shot lasts")
    page.keyboard.press(" ")
    page.wait_for_function("() => stage.playhead.playing && stage.playhead.frame > 3")
    expect(page.locator(".vw-subtitle")).to_contain_text("GIRL: word")
    page.keyboard.press("k")
    at = page.evaluate("() => Math.floor(stage.playhead.frame)")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("() => stage.playhead.frame") == at + 1
    file = tone(folder / "tone.wav")
    page.set_input_files(
        "#sound-file", {"name": NASTY_NAME, "mimeType": "audio/wav", "buffer": file.read_bytes()}
    )
    page.wait_for_function("() => stage.state.head.sound")
    expect(page.locator(".so-name")).to_contain_text("<img src=x onerror=window.owned=1>")
    page.fill("#sound-offset", "0.5")
    page.locator("#sound-offset").press("Enter")
    page.wait_for_function("() => stage.state.head.sound.offset === 12")
    page.locator("#viewer .vw-top").click()
    page.evaluate("() => stage.player.seek(30)")
    page.keyboard.press("l")
    page.wait_for_function(
        "() => !document.querySelector('#sound-track').paused && stage.playhead.frame > 40"
    )
    apart = page.evaluate(
        "() => Math.abs(stage.playhead.frame / 24 - 0.5 - document.querySelector('#sound-track').currentTime)"
    )
    assert apart < 0.4
    page.keyboard.press("l")
    assert page.evaluate("() => stage.playhead.speed") == 2
    page.keyboard.press("j")
    assert page.evaluate("() => stage.playhead.speed") == -1
    page.keyboard.press("k")
    page.click("#film-button")
    with page.expect_download() as coming:
        page.click("#subtitles-vtt")
    assert Path(coming.value.path()).read_text().startswith("WEBVTT")
    page.keyboard.press("Escape")
    page.click("#view-pair")
    assert page.evaluate("() => window.owned") is None


def put_films_away(page: Page) -> None:
    """A copy, a new title, the archive, the trash, and back."""
    title = page.input_value("#project-title")
    page.click("#projects")
    page.get_by_role("button", name=f"Duplicate “{title}”").first.click()
    expect(page.locator("#project-title")).to_have_value(f"{title} (copy)")
    page.wait_for_function("() => stage.shots().length === 3 && stage.shots().every((shot) => shot.take_id)")
    page.click("#projects")
    page.get_by_role("button", name=f"Rename “{title} (copy)”").click()
    page.get_by_role("textbox", name=f"New title of “{title} (copy)”").fill("The other cut")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Put “The other cut” into the archive").click()
    expect(page.locator(".hd-fold summary")).to_contain_text(["Archive (1)"])
    page.locator(".hd-fold summary", has_text="Archive").click()
    page.get_by_role("button", name="Take “The other cut” out of the archive").click()
    page.get_by_role("button", name="Put “The other cut” into the trash").click()
    expect(page.locator("#project-title")).not_to_have_value("The other cut")
    page.click("#projects")
    page.locator(".hd-fold summary", has_text="Trash").click()
    page.get_by_role("button", name="Restore “The other cut”").click()
    expect(page.locator("#project-title")).to_have_value("The other cut")


def test_a_screenplay_is_never_executed(page: Page, shared_studio: Server) -> None:
    """A screenplay full of markup, templates and scripts becomes words on the page, wherever shown."""
    open_studio(page, shared_studio)
    new_film(page)
    nasty = "<img src=x onerror='window.owned=1'>${window.owned=2}{{owned}}"
    script = f"Title: {nasty}\n\nEXT. HARBOUR{nasty} - NIGHT\n\nA man walks {nasty} along.\n\nANNA\n{nasty}\n"
    direct(page, script, 2)
    page.click("#versions")
    page.click("#history")
    expect(page.locator(".hi-step").first).to_contain_text("Direct 2 shots")
    page.keyboard.press("Escape")
    page.click("#play")
    page.wait_for_function("() => stage.playhead.frame > 3")
    page.click("#play")
    assert "window.owned" in page.evaluate("() => JSON.stringify([stage.state.head, stage.shots()])")
    assert page.evaluate("() => window.owned") is None
    assert page.locator("#studio img[src='x'], #studio script").count() == 0


# Listens in where the page's sound leaves for the loudspeaker: peaks of what is heard, whoever plays it.
LISTEN = """() => {
    const { connect } = AudioNode.prototype;
    window.ears = [];
    AudioNode.prototype.connect = function (to, ...rest) {
        if (to instanceof AudioDestinationNode) {
            const ear = this.context.createAnalyser();
            connect.call(this, ear);
            ears.push(ear);
        }
        return connect.call(this, to, ...rest);
    };
}"""
PEAK = """() => Math.max(0, ...ears.map((ear) => {
    const samples = new Float32Array(ear.fftSize);
    ear.getFloatTimeDomainData(samples);
    return Math.max(...samples.map(Math.abs));
}))"""


def test_a_sound_is_heard_as_loud_as_it_is_exported(
    page: Page, shared_studio: Server, tmp_path: Path
) -> None:
    page.add_init_script(f"({LISTEN})()")
    fill_film(page, shared_studio, 3)
    page.click("#view-animatic")
    page.set_input_files("#sound-file", tone(tmp_path / "tone.wav"))  # its peak is 0.27
    page.wait_for_function("() => stage.state.head.sound")
    track = "() => document.querySelector('#sound-track').volume"
    set_volume = """(wanted) => {
        const slider = document.querySelector('#sound-volume');
        slider.value = wanted;
        for (const name of ['input', 'change']) slider.dispatchEvent(new Event(name, { bubbles: true }));
    }"""
    page.evaluate(set_volume, 40)
    page.wait_for_function("() => stage.state.head.sound.volume === 40")
    assert page.evaluate(track) == pytest.approx(0.4)
    assert page.evaluate("() => ears.length") == 0, "nothing is in the way of a sound that is not louder"
    page.evaluate(set_volume, 200)
    page.wait_for_function("() => stage.state.head.sound.volume === 200")
    expect(page.locator(".so-percent")).to_have_text("200 %")
    page.keyboard.press("l")
    page.wait_for_function(f"() => Math.abs(({PEAK})() - 0.55) < 0.03")
    page.evaluate(set_volume, 50)
    page.wait_for_function(f"() => Math.abs(({PEAK})() - 0.137) < 0.02")
    page.keyboard.press("k")
