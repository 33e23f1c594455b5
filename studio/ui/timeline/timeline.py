"""The timeline component: a static template, a script that patches cards in place, a small `patch` prop.

Measured with 200 cards: a patch for one card takes 20 ms, a gr.render of the list seconds and 1.3 MB. The
component also carries all other news of the project: a patch goes to the page's store, and every panel
repaints what it shows from there. Keys of a patch (all optional; `n` makes each differ from the last):

    open      ProjectView: everything, on load and on change of project
    changes   Patch since revision `since` of `project`
    trash     deleted shots
    details   takes and recorded memory of one shot
    projects  the owner's projects
    director  stages of a running direction
    select    id of the shot to select
    notice    one sentence for the user
    told      answers to questions of single panels, by name
    ack       number of the edit that this patch answers
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _script() -> str:
    """The parts of the script in the order in which they use each other."""
    parts = ("cards.js", "zoom.js", "select.js", "pointer.js", "bar.js", "timeline.js")
    return "\n".join(map(_read, parts))


class Timeline(gr.HTML):
    """Events: `ready`, `pick`, `write`, `reorder`, `insert`, `duplicate`, `split`, `remove`, `restore`."""

    # A class attribute, or gr.HTML.__getattr__ takes the quoted 'patch' of the script for an event.
    patch = None

    def __init__(
        self, *, patch: dict[str, Any] | None = None, elem_id: str = "timeline", **kwargs: Any
    ) -> None:
        super().__init__(
            None,
            html_template=_read("timeline.html"),
            css_template=_read("timeline.css"),
            js_on_load=_script(),
            apply_default_css=False,
            patch=patch,
            elem_id=elem_id,
            **kwargs,
        )
