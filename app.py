"""Opens the studio: `python app.py` on a laptop, or as a Hugging Face Space (CPU)."""

from __future__ import annotations

import sys

from engine.errors import StageError
from studio.service.studio import Studio
from studio.store.home import default_home
from studio.ui.launch import build, serve

if __name__ == "__main__":
    try:
        with Studio(default_home()) as studio:
            demo = build(studio)
            serve(studio, demo)
    except StageError as error:
        sys.exit(str(error))
