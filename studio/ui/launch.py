"""Opens the door: the page on a port, with the drawing process beside it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import gradio as gr

from engine.errors import StageError
from studio.service.film import LARGEST_FILM
from studio.service.sound import LARGEST
from studio.service.studio import Studio
from studio.ui.media import media_route
from studio.ui.page import build
from studio.ui.port import no_port

LARGEST_UPLOAD = max(LARGEST, LARGEST_FILM)  # bytes: a sound, or a film.zip
ASSETS = Path(__file__).resolve().parents[2] / "assets" / "ui"
SCRIPTS = (
    "kit.js",
    "keys.js",
    "store.js",
    "door.js",
    "outbox.js",
    "player.js",
    "fields.js",
    "compare.js",
    "pictures.js",
)
OUTER_STYLES = ("tokens.css",)  # what holds outside of the body, too
STYLES = (
    "page.css",
    "controls.css",
    "panels.css",
    "viewer.css",
    "takes.css",
    "agents.css",
    "evidence.css",
    "narrow.css",  # the last word
)
_NO_PROXY = ("NO_PROXY", "no_proxy")
_OWN_HOSTS = ("localhost", "127.0.0.1", "::1")

__all__ = ["build", "serve"]


def serve(studio: Studio, page: gr.Blocks, port: int | None = None, open_browser: bool = False) -> None:
    """Serves a built page, with the drawing process beside it, until SIGINT or SIGTERM."""
    ask_directly()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    try:
        _, url, _ = page.queue(max_size=64).launch(
            **settings(studio), server_port=port, inbrowser=open_browser
        )
    except OSError as error:
        raise StageError(no_port(port)) from error
    try:
        studio.start_worker()
        print(f"STAGE Studio is open at {url}", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        pass  # asked to stop: the caller closes the studio, and running jobs go back to the queue
    finally:
        page.close(verbose=False)


def settings(studio: Studio) -> dict[str, Any]:
    """What the page is launched with."""
    return {
        "prevent_thread_lock": True,
        "quiet": True,
        "theme": gr.themes.Base(
            font=("ui-sans-serif", "system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace")
        ),
        "head": head(),
        "js": "() => window.stage.paintTheme()",
        "favicon_path": ASSETS / "favicon.svg",
        "footer_links": [],
        "run_history": False,
        "show_error": True,
        "ssr_mode": False,
        # Gradio would ask for its own first page once more, and where a machine at work needs over three
        # seconds, say that localhost cannot be reached; its answered start-up call has shown that it can
        "_frontend": False,
        "max_file_size": LARGEST_UPLOAD,
        "app_kwargs": {"routes": [media_route(studio)]},
    }


def head() -> str:
    """The page's styles and scripts. As Gradio's `css`, every rule would be read three times, and
    written once more by Gradio with its own class names before it. `body` makes ours outweigh Gradio's.
    """
    styles = f"{_joined(OUTER_STYLES)}\nbody {{\n{_joined(STYLES)}\n}}"
    return f"<style>{styles}</style><script>{_joined(SCRIPTS)}</script>"


def _joined(names: Sequence[str]) -> str:
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in names)


def ask_directly() -> None:
    """Keeps this machine's own addresses away from an HTTP proxy: Gradio asks the page that it has just
    opened whether it is there, and a proxy knows nothing of it.
    """
    given = [os.environ.get(name, "") for name in _NO_PROXY]
    hosts = [host.strip() for text in given for host in text.split(",") if host.strip()]
    if "*" in hosts:
        return
    own = os.environ.get("GRADIO_SERVER_NAME", "")
    for name in _NO_PROXY:  # programs read one or the other
        os.environ[name] = ",".join(dict.fromkeys((*hosts, *_OWN_HOSTS, *filter(None, (own,)))))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
