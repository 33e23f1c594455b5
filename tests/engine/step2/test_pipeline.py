"""The pipeline against the paper's equations, its promises to the studio, and the remaining traps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import BadInput, Cancelled, UnsupportedError
from engine.pictures import read_picture
from engine.step2.conditions import KeptFrame, PairConditions, StoredFrame
from engine.step2.context import ContextTemplate, context_tokens
from engine.step2.frames import read_frame, stored
from engine.step2.latents import decode_frames, encode_frames, pack, to_bytes, to_pixels, unpack
from engine.step2.memory import tile
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
    tiny_pipeline,
    tiny_transformer,
)


@pytest.fixture(scope="module")
def pipe() -> Step2Pipeline:
    return tiny_pipeline()


@pytest.fixture
def shot(tmp_path: Path) -> PairConditions:
    """The third shot of a film: a previous end, a bank of four frames, one of them pinned."""
    memory = bank(tmp_path, 4, pinned=(2,))
    return PairConditions("A man walks. Shot: medium shot.", "A man walks.", memory[3].frame, memory)


class Recorder:
    """Keeps what the transformer was called with, and calls it."""

    def __init__(self, pipe: Step2Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, Any]] = []
        stock = pipe.transformer.forward

        def forward(**kwargs: Any) -> Any:
            self.calls.append(kwargs)
            return stock(**kwargs)

        monkeypatch.setattr(pipe.transformer, "forward", forward)


def paper_sampler(
    pipe: Step2Pipeline,
    shot: PairConditions,
    seed: int,
    steps: int,
    guidance: float,
    negative: str | None = None,
    following: float = 1.0,
) -> Tensor:
    """Equations 1 to 3 step by step in the paper's time: t = 0 is noise, t = 1 is clean, dx/dt = E_gen."""
    blank = pipe.card.negative if negative is None else negative
    template = ContextTemplate.of(pipe.card)
    previous = None if shot.previous_end is None else read_picture(shot.previous_end.path)
    u = context_tokens(pipe.text_encoder, pipe.processor, template, [shot.prompt], previous)[0]
    u_null = context_tokens(pipe.text_encoder, pipe.processor, template, [blank], previous)[0]
    by_key = {m.key: m.frame for m in shot.memory}
    ranked = [by_key[p.key] for p, _ in zip(pipe.memory_pack(shot, WIDTH, HEIGHT)[0], range(9), strict=False)]
    m = [encode_frames(pipe.vae, to_pixels(read_frame(f, WIDTH, HEIGHT)[None]))[0] for f in ranked]
    canvas = tile(torch.stack(m), H, W) if m else torch.zeros(4, 2 * H, 2 * W)
    memory = pack(canvas[None, None])

    def e_gen(context: Tensor, t: float, x: Tensor, memory: Tensor = memory) -> Tensor:
        out = pipe.transformer(
            hidden_states=torch.cat([x, memory], 1),
            encoder_hidden_states=context,
            timestep=torch.tensor([1 - t]),
            img_shapes=[[(1, H, W), (1, H, W), (1, H, W)]],
            return_dict=False,
        )[0]
        return -out[:, : 2 * H * W]  # the paper's velocity points from noise to data

    noise = torch.randn(2, 4, 8, 16, generator=torch.Generator().manual_seed(seed))
    x = pack(noise[None])
    pipe.scheduler.set_timesteps(
        sigmas=np.linspace(1, 1 / steps, steps), mu=0.5 + 0.4 * (H * W - 16) / (64 - 16)
    )
    times = (1 - pipe.scheduler.sigmas).tolist()
    for now, later in pairwise(times):
        told, untold = e_gen(u, now, x), e_gen(u_null, now, x)
        v = untold + guidance * (told - untold)
        v = v + (following - 1) * (told - e_gen(u, now, x, torch.zeros_like(memory)))
        if pipe.card.rescale:  # each token moves as far as it would without guidance
            v = v * told.norm(dim=-1, keepdim=True) / v.norm(dim=-1, keepdim=True)
        x = x + (later - now) * v
    return unpack(x, 2, H, W)


@torch.no_grad()
@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_trap_6_sampling_is_the_papers_ode(
    pipe: Step2Pipeline, shot: PairConditions, guidance: float
) -> None:
    out = pipe(shot, generators(7), num_inference_steps=4, guidance_scale=guidance)
    reference = paper_sampler(pipe, shot, 7, 4, guidance)
    assert torch.allclose(out.latents, reference, atol=2e-5)
    images = to_bytes(decode_frames(pipe.vae, reference[0])).astype(int)
    assert np.abs(images - out.frames[0]).max() <= 1


