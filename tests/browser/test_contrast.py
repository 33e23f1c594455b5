"""Text meets WCAG AA (4.5:1) on every surface it is used on, in the dark and in the light theme."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import ROOT

STYLES = (*sorted((ROOT / "assets" / "ui").glob("*.css")), ROOT / "studio/ui/timeline/timeline.css")
TOKENS = (ROOT / "assets" / "ui" / "tokens.css").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^(:root|\.dark) \{(.*?)^\}", TOKENS, re.M | re.S))
SURFACES = ("bg", "panel", "raised", "well")
PAIRS = [
    *((text, surface) for text in ("text", "soft", "accent", "good", "warn", "bad") for surface in SURFACES),
    ("text", "accent-wash"),
    ("soft", "accent-wash"),
    ("accent", "accent-wash"),
    ("on-accent", "accent-fill"),
    ("warn", "warn-wash"),
    ("bad", "bad-wash"),
]

FADED = {  # may let what is behind them through: pictures, and what WCAG excepts or is gone in a moment
    "#studio button:disabled": "a control that cannot be used",
    ".s-segment input:disabled + span": "a control that cannot be used",
    ".tk-actions button:disabled, .cm-uses button:disabled": "a control that cannot be used",
    ".tk-card[data-rejected] .tk-pair": "pictures",
    ".me-table [data-old] img": "pictures",
    ".tl-strip.dragging .tl-card.selected": "carried by the pointer",
    ".hd-jobs[data-busy] .hd-dot": "a dot",
    ".st-busy::before": "a dot",
}


def luminance(color: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [":root", ".dark"])
@pytest.mark.parametrize(("text", "surface"), PAIRS)
def test_text_is_readable(theme: str, text: str, surface: str) -> None:
    colors = dict(re.findall(r"--s-([a-z-]+): (#[0-9a-f]{6});", BLOCKS[theme]))
    assert contrast(colors[text], colors[surface]) >= 4.5, (text, surface)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def faded(styles: str) -> set[str]:
    """Selectors of rules that are seen through, for good or while they pulse; not those that come or go."""
    plain = re.sub(r"/\*.*?\*/|@keyframes[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", styles, flags=re.S)
    return {
        " ".join(selector.split())
        for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", plain)
        if re.search(r"(?<!-)opacity:\s*0?\.\d|animation:[^;]*s-pulse", body)
    }


def test_no_text_is_seen_through() -> None:
    """Half of a colour that is readable is not: a soft colour is one of the palette (`--s-soft`)."""
    found = set().union(*(faded(path.read_text(encoding="utf-8")) for path in STYLES))
    assert found == set(FADED), "make the text soft by its colour, or say here why it may fade"


def test_what_is_seen_through_is_found() -> None:
    assert faded(
        ".a { opacity: 0.6; } .b { opacity: 0; } @media (x) { .c { color: red; opacity: .5; } }"
    ) == {*(".a", ".c")}
    assert faded("@keyframes s-x { 50% { opacity: 0.3; } } .d { animation: s-pulse 1s; }") == {".d"}
