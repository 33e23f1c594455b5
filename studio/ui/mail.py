"""News on their way to the page: boxes that show nothing, and hand every letter to the page's store.

A letter is JSON text with these keys, all optional but `n`, which says what was sent first:

    open      ProjectView: everything, on load and on change of project
    changes   Patch since revision `since` of `project`
    trash     deleted shots
    details   takes and recorded memory of one shot
    projects  the owner's projects
    director  stages of a running direction
    select    id of the shot to select
    notice    one sentence for the user
    told      answers to questions of single panels, by name
    ack       number of the edit that this letter answers
    early     the owner's key was not read yet: ask again

Of two values that a component gets at one moment Gradio shows it only the second (seen in 6.31): so there are
several boxes, and the poll has one of its own. A letter is a component's value: for an update of a property
Gradio would make the component anew, template and script, at every event. Text, because an object would be
made deeply reactive and be compared field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from time import monotonic_ns
from typing import Any

import gradio as gr
from pydantic_core import to_json

BOXES = 10
NO_NEWS = ""


class Mailbox(gr.HTML):
    """One box. What it holds is never part of a template."""

    def __init__(self, number: int, **kwargs: Any) -> None:
        super().__init__(
            "",
            html_template="<i></i>",
            js_on_load='watch("value", () => window.stage.post(props.value));',
            apply_default_css=False,
            elem_classes="s-mailbox",
            elem_id=f"mailbox-{number}",
            **kwargs,
        )


class Mail:
    """All boxes of the page. What is asked for once, and not asked again, has one of its own: the poll, whole
    films, and the details of a shot; other listeners take turns.
    """

    def __init__(self) -> None:
        self.poll, self.films, self.details = (Mailbox(number) for number in range(3))
        self._turn = cycle([Mailbox(number) for number in range(3, BOXES)])

    def box(self) -> Mailbox:
        """The box for the answers of one more listener."""
        return next(self._turn)


def letter(news: Mapping[str, Any]) -> str:
    """News of JSON values as a letter; the same news twice are two letters."""
    return to_json({"n": monotonic_ns(), **news}, inf_nan_mode="null").decode()
