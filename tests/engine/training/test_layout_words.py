"""What training says of layouts and skins is true, is what it says that it says, and can be left out."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

from engine.profiles import world_vocabulary
from engine.training.paraphrase import Paraphrase, paraphrase
from engine.world.layout import VALUES, layout_word, skin
from engine.world.splits import FILMS_HELD_OUT
from engine.world.story import Story, WorldShot, new_shots, new_story

VOCABULARY = world_vocabulary()


def told(count: int, seen: bool = False) -> list[tuple[Story, WorldShot, Paraphrase]]:
    """Shots of as many films in words, to somebody who has `seen` everybody and every place, or nothing."""
    r, found = random.Random(5), []
    for seed in FILMS_HELD_OUT[:count]:
        story = new_story(seed)
        shot = r.choice(new_shots(story))
        found.append((story, shot, paraphrase(story, shot, shot.who if seen else (), r, place_seen=seen)))
    return found


def named(text: str, kind: str) -> list[str]:
    return [match.canonical for match in VOCABULARY.find(text, kind)]


def test_a_place_card_tells_the_layout_that_is_there_and_says_which_facts() -> None:
    for story, shot, said in told(400):
        at = story.locations[shot.location]
        for fact in VALUES:
            found = named(said.place_look, f"{at.setting} {fact}")
            assert found == ([layout_word(at, fact)] if fact in said.slotless else []), said.prompt
        assert said.place_look.casefold() in said.prompt.casefold()


def test_a_cast_card_tells_the_skin_that_is_there() -> None:
    for story, shot, said in told(400):
        for name, index, card in zip(("skin", "skin 2"), shot.who, said.cast, strict=False):
            true = [skin(story.people[index])] if name in said.slotless else []
            assert named(card.look, "skin") == true, card.look


def test_parasols_are_told_where_they_stand() -> None:
    looks = [
        (story.locations[shot.location], said.place_look)
        for story, shot, said in told(1200)
        if story.locations[shot.location].setting == "beach"
    ]
    shown = [at.variant for at, look in looks if look.endswith(("umbrella", "parasol"))]
    assert len(shown) > 5
    assert set(shown) == {1}


def test_the_aided_prompt_tells_what_pictures_show_and_nothing_else() -> None:
    left_out = 0
    for story, shot, said in told(400, seen=True):
        at = story.locations[shot.location]
        whole, slots = said.aided(shot.who, [shot.location])
        for fact in VALUES if said.shot.attributes.place else ():
            found = named(whole, f"{at.setting} {fact}")
            assert set(found) == {layout_word(at, fact)}, whole
        skins = named(whole, "skin")
        assert sorted(skins) == sorted(skin(story.people[index]) for index in shot.who), whole
        for at_slot, index in zip((9, 13), shot.who, strict=False):
            person = story.people[index]
            assert slots[at_slot : at_slot + 3] == [person.coat, person.hair, person.hat]
        assert said.aided(())[0] == said.prompt, "nothing is shown: nothing is told besides"
        left_out += not said.slotless.issuperset(VALUES)
    assert left_out > 200


def test_what_was_seen_is_mostly_left_to_memory() -> None:
    first, later = (
        Counter(fact for _, _, said in told(400, seen) for fact in said.slotless) for seen in (False, True)
    )
    for fact in (*VALUES, "skin"):
        assert first[fact] > 200
        assert 10 < later[fact] < 100


def test_layout_words_come_in_any_order() -> None:
    orders = set()
    for story, shot, said in told(300):
        setting = story.locations[shot.location].setting
        spans = [
            (m.span[0], fact)
            for fact in VALUES
            for m in VOCABULARY.find(said.place_look, f"{setting} {fact}")
        ]
        orders.add(tuple(fact for _, fact in sorted(spans)))
        assert all(a[0] != b[0] for a, b in pairwise(sorted(spans)))
    assert len({order for order in orders if len(order) == len(VALUES)}) == 6
