"""Stage facts: what no word tells, told to the transformer as vectors."""

from __future__ import annotations

import copy
import random

import pytest
import torch

from engine.step2.pipeline import Step2Pipeline
from engine.training.fact_training import (
    TOLD_WEIGHT,
    FactDrawing,
    draw_whole,
    fact_batch,
    held_out_obedience,
)
from engine.training.facts import LAYOUT, NOT_SHOWN, NOTHING, UNSAID, FactTable, unsaid_facts
from engine.training.shots import Shots
from engine.training.sight import PLACE
from engine.training.slots import SlotEncoder
from engine.training.teachers import SlotTeacher, WordTeacher
from engine.training.transformer import draw_high_sigma
from engine.world.annotate import LENGTH, SLOT_NAMES
from engine.world.story import new_shots, new_story

pytestmark = pytest.mark.slow


def test_facts_are_those_of_the_film_and_only_what_is_known() -> None:
    for seed in range(30):
        story = new_story(seed)
        for shot in new_shots(story):
            facts = dict(zip(UNSAID, unsaid_facts(story, shot), strict=True))
            at = story.locations[shot.location]
            assert [PLACE[fact][facts[fact]] for fact in LAYOUT] == [at.palette, at.side, at.variant]
            skins = [story.people[index].skin for index in shot.who]
            assert [facts["skin"], facts["skin 2"]][: len(skins)] == skins
            assert all(0 <= value < UNSAID[fact] for fact, value in facts.items() if value != NOT_SHOWN)
            assert unsaid_facts(story, shot, (), ()) == NOTHING
            assert unsaid_facts(story, shot, shot.who, ())[2:] == [NOT_SHOWN] * 3
            assert unsaid_facts(story, shot, (), (shot.location,))[:2] == [NOT_SHOWN] * 2


@torch.no_grad()
def test_a_fact_changes_the_token_of_its_slot_and_no_other() -> None:
    torch.manual_seed(0)
    table, context = FactTable(), torch.randn(1, LENGTH, 128)
    assert torch.equal(table(context, torch.tensor([NOTHING])), context)
    for k, (fact, slot) in enumerate(
        zip(UNSAID, ("coat", "coat 2", "setting", "time", "weather"), strict=True)
    ):
        told = []
        for value in range(UNSAID[fact]):
            facts = list(NOTHING)
            facts[k] = value
            told.append(table(context, torch.tensor([facts])) - context)
            there = torch.nonzero(told[-1].abs().sum(-1)[0]).flatten().tolist()
            assert there == [SLOT_NAMES.index(slot)]
        assert not torch.allclose(told[0], told[1]), "each value has a vector of its own"


def test_a_batch_tells_whole_shots_and_keeps_films_as_they_are(shots: Shots) -> None:
    r, whole, people, known = random.Random(0), 0, 0, 0
    for _ in range(12):
        batch, facts = fact_batch(shots, r, 16)
        assert len(batch.told) == len(facts) == len(batch.x) == 16
        for row, (told, found) in enumerate(zip(batch.told, facts, strict=True)):
            assert told.previous is None
            if not told.prompt or row >= 12:
                assert found == NOTHING
                continue
            whole += 1
            story, filmed = shots.films.film(told.seed)
            true = unsaid_facts(story, filmed[told.i])
            assert all(value in (NOT_SHOWN, right) for value, right in zip(found, true, strict=True))
            known += found[3] != NOT_SHOWN
            assert not told.look_dropout, "words leave out no looks"
            people += bool((batch.weight[row] == TOLD_WEIGHT).any())
    assert 0.75 * whole < known < whole
    assert people > 0.8 * whole


def test_some_shots_are_told_without_a_memory(shots: Shots) -> None:
    r = random.Random(1)
    memories = [draw_whole(shots, r)[0].has_memory for _ in range(200)]
    assert 20 < sum(memories) < 100


def test_most_noise_is_nearly_all_there_is() -> None:
    torch.manual_seed(0)
    sigma = draw_high_sigma(4000)
    assert float(sigma.min()) > 0
    assert float(sigma.max()) <= 1
    assert 0.45 < float((sigma > 0.9).float().mean()) < 0.75
    assert float((sigma < 0.5).float().mean()) > 0.05, "some of each level"


def test_the_transformer_and_the_vectors_learn_and_the_teacher_does_not(shots: Shots) -> None:
    torch.manual_seed(0)
    model = FactDrawing(SlotTeacher(SlotEncoder()))
    read = copy.deepcopy(model.teacher.teacher.state_dict())
    batch, facts = fact_batch(shots, random.Random(2), 8)
    noise, sigma = torch.randn_like(batch.x), draw_high_sigma(8)
    learning = [p for p in model.parameters() if p.requires_grad]
    vectors = [p.clone() for p in model.teacher.facts.parameters()]
    solver, losses = torch.optim.AdamW(learning, lr=2e-3), []
    for _ in range(8):
        loss = model.error(batch, model.context(batch.told, facts), sigma, noise).square().mean()
        solver.zero_grad()
        loss.backward()
        solver.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    moved = [not torch.equal(a, b) for a, b in zip(vectors, model.teacher.facts.parameters(), strict=True)]
    assert any(moved)
    for key, value in model.teacher.teacher.state_dict().items():
        assert torch.equal(value, read[key])


def test_obedience_is_measured_against_the_words_of_films(shots: Shots, pipe: Step2Pipeline) -> None:
    model = FactDrawing(WordTeacher(copy.deepcopy(pipe.text_encoder), pipe.tokenizer))
    model.transformer.load_state_dict(pipe.transformer.state_dict())
    found = held_out_obedience(model, shots, 12)
    assert found == held_out_obedience(model, shots, 12), "the same whenever it is measured"
    assert found["told in words"] < 1, "the shipped checkpoint obeys words"
