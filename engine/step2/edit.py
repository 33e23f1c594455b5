"""A picture from pictures and words, by an image-editing model of the Qwen-Image family (zero-shot mode).

The sequence is [new picture | reference 1 | reference 2 | …], each with its own entry in `img_shapes`; the
understanding model reads the same references. It is what diffusers' QwenImageEditPlusPipeline computes, but
for two things: picture tokens get their places in two dimensions (the stock encode step leaves them in a
row), and a picture may be drawn from words alone, by the text-to-image template.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.errors import Cancelled
from engine.step2.card import PromptTemplate
from engine.step2.context import ContextTemplate, context_inputs, encode_context
from engine.step2.latents import (
    advance,
    decode_frames,
    encode_frames,
    pack,
    packed_size,
    set_schedule,
    to_bytes,
    to_pixels,
    unpack,
)
from engine.step2.pipeline import Step2Pipeline, releasing
from engine.step2.velocity import guide

REFERENCE_AREA = 1024 * 1024  # pixels at which a reference is encoded
REFERENCE_MULTIPLE = 32
_PICTURE = re.compile(r"(Picture 1: )?(<\|vision_start\|><\|image_pad\|><\|vision_end\|>)")
StepDone = Callable[[int], None]


@releasing
@torch.no_grad()
def edit(
    pipe: Step2Pipeline,
    prompt: str,
    pictures: Sequence[Image.Image],
    generator: torch.Generator,
    *,
    width: int,
    height: int,
    steps: int,
    guidance: float,
    negative: str = " ",
    on_step: StepDone | None = None,
    reference_area: int = REFERENCE_AREA,
) -> np.ndarray:
    """One new picture, uint8 (height, width, 3), from none to three references at any size.

    `on_step(done)` runs after each step and may set `pipe._interrupt`. Raises Cancelled when it is set, and
    BadInput for sizes that cannot be used.
    """
    pipe._interrupt = False
    device = pipe._execution_device
    h, w = pipe.check_inputs([generator], width, height, steps, guidance)
    context = read_pictures(pipe, prompt, pictures)
    blank = read_pictures(pipe, negative, pictures) if guidance > 1.0 else None

    references = [encode_reference(pipe, picture, reference_area) for picture in pictures]  # 1 C H W each
    known = [pack(z.unsqueeze(1).float()) for z in references]  # 1 h*w 4C each
    shapes = [[(1, h, w), *((1, z.shape[2] // 2, z.shape[3] // 2) for z in references)]]

    shape = (1, 1, int(pipe.vae.config.z_dim), 2 * h, 2 * w)

    def noise() -> Tensor:
        z = torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float32)
        return pack(z).to(device)

    x = noise()
    timesteps = set_schedule(pipe.scheduler, steps, h, w, device)
    with pipe.progress_bar(total=steps) as bar:
        for i in range(len(timesteps)):
            if pipe.interrupt:
                raise Cancelled()
            sigma = pipe.scheduler.sigmas[i].to(device).expand(1)
            tokens = torch.cat([x, *known], dim=1).to(pipe.transformer.dtype)

            def velocity(u: Tensor, branch: str, tokens: Tensor = tokens, sigma: Tensor = sigma) -> Tensor:
                with pipe.transformer.cache_context(branch):
                    out = pipe.transformer(
                        hidden_states=tokens,
                        encoder_hidden_states=u.to(pipe.transformer.dtype),
                        timestep=sigma,
                        img_shapes=shapes,
                        guidance=None,
                        return_dict=False,
                    )[0]
                return out[:, : h * w].float()

            v = velocity(context, "cond")
            if blank is not None:
                v = guide(v, velocity(blank, "uncond"), guidance, pipe.card.rescale)
            x = advance(pipe.scheduler, x, v, i, pipe.card.eta, noise)
            if on_step is not None:
                on_step(i + 1)
            bar.update()
    if pipe.interrupt:
        raise Cancelled()
    latents = unpack(x, 1, h, w)[:, 0]  # 1 C H W
    return to_bytes(decode_frames(pipe.vae, latents.to(pipe.vae.dtype)))[0]


def read_pictures(pipe: Step2Pipeline, prompt: str, pictures: Sequence[Image.Image]) -> Tensor:
    """U (1, L, E): what the understanding model makes of the words and the pictures, each at a small size."""
    card, seen = pipe.card, bool(pictures)
    several = (
        card.model_copy(update={"with_image": numbered(card.with_image, len(pictures))}) if seen else card
    )
    template = ContextTemplate.of(several)
    inputs = context_inputs(pipe._processor(), template, [prompt], pictures or None)
    return encode_context(pipe.text_encoder, inputs, template.drop(seen), pipe._execution_device)


def numbered(template: PromptTemplate, pictures: int) -> PromptTemplate:
    """A template for one picture, with as many as there are: "Picture 1: …Picture 2: …"."""

    def each(found: re.Match[str]) -> str:
        label = "Picture {}: " if found.group(1) else ""
        return "".join(label.format(i + 1) + found.group(2) for i in range(pictures))

    return template.model_copy(update={"text": _PICTURE.sub(each, template.text, count=1)})


def reference_size(picture: Image.Image, area: int) -> tuple[int, int]:
    """(width, height) at which a reference is encoded: its shape at about `area`, sides multiples of 32."""
    width = math.sqrt(area * picture.width / picture.height)
    height = width * picture.height / picture.width
    w, h = (max(1, round(side / REFERENCE_MULTIPLE)) * REFERENCE_MULTIPLE for side in (width, height))
    return w, h


def encode_reference(pipe: Step2Pipeline, picture: Image.Image, area: int) -> Tensor:
    """Normalised latents (1, C, H, W) of a whole reference picture."""
    w, h = reference_size(picture, area)
    packed_size(pipe.vae, w, h)
    resized = picture.convert("RGB").resize((w, h), Image.Resampling.LANCZOS)
    pixels = to_pixels(np.asarray(resized)[None])
    return encode_frames(pipe.vae, pixels.to(pipe._execution_device, pipe.vae.dtype))
