"""Panels of the page, and the boxes that they lie in: what the workspace is made of (workspace.py).

A panel's DOM is built by its own script, beside its Python file. The template is static and holds no user
text, because Gradio runs `${…}` and `{{…}}` of templates as code. Everything the user wrote arrives as data
and is put into the page by `textContent` (assets/ui/kit.js).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Panel:
    """One panel. Its script sends events by `stage.sender(elem_id)`; `Desk.on` says who answers them.

    In the script `element` is the panel's own element, and `data` what Python knows when the page is built.
    `parts` are scripts that run before it and put what they build into `stage`: a large panel in files.
    """

    script: Path
    elem_id: str
    tag: str = "section"
    name: str = ""
    parts: Sequence[Path] = ()
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def html(self) -> str:
        label = f' aria-label="{self.name}"' if self.name else ""
        return f'<div id="{self.elem_id}"><{self.tag} class="s-panel-body"{label}></{self.tag}></div>'

    @property
    def code(self) -> str:
        """Its script, for a place where `mount(id, build, data)` is in scope (workspace.py)."""
        code = "\n".join(path.read_text(encoding="utf-8") for path in (*self.parts, self.script))
        return f'mount("{self.elem_id}", (element, data) => {{\n{code}\n}}, {json.dumps(self.data)});'

    def panels(self) -> Iterator[Panel]:
        yield self


class Box:
    """An element of the page's grid with panels, or with further boxes, in it."""

    def __init__(self, elem_id: str, *inside: Panel | Box) -> None:
        self.elem_id = elem_id
        self.inside = inside

    @property
    def html(self) -> str:
        return f'<div id="{self.elem_id}">{"".join(part.html for part in self.inside)}</div>'

    def panels(self) -> Iterator[Panel]:
        """All panels in it, in the order in which they are read."""
        for part in self.inside:
            yield from part.panels()
