"""Between the page and the service: who asks, what they sent, and how the answer gets back.

Every event of a panel carries where it happened (`project`, the revision the page has) beside its own data.
An action does one thing through the service; the desk then answers with what changed since that revision, so
that all panels are repainted from what the database holds, never from what the page hopes.

Events come by one server function of the timeline (`Desk.door`) instead of Gradio's event listeners: the page
gets the answer in its hand. With a listener an event, its 94 listeners and their output components made the
first page slower, and of two answers that came at one moment the page saw only the second (Gradio 6.31).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import StageError
from engine.profiles import get_profile
from studio.service.studio import Studio
from studio.ui.letter import NO_NEWS, letter
from studio.ui.slim import slim
from studio.ui.unicode import well_formed

log = logging.getLogger(__name__)

OWNER_BYTES = 16
_OWNER = "anon-"
UNREADABLE = "The page sent something that the studio cannot read; reload the page and try again."
BROKEN = "Something in the studio went wrong, and nothing was changed; the log in the terminal says more."


class UnreadableError(StageError):
    """An event that is not of the form its panel sends."""


class Event(BaseModel):
    """What every event says: the project on the page, the page's revision, and a number to answer to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    project: str | None = None
    since: int = -1
    ack: int = 0

    @property
    def project_id(self) -> str:
        """The project; raises StageError when none is open."""
        if not self.project:
            raise StageError("Open a project first.")
        return self.project


class ShotEvent(Event):
    """An event about one shot."""

    shot: str


class QuestionEvent(ShotEvent):
    """A question about one shot; its answer carries the key, so that the page knows what was answered."""

    key: str = ""


E = TypeVar("E", bound=Event)
News = dict[str, Any]
"""More keys of a letter, see studio.ui.letter."""


def owner_of(token: object) -> str:
    """The owner that a browser's token stands for: 128 random bits, kept in that browser.

    Raises StageError for anything else.
    """
    if not (isinstance(token, str) and len(token) == 2 * OWNER_BYTES and token.isalnum()):
        raise StageError("This browser has no key yet; reload the page.")
    return f"{_OWNER}{token}"


def token_of(owner: str) -> str:
    """The token that `owner_of` takes for this owner."""
    return owner.removeprefix(_OWNER)


def told(name: str, answer: BaseModel | Sequence[BaseModel] | dict[str, Any]) -> News:
    """An answer to a question of one panel, which listens to `name`."""
    match answer:
        case BaseModel():
            return {"told": {name: answer.model_dump(mode="json")}}
        case dict():
            return {"told": {name: answer}}
        case _:
            return {"told": {name: plain(answer)}}


def notice(text: str, kind: str = "info") -> News:
    return {"notice": {"text": text, "kind": kind}}


