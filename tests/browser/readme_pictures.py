"""README's pictures of the page, from the screenshots that a test took: `make screenshots`.

    python -m tests.browser.readme_pictures FOLDER

FOLDER is what STAGE_SHOTS named while tests/browser/test_story.py ran.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

# a state of the page, and what README calls it
PICTURES = {
    "memory": "studio",
    "drawing": "drawing",
    "stale": "stale",
    "compare": "compare",
    "clip": "clip",
    "cut": "cut",
    "history": "history",
    "jobs": "jobs",
    "animatic": "animatic",
    "light": "light",
    "phone": "phone",
}
FIRST = "studio"  # the one picture that README shows as wide as it goes
WIDTH = 1080  # pixels of the others, which stand two in a row
TARGET = Path(__file__).resolve().parents[2] / "assets" / "readme"
QUALITY = 82


def main() -> None:
    """Writes assets/readme/*.webp."""
    folder = Path(sys.argv[1])
    for state, name in PICTURES.items():
        with Image.open(folder / f"{state}.png") as screenshot:
            picture = screenshot.convert("RGB")
            if name != FIRST:
                picture.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
            picture.save(TARGET / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
