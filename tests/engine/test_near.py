"""What is offered instead of a word that cannot be drawn can itself be drawn, and is not just any word."""

from __future__ import annotations

import pytest

from engine.near import _table, nearest
from engine.profiles import get_profile
from engine.vocabulary import Vocabulary

SMALL = Vocabulary.from_dict(
    {"setting": {"forest": ["woods"], "city": ["town"], "room": ["house"]}, "movement": {"tilt up": []}}
)


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("bridge", "city"),
        ("Bridges", "city"),
        ("forrest", "forest"),
        ("crane up", "tilt up"),
        ("horse", None),  # not "house"
        ("dragon", None),
        ("cave", None),  # mountains are near, but this checkpoint does not know them
    ],
)
def test_a_near_word(word: str, instead: str | None) -> None:
    assert nearest(SMALL, word) == instead


def test_everything_offered_by_mini_can_be_drawn_by_it() -> None:
    vocabulary = get_profile("mini").vocabulary
    assert vocabulary is not None
    for word in _table():
        found = nearest(vocabulary, word)
        assert found is None or vocabulary.find(found), word
