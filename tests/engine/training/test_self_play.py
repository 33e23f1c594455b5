"""Stage selfplay: what a model draws, told from the truth."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.step2.conditions import MemoryFrame, PairConditions, StoredFrame
from engine.step2.pipeline import Step2Pipeline
from engine.training.data_parallel import Team
from engine.training.dpo import PolicyAndReference
from engine.training.export import Parts
from engine.training.restore import restore
from engine.training.self_play import OwnDrawings, draw_films, draw_pairs, merged, report, told_of
from engine.training.sft import MiniModels, load_mini_models
from engine.training.shots import Shots
from engine.world.render import render
from engine.world.story import new_shots, new_story
from tests.engine.training.aligning import align, conditions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weights(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = Parts(tmp_path_factory.mktemp("parts"))
    restore(shipped, parts)
    return parts.sft


@pytest.fixture(scope="module")
def model(pipe: Step2Pipeline, weights: Path) -> MiniModels:
    return load_mini_models(pipe.tokenizer, weights)[0].eval()


@pytest.fixture(scope="module")
def own(pipe: Step2Pipeline, model: MiniModels, shots: Shots) -> OwnDrawings:
    card = pipe.card.model_copy(update={"steps": 2})
    return draw_films(model, shots, shots.seeds, pipe.scheduler, card, Team())


def test_what_is_drawn_is_what_the_pipeline_draws(
    pipe: Step2Pipeline, model: MiniModels, shots: Shots, tmp_path: Path
) -> None:
    """The same words, history and noise; picture tokens are kept in half precision, so nearly."""
    seed = next(s for s in shots.seeds if told_of(shots, s).i > 0 and told_of(shots, s).has_memory)
    told = told_of(shots, seed)
    story = new_story(seed)
    frames = []
    for k in range(2 * told.i):
        path = tmp_path / f"{k}.png"
        Image.fromarray(render(story, new_shots(story)[k // 2], k % 2)).save(path)
        frames.append(StoredFrame(f"{seed}{k:063}", path))
    bank = tuple(MemoryFrame(str(k), frame) for k, frame in enumerate(frames))
    before = frames[-1] if told.has_previous_frame else None
    conditions = PairConditions(told.prompt, told.said.description, before, bank)
    theirs = pipe(conditions, [torch.Generator().manual_seed(5)], num_inference_steps=3).latents
    card = pipe.card.model_copy(update={"steps": 3})
    ours = draw_pairs(model, shots, [told], pipe.scheduler, card, seed=5)
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().mean() < 0.02
    other = draw_pairs(model, shots, [told], pipe.scheduler, card, seed=6)
    assert (other - theirs).abs().mean() > 0.1


def test_a_drawn_shot_is_the_same_when_more_films_are_there(shots: Shots) -> None:
    """What was drawn of it would stand beside another shot's truth."""
    fewer = copy.copy(shots)
    for seed in shots.seeds:
        fewer.seeds, fewer.recalling = [seed], [pair for pair in shots.recalling if pair[0] == seed]
        assert told_of(fewer, seed) == told_of(shots, seed)


def test_drawings_stay_beside_their_shots_and_are_made_once(
    pipe: Step2Pipeline, model: MiniModels, shots: Shots, own: OwnDrawings
) -> None:
    batch, losers = own.batch(shots.seeds)
    for told, x, loser in zip(batch.told, batch.x, losers, strict=True):
        assert told == told_of(shots, told.seed)
        assert torch.equal(x, shots.films.pair(told.seed, told.i))
        assert torch.equal(loser, own.drawn[told.seed].float())
        others = [shots.films.pair(s, told_of(shots, s).i) for s in shots.seeds if s != told.seed]
        assert all((loser - x).square().mean() < (loser - other).square().mean() for other in others)
    path = next(shots.films.folder.glob("drawn-*"))
    made = path.stat().st_mtime_ns
    card = pipe.card.model_copy(update={"steps": 2})
    draw_films(model, shots, shots.seeds, pipe.scheduler, card, Team())
    assert path.stat().st_mtime_ns == made
    plain = card.model_copy(update={"eta": 0.0})
    draw_films(model, shots, shots.seeds, pipe.scheduler, plain, Team())  # drawn in another way
    assert path.stat().st_mtime_ns > made
    made = path.stat().st_mtime_ns
    model.transformer.proj_out.bias.data += 1
    draw_films(model, shots, shots.seeds, pipe.scheduler, card, Team())  # other weights draw anew
    model.transformer.proj_out.bias.data -= 1
    assert path.stat().st_mtime_ns > made


def test_truth_is_preferred_to_what_was_drawn_and_that_is_in_the_weights(
    pipe: Step2Pipeline, weights: Path, own: OwnDrawings
) -> None:
    policy, reference = (load_mini_models(pipe.tokenizer, weights)[0] for _ in range(2))
    model = PolicyAndReference(policy, reference, rank=4)
    asked = conditions(model, own.shots, *own.batch(own.seeds))
    losses = align(model, asked, 300.0)
    assert losses[0] == pytest.approx(math.log(2), abs=1e-3)
    assert losses[-1] < losses[0]
    assert report(model, own, 300.0)["preferred"] > 0.5
    whole = merged(model.policy)
    assert whole.state_dict().keys() == reference.transformer.state_dict().keys()
    with torch.no_grad():
        alone = PolicyAndReference(reference, reference, rank=4)
        alone.policy = whole
        again, _, _ = alone(*asked)
        last, held, _ = model(*asked)
    assert torch.allclose(again, last, atol=1e-4)
    assert not torch.allclose(again, held, atol=1e-3)
