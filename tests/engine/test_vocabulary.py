"""Vocabularies: longest match, no overlaps, plurals, and honest lists of what cannot be drawn."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.profiles import world_vocabulary
from engine.vocabulary import Vocabulary

SMALL = Vocabulary.from_dict(
    {
        "person": {"man": ["lighthouse keeper", "fisherman"], "boy": ["child", "lost child"]},
        "setting": {"harbour": ["lighthouse", "harbor"], "city": ["market street"]},
        "weather": {"rain": ["storm", "stormy"]},
        "coat": {"red": ["crimson"]},
    }
)


def found(text: str) -> list[tuple[str, str]]:
    return [(m.kind, m.canonical) for m in SMALL.find(text)]


def test_the_longest_term_wins_and_spans_are_exact():
    text = "The Lighthouse-Keeper met a lost child."
    matches = SMALL.find(text)
    assert [text[slice(*m.span)] for m in matches] == ["Lighthouse-Keeper", "lost child"]
    assert found(text) == [("person", "man"), ("person", "boy")]


def test_plurals_possessives_and_word_boundaries():
    assert found("fishermen and children, the harbor's storms") == [
        ("person", "man"),
        ("person", "boy"),
        ("setting", "harbour"),
        ("weather", "rain"),
    ]
    assert found("brainstorming childhood") == []


def test_a_term_does_not_reach_over_a_comma():
    assert found("market, street") == []


def test_kinds_restrict_the_search():
    assert [m.canonical for m in SMALL.find("a lighthouse keeper", "setting")] == ["harbour"]


def test_unknown_names_things_and_spares_story_words_and_cast():
    text = "An old fisherman suddenly finds a dragon and two bicycles with Marta, in a red kite's shadow"
    assert SMALL.unknown(text, names=["Marta"]) == ["dragon", "bicycles", "kite", "shadow"]


@given(st.text())
def test_find_never_overlaps_and_unknown_never_contains_a_known_word(text):
    vocabulary = world_vocabulary()
    end = 0
    for match in vocabulary.find(text):
        assert end <= match.span[0] < match.span[1] <= len(text)
        end = match.span[1]
    assert all(not vocabulary.find(word) for word in vocabulary.unknown(text) if word in text)


@pytest.mark.parametrize(
    "data", [{"person": ["man"]}, {"person": {"man": "fisherman"}}, {"person": {"man": [3]}}]
)
def test_a_misshapen_vocabulary_is_refused_by_name(data):
    with pytest.raises(ValueError, match="person"):
        Vocabulary.from_dict(data)


def test_load_reads_what_a_checkpoint_declares(tmp_path):
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps({"hat": {"beanie": ["woolly hat"]}}), encoding="utf-8")
    assert Vocabulary.load(path).first("a woolly hat", "hat") == "beanie"
