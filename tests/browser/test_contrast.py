"""Text meets WCAG AA (4.5:1) on every surface it is used on, in the dark and in the light theme."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import ROOT

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
