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
    """noise - data of the pair: (B, 2N, D) noisy pair, (B, N, D) clean memory, (B, L, E) context in the
    transformer's dtype, sigma (B,).

    Only the first 2N output tokens are the velocity; the memory is a condition. All rows share one layout,
    the context is unpadded (no mask), and the guidance embedding stays None. Returns (B, 2N, D). (To ask a
    model for its dtype at every step takes a twentieth of a small one's time.)
    """
    out = transformer(
        hidden_states=torch.cat([pair, memory], dim=1).to(context.dtype),  # B 3N D
        encoder_hidden_states=context,
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
    memory_guidance: float = 1.0,
    unaided: Tensor | None = None,
) -> Tensor:
    """Classifier-free guidance of the text and of the memory: u + g (c - u) + (g_M - 1)(c - f), float32
    (B, 2N, D).

    The unconditional branch u (`blank`, (B, L', E)) drops the text only; memory and previous frame stay. The
    forgetful branch f drops the memory only; it costs a forward where `memory_guidance` (g_M) is not 1. Where
    the understanding model reads the pack, too, `unaided` is its context without (`context` otherwise). Two
    scales for two conditions, as in InstructPix2Pix (Brooks et al. 2023, sec. 3.2), each of them around c.
    Contexts of equal length share one forward. `rescale` gives each guided token the norm of its conditional
    one.
    """
    branches = {"cond": (context, memory)}
    if blank is not None and guidance != 1.0:
        branches["uncond"] = (blank, memory)
    if memory_guidance != 1.0:
        branches["forgetful"] = (context if unaided is None else unaided, torch.zeros_like(memory))
    found = {}
    if len({u.shape for u, _ in branches.values()}) == 1:
        n = len(branches)
        contexts, packs = zip(*branches.values(), strict=True)
        with transformer.cache_context("cond"):
            out = velocity(
                transformer,
                pair.repeat(n, 1, 1),
                torch.cat(packs),
                torch.cat(contexts),
                sigma.repeat(n),
                h,
                w,
            )
        found = dict(zip(branches, out.float().chunk(n), strict=True))
    else:
        for name, (u, m) in branches.items():
            # Hooks that reuse a step's work (a draft) keep what they remember of each branch apart.
            with transformer.cache_context(name):
                found[name] = velocity(transformer, pair, m, u, sigma, h, w).float()
    return guide(
        found["cond"], found.get("uncond"), guidance, rescale, found.get("forgetful"), memory_guidance
    )


def guide(
    cond: Tensor,
    uncond: Tensor | None,
    guidance: float,
    rescale: bool,
    forgetful: Tensor | None = None,
    memory_guidance: float = 1.0,
) -> Tensor:
    """u + g (c - u) + (g_M - 1)(c - f), a branch that is None left out; with `rescale` each token gets the
    norm of its conditional one back.
    """
    guided = cond if uncond is None else uncond + guidance * (cond - uncond)
    if forgetful is not None:
        guided = guided + (memory_guidance - 1) * (cond - forgetful)
    if rescale and guided is not cond:
        guided = guided * (
            cond.norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        )
    return guided
