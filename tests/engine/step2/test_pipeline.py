"""The pipeline's promises to the studio, and the remaining traps. Its equations: test_equations.py."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import BadInput, Cancelled, UnsupportedError
from engine.pictures import read_picture
from engine.step2.conditions import KeptFrame, PairConditions, StoredFrame
from engine.step2.frames import fit, read_frame, stored
from engine.step2.latents import encode_frames, to_pixels, unpack
from engine.step2.pipeline import Step2Pipeline
from engine.story import FrameSide
from tests.engine.step2.tiny import (
    HEIGHT,
    WIDTH,
    H,
    W,
    bank,
    generators,
    stored_picture,
    tiny_card,
    tiny_pipeline,
    tiny_transformer,
)


@pytest.mark.parametrize(
    "flag", ["zero_cond_t", "use_layer3d_rope", "use_additional_t_cond", "guidance_embeds"]
)
def test_trap_2_transformers_that_read_the_sequence_otherwise_are_refused(
    flag: str, shot: PairConditions
) -> None:
    pipe = tiny_pipeline()
    pipe.transformer = tiny_transformer(**{flag: True})
    with pytest.raises(UnsupportedError, match=r"^This checkpoint .*use .*\.$"):
        pipe(shot, generators(1))


def test_the_first_shot_needs_no_history(pipe: Step2Pipeline) -> None:
    out = pipe(PairConditions("A forest.", "A forest."), generators(1))
    assert out.memory == ()
    assert out.frames.shape == (1, 2, HEIGHT, WIDTH, 3)
    assert out.frames.dtype == np.uint8


def test_every_condition_changes_the_pixels(
    pipe: Step2Pipeline, shot: PairConditions, tmp_path: Path
) -> None:
    base = pipe(shot, generators(3)).latents
    others = {
        "words": replace(shot, prompt="A girl waves."),
        "previous end": replace(shot, previous_end=stored_picture(tmp_path, 77)),
        "no history": replace(shot, memory=()),
        "a pin": replace(shot, memory=tuple(replace(m, pinned=m.key == "1S") for m in shot.memory)),
    }
    for what, other in others.items():
        assert not torch.equal(pipe(other, generators(3)).latents, base), what
    assert not torch.equal(pipe(shot, generators(4)).latents, base)
    assert not torch.equal(tiny_pipeline(seed=5)(shot, generators(3)).latents, base)


def test_the_frames_of_the_pack_that_are_read_are_those_of_the_canvas(
    pipe: Step2Pipeline, shot: PairConditions, tmp_path: Path
) -> None:
    """By rank, pins first, and cropped as the canvas has them; each its own answer, though kept."""
    card = pipe.card
    try:
        pipe.card = tiny_card(memory_pictures=1)
        frames = [m.frame for m in shot.memory]
        first = pipe(shot, generators(3)).memory[0]
        assert first.pinned
        pinned = next(frame for frame in frames if frame.sha256 == first.sha256)
        seen: list[tuple[object, ...]] = []
        stock = pipe.contexts

        def watch(*given: Any) -> list[Tensor]:
            seen.append(given)
            return stock(*given)

        pipe.contexts = watch  # type: ignore[method-assign]
        pipe(shot, generators(3))
        assert seen[0][2:4] == ([pinned], (WIDTH, HEIGHT))
        seen.clear()
        pipe(replace(shot, memory=()), generators(3))
        assert seen[0][2] == []
        del pipe.contexts
        answers = [pipe.contexts(["A man."], None, [frame])[0] for frame in (*frames[:2], frames[0])]
        assert torch.equal(answers[0], answers[2])
        assert not torch.allclose(answers[0], answers[1], atol=1e-6)
        tall = stored_picture(tmp_path, 9, HEIGHT, 2 * HEIGHT)
        middle = tmp_path / "middle.png"
        fit(read_picture(tall.path), WIDTH, HEIGHT).save(middle)
        whole, part = (pipe.contexts(["A man."], None, [frame])[0] for frame in (tall, stored(middle)))
        assert torch.equal(whole, part)
    finally:
        pipe.card = card


def test_the_order_of_the_bank_changes_nothing(pipe: Step2Pipeline, shot: PairConditions) -> None:
    base = pipe(shot, generators(3))
    turned = pipe(replace(shot, memory=shot.memory[::-1]), generators(3))
    assert torch.equal(base.latents, turned.latents)
    assert base.memory == turned.memory
    assert base.memory[0].pinned
    assert base.memory[0].key == "2S"


def test_same_recipe_same_pixels(pipe: Step2Pipeline, shot: PairConditions) -> None:
    a, b = pipe(shot, generators(1, 2)), pipe(shot, generators(1, 2))
    assert np.array_equal(a.frames, b.frames)
    assert torch.equal(a.latents, b.latents)


def test_a_takes_noise_is_its_own_and_the_batch_only_rounds(
    pipe: Step2Pipeline, shot: PairConditions
) -> None:
    together = pipe.noise(generators(1, 2, 3), H, W)
    assert torch.equal(together[1:2], pipe.noise(generators(2), H, W))
    batch, alone = pipe(shot, generators(1, 2, 3)), pipe(shot, generators(2))
    assert torch.allclose(batch.latents[1:2], alone.latents, atol=1e-4), "the batch is part of the recipe"
    assert np.abs(batch.frames[1].astype(int) - alone.frames[0]).max() <= 1


@pytest.mark.parametrize("side", list(FrameSide))
def test_a_kept_frame_is_kept_and_the_other_is_drawn_in_its_context(
    pipe: Step2Pipeline, shot: PairConditions, tmp_path: Path, side: FrameSide
) -> None:
    frame = stored_picture(tmp_path, 55)
    clean = encode_frames(pipe.vae, to_pixels(read_frame(frame, WIDTH, HEIGHT)[None]))[0]
    kept, other = (0, 1) if side is FrameSide.START else (1, 0)
    path: list[Tensor] = []

    def watch(p: Step2Pipeline, step: int, t: Tensor, given: dict[str, Tensor]) -> dict[str, Tensor]:
        path.append(unpack(given["latents"], 2, H, W)[0, kept].clone())
        return given

    out = pipe(replace(shot, kept=KeptFrame(side, frame)), generators(3), callback_on_step_end=watch)
    assert torch.allclose(out.latents[0, kept], clean, atol=1e-5)
    noise = unpack(pipe.noise(generators(3), H, W), 2, H, W)[0, kept]
    for x, sigma in zip(path, pipe.scheduler.sigmas[1:].tolist(), strict=True):
        assert torch.allclose(x, (1 - sigma) * clean + sigma * noise, atol=1e-5)
    free = pipe(shot, generators(3))
    assert not torch.allclose(out.latents[0, other], free.latents[0, other], atol=1e-3)


def test_trap_11_a_callback_can_stop_the_drawing(pipe: Step2Pipeline, shot: PairConditions) -> None:
    done: list[int] = []

    def stop(p: Step2Pipeline, step: int, t: Tensor, given: dict[str, Tensor]) -> dict[str, Tensor]:
        done.append(step)
        p._interrupt = step == 1
        return given

    with pytest.raises(Cancelled):
        pipe(shot, generators(1), num_inference_steps=5, callback_on_step_end=stop)
    assert done == [0, 1]
    pipe(shot, generators(1), num_inference_steps=1)  # and the next drawing starts afresh


def test_offloaded_models_make_room_before_the_transformer_comes(shot: PairConditions) -> None:
    """accelerate moves off only what ran just before: ranker and VAE would stay on the card all along."""
    pipe, seen = tiny_pipeline(), list[str]()

    def hook(name: str) -> SimpleNamespace:
        return SimpleNamespace(model=getattr(pipe, name), offload=lambda: seen.append(name))

    pipe._all_hooks = [hook(name) for name in ("ranker", "text_encoder", "vae")]
    pipe.transformer.register_forward_pre_hook(lambda *_: seen.append("transformer"))
    pipe(shot, generators(1))
    assert seen[:2] == ["ranker", "vae"]
    assert set(seen[2:]) == {"transformer"}


def test_a_callback_may_change_the_latents(pipe: Step2Pipeline, shot: PairConditions) -> None:
    out = pipe(
        shot, generators(1), callback_on_step_end=lambda p, i, t, given: {"latents": given["latents"] * 0}
    )
    assert out.latents.abs().max() == 0


def test_rescale_gives_guided_tokens_the_norm_of_the_conditional_ones(
    shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tiny_pipeline()
    pipe.card = pipe.card.model_copy(update={"rescale": True})
    moved: list[Tensor] = []
    step = pipe.scheduler.step

    def watch(v: Tensor, *args: Any, **kwargs: Any) -> Any:
        moved.append(v)
        return step(v, *args, **kwargs)

    monkeypatch.setattr(pipe.scheduler, "step", watch)
    pipe(shot, generators(1), num_inference_steps=1, guidance_scale=1.0)
    pipe(shot, generators(1), num_inference_steps=1, guidance_scale=6.0)
    plain, guided = moved
    assert torch.allclose(plain.norm(dim=-1), guided.norm(dim=-1), rtol=1e-4)
    assert not torch.allclose(plain, guided, rtol=1e-2)


def test_memory_frames_are_computed_once(shot: PairConditions) -> None:
    pipe = tiny_pipeline()
    pipe(shot, generators(1))
    once = pipe.cache.computed
    assert once == 4 + 4 + 1, "a CLIP feature and a latent for each of the four, and the feature of the words"
    pipe(replace(shot, prompt="Other words."), generators(2))
    assert pipe.cache.computed == once
    pipe(replace(shot, description="Another shot."), generators(2))
    assert pipe.cache.computed == once + 1, "which other words are not ranked by"


@pytest.mark.parametrize("tail", [True, False])
def test_another_take_of_a_shot_is_its_forwards_and_one_decoding(shot: PairConditions, tail: bool) -> None:
    """With warm caches nothing else is computed by a network, which is why a pair takes hardly longer than
    its forwards (`tests.benchmarks.bench_pair` measures it).
    """
    pipe = tiny_pipeline(tail=tail)
    done: Counter[str] = Counter()

    def count(owner: object, name: str, as_what: str) -> None:
        stock = getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            done[as_what] += 1
            return stock(*given, **named)

        setattr(owner, name, counted)

    for owner, name, as_what in (
        (pipe.transformer, "forward", "forwards"),
        (pipe.vae, "encode", "encodings"),
        (pipe.vae, "decode", "decodings"),
        (pipe.text_encoder, "forward", "readings"),
        (pipe.ranker, "forward", "rankings"),
    ):
        count(owner, name, as_what)
    pipe(shot, generators(1), num_inference_steps=3, guidance_scale=2.0)
    assert set(done) == {"forwards", "encodings", "decodings", "readings", "rankings"}
    done.clear()
    pipe(shot, generators(2), num_inference_steps=3, guidance_scale=2.0)
    branches = 1 if tail else 2  # contexts of one length share a forward
    assert done == {"forwards": 3 * branches, "decodings": 1}


def test_uploaded_pictures_of_any_size_can_be_memory(
    pipe: Step2Pipeline, shot: PairConditions, tmp_path: Path
) -> None:
    portrait = stored_picture(tmp_path, 9, width=90, height=150)
    out = pipe(replace(shot, memory=(replace(shot.memory[0], key="ref:Ann", frame=portrait),)), generators(1))
    assert [p.key for p in out.memory] == ["ref:Ann"]


def test_save_and_load_give_the_same_pixels(
    pipe: Step2Pipeline, shot: PairConditions, tmp_path: Path
) -> None:
    pipe.save_pretrained(tmp_path / "ck")
    again = Step2Pipeline.from_pretrained(tmp_path / "ck")
    again.set_progress_bar_config(disable=True)
    assert again.card == pipe.card
    assert np.array_equal(again(shot, generators(1)).frames, pipe(shot, generators(1)).frames)


def test_a_stock_repository_without_ranker_processor_and_card_loads(tmp_path: Path) -> None:
    from diffusers import QwenImagePipeline

    tiny = tiny_pipeline()
    parts = {k: getattr(tiny, k) for k in ("scheduler", "vae", "text_encoder", "tokenizer", "transformer")}
    QwenImagePipeline(**parts).save_pretrained(tmp_path)
    pipe = Step2Pipeline.from_pretrained(tmp_path)
    assert pipe.ranker is None
    assert pipe.card.text_only.drop == 34
    pipe.set_progress_bar_config(disable=True)
    out = pipe(
        PairConditions("A forest.", ""), generators(1), width=WIDTH, height=HEIGHT, num_inference_steps=1
    )
    assert out.frames.shape == (1, 2, HEIGHT, WIDTH, 3)
    remembered = PairConditions("A forest.", "", memory=bank(tmp_path, 1))
    with pytest.raises(UnsupportedError, match="no ranker"):
        pipe(remembered, generators(1), width=WIDTH, height=HEIGHT, num_inference_steps=1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"width": 63}, "multiples of 8 pixels"),
        ({"num_inference_steps": 0}, "steps must be between 1 and 1000"),
        ({"guidance_scale": 0.5}, "guidance must be between 1"),
        ({"memory_guidance_scale": 0.5}, "memory guidance must be between 1"),
        ({"generator": []}, "at least one take"),
    ],
)
def test_bad_numbers_are_one_sentence(
    pipe: Step2Pipeline, shot: PairConditions, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        pipe(shot, **{"generator": generators(1), **given})


def test_a_frame_that_is_no_picture_or_gone_is_one_sentence(
    pipe: Step2Pipeline, shot: PairConditions, tmp_path: Path
) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    with pytest.raises(BadInput, match=r"notes\.png is not a picture"):
        pipe(replace(shot, previous_end=stored(text)), generators(1))
    gone = StoredFrame("0" * 64, tmp_path / "gone.png")
    with pytest.raises(BadInput, match="not there any more"):
        pipe(replace(shot, previous_end=gone), generators(1))


def test_a_shot_is_read_once_for_all_its_takes(shot: PairConditions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the words, the previous frame or the weights that read them are others."""
    pipe = tiny_pipeline()
    reads = 0
    stock = pipe.text_encoder.forward

    def forward(**kwargs: Any) -> Any:
        nonlocal reads
        reads += 1
        return stock(**kwargs)

    monkeypatch.setattr(pipe.text_encoder, "forward", forward)

    def drawn(conditions: PairConditions, seed: int = 1) -> Tensor:
        return pipe(conditions, generators(seed), num_inference_steps=2).latents

    first = drawn(shot)
    once = reads
    assert torch.equal(drawn(shot), first)
    drawn(shot, seed=2)
    assert reads == once
    for other in (replace(shot, prompt="A woman waits."), replace(shot, previous_end=shot.memory[0].frame)):
        before = reads
        drawn(other)
        assert reads > before
    before = reads
    with torch.no_grad():
        pipe.text_encoder.model.language_model.layers[0].mlp.down_proj.weight.mul_(2.0)
    again = drawn(shot)
    assert reads > before
    assert not torch.equal(again, first)


def test_latents_of_a_frame_in_tiles_are_not_those_of_the_whole(tmp_path: Path) -> None:
    """A profile that streams encodes in tiles, with the same weights and in the same cache as one that does
    not.
    """
    pipe, frame = tiny_pipeline(), stored_picture(tmp_path, 5)

    def latents(*tiles: int) -> Tensor:
        pipe.vae.enable_tiling(*tiles) if tiles else pipe.vae.disable_tiling()
        pixels = to_pixels(read_frame(frame, WIDTH, HEIGHT)[None])
        found = pipe.frame_latents([frame], WIDTH, HEIGHT)[0]
        assert torch.equal(found, encode_frames(pipe.vae, pixels)[0])
        return found

    with torch.no_grad():
        whole, tiled, closer = latents(), latents(32, 32, 24, 24), latents(32, 32, 16, 16)
        assert not torch.equal(whole, tiled)
        assert not torch.equal(tiled, closer)
        computed = pipe.cache.computed
        assert torch.equal(latents(), whole)
        assert pipe.cache.computed == computed == 3
