"""LoRA on tiny configurations of the real classes: trained, saved, loaded back, aligned."""

from __future__ import annotations

import json
import math
import os
import random
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from engine.dataset.films import FILMS_FILE, read_films
from engine.errors import BadInput, UnsupportedError
from engine.step2.adapter import check_adapter
from engine.step2.cache import FrameCache
from engine.step2.conditions import PairConditions
from engine.training import lora
from engine.training.adapters import PROGRESS, WEIGHTS
from engine.training.lora import LoraTrainer, train_lora
from engine.training.lora_command import train_profile
from engine.training.lora_options import LoraOptions, LoraProgress, LoraStage
from engine.training.objectives import divergence, dpo_loss
from engine.training.weights_file import origin_of
from tests.engine.step2.tiny import generators, picture, tiny_card, tiny_pipeline

pytestmark = pytest.mark.slow
SHOTS = 3


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    shots = []
    for i in range(SHOTS):
        names = {}
        for k, kind in enumerate(("start", "end", "a", "b")):
            Image.fromarray(picture(10 * i + k)).save(folder / f"{i}{kind}.png")
            names[kind] = f"{i}{kind}.png"
        shots.append(
            {
                "prompt": f"Shot {i}. Place: harbour.",
                "description": f"Shot {i}",
                "start": names["start"],
                "end": names["end"],
                "internal": [names["a"], names["b"]],
            }
        )
    (folder / FILMS_FILE).write_text(json.dumps({"title": "A film", "shots": shots}) + "\n")
    return folder


