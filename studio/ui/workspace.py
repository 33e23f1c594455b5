"""All panels as one component: putting up twelve of them costs Gradio a third of a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.ui.panel import Box

MOUNT = """
/** Builds a panel. One that fails must not take the others along. */
function mount(id, build, data) {
  try { build(element.querySelector(`#${id}`), data); } catch (error) { reportError(error); }
}
"""


class Workspace(gr.HTML):
    """What lies above the timeline: boxes of panels."""

    def __init__(self, boxes: Sequence[Box], *, elem_id: str = "workspace", **kwargs: Any) -> None:
        panels = [panel for box in boxes for panel in box.panels()]
        super().__init__(
            None,
            html_template="".join(box.html for box in boxes),
            js_on_load="\n".join((MOUNT, *(panel.code for panel in panels))),
            apply_default_css=False,
            elem_id=elem_id,
            **kwargs,
        )
