"""Dual encoding (eq. 2): packing, positions, the schedule's shift, separate VAE encodes, the one-frame
shortcut.
"""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from engine.step2.latents import (
    decode_frames,
    encode_frames,
    img_shapes,
    pack,
    packed_size,
    set_schedule,
    shift_mu,
    shift_sigma,
    to_bytes,
    to_pixels,
    unpack,
)
from engine.step2.single_frame import enable_single_frame, single_frame
from tests.engine.step2.tiny import picture, tiny_transformer, tiny_vae


def test_packing_is_the_transformers_own_2x2_patching() -> None:
    x = torch.randn(2, 3, 4, 8, 16)  # B F C H W
    tokens = pack(x)
    assert tokens.shape == (2, 3 * 4 * 8, 16)
    first = x[1, 2, :, 0:2, 2:4]  # row 1, memory, the second token of the first line
    assert torch.equal(tokens[1, 2 * 32 + 1], first.reshape(-1))
    assert torch.equal(unpack(tokens, 3, 4, 8), x)


def test_packing_agrees_with_diffusers() -> None:
    from diffusers import QwenImagePipeline

    x = torch.randn(2, 1, 4, 8, 16)
    assert torch.equal(pack(x), QwenImagePipeline._pack_latents(x[:, 0], 2, 4, 8, 16))


def test_trap_1_three_entries_give_frame_indices_0_1_2() -> None:
    rope = tiny_transformer().pos_embed
    three, _ = rope(img_shapes(1, 4, 8), max_txt_seq_len=1, device=torch.device("cpu"))
    start, end, memory = three.chunk(3)
    frame = slice(0, 2)  # the complex rotations of the frame axis: axes_dims_rope[0] / 2
    for index, entry in enumerate((start, end, memory)):
        assert torch.allclose(entry[:, frame], rope.pos_freqs[index, frame].expand(32, -1))
    assert torch.equal(start[:, 2:], memory[:, 2:]), "height and width positions are alike"
    collided, _ = rope([[(2, 4, 8), (1, 4, 8)]], max_txt_seq_len=1, device=torch.device("cpu"))
    assert torch.equal(collided[64:], collided[32:64]), (
        "one (2, h, w) entry makes memory collide with the end"
    )


def test_trap_3_mu_is_that_of_one_frame() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(  # Qwen-Image's
        use_dynamic_shifting=True, base_shift=0.5, max_shift=0.9, max_image_seq_len=8192
    )
    h = w = 83  # 1328 x 1328
    assert math.exp(shift_mu(scheduler.config, h, w)) == pytest.approx(2.30, abs=0.005)
    assert math.exp(shift_mu(scheduler.config, 2 * h, w)) == pytest.approx(3.26, abs=0.005)
    timesteps = set_schedule(scheduler, 4, h, w)
    uniform = torch.linspace(1, 0.25, 4)
    expected = shift_sigma(uniform, shift_mu(scheduler.config, h, w))
    assert torch.allclose(scheduler.sigmas[:-1], expected, atol=1e-6)
    assert torch.allclose(timesteps, expected * 1000, atol=1e-3)
    assert scheduler.sigmas[0] == 1
    assert scheduler.sigmas[-1] == 0


def test_a_native_scheduler_shifts_by_log_1_5_at_every_size() -> None:
    log = math.log(1.5)
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=log, max_shift=log)
    assert shift_mu(scheduler.config, 4, 8) == pytest.approx(log)
    set_schedule(scheduler, 8, 4, 8)
    s = torch.linspace(1, 0, 9)
    assert torch.allclose(scheduler.sigmas, 1.5 * s / (1 + 0.5 * s), atol=1e-6)


@pytest.mark.parametrize("terminal", [None, 0.02])
def test_one_step_goes_from_noise_to_data(terminal: float | None) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=terminal)
    assert set_schedule(scheduler, 1, 4, 8).tolist() == [1000.0]
    assert scheduler.sigmas.tolist() == [1.0, 0.0]
    x = scheduler.step(torch.ones(1, 2), scheduler.timesteps[0], torch.full((1, 2), 3.0), return_dict=False)[
        0
    ]
    assert x.tolist() == [[2.0, 2.0]]


@torch.no_grad()
def test_trap_8_frames_are_encoded_one_by_one() -> None:
    vae = tiny_vae(temporal=True)
    pixels = to_pixels(torch.stack([torch.tensor(picture(1)), torch.tensor(picture(2))]).numpy())
    z = encode_frames(vae, pixels)
    assert z.shape == (2, 4, 8, 16)
    alone = encode_frames(vae, pixels[1:])
    assert torch.allclose(z[1:], alone, atol=1e-5)
    raw = vae.encode(pixels[:1, :, None]).latent_dist
    mean = torch.tensor(vae.config.latents_mean).view(1, -1, 1, 1)
    std = torch.tensor(vae.config.latents_std).view(1, -1, 1, 1)
    assert torch.allclose(z[:1], (raw.mode()[:, :, 0] - mean) / std, atol=1e-5)
    clip = pixels.transpose(0, 1)[None].repeat_interleave(3, 2)[:, :, :5]  # a 5-frame clip
    assert vae.encode(clip).latent_dist.mode().shape[2] == 2, "as a clip, both would be compressed in time"


@torch.no_grad()
@pytest.mark.parametrize("temporal", [False, True])
def test_the_single_frame_shortcut_equals_the_stock_vae(temporal: bool) -> None:
    vae, other = tiny_vae(1, temporal), tiny_vae(1, temporal)
    pixels = to_pixels(picture(3)[None])
    z = encode_frames(vae, pixels)
    image = decode_frames(vae, z)
    clip = torch.randn(1, 3, 5, 32, 64)
    stock_clip = vae.encode(clip).latent_dist.mode()
    with single_frame(vae):
        assert "forward" in vae.encoder.conv_in.__dict__, "the shortcut is on"
        assert torch.allclose(encode_frames(vae, pixels), z, atol=1e-5)
        assert torch.allclose(decode_frames(vae, z), image, atol=1e-5)
        assert torch.allclose(vae.encode(clip).latent_dist.mode(), stock_clip, atol=1e-5), (
            "clips go the stock way"
        )
        assert "forward" not in other.encoder.conv_in.__dict__, "another VAE is untouched"
    assert "forward" not in vae.encoder.conv_in.__dict__
    assert "_encode" not in vae.__dict__
    assert torch.equal(encode_frames(vae, pixels), z)


def test_the_shortcut_trains_and_saves_like_the_stock_vae() -> None:
    vae = tiny_vae(2)
    keys = set(vae.state_dict())
    enable_single_frame(vae)
    assert set(vae.state_dict()) == keys
    encode_frames(vae, to_pixels(picture(4)[None])).square().mean().backward()
    grad = vae.encoder.conv_in.weight.grad
    assert grad is not None
    assert grad[:, :, -1].abs().max() > 0
    assert grad[:, :, :-1].abs().max() == 0, "only the last temporal tap meets data"


def test_bytes_and_pixels_are_inverse() -> None:
    frames = picture(5)[None]
    assert (to_bytes(to_pixels(frames)) == frames).all()


def test_sizes_are_multiples_of_a_packed_cell() -> None:
    assert packed_size(tiny_vae(), 64, 32) == (4, 8)
    with pytest.raises(ValueError, match="multiples of 8"):
        packed_size(tiny_vae(), 63, 32)
