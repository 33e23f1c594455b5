"""Stage facts: what no slot holds, told to the transformer as vectors."""

from __future__ import annotations

import copy
import random

import pytest
import torch

from engine.step2.pipeline import Step2Pipeline
from engine.training.counterfactuals import (
    FACTS,
    Counterfactuals,
    encode_counterfactuals,
    known_facts,
)
from engine.training.fact_training import (
    TOLD_WEIGHT,
    FactDrawing,
    draw_whole,
    fact_batch,
    held_out_obedience,
)
from engine.training.facts import LAYOUT, NOT_SHOWN, NOTHING, SLOTLESS, FactTable, slotless_facts
from engine.training.latents import encoder_of
from engine.training.objectives import counterfactual_loss
from engine.training.shots import Shots
from engine.training.sight import PLACE
from engine.training.slots import SlotEncoder
from engine.training.transformer import draw_high_sigma
from engine.world.annotate import LENGTH, SLOT_NAMES
from engine.world.story import new_shots, new_story

pytestmark = pytest.mark.slow


def test_facts_are_those_of_the_film_and_only_what_is_known() -> None:
    for seed in range(30):
        story = new_story(seed)
        for shot in new_shots(story):
            facts = dict(zip(SLOTLESS, slotless_facts(story, shot), strict=True))
            at = story.locations[shot.location]
            assert [PLACE[fact][facts[fact]] for fact in LAYOUT] == [at.palette, at.side, at.variant]
            skins = [story.people[index].skin for index in shot.who]
            assert [facts["skin"], facts["skin 2"]][: len(skins)] == skins
            assert all(0 <= value < SLOTLESS[fact] for fact, value in facts.items() if value != NOT_SHOWN)
            assert slotless_facts(story, shot, (), ()) == NOTHING
            assert slotless_facts(story, shot, shot.who, ())[2:] == [NOT_SHOWN] * 3
            assert slotless_facts(story, shot, (), (shot.location,))[:2] == [NOT_SHOWN] * 2


@torch.no_grad()
def test_a_fact_changes_the_token_of_its_slot_and_no_other() -> None:
    torch.manual_seed(0)
    table, context = FactTable(), torch.randn(1, LENGTH, 128)
    assert torch.equal(table(context, torch.tensor([NOTHING])), context)
    for k, (fact, slot) in enumerate(
        zip(SLOTLESS, ("coat", "coat 2", "setting", "time", "weather"), strict=True)
    ):
        told = []
        for value in range(SLOTLESS[fact]):
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
            true = slotless_facts(story, filmed[told.i])
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
    fewer = draw_high_sigma(4000, share=0.3)
    assert 0.25 < float((fewer > 0.9).float().mean()) < 0.5


def test_the_transformer_and_the_vectors_learn_and_the_teacher_does_not(shots: Shots) -> None:
    torch.manual_seed(0)
    model = FactDrawing(SlotEncoder())
    read = copy.deepcopy(model.teacher.slots.state_dict())
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
    for key, value in model.teacher.slots.state_dict().items():
        assert torch.equal(value, read[key])


def test_obedience_is_the_loss_told_whole_by_that_in_the_words_of_films(
    shots: Shots, pipe: Step2Pipeline
) -> None:
    torch.manual_seed(0)
    model = FactDrawing(SlotEncoder())
    model.transformer.load_state_dict(pipe.transformer.state_dict())
    found = held_out_obedience(model, shots, 12)
    assert found == held_out_obedience(model, shots, 12), "the same whenever it is measured"
    assert found["told"] != found["told in words"]
    for weights in model.transformer.txt_in.parameters():
        torch.nn.init.zeros_(weights)
    deaf = held_out_obedience(model, shots, 12)
    assert deaf == pytest.approx({"told": 1, "told in words": 1}), "what is not heard makes no difference"


@pytest.fixture(scope="module")
def others(shots: Shots, pipe: Step2Pipeline) -> Counterfactuals:
    encode_counterfactuals(pipe.vae, shots.films.folder, 0, 3)
    return Counterfactuals(shots.films.folder, encoder_of(pipe.vae))


def test_counterfactual_frames_are_the_shots_own_but_for_one_fact(
    shots: Shots, others: Counterfactuals
) -> None:
    assert len(others) == 3
    found = [(seed, i, other) for seed in range(3) for i in range(6) for other in others.of(seed, i)]
    assert len(found) > 18
    assert {other.moment for _, _, other in found} == {0, 1}
    for seed, i, other in found:
        true = shots.films.pair(seed, i)[other.moment]
        apart = (other.latents - true).square().mean()
        assert 0 < float(apart) < 2
        people = len(shots.films.film(seed)[1][i].who)
        assert other.fact in FACTS
        assert other.fact in LAYOUT or people > other.fact.endswith(" 2")
        if other.fact in ("hair", "skin"):
            assert float(apart) < 0.5, "a face is a small part of a frame"


def test_the_error_towards_a_counterfactual_is_one_where_it_is_drawn(
    shots: Shots, others: Counterfactuals
) -> None:
    told = [shots.tell(seed, i, random.Random(0), leave_out=False) for seed in range(3) for i in range(6)]
    batch = shots.collate(told)
    sigma = torch.linspace(0.3, 1.0, len(told))
    error = torch.zeros_like(batch.x)
    drawn = 0
    for row, t in enumerate(batch.told):
        for other in list(others.of(t.seed, t.i))[:1]:  # the model's x̂ is its counterfactual
            apart = other.latents - batch.x[row, other.moment]
            error[row, other.moment] = -apart / sigma[row]
            drawn += 1
    everything = [set(FACTS)] * len(told)
    off, apart = others.error(batch, everything, error, sigma)
    assert off.shape == apart.shape
    assert len(off) > drawn > 12
    whole = counterfactual_loss(off, apart, least=1e-6)
    assert drawn / len(off) * 0.99 <= float(whole) < 1.2
    off, apart = others.error(batch, [set()] * len(told), error, sigma)
    assert len(off) == len(apart) == 0
    assert float(counterfactual_loss(off, apart)) == 0


def test_only_what_is_told_or_shown_is_known(shots: Shots) -> None:
    r = random.Random(4)
    for _ in range(60):
        told = shots.draw(r)
        pack = shots.collate([told]).packs[0]
        story, filmed = shots.films.film(told.seed)
        shot = filmed[told.i]
        known = known_facts(shots, told, pack, NOTHING)
        if not told.prompt:
            assert known == set()
            continue
        seen = {index for seed, k in pack for index in filmed[k // 2].who}
        seen |= set(filmed[told.i - 1].who) if told.previous else set()
        for j, index in enumerate(shot.who):
            name = "coat 2" if j else "coat"
            assert (name in known) >= (index in seen)
            assert not (index not in seen and index in told.look_dropout and name in known)
            skin = "skin 2" if j else "skin"
            assert (skin in known) == (index in seen or skin in told.said.slotless)
        place = {filmed[k // 2].location for _, k in pack} | (
            {filmed[told.i - 1].location} if told.previous else set()
        )
        for fact in LAYOUT:
            assert (fact in known) == (shot.location in place or fact in told.said.slotless)
        assert known_facts(shots, told, pack, slotless_facts(story, shot)) >= set(LAYOUT)
