"""A panel of the page: a `gr.HTML` component whose DOM is built by its own script, beside its Python file.

The template is static and holds no user text, because Gradio runs `${…}` and `{{…}}` of templates as code.
Everything the user wrote arrives as data and is put into the page by `textContent` (assets/ui/kit.js).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent


class Panel(gr.HTML):
    """One panel. Its script sends events by `stage.sender(elem_id)`; `Desk.on` says who answers them.

    `parts` are scripts that run before it and put what they build into `stage`: a large panel in files.
    """

    def __init__(
        self,
        script: Path,
        *,
        elem_id: str,
        tag: str = "section",
        name: str = "",
        parts: Sequence[Path] = (),
        **kwargs: Any,
    ) -> None:
        label = f' aria-label="{name}"' if name else ""
        super().__init__(
            None,
            html_template=f'<{tag} class="s-panel-body"{label}></{tag}>',
            js_on_load="\n".join(path.read_text(encoding="utf-8") for path in (*parts, script)),
            apply_default_css=False,
            elem_id=elem_id,
            **kwargs,
        )
