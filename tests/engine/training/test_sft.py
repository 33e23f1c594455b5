"""Stages sft and dpo: they learn from what sampling gives, and go on from a checkpoint."""

from __future__ import annotations

import json
import math
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerFast

from engine.errors import BadInput
from engine.step2.card import read_card, write_card
from engine.step2.conditions import StoredFrame
from engine.step2.pipeline import Step2Pipeline
from engine.training import shots as shots_module
from engine.training.adapters import ADAPTER, PROGRESS
from engine.training.dpo import (
    LEAST_DIFFERENCE,
    DpoOptions,
    PolicyAndReference,
    Preferences,
    _report,
    adapter_progress,
    dpo,
)
from engine.training.export import Parts, build, export
from engine.training.latents import FIGURE_WEIGHT, encode_shard, encoder_of
from engine.training.mini_training import Stage, train_mini
from engine.training.paraphrase import Paraphrase, paraphrase
from engine.training.restore import restore
from engine.training.sft import load_mini_models, sft_fingerprint
from engine.training.shots import RETURN_WEIGHT, Shots, recalls
from engine.training.transformer import flow_error
from engine.training.understanding import MEMORY_PICTURES, TEXT_ONLY, WITH_IMAGE
from engine.training.views import view_shard
from engine.training.weights_file import Progress, load_weights, save_weights
from engine.world.render import render
from engine.world.story import new_shots, new_story
from tests.engine.training.aligning import align, conditions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weights(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = Parts(tmp_path_factory.mktemp("parts"))
    restore(shipped, parts)
    return parts.sft


def test_training_reads_what_the_pipeline_reads(
    pipe: Step2Pipeline, shots: Shots, weights: Path, tmp_path: Path
) -> None:
    """The context tokens of a shot in training are the pipeline's own for the same words, previous end and
    pack: picture tokens are kept in half precision, so not to the last bit.
    """
    model, _ = load_mini_models(pipe.tokenizer, weights)
    pipe, _ = build(Parts(weights.parent))  # as it would be exported: its card reads what training shows
    seed, i = 1, 2
    story = new_story(seed)
    frames = []
    for k in range(2 * i):
        path = tmp_path / f"{k}.png"
        Image.fromarray(render(story, new_shots(story)[k // 2], k % 2)).save(path)
        frames.append(StoredFrame(f"{k:064}", path))
    r = random.Random(0)
    told = [
        shots.tell(seed, i, r, has_previous_frame=before, has_memory=memory)
        for before in (False, True)
        for memory in (False, True)
    ]
    batch = shots.collate(told)
    assert [t.has_previous_frame for t in batch.told] == [False, False, True, True]
    assert [len(pack) for pack in batch.packs] == [0, 4, 0, 4]
    for row, (t, pack) in enumerate(zip(batch.told, batch.packs, strict=True)):
        before = frames[-1] if t.has_previous_frame else None
        theirs = pipe.contexts([t.prompt], before, [frames[k] for _, k in pack])[0][0]
        assert torch.allclose(model.context(batch, shots.views)[row], theirs, atol=5e-3)
        if pack:  # and that is near: the same pack in another order is not
            turned = pipe.contexts([t.prompt], before, [frames[k] for _, k in reversed(pack)])[0][0]
            assert not torch.allclose(turned, theirs, atol=2e-2)


def test_what_no_memory_shows_is_not_read_either(shots: Shots, weights: Path) -> None:
    model, _ = load_mini_models(shots_tokenizer(weights), weights)
    r = random.Random(0)
    batch = shots.collate([shots.tell(seed, 4, r) for seed in (0, 1)])
    forgetful = shots.collate([replace(t, has_memory=False) for t in batch.told])
    with torch.no_grad():
        own, none, another = (
            model.context(b, shots.views)
            for b in (batch, batch.without_memory(), batch.with_anothers_memory())
        )
        assert torch.equal(none, model.context(forgetful, shots.views))
    assert batch.without_memory().memory.abs().max() == 0
    assert torch.equal(batch.with_anothers_memory().memory[1], batch.memory[0])
    for other in (none, another):
        assert not torch.allclose(own, other, atol=1e-3)


def test_memory_is_ordered_by_similarity_and_only_earlier_frames_are_in_it(shots: Shots) -> None:
    text = shots.ranker.text_features(["A girl waits in the snow."])[0]
    for i in range(6):
        order = shots.order(0, i, text)
        assert sorted(order) == list(range(2 * i))
        found = [float(shots.views.features[0][j] @ text) for j in order]
        assert found == sorted(found, reverse=True)


def test_films_are_picked_up_once_in_whatever_order_they_come(pipe: Step2Pipeline, tmp_path: Path) -> None:
    """Another process looks at the later film first."""
    for seed in (0, 1):
        encode_shard(pipe.vae, tmp_path, seed, 1)
    eyes = pipe.text_encoder.model.visual
    view_shard(pipe.ranker, eyes, tmp_path, 1, 1)
    found = Shots(tmp_path, encoder_of(pipe.vae), pipe.ranker, eyes)
    assert found.seeds == [1]
    view_shard(pipe.ranker, eyes, tmp_path, 0, 1)
    found.refresh()
    whole = Shots(tmp_path, encoder_of(pipe.vae), pipe.ranker, eyes)
    assert sorted(found.seeds) == whole.seeds == [0, 1]
    assert sorted(found.recalling) == sorted(whole.recalling)


def test_words_memory_previous_frame_and_partner_are_dropped_now_and_then(shots: Shots) -> None:
    r = random.Random(0)
    told = [shots.draw(r) for _ in range(400)]
    later = [t for t in told if t.i > 0]
    assert 15 < sum(t.prompt == "" for t in told) < 80
    assert 15 < sum(not t.has_memory for t in later) < 90
    assert 120 < sum(not t.has_previous_frame for t in later) < 250
    assert 10 < sum(t.only_frame is not None for t in told) < 70
    assert all(not t.has_memory and not t.has_previous_frame for t in told if t.i == 0)


def test_a_first_shot_never_leaves_its_place_to_the_shot_before(shots: Shots, monkeypatch: Any) -> None:
    """shots[-1] is the last: read as the frame before, it took the place from one first prompt in three."""
    given: list[object] = []

    def record(*args: Any) -> Paraphrase:
        given.append(args[4])
        return paraphrase(*args)

    monkeypatch.setattr(shots_module, "paraphrase", record)
    r = random.Random(0)
    for _ in range(40):
        told = shots.tell(r.choice(shots.seeds), 0, r)
        assert not told.has_previous_frame
        assert not told.has_memory
    assert given == [None] * 40


def test_shots_that_must_remember_come_often() -> None:
    """They are those with somebody or some place that was there before, but not in the shot before."""
    for seed in range(60):
        shots = new_shots(new_story(seed))
        must = set(recalls(shots))
        for i in range(len(shots)):
            before = shots[i - 1] if i else None
            earlier = shots[: max(0, i - 1)]
            back = before is not None and shots[i].location != before.location
            person = {p for p in shots[i].who if before is not None and p not in before.who}
            asks = (back and any(s.location == shots[i].location for s in earlier)) or any(
                p in s.who for s in earlier for p in person
            )
            assert (i in must) == asks


def test_people_left_to_memory_count_most_in_the_loss(shots: Shots) -> None:
    """Only where the words leave their looks out and there is a memory to read them from."""
    r = random.Random(0)
    examples = (shots.tell(s, i, r) for s in shots.seeds for i in range(1, 6))
    untold = next(t for t in examples if t.look_dropout)
    told = shots.tell(untold.seed, untold.i, r, leave_out=False)
    forgotten = replace(untold, has_memory=False)
    heaviest = [float(shots.collate([t]).weight.max()) for t in (untold, told, forgotten)]
    assert heaviest == [RETURN_WEIGHT, FIGURE_WEIGHT, FIGURE_WEIGHT]


def test_looks_that_the_words_do_tell_count_no_more_than_others(shots: Shots) -> None:
    """Of looks that may be left out the words tell one in six all the same: memory is not asked for those."""
    r, told, left_out = random.Random(0), 0, 0
    for _ in range(200):
        t = shots.tell(r.choice(shots.seeds), r.randrange(1, 6), r)
        world = shots.films.film(t.seed)[1]
        met = {person for shot in world[: t.i] for person in shot.who} & set(world[t.i].who)
        assert t.look_dropout <= met
        told += len(met - t.look_dropout)
        left_out += len(t.look_dropout)
        heaviest = float(shots.collate([t]).weight.max())
        assert (heaviest == RETURN_WEIGHT) == bool(t.look_dropout)
    assert 0.08 < told / (told + left_out) < 0.25


def test_a_frame_that_is_drawn_alone_sees_nothing_of_its_partner(shots: Shots, weights: Path) -> None:
    model, _ = load_mini_models(shots_tokenizer(weights), weights)
    alone = shots.tell(0, 0, random.Random(0), only_frame=1)
    batch = shots.collate([alone])
    assert batch.pure_noise.tolist() == [[True, False]]
    assert batch.weight[0, 0].abs().max() == 0 < batch.weight[0, 1].min()
    context = model.context(batch, shots.views)
    noise, sigma = torch.randn(batch.x.shape, generator=torch.Generator().manual_seed(0)), torch.tensor([0.5])
    other = batch.x.clone()
    other[:, 0] += 1
    with torch.no_grad():
        errors = [
            flow_error(model.transformer, x, batch.memory, context, sigma, noise, batch.pure_noise)[:, 1]
            for x in (batch.x, other)
        ]
    assert torch.equal(*errors)


def shots_tokenizer(weights: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(weights.parent / "tokenizer")


def test_restored_parts_make_the_same_checkpoint(shipped: Path, pipe: Step2Pipeline, tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    restore(shipped, parts)
    again, record = build(parts)
    assert record["transformer"].samples == pipe.card.samples_seen
    for name in ("vae", "transformer", "text_encoder", "ranker"):
        theirs = getattr(pipe, name).state_dict()
        for key, value in getattr(again, name).state_dict().items():
            assert torch.equal(value, theirs[key]), f"{name}.{key}"


def test_a_checkpoint_to_start_from_is_never_ignored(shipped: Path, tmp_path: Path) -> None:
    parts, other = Parts(tmp_path / "run"), tmp_path / "other"
    parts.folder.mkdir()
    restore(shipped, parts)
    restore(shipped, parts)  # the same again goes on
    shutil.copytree(shipped, other)
    upscaler = next((other / "upscaler").glob("*.safetensors"))
    save_file({key: value + 1 for key, value in load_file(upscaler).items()}, upscaler)
    with pytest.raises(BadInput, match="leave out --start"):
        restore(other, parts)
    with pytest.raises(BadInput, match=r"no training\.json"):
        restore(tmp_path, parts)
    load = Progress(**json.loads(parts.upscaler.with_suffix(".json").read_text()))
    save_weights(parts.ranker, {}, Progress(samples=load.samples))  # trained here, from nothing
    with pytest.raises(BadInput, match="ranker"):
        restore(shipped, parts)


def test_an_adapter_of_other_sft_weights_is_neither_trained_on_nor_exported(
    shipped: Path, pipe: Step2Pipeline, tmp_path: Path
) -> None:
    parts = Parts(tmp_path / "run")
    parts.folder.mkdir()
    restore(shipped, parts)
    of = sft_fingerprint(pipe.transformer, pipe.text_encoder)
    shutil.copytree(shipped / ADAPTER, parts.dpo)
    (parts.dpo / PROGRESS).write_text(json.dumps({"samples": 5, "origin": of}))
    assert adapter_progress(parts.dpo, of).samples == 5
    for damage in (b"", b"{"):
        (parts.dpo / PROGRESS).write_bytes(damage)
        with pytest.raises(BadInput, match=r"progress\.json cannot be read"):
            adapter_progress(parts.dpo, of)
    (parts.dpo / PROGRESS).unlink()
    with pytest.raises(BadInput, match=r"progress\.json is missing"):
        adapter_progress(parts.dpo, of)
    (parts.dpo / PROGRESS).write_text(json.dumps({"samples": 5, "origin": of}))
    model, progress = load_mini_models(pipe.tokenizer, parts.sft)
    model.transformer.proj_out.bias.data += 1
    save_weights(parts.sft, model.parts(), progress)
    with pytest.raises(BadInput, match="remove that folder"):
        export(parts, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(BadInput, match="remove that folder"):
        dpo(parts.folder, pipe.tokenizer, pipe.ranker, "", (parts.sft,), DpoOptions(workers=1))


def test_a_checkpoint_takes_the_place_of_an_older_one_alone(shipped: Path, tmp_path: Path) -> None:
    parts, out = Parts(tmp_path / "run"), tmp_path / "out"
    parts.folder.mkdir()
    restore(shipped, parts)
    before = {path: path.stat().st_mtime_ns for path in parts.folder.rglob("*")}
    out.mkdir()
    (out / "thesis.txt").write_text("three years of work")
    for place, why in (
        (out, "empty folder with --out"),
        (out / "thesis.txt", "empty folder with --out"),
        (tmp_path, "holds the run itself"),
        (parts.folder, "holds the run itself"),
    ):
        with pytest.raises(BadInput, match=why):
            export(parts, place)
        with pytest.raises(BadInput, match=why):  # and nothing is trained
            train_mini(None, parts.folder, place, minutes=0.01, films=2, threads=1, pool=2)
    assert (out / "thesis.txt").read_text() == "three years of work"
    assert {path: path.stat().st_mtime_ns for path in parts.folder.rglob("*")} == before
    (out / "thesis.txt").unlink()
    for _ in range(2):  # into an empty folder, then over the checkpoint there
        export(parts, out)
        assert (out / "vae").is_dir()
        (out / "vae" / "stale.txt").touch()
    export(parts, out)
    assert not (out / "vae" / "stale.txt").exists()
    assert sorted(tmp_path.iterdir()) == [out, parts.folder]


def test_only_pairs_that_differ_are_preferred(shots: Shots) -> None:
    """A static shot of a still figure is its own loser: there eq. 5 is ln 2 whatever is learnt."""
    preferences = Preferences(shots)
    still = [
        (seed, i)
        for seed in shots.seeds
        for i, shot in enumerate(shots.films.film(seed)[1])
        if shot.movement == "static" and shot.action == "stands"
    ]
    assert still, "the films here have shots in which nothing moves"
    assert not {(seed, i) for seed, i, _ in preferences.tuples} & set(still)
    batch, losers = preferences.draw(random.Random(0), 60)
    assert (batch.x - losers).square().flatten(1).mean(1).min() >= LEAST_DIFFERENCE
    for t, x, loser in zip(batch.told, batch.x, losers, strict=True):
        assert torch.equal(x, shots.films.pair(t.seed, t.i))
        inside = preferences.internal[t.seed][t.i].float()
        assert all(any(torch.equal(frame, moment) for moment in inside) for frame in loser)


def test_alignment_starts_at_ln_2_and_prefers_whole_movements_after_a_few_steps(
    shots: Shots, weights: Path
) -> None:
    tokenizer = shots_tokenizer(weights)
    model = PolicyAndReference(
        load_mini_models(tokenizer, weights)[0], load_mini_models(tokenizer, weights)[0], rank=4
    )
    batch, losers = Preferences(shots).draw(random.Random(1), 6)
    assert losers.shape == batch.x.shape
    assert all("lora" in name for name, p in model.named_parameters() if p.requires_grad)
    losses = align(model, conditions(model, shots, batch, losers), 100.0)
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert losses[-1] < losses[0]


def test_a_report_is_the_same_whenever_it_is_made(shots: Shots, weights: Path) -> None:
    """And the random numbers of training are the same whenever it was."""
    tokenizer = shots_tokenizer(weights)
    model = PolicyAndReference(
        load_mini_models(tokenizer, weights)[0], load_mini_models(tokenizer, weights)[0], rank=4
    )
    reports = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        reports.append(_report(model, Preferences(shots), 100.0, count=6))
        assert torch.equal(torch.get_rng_state(), before)
    assert reports[0] == reports[1]


def test_sft_goes_on_from_a_checkpoint(shipped: Path, tmp_path: Path) -> None:
    run, reading = tmp_path / "run", tmp_path / "reading"
    shutil.copytree(shipped, reading)
    update = {"text_only": TEXT_ONLY, "with_image": WITH_IMAGE, "memory_pictures": MEMORY_PICTURES}
    write_card(read_card(shipped).model_copy(update=update), reading)
    train_mini(Stage.SFT, run, tmp_path / "out", minutes=0.03, films=2, threads=1, start=reading)
    before = Step2Pipeline.from_pretrained(shipped).card.samples_seen
    assert load_weights(Parts(run).sft, {}).samples > before
    assert np.isfinite(load_weights(Parts(run).sft, {}).cpu_hours)
