"""The HTTP API: the page's own service layer, for scripts (`gradio_client`, or plain HTTP).

Every function takes the owner's `token` first: 32 letters and digits that are yours alone, as the page keeps
them in your browser. Who has the token owns the films; anything else is answered as if it did not exist.
Answers are plain JSON; a refusal is one sentence that says what to do.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import gradio as gr
from pydantic import BaseModel, ValidationError, validate_call

from engine.errors import StageError
from engine.story import FrameSide
from studio.service.fields import sentence_of
from studio.service.studio import Studio
from studio.ui.desk import BROKEN, log, owner_of
from studio.ui.unicode import well_formed

Json = dict[str, Any]
_ABOUT = """## What scripts can call

`Client("this page's address")` of `gradio_client`, then `client.predict(token, …, api_name="/draw")`.
Every call takes your key first (the page shows it under Settings, Scripts): whoever has it owns your films.
`assets/examples/api_client.py` makes a film with it."""
F = TypeVar("F", bound=Callable[..., Any])


def publish(studio: Studio) -> None:
    """Puts the API of a studio, and a list of its functions to read, onto the page that is being built."""
    functions = Api(studio).functions()
    gr.Markdown("\n\n".join((_ABOUT, *map(described, functions))), elem_id="functions")
    for function in functions:
        gr.api(in_sentences(function), api_name=function.__name__, queue=False)


def described(function: Callable[..., Any]) -> str:
    """A function for people: how it is called, and what its docstring says. Markdown."""
    arguments = ", ".join(
        f"{name}: {told.annotation}" + ("" if told.default is told.empty else f" = {told.default!r}")
        for name, told in inspect.signature(function).parameters.items()
    )
    return f"### {function.__name__}\n\n`{function.__name__}({arguments})`\n\n{inspect.getdoc(function)}"


class Api:
    """One function an action. Lengths are frames at the film's rate, colours of words as in the page."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def functions(self) -> list[Callable[..., Any]]:
        """All that is published, in the order of a film's making."""
        return [
            *(self.create_project, self.list_projects, self.direct, self.list_shots, self.edit_shot),
            *(self.insert_shot, self.reorder, self.draw, self.takes, self.pick, self.pin, self.jobs),
            *(self.cancel, self.render, self.export, self.film, self.undo),
        ]

    def create_project(self, token: str, title: str = "", profile: str = "mini") -> Json:
        """Makes a new, empty film. `profile` names what draws: see README. Returns the film; its `id` is what
        other calls take as `project`.
        """
        return plain(self._studio.create_project(owner_of(token), title, profile=profile).head)

    def list_projects(self, token: str) -> list[Json]:
        """Your films that are neither archived nor deleted, the last changed first."""
        return [plain(card) for card in self._studio.projects(owner_of(token))]

    def direct(self, token: str, project: str, theme: str, shots: int = 5, seed: int = 0) -> list[Json]:
        """The director makes a shot list of a theme or a Fountain screenplay, as a new version of the film's
        shot list. The same seed gives the same list. Returns its shots.
        """
        owner = owner_of(token)
        for _ in self._studio.direct(owner, project, theme, shots=shots, seed=seed):
            pass
        return self.list_shots(token, project)

    def list_shots(self, token: str, project: str) -> list[Json]:
        """The shots in film order, with words, camera, status, staleness, and addresses of their pictures."""
        return [plain(shot) for shot in self._studio.project(owner_of(token), project).shots]

    def edit_shot(self, token: str, shot: str, fields: dict[str, Any]) -> Json:
        """Changes fields of a shot: `description`, `title`, `scene`, `slate`, `locked`, or any of its
        `attributes` (`scale`, `angle`, `movement`, `length`, `cast`, `dialogue`, …). An edit that can be
        undone. Returns the shot as it was read back.
        """
        return plain(self._studio.edit_shot(owner_of(token), shot, **fields))

    def insert_shot(self, token: str, project: str, after: str = "") -> Json:
        """A new draft after a shot; after none: at the beginning."""
        return plain(self._studio.insert_shot(owner_of(token), project, after or None))

    def reorder(self, token: str, project: str, order: list[str]) -> list[str]:
        """Puts the shots with these ids in this order. Returns all ids in the new order."""
        return list(self._studio.reorder(owner_of(token), project, order))

    def draw(
        self,
        token: str,
        shots: list[str],
        takes: int = 1,
        seed: int = -1,
        steps: int = 0,
        guidance: float = -1.0,
        memory_guidance: float = -1.0,
        keep: Literal["", "start", "end"] = "",
    ) -> list[Json]:
        """Queues drawing the start-end pairs of shots. `takes` 1 to 8 at once; a negative `seed` draws a
        random one, `steps` 0 and negative guidances are the profile's; `keep` keeps that frame of the
        picked take. Returns the jobs.
        """
        jobs = self._studio.draw(
            owner_of(token),
            shots,
            takes=takes,
            seed=None if seed < 0 else seed,
            steps=steps or None,
            guidance=None if guidance < 0 else guidance,
            memory_guidance=None if memory_guidance < 0 else memory_guidance,
            keep=FrameSide(keep) if keep else None,
        )
        return [plain(job) for job in jobs]

    def takes(self, token: str, shot: str) -> list[Json]:
        """All takes of a shot, the newest first, with how each was drawn."""
        return [plain(take) for take in self._studio.takes(owner_of(token), shot)]

    def pick(self, token: str, take: str) -> Json:
        """Makes a take the one that the film uses. Returns its shot."""
        return plain(self._studio.pick(owner_of(token), take))

    def pin(
        self, token: str, project: str, shot: str, side: Literal["start", "end"], pinned: bool = True
    ) -> list[Json]:
        """Pins a frame into the memory of the other shots, or takes the pin away. Returns all marks."""
        act = self._studio.pin if pinned else self._studio.unpin
        act(owner_of(token), project, shot, FrameSide(side))
        return [plain(mark) for mark in self._studio.project(owner_of(token), project).head.marks]

    def jobs(self, token: str, project: str) -> list[Json]:
        """Work on a film: what runs and waits, in order, then what ended last. `state` is queued, running,
        paused, done, failed or cancelled; `eta_seconds` leaves waiting out.
        """
        return [plain(job) for job in self._studio.jobs(owner_of(token), project)]

    def cancel(self, token: str, job: str) -> Json:
        """Cancels a job: at once while it waits, within a step while it runs."""
        return plain(self._studio.cancel(owner_of(token), job))

    def render(self, token: str, shots: list[str]) -> list[Json]:
        """Queues rendering the clips of drawn shots. Returns the jobs."""
        return [plain(job) for job in self._studio.render(owner_of(token), shots)]

    def export(self, token: str, project: str) -> Json:
        """Queues the film: renders clips that are missing or stale, then joins all. Returns the job."""
        return plain(self._studio.export(owner_of(token), project))

    def film(self, token: str, project: str) -> Json:
        """The newest exported film: `url` is the MP4, `bundle_url` a zip with everything; both are addresses
        on this server. Empty before the first export.
        """
        found = self._studio.film(owner_of(token), project)
        return plain(found) if found else {}

    def undo(self, token: str, project: str) -> Json:
        """Undoes the last edit of a film."""
        return plain(self._studio.undo(owner_of(token), project))


def plain(view: BaseModel) -> Json:
    """A view as JSON values."""
    found: Json = view.model_dump(mode="json")
    return found


def in_sentences(function: F) -> F:
    """The function with its refusals as sentences for the caller, and nothing else of what went wrong.

    Arguments are held against the types of its signature before it is called.
    """

    @validate_call
    @functools.wraps(function)
    def checked(**arguments: Any) -> Any:
        try:
            return function(**arguments)
        except StageError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.error("a call of the API failed", exc_info=error)
            raise gr.Error(BROKEN, print_exception=False) from error

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        # By name, so that a refusal can name the argument.
        given = inspect.signature(function).bind_partial(*arguments, **named).arguments
        try:
            return checked(**well_formed(given))
        except ValidationError as error:
            raise gr.Error(_refusal(error), print_exception=False) from error

    return call  # type: ignore[return-value]


def _refusal(error: ValidationError) -> str:
    """The first argument that cannot be, and its value; never that of a token, which is a secret."""
    first = error.errors()[0]
    if first["type"] == "missing_argument":
        return f"A {first['loc'][0]} is missing: give one."
    if first["loc"][0] == "token":
        return "A token is a text of 32 letters and digits: give the one that owns the films."
    return sentence_of(error)
