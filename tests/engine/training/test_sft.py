"""Stage sft: it learns from what sampling gives, and goes on from a checkpoint."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.profiles import get_profile
from engine.step2.pipeline import Step2Pipeline
from engine.training.commands import Stage, train_mini
from engine.training.export import Parts, build
from engine.training.latents import encode_shard
from engine.training.paraphrase import paraphrase
from engine.training.readings import Readings, Telling, read_shard
from engine.training.restore import restore
from engine.training.run import load_weights
from engine.training.sft import Shots
from engine.world.render import render
from engine.world.story import new_shots, new_story

pytestmark = pytest.mark.slow
FILMS = 3


@pytest.fixture(scope="module")
def shipped() -> Path:
    return Path(get_profile("mini").checkpoint)


@pytest.fixture(scope="module")
def pipe(shipped: Path) -> Step2Pipeline:
    return Step2Pipeline.from_pretrained(shipped, dtype=torch.float32)


@pytest.fixture(scope="module")
def shots(pipe: Step2Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Shots:
    folder = tmp_path_factory.mktemp("shots")
    encode_shard(pipe.vae, folder, 0, FILMS)
    read_shard(pipe, folder, 0, FILMS)
    return Shots(folder)


def test_readings_are_what_the_pipeline_reads(pipe: Step2Pipeline, shots: Shots, tmp_path: Path) -> None:
    """The cached context of a shot is the pipeline's own for the same words and previous end frame."""
    seed, i = 1, 2
    story, r = new_story(seed), random.Random(seed * 31 + 5)
    film = new_shots(story)
    prompts = []
    for k, shot in enumerate(film):
        prompts.append(paraphrase(story, shot, set(), r)[0])
        paraphrase(story, shot, {p for earlier in film[:k] for p in earlier.who}, r)
    path = tmp_path / "end.png"
    Image.fromarray(render(story, film[i - 1], 1.0)).save(path)
    from engine.step2.conditions import StoredFrame

    told, blank = pipe.contexts([prompts[i], ""], StoredFrame("0" * 64, path))
    cached = shots.readings.context[seed][i].float()
    assert torch.allclose(cached[Telling.TOLD], told[0], atol=0.05)
    assert torch.allclose(cached[Telling.BLANK], blank[0], atol=0.05)
    assert not torch.allclose(cached[Telling.TOLD], cached[Telling.UNSEEN], atol=0.05)


def test_memory_is_ordered_by_similarity_and_only_earlier_frames_are_in_it(shots: Shots) -> None:
    for i in range(6):
        order = shots.order(0, i)
        assert sorted(order) == list(range(2 * i))
        found = [float(shots.readings.similarity[0][i, j]) for j in order]
        assert found == sorted(found, reverse=True)


def test_examples_drop_words_and_memory_now_and_then(shots: Shots) -> None:
    r = random.Random(0)
    drawn = [shots.draw(r) for _ in range(200)]
    empty = sum(bool(e.memory.abs().max() == 0) for e in drawn)
    assert 20 < empty < 80  # first shots (a tenth) and dropped packs
    blanks = {
        tuple(shots.readings.context[seed][i, Telling.BLANK].float()[0].tolist())
        for seed in range(FILMS)
        for i in range(6)
    }
    assert 5 < sum(tuple(e.context[0].tolist()) in blanks for e in drawn) < 50


def test_restored_parts_make_the_same_checkpoint(shipped: Path, pipe: Step2Pipeline, tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    restore(shipped, parts)
    again, record = build(parts)
    assert record["transformer"].samples == pipe.card.samples_seen
    for name in ("vae", "transformer", "text_encoder", "ranker"):
        theirs = getattr(pipe, name).state_dict()
        for key, value in getattr(again, name).state_dict().items():
            assert torch.equal(value, theirs[key]), f"{name}.{key}"


def test_sft_goes_on_from_a_checkpoint(shipped: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train_mini(Stage.SFT, run, tmp_path / "out", minutes=0.03, films=2, start=shipped)
    before = Step2Pipeline.from_pretrained(shipped).card.samples_seen
    assert load_weights(Parts(run).sft, {}).samples > before
    assert set(Readings(run / "latents").context) == {0, 1}
    assert np.isfinite(load_weights(Parts(run).sft, {}).cpu_hours)
