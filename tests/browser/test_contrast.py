"""Text meets WCAG AA (4.5:1) on every surface it is used on, edges 3:1, in the dark and in the light."""

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
EDGES = [  # WCAG 1.4.11
    *(("line-strong", surface) for surface in SURFACES),
    *(("playhead", surface) for surface in ("panel", "raised", "accent-wash")),
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


@pytest.mark.parametrize("theme", [":root", ".dark"])
@pytest.mark.parametrize(("edge", "surface"), EDGES)
def test_edges_are_seen(theme: str, edge: str, surface: str) -> None:
    colors = dict(re.findall(r"--s-([a-z-]+): (#[0-9a-f]{6});", BLOCKS[theme]))
    assert contrast(colors[edge], colors[surface]) >= 3, (edge, surface)


def test_fields_and_the_playhead_have_these_edges() -> None:
    rules = [rule for path in STYLES for rule in rules_of(path.read_text(encoding="utf-8"))]
    (field,) = (body for selector, body in rules if selector.startswith("#studio .s-input, "))
    assert "border: 1px solid var(--s-line-strong)" in field
    head = [body for selector, body in rules if selector.startswith(".tl-head::")]
    assert ["var(--s-playhead)" in body for body in head] == [True, True]


def test_what_tells_a_state_by_its_colour_is_seen() -> None:
    """Thumbs of sliders, bars of progress and dots of work have a colour that text could have."""
    rules = [rule for path in STYLES for rule in rules_of(path.read_text(encoding="utf-8"))]
    telling = [
        (selector, body)
        for selector, body in rules
        if selector.endswith(("-thumb", ".s-bar div", ".hd-dot", ".st-busy::before")) and "background" in body
    ]
    assert len(telling) >= 6
    for selector, body in telling:
        assert "background: var(--s-accent);" in body or "--s-soft" in body or "line" in body, selector


def test_colours_outside_of_the_palette_are_readable() -> None:
    """What lies on pictures is the same in both themes, and brings its own surface along."""
    found = [pair for path in STYLES for pair in own_colors(path.read_text(encoding="utf-8"))]
    assert {".vw-subtitle", ".vw-blank", ".tl-empty", ".tl-badge"} <= {selector for selector, *_ in found}
    for selector, text, surfaces in found:
        assert surfaces, f"{selector} lies on the bare picture: give it a background"
        for surface in surfaces:
            assert contrast(text, surface) >= 4.5, (selector, text, surface)


def test_what_brings_its_colours_along_is_found() -> None:
    assert own_colors(".a { color: #fff; } .b { color: var(--s-soft); border-color: #123456; }") == [
        (".a", "#ffffff", [])
    ]
    seen_through = ".c { background: rgba(0, 0, 0, 0.6); color: #eeeeee; }"
    assert own_colors(seen_through) == [(".c", "#eeeeee", ["#000000", "#666666"])]
    assert own_colors(".d { color: #eeeeee; background: x(#111111 0 8px, #222222 8px); }") == [
        (".d", "#eeeeee", ["#111111", "#222222"])
    ]


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def rules_of(styles: str) -> list[tuple[str, str]]:
    """Selectors and bodies of all rules, without the frames of movements."""
    plain = re.sub(r"/\*.*?\*/|@keyframes[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", styles, flags=re.S)
    return [(" ".join(at.split()), body) for at, body in re.findall(r"([^{}]+)\{([^{}]*)\}", plain)]


def own_colors(styles: str) -> list[tuple[str, str, list[str]]]:
    """Rules that name a text colour of their own: selector, colour, and all that may lie behind it."""
    found = []
    for selector, body in rules_of(styles):
        fields = dict(re.findall(r"(?:^|;)\s*([a-z-]+):\s*([^;]*)", body))
        if not (text := hexes(fields.get("color", ""))):
            continue
        found.append((selector, text[0], hexes(fields.get("background", ""))))
    return found


def hexes(value: str) -> list[str]:
    """The colours in a value as "#rrggbb"; one that is seen through as it is on black and on white."""
    found = []
    for short, full, clear in re.findall(r"#([0-9a-f]{3})\b|(#[0-9a-f]{6})\b|rgba\(([^)]*)\)", value):
        if clear:
            *color, alpha = map(float, clear.split(","))
            blends = [[round(part * alpha + behind * (1 - alpha)) for part in color] for behind in (0, 255)]
            found += ["#{:02x}{:02x}{:02x}".format(*blend) for blend in blends]
        else:
            found.append(full or "#" + "".join(digit * 2 for digit in short))
    return found


def faded(styles: str) -> set[str]:
    """Selectors of rules that are seen through, for good or while they pulse; not those that come or go."""
    return {
        selector
        for selector, body in rules_of(styles)
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