@torch.no_grad()
@pytest.mark.parametrize(("tail", "rescale"), [(True, True), (False, False), (False, True)])
def test_contexts_of_any_length_and_the_norms_rescale_follow_the_same_equations(
    shot: PairConditions, tail: bool, rescale: bool
) -> None:
    pipe = tiny_pipeline(tail=tail)
    pipe.card = pipe.card.model_copy(update={"rescale": rescale})
    for history in (shot, PairConditions("A forest.", "A forest.")):
        out = pipe(history, generators(3), num_inference_steps=3, guidance_scale=4.0)
        assert torch.allclose(out.latents, paper_sampler(pipe, history, 3, 3, 4.0), atol=5e-5)
    away = pipe(shot, generators(3), num_inference_steps=3, guidance_scale=4.0, negative_prompt="blur")
    reference = paper_sampler(pipe, shot, 3, 3, 4.0, "blur")
    assert torch.allclose(away.latents, reference, atol=5e-5)
    assert not torch.allclose(away.latents, paper_sampler(pipe, shot, 3, 3, 4.0), atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("tail", [True, False])
@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_memory_guidance_goes_away_from_the_pair_without_memory(
    shot: PairConditions, monkeypatch: pytest.MonkeyPatch, tail: bool, guidance: float
) -> None:
    pipe = tiny_pipeline(tail=tail)
    how = {"num_inference_steps": 3, "guidance_scale": guidance, "memory_guidance_scale": 3.0}
    out = pipe(shot, generators(3), **how)
    assert torch.allclose(out.latents, paper_sampler(pipe, shot, 3, 3, guidance, following=3.0), atol=5e-5)
    plain = pipe(shot, generators(3), **{**how, "memory_guidance_scale": 1.0}).latents
    assert not torch.allclose(out.latents, plain, atol=1e-3)
    pipe.card = pipe.card.model_copy(update={"memory_guidance": 3.0})
    assert torch.equal(
        pipe(shot, generators(3), **{**how, "memory_guidance_scale": None}).latents, out.latents
    )
    seen = Recorder(pipe, monkeypatch)
    nothing = PairConditions("A forest.", "A forest.")
    pipe(nothing, generators(3), **how)
    rows = sum(call["hidden_states"].shape[0] for call in seen.calls)
    assert rows == 3 * (1 if guidance == 1.0 else 2), "without a memory there is nothing to follow"


def test_the_transformer_sees_start_end_memory_and_no_extras(
    pipe: Step2Pipeline, shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Recorder(pipe, monkeypatch)
    pipe(shot, generators(1, 2), num_inference_steps=2)
    assert len(seen.calls) == 2, "condition and no condition share a forward when their contexts are as long"
    for call in seen.calls:
        assert call["guidance"] is None
        assert call.get("attention_kwargs") is None
        assert call.get("encoder_hidden_states_mask") is None
        assert call["hidden_states"].shape == (4, 3 * H * W, 16)
        assert call["img_shapes"] == [[(1, H, W)] * 3] * 4, "trap 4: one layout in the whole batch"
        memory = call["hidden_states"][:, 2 * H * W :]
        assert torch.equal(memory, memory[:1].expand_as(memory)), "memory is clean, and in every branch"
    first, last = seen.calls[0]["hidden_states"], seen.calls[-1]["hidden_states"]
    assert torch.equal(first[:, 2 * H * W :], last[:, 2 * H * W :])


def test_contexts_of_unequal_length_take_two_forwards(
    shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tiny_pipeline(tail=False)
    seen = Recorder(pipe, monkeypatch)
    pipe(shot, generators(1), num_inference_steps=2)
    lengths = [c["encoder_hidden_states"].shape[1] for c in seen.calls]
    assert len(lengths) == 4
    assert lengths[0] > lengths[1]


def test_no_guidance_is_one_forward_without_an_unconditional_branch(
    pipe: Step2Pipeline, shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Recorder(pipe, monkeypatch)
    pipe(shot, generators(1), num_inference_steps=2, guidance_scale=1.0)
    assert [c["hidden_states"].shape[0] for c in seen.calls] == [1, 1]


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
    assert once == 4 + 4, "a CLIP feature and a latent for each of the four"
    pipe(replace(shot, prompt="Other words."), generators(2))
    assert pipe.cache.computed == once


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
