"""The words of the world: kind -> canonical word -> words that mean the same; shipped as vocabulary."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from engine.vocabulary import Unseen
from engine.world.story import ACTIONS, ACTIONS_AT, SCALES, SIDEWAYS

LEXICON_FILE = Path(__file__).with_name("lexicon.json")
Lexicon = dict[str, dict[str, list[str]]]


@cache
def lexicon() -> Lexicon:
    return dict(json.loads(LEXICON_FILE.read_text(encoding="utf-8")))


def words(kind: str, canonical: str) -> list[str]:
    """The canonical word and its synonyms."""
    return [canonical, *lexicon()[kind][canonical]]


def unseen() -> tuple[Unseen, ...]:
    """What the world never shows together: see `engine.world.story`."""
    found = []
    for action in ACTIONS:
        close = tuple(scale for scale, fitting in ACTIONS_AT.items() if action not in fitting)
        if close:
            nearest = max((scale for scale in SCALES if scale not in close), key=SCALES.index)
            found.append(Unseen(action, "scale", close, nearest))
        if action.startswith("walks"):
            found.append(Unseen(action, "movement", SIDEWAYS, "static"))
    return tuple(found)