def options(**given: object) -> LoraOptions:
    return LoraOptions(**{"steps": 2, "accumulate": 2, "rank": 4, "lr": 1e-2, "warmup": 1, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("tail", [True, False])
@pytest.mark.parametrize("checkpointing", [True, False])
def test_adapters_of_both_models_come_back_with_load_lora_weights(
    data: Path, tmp_path: Path, tail: bool, checkpointing: bool
) -> None:
    pipe = tiny_pipeline(tail=tail)
    conditions = PairConditions("A man by the sea.", "A man by the sea.")
    before = pipe(conditions, generators(1)).latents
    train_lora(pipe, data, tmp_path / "out", options(checkpointing=checkpointing))
    trained = pipe(conditions, generators(1)).latents
    fresh = tiny_pipeline(tail=tail)
    assert torch.equal(fresh(conditions, generators(1)).latents, before)
    card = check_adapter(str(tmp_path / "out"))
    assert card is not None
    assert card.pairs, "the qwen-image profile takes it"
    fresh.load_lora_weights(tmp_path / "out")
    assert torch.allclose(fresh(conditions, generators(1)).latents, trained, atol=1e-5)
    assert not torch.allclose(trained, before, atol=1e-4)
    fresh.merge_lora()
    assert torch.allclose(fresh(conditions, generators(1)).latents, trained, atol=1e-4)
    assert not getattr(fresh.transformer, "peft_config", None)


def test_checkpointing_recomputes_both_models(data: Path, tmp_path: Path) -> None:
    def passes(checkpointing: bool) -> tuple[int, int]:
        pipe, counted = tiny_pipeline(), [0, 0]
        first = pipe.text_encoder.model.language_model.layers[0]  # recomputed inside: its own hooks run once
        for k, part in enumerate((pipe.transformer.transformer_blocks[0], first.mlp.down_proj)):
            part.register_forward_pre_hook(lambda *_, k=k: counted.__setitem__(k, counted[k] + 1))
        train_lora(pipe, data, tmp_path / str(checkpointing), options(checkpointing=checkpointing))
        return counted[0], counted[1]

    drawn, read = passes(False)
    assert drawn > 0 < read
    assert passes(True) == (2 * drawn, 2 * read)


def test_both_models_are_adapted_unless_the_understanding_model_is_frozen(data: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    train_lora(tiny_pipeline(), data, tmp_path / "both", options(steps=1))
    parts = {key.split(".")[0] for key in load_file(tmp_path / "both" / WEIGHTS)}
    assert parts == {"transformer", "text_encoder"}
    assert all("visual" not in key for key in load_file(tmp_path / "both" / WEIGHTS))
    train_lora(tiny_pipeline(), data, tmp_path / "one", options(steps=1, understanding=False))
    assert {key.split(".")[0] for key in load_file(tmp_path / "one" / WEIGHTS)} == {"transformer"}


def test_the_pack_is_read_where_the_card_says_so(data: Path, tmp_path: Path) -> None:
    pipe = tiny_pipeline()
    pipe.card = tiny_card(memory_pictures=2)
    trainer = LoraTrainer(pipe, data, tmp_path / "out", options())
    shown = set()
    for seed in range(40):
        inputs = trainer.conditions(random.Random(seed)).inputs
        shown.add(len(inputs["image_grid_thw"]) if "image_grid_thw" in inputs else 0)
    assert shown == {0, 1, 2, 3}, "up to two of the pack, and the previous end now and then"


def test_a_run_goes_on_where_it_was(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    train_lora(tiny_pipeline(), data, out, options(steps=1))
    first = json.loads((out / PROGRESS).read_text())
    train_lora(tiny_pipeline(), data, out, options(steps=3))
    then = json.loads((out / PROGRESS).read_text())
    assert (first["steps"], then["steps"]) == (1, 3)
    assert then["samples"] == 3 * first["samples"]


def _written(folder: Path) -> dict[str, int]:
    """The cached values in a folder, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}


def test_the_next_run_finds_the_latents_of_the_last(data: Path, tmp_path: Path) -> None:
    checkpoint, out = tmp_path / "Qwen" / "Qwen-Image-2512", tmp_path / "out"
    tiny_pipeline().save_pretrained(checkpoint)
    given = {"stage": "sft", "accumulate": 1, "rank": 4, "steps": 1}
    train_profile(str(checkpoint), data, out, None, given)
    card = check_adapter(str(out))
    assert card is not None
    assert card.base == "Qwen/Qwen-Image-2512", "another model refuses what was trained on this"
    first = _written(out / "cache")
    assert len(first) >= 4 * SHOTS
    train_profile(str(checkpoint), data, out, None, {**given, "steps": 8})
    then = _written(out / "cache")
    assert {name: then[name] for name in first} == first
    assert len(then) <= 6 * SHOTS, "latents of four frames a shot, features of two: none was keyed anew"


def test_each_process_encodes_its_share(data: Path, tmp_path: Path, monkeypatch: Any) -> None:
    trainer = LoraTrainer(tiny_pipeline(), data, tmp_path / "out", options())
    encoded: list[int] = []
    for rank in range(2):
        share = SimpleNamespace(process_index=rank, num_processes=2, wait_for_everyone=lambda: None)
        monkeypatch.setattr(trainer, "accelerator", share)
        monkeypatch.setattr(trainer.pipe, "cache", FrameCache())
        trainer._cache()
        encoded.append(trainer.pipe.cache.computed)
    assert encoded == [2 * SHOTS, 2 * SHOTS]


def test_pictures_of_another_shape_are_counted_once(data: Path, tmp_path: Path, capsys: Any) -> None:
    LoraTrainer(tiny_pipeline(), data, tmp_path / "whole", options())
    assert "cropped" not in capsys.readouterr().out
    Image.fromarray(picture(3)).resize((40, 40)).save(data / "1start.png")
    LoraTrainer(tiny_pipeline(), data, tmp_path / "cropped", options())
    assert capsys.readouterr().out.count("1 of 12 pictures have another shape") == 1


def test_an_adapter_is_gone_on_with_only_as_what_it_is(data: Path, tmp_path: Path, capsys: Any) -> None:
    sft = train_lora(tiny_pipeline(), data, tmp_path / "sft", options(steps=1))
    other = train_lora(tiny_pipeline(), data, tmp_path / "other", options(steps=1, seed=1))
    capsys.readouterr()
    train_lora(tiny_pipeline(), data, sft, options(steps=1))
    assert "nothing is trained" in capsys.readouterr().out
    for start in (sft, sft / WEIGHTS):
        with pytest.raises(BadInput, match="both --start and --out"):
            train_lora(tiny_pipeline(), data, sft, options(steps=3), start=start)
    with pytest.raises(BadInput, match="no adapter at"):
        train_lora(tiny_pipeline(), data, tmp_path / "out", options(), start=tmp_path / "nothing")
    aligning = options(stage=LoraStage.DPO, steps=1)
    dpo = train_lora(tiny_pipeline(), data, tmp_path / "dpo", aligning, start=sft)
    record = json.loads((dpo / PROGRESS).read_text())
    assert record["stage"] == "dpo"
    assert record["origin"] == origin_of(sft / WEIGHTS)
    with pytest.raises(BadInput, match="stage dpo, not sft"):
        train_lora(tiny_pipeline(), data, dpo, options(steps=3), start=sft)
    with pytest.raises(BadInput, match="another --start"):
        train_lora(tiny_pipeline(), data, dpo, options(stage=LoraStage.DPO, steps=3), start=other)


def test_an_adapter_is_gone_on_with_only_in_its_shape(data: Path, tmp_path: Path) -> None:
    """Another rank does not fit, and what is not adapted this time would be missing from the next weights."""
    out = train_lora(tiny_pipeline(), data, tmp_path / "both", options(steps=1))
    one = train_lora(tiny_pipeline(), data, tmp_path / "one", options(steps=1, understanding=False))
    held = (out / WEIGHTS).read_bytes()
    record = json.loads((out / PROGRESS).read_text())
    before = {key: value for key, value in record.items() if key not in ("rank", "understanding")}
    for known in (record, before):  # adapters from before these were recorded are known by their layers
        (out / PROGRESS).write_text(json.dumps(known))
        for other in ({"understanding": False}, {"rank": 2}):
            with pytest.raises(BadInput, match="begun with --rank 4 --understanding: give the same again"):
                train_lora(tiny_pipeline(), data, out, options(steps=2, **other))
    with pytest.raises(BadInput, match="begun with --rank 4 --no-understanding"):
        train_lora(tiny_pipeline(), data, one, options(steps=2))
    assert (out / WEIGHTS).read_bytes() == held
    train_lora(tiny_pipeline(), data, out, options(steps=2))
    now = {"steps": 2, "samples": 4, "rank": 4, "understanding": True}
    assert json.loads((out / PROGRESS).read_text()) == {**record, **now}


def test_an_adapter_is_saved_whole_or_not_at_all(data: Path, tmp_path: Path) -> None:
    """What was there is replaced by the new, and never written over: a link to it still has the old."""
    out = train_lora(tiny_pipeline(), data, tmp_path / "out", options(steps=1))
    names = (PROGRESS, WEIGHTS)
    held = {name: (out / name).read_bytes() for name in names}
    for name in names:
        os.link(out / name, tmp_path / name)
    train_lora(tiny_pipeline(), data, out, options(steps=2))
    assert all((tmp_path / name).read_bytes() == held[name] != (out / name).read_bytes() for name in names)
    assert not list(out.glob("*.part"))


@pytest.mark.parametrize("damage", [None, b"", b'{"samples": 2', b"[]", b'{"steps": "many"}', b"\xff"])
def test_weights_without_a_record_are_never_trained_anew(
    data: Path, tmp_path: Path, damage: bytes | None
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / WEIGHTS).write_bytes(b"weights of many hours")
    if damage is not None:
        (out / PROGRESS).write_bytes(damage)
    with pytest.raises(BadInput, match=r"progress\.json (is missing|cannot be read), .* move .*out away"):
        train_lora(tiny_pipeline(), data, out, options(steps=1))
    assert (out / WEIGHTS).read_bytes() == b"weights of many hours"


@pytest.mark.parametrize("damage", [None, b"no weights"])
def test_a_record_without_its_weights_is_refused(data: Path, tmp_path: Path, damage: bytes | None) -> None:
    out = tmp_path / "out"
    out.mkdir()
    shape = LoraProgress(steps=1, stage="sft", rank=4, understanding=True)
    (out / PROGRESS).write_text(json.dumps(asdict(shape)))
    if damage is not None:
        (out / WEIGHTS).write_bytes(damage)
    with pytest.raises(BadInput, match=r"safetensors (is missing|cannot be read): bring it back"):
        train_lora(tiny_pipeline(), data, out, options(steps=2))


def test_every_run_warms_up(data: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Adam's moments are not kept: without them the first full step is as long as any, wherever it goes."""
    rates: list[float] = []
    monkeypatch.setattr(lora, "set_learning_rate", lambda _, lr: rates.append(lr))
    for steps in (2, 4):
        train_lora(tiny_pipeline(), data, tmp_path / "out", options(steps=steps, accumulate=1, warmup=2))
    assert rates == [0.5e-2, 1e-2] * 2


def test_sft_learns_a_film_by_heart(data: Path, tmp_path: Path) -> None:
    pipe = tiny_pipeline()
    trainer = LoraTrainer(pipe, data, tmp_path, options())
    models = trainer._models()
    solver = trainer._solver([p for p in models.parameters() if p.requires_grad])
    shot = trainer.conditions(random.Random(3))
    noise = torch.randn(shot.pair.shape, generator=torch.Generator().manual_seed(0))
    losses = []
    for _ in range(30):
        loss = models(shot, shot.pair, torch.tensor([0.7]), noise).square().mean()
        solver.zero_grad()
        loss.backward()
        solver.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_dpo_starts_at_ln_2_from_the_merged_sft_model(data: Path, tmp_path: Path) -> None:
    sft = train_lora(tiny_pipeline(), data, tmp_path / "sft", options())
    pipe = tiny_pipeline()
    pipe.load_lora_weights(sft)
    pipe.merge_lora()
    trainer = LoraTrainer(pipe, data, tmp_path / "dpo", options(stage=LoraStage.DPO))
    models = trainer._models()
    shot = trainer.conditions(random.Random(0))
    assert shot.loser is not None
    assert float(trainer._loss(models, shot).detach()) == pytest.approx(math.log(2), abs=1e-4)


def test_dpo_comes_to_prefer_the_true_pair(data: Path, tmp_path: Path) -> None:
    sft = train_lora(tiny_pipeline(), data, tmp_path / "sft", options(steps=1))
    out = train_lora(
        tiny_pipeline(),
        data,
        tmp_path / "dpo",
        options(stage=LoraStage.DPO, steps=30, accumulate=1, beta=10.0),
        start=sft,
    )
    aligned, plain = tiny_pipeline(), tiny_pipeline()
    for pipe in (aligned, plain):
        pipe.load_lora_weights(sft)
        pipe.merge_lora()
    aligned.load_lora_weights(out)
    trainer = LoraTrainer(plain, data, tmp_path / "x", options(stage=LoraStage.DPO))
    r, g = random.Random(1), torch.Generator().manual_seed(0)
    found = []
    for _ in range(12):
        shot = trainer.conditions(r)
        assert shot.loser is not None
        noise, sigma = torch.randn(shot.pair.shape, generator=g), torch.rand(1, generator=g)
        with torch.no_grad():
            ours, theirs = (
                divergence(
                    lora.Step2Models(p, trainer.grid)(shot, shot.loser, sigma, noise),
                    lora.Step2Models(p, trainer.grid)(shot, shot.pair, sigma, noise),
                )
                for p in (aligned, plain)
            )
        found.append(float(dpo_loss(ours, theirs, 10.0)))
    assert sum(found) / len(found) < math.log(2)


def test_nothing_is_preferred_to_its_own_pictures(data: Path, tmp_path: Path) -> None:
    """In a still shot the internal frames are those of the pair: it teaches nothing, and is never drawn."""
    for i, kind, frame in ((0, "a", "start"), (0, "b", "end"), (1, "a", "start")):
        (data / f"{i}{kind}.png").write_bytes((data / f"{i}{frame}.png").read_bytes())
    trainer = LoraTrainer(tiny_pipeline(), data, tmp_path / "dpo", options(stage=LoraStage.DPO))
    assert trainer.losers == {(0, i): [(Path(f"{i}a.png"), Path(f"{i}b.png"))] for i in (1, 2)}
    for _ in range(8):
        shot = trainer.conditions(random.Random())
        assert shot.loser is not None
        assert not torch.equal(shot.loser, shot.pair)
    for i in (1, 2):
        for kind, frame in (("a", "start"), ("b", "end")):
            (data / f"{i}{kind}.png").write_bytes((data / f"{i}{frame}.png").read_bytes())
    with pytest.raises(BadInput, match="not the pictures of the pair itself"):
        LoraTrainer(tiny_pipeline(), data, tmp_path / "dpo", options(stage=LoraStage.DPO))


def test_dpo_without_an_sft_adapter_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--start"):
        train_lora(tiny_pipeline(), data, tmp_path / "out", options(stage=LoraStage.DPO))


def test_eight_bit_adam_says_what_it_needs(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bitsandbytes", "bitsandbytes.optim"):
        monkeypatch.setitem(sys.modules, name, None)  # as where it is not installed
    with pytest.raises(UnsupportedError, match="bitsandbytes"):
        train_lora(tiny_pipeline(), data, tmp_path / "out", options(adam8bit=True))


def test_eight_bit_adam_goes_where_adam_goes(data: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    def change(**given: object) -> torch.Tensor:
        out = tmp_path / str(len(given))
        train_lora(tiny_pipeline(), data, out, options(rank=64, steps=3, **given))
        weights = load_file(out / WEIGHTS)
        assert any(w.numel() >= 4096 for w in weights.values()), "smaller ones keep moments of 32 bits"
        return torch.cat([w.flatten() for name, w in sorted(weights.items()) if "lora_B" in name])

    plain, small = change(), change(adam8bit=True)
    assert not torch.equal(plain, small)
    assert float(torch.cosine_similarity(plain, small, dim=0)) > 0.9


def test_films_say_which_line_cannot_be_used(data: Path) -> None:
    assert len(read_films(data)[0].shots) == SHOTS
    path = data / FILMS_FILE
    path.write_text(path.read_text() + '{"shots": [{"prompt": "x", "start": "no.png", "end": "0end.png"}]}\n')
    with pytest.raises(BadInput, match=r"Line 2 .* no\.png"):
        read_films(data)
    path.write_text('{"shots": [{"prompt": "x", "start": "../a.png", "end": "0end.png"}]}\n')
    with pytest.raises(BadInput, match="Line 1"):
        read_films(data)
    path.write_text("\n")
    with pytest.raises(BadInput, match="no film"):
        read_films(data)
    path.unlink()
    with pytest.raises(BadInput, match=FILMS_FILE):
        read_films(data)


def test_strange_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not LoRA weights"):
        tiny_pipeline().load_lora_weights({"vae.lora_A.weight": torch.zeros(2, 2)})
