"""One shot, a bit different, by a language model: the question of `engine.director.rewrite`, asked of the
model that directs the film (eq. 7). It proposes; the filmmaker accepts.
"""

from __future__ import annotations

import json
from typing import Any

from engine.agents.model import LanguageModel, Question
from engine.agents.prompts import prompt
from engine.director.forms import Terms, rewrite_form
from engine.director.grammar import SHORTEST, most_frames
from engine.director.rewrite import Proposal
from engine.director.telling import painter_limits, shot_line
from engine.profiles import Profile
from engine.story import CinematicAttributes, Shot, Storyboard
from engine.watched import IsCancelled

_AROUND = 8  # shots before and after that the model is told
_AGAIN = (
    "Film the same moment another way: another size and angle that cut well with both neighbours, and the "
    "line told a little differently."
)


def model_rewrite(
    model: LanguageModel,
    board: Storyboard,
    index: int,
    note: str,
    *,
    profile: Profile,
    seed: int = 0,
    cancelled: IsCancelled | None = None,
) -> Proposal:
    """Proposes another version of the shot at `index` (from 0): by a note in any words, or just another way.

    Raises ModelTrouble, also when the model changes nothing however often it is told, and Cancelled.
    """
    shot, terms, rate = board.shots[index], Terms.of(profile), board.rate
    wish = f"The filmmaker wishes: {note.strip()}" if note.strip() else _AGAIN
    order = prompt(
        "director_rewrite",
        number=index + 1,
        shots=len(board.shots),
        wish=wish,
        rate=rate,
        shot=_as_form(shot),
    )
    question: Question[Any] = Question(
        prompt("director", limits=painter_limits(profile, terms)),
        [_film(board, index), order],
        rewrite_form(
            shot, [member.name for member in board.cast], terms, rate.frames(SHORTEST), most_frames(rate)
        ),
        lambda answer: (
            ["Nothing differs from the shot as it is: do what is wished."]
            if _as_shot(shot, answer) == shot
            else []
        ),
        seed=seed,
    )
    answer = model.answer(question, cancelled)
    return Proposal(_as_shot(shot, answer), tuple(answer.reasons), ())


def _film(board: Storyboard, index: int) -> str:
    """The film around a shot: title, people, places and neighbours, in words."""
    first = max(0, index - _AROUND)
    near = board.shots[first : index + _AROUND + 1]
    parts = [
        f"The film: {board.title}. {board.logline}".strip(),
        "Cast:\n" + "\n".join(f"- {member.name}: {member.look}" for member in board.cast),
        "Places:\n" + "\n".join(f"- {place.name}: {place.look}" for place in board.places),
        "Shots:\n" + "\n".join(shot_line(number, shot) for number, shot in enumerate(near, first + 1)),
    ]
    return "\n\n".join(parts)


def _as_form(shot: Shot) -> str:
    """The shot in the fields that are asked for, as JSON."""
    fields = shot.attributes.model_dump(mode="json", exclude={"notes"})  # those are the filmmaker's own
    frames = fields.pop("length")
    return json.dumps(
        {"description": shot.description, **fields, "frames": frames}, ensure_ascii=False, indent=1
    )


def _as_shot(shot: Shot, answer: Any) -> Shot:
    """The shot with the fields of an answer."""
    fields = answer.model_dump(exclude={"description", "frames", "reasons"})
    fields |= {"length": answer.frames, "cast": list(dict.fromkeys(answer.cast))}
    attributes = CinematicAttributes.model_validate({**shot.attributes.model_dump(), **fields})
    return shot.model_copy(update={"description": answer.description, "attributes": attributes})
