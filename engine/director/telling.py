"""What a language model is told of a film and of the painter that will draw it."""

from __future__ import annotations

from engine.agents.prompts import prompt
from engine.director.forms import Terms
from engine.profiles import Profile
from engine.story import Shot


def shot_line(number: int, shot: Shot) -> str:
    """A shot in one line."""
    c = shot.attributes
    who = ", ".join(c.cast) or "nobody"
    return (
        f"{number}. [{c.scale.value}, {c.angle.value}, {c.movement.value}; {c.place}, {c.time.value}; {who}] "
        f"{shot.description}"
    )


def painter_limits(profile: Profile, terms: Terms) -> str:
    """What the profile can draw, as the model is told it."""
    known = profile.vocabulary
    if known is None:
        return ""
    kinds = [kind for kind in known.kinds if kind not in ("scale", "angle", "movement", "slot")]
    words = "\n".join(f"- {kind}: {', '.join(known.canonicals(kind))}" for kind in kinds)
    most = terms.most_people
    people = f"At most {most} people are in a shot." if most is not None else ""
    return prompt("director_world", painter=profile.title, words=words, people=people)
