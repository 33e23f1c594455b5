"""The pipeline against the paper's equations, step by step, and what the transformer is given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.pictures import read_picture
from engine.step2.conditions import PairConditions
from engine.step2.context import ContextTemplate, context_tokens
from engine.step2.frames import read_frame
from engine.step2.latents import decode_frames, encode_frames, pack, to_bytes, to_pixels, unpack
from engine.step2.memory import tile
from engine.step2.pipeline import Step2Pipeline
from tests.engine.step2.recorder import Recorder
from tests.engine.step2.tiny import (
    HEIGHT,
    WIDTH,
    H,
    W,
    generators,
    tiny_card,
    tiny_pipeline,
)


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

    def read(prompt: str, memory: Sequence[Image.Image]) -> Tensor:
        given = (pipe.text_encoder, pipe.processor, template, [prompt], previous)
        return context_tokens(*given, memory=memory)[0]

    by_key = {m.key: m.frame for m in shot.memory}
    ranked = [by_key[p.key] for p, _ in zip(pipe.memory_pack(shot, WIDTH, HEIGHT)[0], range(9), strict=False)]
    m = [encode_frames(pipe.vae, to_pixels(read_frame(f, WIDTH, HEIGHT)[None]))[0] for f in ranked]
    seen = [read_picture(f.path) for f in ranked[: pipe.card.memory_pictures]]
    u, u_null, u_unaided = read(shot.prompt, seen), read(blank, seen), read(shot.prompt, [])
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

    generator = torch.Generator().manual_seed(seed)

    def gauss() -> Tensor:
        return pack(torch.randn(2, 4, 8, 16, generator=generator)[None])

    x, eta = gauss(), pipe.card.eta
    pipe.scheduler.set_timesteps(
        sigmas=np.linspace(1, 1 / steps, steps), mu=0.5 + 0.4 * (H * W - 16) / (64 - 16)
    )
    times = (1 - pipe.scheduler.sigmas).tolist()
    for now, later in pairwise(times):
        told, untold = e_gen(u, now, x), e_gen(u_null, now, x)
        v = untold + guidance * (told - untold)
        v = v + (following - 1) * (told - e_gen(u_unaided, now, x, torch.zeros_like(memory)))
        if pipe.card.rescale:  # each token moves as far as it would without guidance
            v = v * told.norm(dim=-1, keepdim=True) / v.norm(dim=-1, keepdim=True)
        clean, noise = x + (1 - now) * v, x - now * v
        if eta and later < 1:
            noise = (1 - eta**2) ** 0.5 * noise + eta * gauss()
        x = later * clean + (1 - later) * noise  # without eta: x + (later - now) v
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
@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_a_checkpoint_may_ask_for_noise_that_is_drawn_anew(shot: PairConditions, eta: float) -> None:
    """By each take's own generator, so that a take is what it is whatever is drawn beside it."""
    pipe = tiny_pipeline()
    plain = pipe(shot, generators(7), num_inference_steps=4, guidance_scale=2.5).latents
    pipe.card = pipe.card.model_copy(update={"eta": eta})
    out = pipe(shot, generators(7), num_inference_steps=4, guidance_scale=2.5)
    assert torch.allclose(out.latents, paper_sampler(pipe, shot, 7, 4, 2.5), atol=2e-5)
    assert not torch.allclose(out.latents, plain, atol=1e-2)
    both = pipe(shot, generators(3, 7), num_inference_steps=4, guidance_scale=2.5)
    assert torch.allclose(both.latents[1:], out.latents, atol=2e-5)


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
@pytest.mark.parametrize("following", [1.0, 3.0])
def test_a_checkpoint_that_reads_the_pack_follows_the_same_equations(
    shot: PairConditions, tail: bool, following: float
) -> None:
    """Two scales guide away from no words and from no memory: neither on the canvas nor in what is read."""
    pipe = tiny_pipeline(tail=tail)
    how = {"num_inference_steps": 3, "guidance_scale": 2.5, "memory_guidance_scale": following}
    blind = pipe(shot, generators(3), **how).latents
    pipe.card = tiny_card(tail, memory_pictures=2)
    out = pipe(shot, generators(3), **how)
    assert torch.allclose(out.latents, paper_sampler(pipe, shot, 3, 3, 2.5, following=following), atol=5e-5)
    assert not torch.allclose(out.latents, blind, atol=1e-4)


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