class Sent(BaseModel):
    """What comes through the door: which panel's event, whose browser, and the event itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: str
    key: str | None = None
    data: Any = None


class Sender(Protocol):
    """A panel, or the timeline: what has a name that events can be sent from."""

    @property
    def elem_id(self) -> str | None: ...


@dataclass(frozen=True)
class Desk:
    """Wires panels to the service. One for the page; holds no state of any user."""

    studio: Studio
    _answers: dict[str, Callable[[Any, Any], News]] = field(default_factory=dict)

    def on(self, panel: Sender, event: str, model: type[E], action: Callable[[str, E], News | None]) -> None:
        """Runs `action(owner, event)` when the panel's script sends `event`; answers with what changed."""
        self._answers[f"{panel.elem_id}.{event}"] = lambda key, data: self.answer(key, data, model, action)

    @property
    def door(self) -> Callable[[Any], str]:
        """The server function of the page: an event as JSON in, a letter out, "" when there is no news."""

        def tell(sent: Any) -> str:
            try:
                read = Sent.model_validate(sent)
                answer = self._answers[read.event]
            except (ValidationError, KeyError):
                data = sent.get("data") if isinstance(sent, dict) else None
                return letter(unreadable(data))
            news = answer(read.key, read.data)
            return letter(news) if news else NO_NEWS

        return tell

    def answer(
        self, token: Any, payload: Any, model: type[E], action: Callable[[str, E], News | None]
    ) -> News:
        """What the action says, which edits it `made`, and what changed: also after trouble, so that the page
        never shows an edit that the database does not have.
        """
        try:
            owner, event = read(token, payload, model)
        except UnreadableError:
            return unreadable(payload)
        except StageError as error:
            return sorry(error)
        news: News = {"ack": event.ack} if event.ack else {}
        try:
            with self.studio.edits_made() as made:
                news.update(action(owner, event) or {})
            news |= {"made": made} if made else {}
        except Exception as error:
            news.update(sorry(error))
        try:
            news.update(self.changes(owner, event))
        except Exception as error:
            news.update(sorry(error))
        return news

    def changes(self, owner: str, event: Event) -> News:
        """What changed since the page's revision; the trash comes along whenever shots came or went."""
        if not event.project:
            return {}
        found = self.studio.changes(owner, event.project, event.since)
        if found.empty:
            return {}
        news: News = {
            "project": event.project,
            "since": event.since,
            "changes": slim(found),
        }
        if found.head is not None and "profile" in news["changes"]["head"]:  # another one knows other words
            news["vocabulary"] = camera_words(found.head.profile)
        if found.order is not None:
            news["trash"] = plain(self.studio.project(owner, event.project).trash)
        return news

    def projects(self, owner: str) -> News:
        """The owner's projects, for the menu: also archived ones and those in the trash."""
        return {"projects": plain(self.studio.all_projects(owner))}

    def opened(self, owner: str, project_id: str) -> News:
        """A whole project, for a page that has nothing of it."""
        view = self.studio.project(owner, project_id)
        return {
            "open": view.model_dump(mode="json"),
            "vocabulary": camera_words(view.head.profile),
            **told("renderers", self.studio.renderers()),
            **self.projects(owner),
        }

    def details(self, owner: str, shot_id: str) -> News:
        """Takes of a shot, and the memory that its picked take was drawn with."""
        return {
            "details": {
                "shot": shot_id,
                "takes": plain(self.studio.takes(owner, shot_id)),
                "memory": self.studio.memory(owner, shot_id).model_dump(mode="json"),
                "estimate": self.studio.estimate(owner, [shot_id]).seconds,
            }
        }


def read(token: Any, payload: Any, model: type[E]) -> tuple[str, E]:
    """Who sent an event, and what. Raises StageError: anybody may send anything to an endpoint."""
    owner = owner_of(token)
    try:
        return owner, model.model_validate(well_formed(payload))
    except ValidationError as error:
        log.warning("unreadable %s: %s", model.__name__, error)
        raise UnreadableError(UNREADABLE) from error


def unreadable(payload: Any) -> News:
    """Answers by its number what cannot be read, so that the page does not send it again for ever."""
    ack = payload.get("ack", 0) if isinstance(payload, dict) else 0
    return {**sorry(UnreadableError(UNREADABLE)), "ack": ack}


def sorry(error: Exception) -> News:
    """One sentence for the user; what nobody foresaw goes to the log with its trace."""
    if isinstance(error, StageError):
        return notice(str(error), "error")
    log.error("an event of the page failed", exc_info=error)
    return notice(BROKEN, "error")


def plain(views: Sequence[BaseModel]) -> list[dict[str, Any]]:
    """Views as JSON values."""
    return [view.model_dump(mode="json") for view in views]


def camera_words(profile: str) -> dict[str, dict[str, str]]:
    """The terms that a profile can draw, by field, each with the one that it is drawn as ("extreme close-up"
    as "close-up"); empty for a profile that reads any words.
    """
    vocabulary = get_profile(profile).vocabulary
    if vocabulary is None:
        return {}
    return {
        kind: {
            word: canonical
            for canonical in vocabulary.canonicals(kind)
            for word in vocabulary.words(kind, canonical)
        }
        for kind in ("scale", "angle", "movement", "time")
    }
