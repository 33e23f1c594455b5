"""The generation model's velocity (STAGE, eq. 3), in training and in sampling.

The paper has t = 1 clean and v = data - noise; diffusers has sigma = 1 - t and predicts noise - data. Here
the sign is diffusers': v_paper = -velocity. Shapes: B batch, N = h*w packed tokens of one frame, D = 4C.
"""

from __future__ import annotations

import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor

from engine.errors import UnsupportedError
from engine.step2.latents import PAIR, img_shapes


def check_transformer(transformer: QwenImageTransformer2DModel) -> None:
    """Refuses variants that would misread our sequence, with a sentence that says why."""
    config = transformer.config
    if config.zero_cond_t:
        raise UnsupportedError(
            "This checkpoint takes every picture after the first for a finished condition (zero_cond_t, as "
            "in Qwen-Image-Edit-2511), the end frame too: use Qwen-Image, -2512 or -Edit-2509."
        )
    if config.use_layer3d_rope or config.use_additional_t_cond:
        raise UnsupportedError(
            "This checkpoint is the layered Qwen-Image, which numbers its pictures differently: use "
            "Qwen-Image, -2512 or -Edit-2509."
        )
    if config.guidance_embeds:
        raise UnsupportedError(
            "This checkpoint embeds its guidance scale, and STEP² uses true classifier-free guidance: use a "
            "checkpoint without guidance embeddings."
        )


def velocity(
    transformer: QwenImageTransformer2DModel,
    pair: Tensor,
    memory: Tensor,
    context: Tensor,
    sigma: Tensor,
    h: int,
    w: int,
) -> Tensor:
    """noise - data of the pair: (B, 2N, D) noisy pair, (B, N, D) clean memory, (B, L, E) context, sigma (B,).

    Only the first 2N output tokens are the velocity; the memory is a condition. All rows share one layout,
    the context is unpadded (no mask), and the guidance embedding stays None. Returns (B, 2N, D).
    """
    out = transformer(
        hidden_states=torch.cat([pair, memory], dim=1).to(transformer.dtype),  # B 3N D
        encoder_hidden_states=context.to(transformer.dtype),
        timestep=sigma.to(pair.device),
        img_shapes=img_shapes(pair.shape[0], h, w),
        guidance=None,
        return_dict=False,
    )[0]
    return out[:, : PAIR * h * w]


def guided_velocity(
    transformer: QwenImageTransformer2DModel,
    pair: Tensor,
    memory: Tensor,
    context: Tensor,
    blank: Tensor | None,
    sigma: Tensor,
    h: int,
    w: int,
    guidance: float,
    rescale: bool,
) -> Tensor:
    """True classifier-free guidance: u + g (c - u), float32 (B, 2N, D).

    The unconditional branch (`blank`, (B, L', E)) drops the text only; memory and previous frame stay.
    Contexts of equal length share one forward. `rescale` gives each guided token the norm of its conditional
    one.
    """
    if blank is None or guidance == 1.0:
        with transformer.cache_context("cond"):
            return velocity(transformer, pair, memory, context, sigma, h, w).float()
    if blank.shape == context.shape:
        twice = [torch.cat([x, x]) for x in (pair, memory, sigma)]
        with transformer.cache_context("cond"):
            both = velocity(transformer, twice[0], twice[1], torch.cat([context, blank]), twice[2], h, w)
        cond, uncond = both.float().chunk(2)
    else:
        # Hooks that reuse a step's work (a draft) keep what they remember of each branch apart.
        with transformer.cache_context("cond"):
            cond = velocity(transformer, pair, memory, context, sigma, h, w).float()
        with transformer.cache_context("uncond"):
            uncond = velocity(transformer, pair, memory, blank, sigma, h, w).float()
    return guide(cond, uncond, guidance, rescale)


def guide(cond: Tensor, uncond: Tensor, guidance: float, rescale: bool) -> Tensor:
    """u + g (c - u); with `rescale` each token gets the norm of its conditional one back."""
    guided = uncond + guidance * (cond - uncond)
    if rescale:
        guided = guided * (
            cond.norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        )
    return guided
