"""STEP²: (F^S_i, F^E_i) = STEP²(D_i, C_i, history) (STAGE, sec. 4.1, eq. 1-3 and 8) as a diffusers pipeline.

The token sequence of the generation model is [F^S | F^E | M_i]; the context tokens U_i go in as its text
stream.
"""

from __future__ import annotations

import os
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from diffusers import (
    AutoencoderKLQwenImage,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    QwenImageTransformer2DModel,
)
from diffusers.utils import BaseOutput
from torch import Tensor
from transformers import (
    PreTrainedTokenizerBase,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from engine.errors import BadInput, Cancelled, UnsupportedError
from engine.pictures import read_picture
from engine.step2.cache import FrameCache
from engine.step2.card import CheckpointCard, read_card, write_card
from engine.step2.checkpoint import hub_options, locate
from engine.step2.conditions import (
    KeptFrame,
    MemoryFrame,
    PackedFrame,
    PairConditions,
    StoredFrame,
    pictures_of,
)
from engine.step2.context import ContextTemplate, context_tokens, state_of
from engine.step2.frames import cropped, read_frame
from engine.step2.latents import (
    PAIR,
    advance,
    decode_frames,
    encode_frames,
    pack,
    packed_size,
    scale_factor,
    set_schedule,
    tiling,
    to_bytes,
    to_pixels,
    unpack,
)
from engine.step2.lora import Step2LoraLoaderMixin
from engine.step2.memory import empty_canvas, tile
from engine.step2.packing import layout
from engine.step2.ranking import FrameRanker, FrameScorer
from engine.step2.velocity import check_transformer, guided_velocity
from engine.story import FrameSide

CONTEXTS_KEPT = 4  # one or two a shot; about 15 MB with the real understanding model

R = TypeVar("R")
StepEnd = Callable[["Step2Pipeline", int, Tensor, dict[str, Any]], dict[str, Any]]


def releasing(call: Callable[..., R]) -> Callable[..., R]:
    """However a drawing ends, offloaded models leave the card, and what a draft reuses is forgotten."""

    @wraps(call)
    def drawing(pipe: Step2Pipeline, *args: Any, **kwargs: Any) -> R:
        try:
            return call(pipe, *args, **kwargs)
        finally:
            pipe.maybe_free_model_hooks()

    return drawing


@dataclass
class Step2Output(BaseOutput):
    """`frames`: uint8 (takes, 2, H, W, 3), start then end; normalised `latents` (takes, 2, C, H/8, W/8).
    `memory` is the pack that all takes saw, in order of rank.
    """

    frames: np.ndarray
    latents: Tensor
    memory: tuple[PackedFrame, ...]


class Step2Pipeline(DiffusionPipeline, Step2LoraLoaderMixin):
    """Draws start-end frame pairs from a shot and the history before it.

    Everything else (placement, offload, LoRA, quantisation, saving) is inherited. `processor` may be absent,
    as in a stock text-to-image repository: then one with Qwen2-VL's defaults is built around the tokenizer.
    `ranker` may be absent while there is no memory to rank. `card` is step2.json (the values of the real
    Qwen-Image without it). `weights` names the weights in the cache's keys: set it when two pipelines share
    one cache.
    """

    model_cpu_offload_seq = "ranker->text_encoder->transformer->vae"
    _optional_components = ["processor", "ranker"]  # noqa: RUF012 - diffusers' own contract
    _callback_tensor_inputs = ["latents"]  # noqa: RUF012

    def __init__(
        self,
        scheduler: FlowMatchEulerDiscreteScheduler,
        vae: AutoencoderKLQwenImage,
        text_encoder: Qwen2_5_VLForConditionalGeneration,
        tokenizer: PreTrainedTokenizerBase,
        transformer: QwenImageTransformer2DModel,
        processor: Qwen2VLProcessor | None = None,
        ranker: FrameRanker | None = None,
    ) -> None:
        super().__init__()
        self.register_modules(
            scheduler=scheduler,
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            transformer=transformer,
            processor=processor,
            ranker=ranker,
        )
        self.card = CheckpointCard()
        self.cache = FrameCache()
        self.weights = uuid.uuid4().hex
        self._contexts: OrderedDict[Hashable, list[Tensor]] = OrderedDict()
        self._interrupt = False
        self._memory_guidance_scale = 1.0

    @property
    def memory_guidance_scale(self) -> float:
        """What the last drawing used: 1 where there was no memory to follow."""
        return self._memory_guidance_scale

    @property
    def interrupt(self) -> bool:
        """Set `_interrupt` (from a callback, or another thread) and the drawing ends before its next step."""
        return self._interrupt

    @classmethod
    def from_pretrained(
        cls, folder: str | os.PathLike[str], adapters: bool = True, **kwargs: Any
    ) -> Step2Pipeline:
        """The pipeline of a local folder or a hub id (with huggingface_hub's `HUB_OPTIONS`), with its card.

        The card's adapters are merged into the weights, or without `adapters` left out.
        """
        local = locate(os.fspath(folder), **hub_options(kwargs))
        pipe: Step2Pipeline = super().from_pretrained(str(local), **kwargs)
        card = read_card(local)
        for name in card.adapters if adapters else ():
            pipe.load_lora_weights(local / name)
            pipe.merge_lora()
        pipe.card = card.model_copy(update={"adapters": ()})  # what is saved from here on has them in it
        return pipe

    def save_pretrained(self, folder: str | os.PathLike[str], **kwargs: Any) -> None:
        """Every component in a folder of its own, model_index.json and step2.json."""
        super().save_pretrained(folder, **kwargs)
        write_card(self.card, Path(folder))

    @releasing
    @torch.no_grad()
    def __call__(
        self,
        conditions: PairConditions,
        generator: Sequence[torch.Generator],
        *,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        memory_guidance_scale: float | None = None,
        negative_prompt: str | None = None,
        callback_on_step_end: StepEnd | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> Step2Output:
        """Draws one take a generator, all in one batch.

        Each take's noise comes from its own generator, so it does not depend on its neighbours. The batch
        size is part of the recipe all the same: matrix products of another size round differently in the last
        bits.

        Defaults come from the card. `callback_on_step_end(pipe, step, timestep, {"latents": tokens})` runs
        after each step and may return changed latents (B, 2*h*w, 4C) or set `pipe._interrupt = True`. Raises
        Cancelled when interrupted, BadInput for pictures or sizes that cannot be used.
        """
        self._interrupt = False
        card, device, dtype = self.card, self._execution_device, self.transformer.dtype
        height, width = height or card.height, width or card.width
        steps = card.steps if num_inference_steps is None else num_inference_steps
        guidance = card.guidance if guidance_scale is None else guidance_scale
        following = card.memory_guidance if memory_guidance_scale is None else memory_guidance_scale
        h, w = self.check_inputs(generator, width, height, steps, guidance, following)
        takes = len(generator)

        # 1. Multi-shot memory pack M_i (eq. 1): one frame of clean tokens, however long the history.
        packed, canvas = self.memory_pack(conditions, width, height)
        self._memory_guidance_scale = following = following if packed else 1.0  # else nothing to follow
        memory = pack(canvas.unsqueeze(1)).to(device).expand(takes, -1, -1)
        kept = self.kept_tokens(conditions.kept, width, height)
        self._put_away(self.ranker, self.vae)

        # 2. Context tokens U_i = E_mu(F^E_{i-1}, D_i, C_i); the unconditional branch loses the text only. A
        # checkpoint whose card says so reads the best frames of the pack, too; they go with the memory.
        negative = card.negative if negative_prompt is None else negative_prompt
        prompts = [conditions.prompt, negative] if guidance > 1.0 else [conditions.prompt]
        read = pictures_of(conditions, packed)[: card.memory_pictures]
        found = self.contexts(prompts, conditions.previous_end, read, (width, height), device)
        tokens = [u.to(dtype).expand(takes, -1, -1) for u in found]
        context, blank = tokens[0], tokens[1] if guidance > 1.0 else None
        unaided = context
        if read and following != 1.0:
            unaided = self.contexts(prompts[:1], conditions.previous_end)[0].to(context).expand(takes, -1, -1)

        # 3. The joint shot tensor x^0 ~ N(0, I) (eq. 2), both frames of a take from one generator.
        x = noise = self.noise(generator, h, w).to(device)

        # 4. dx/dt = E_gen(U_i, t, x^t, M_i) (eq. 3) from noise (sigma 1) to data (sigma 0).
        timesteps = set_schedule(self.scheduler, steps, h, w, device)
        sigmas = self.scheduler.sigmas
        with self.progress_bar(total=steps) as bar:
            for i, t in enumerate(timesteps):
                if self.interrupt:
                    raise Cancelled()
                v = guided_velocity(
                    self.transformer,
                    x,
                    memory,
                    context,
                    blank,
                    sigmas[i].to(device).expand(takes),
                    h,
                    w,
                    guidance,
                    card.rescale,
                    following,
                    unaided,
                )
                x = advance(self.scheduler, x, v, i, card.eta, lambda: self.noise(generator, h, w).to(device))
                if kept is not None:  # the kept frame stays on its own noised path, and ends clean
                    side, clean = kept
                    x[:, side] = (1 - sigmas[i + 1]) * clean + sigmas[i + 1] * noise[:, side]
                if callback_on_step_end is not None:
                    given = {name: x for name in callback_on_step_end_tensor_inputs if name == "latents"}
                    x = callback_on_step_end(self, i, t, given).get("latents", x)
                bar.update()
        if self.interrupt:
            raise Cancelled()

        # 5. Decode start and end, each as a single frame.
        latents = unpack(x, PAIR, h, w)  # takes 2 C H W
        frames = to_bytes(decode_frames(self.vae, latents.flatten(0, 1).to(self.vae.dtype)))
        return Step2Output(frames.reshape(takes, PAIR, height, width, 3), latents, packed)

    def _put_away(self, *models: torch.nn.Module | None) -> None:
        """Takes offloaded models off the device: accelerate's chain moves only what ran just before."""
        for hook in getattr(self, "_all_hooks", ()):
            if any(hook.model is model for model in models):
                hook.offload()

    def check_inputs(
        self,
        generator: Sequence[torch.Generator],
        width: int,
        height: int,
        steps: int,
        guidance: float,
        memory_guidance: float = 1.0,
    ) -> tuple[int, int]:
        """(h, w) in packed tokens, or an error that says what to change."""
        check_transformer(self.transformer)
        if not generator:
            raise BadInput("Ask for at least one take.")
        if not 1 <= steps <= 1000:
            raise BadInput(f"The number of steps must be between 1 and 1000, not {steps}.")
        if not 1.0 <= guidance <= 100.0:
            raise BadInput(f"The guidance must be between 1 (none) and 100, not {guidance:g}.")
        if not 1.0 <= memory_guidance <= 10.0:
            raise BadInput(
                f"The memory guidance must be between 1 (as trained) and 10, not {memory_guidance:g}."
            )
        try:
            return packed_size(self.vae, width, height)
        except ValueError as e:
            cell = scale_factor(self.vae) * 2
            raise BadInput(f"The size must be in multiples of {cell} pixels, not {width} x {height}.") from e

    def contexts(
        self,
        prompts: Sequence[str],
        previous_end: StoredFrame | None,
        memory: Sequence[StoredFrame] = (),
        size: tuple[int, int] | None = None,
        device: torch.device | None = None,
    ) -> list[Tensor]:
        """U_i (1, L, E) of each prompt with the previous shot's end frame (None for the first) and the frames
        of the pack that are read, cropped to `size` as on the canvas. The last few answers are kept.
        """
        template, device = ContextTemplate.of(self.card), device or self._execution_device
        seen = (previous_end.sha256 if previous_end else None, *(frame.sha256 for frame in memory))
        asked = (tuple(prompts), seen, size, template, device, state_of(self.text_encoder))
        found = self._contexts.pop(asked, None)
        if found is None:
            image = None if previous_end is None else read_picture(previous_end.path)
            pack = cropped(memory, *(size or (self.card.width, self.card.height)))
            found = context_tokens(
                self.text_encoder, self._processor(), template, prompts, image, device, pack
            )
        self._contexts[asked] = found
        while len(self._contexts) > CONTEXTS_KEPT:
            self._contexts.popitem(last=False)
        return found

    def weights_changed(self) -> None:
        """The kept context tokens are of other weights now."""
        self._contexts.clear()

    def memory_layout(
        self, conditions: PairConditions, width: int, height: int
    ) -> list[tuple[MemoryFrame, PackedFrame]]:
        """Which frames of the bank get which tile, in order of rank; needs CLIP but draws nothing."""
        bank = conditions.memory
        if not bank:
            return []
        alike = self.description_similarities(conditions.description, [m.frame for m in bank])
        h, w = packed_size(self.vae, width, height)
        return [(bank[i], packed) for i, packed in layout(bank, alike, h, w)]

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]:
        """CLIP cosine of each stored frame with D_i, by which the memory is ranked."""
        return self._scorer().description_similarities(description, frames)

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
        """CLIP image cosine of the two frames of each pair."""
        return self._scorer().frame_similarities(pairs)

    def memory_pack(
        self, conditions: PairConditions, width: int, height: int
    ) -> tuple[tuple[PackedFrame, ...], Tensor]:
        """M_i as (what was packed, canvas (1, C, H, W) of normalised latents)."""
        h, w = packed_size(self.vae, width, height)
        chosen = self.memory_layout(conditions, width, height)
        if not chosen:
            like = torch.zeros((), dtype=torch.float32)
            return (), empty_canvas(1, int(self.vae.config.z_dim), h, w, like)
        latents = self.frame_latents([m.frame for m, _ in chosen], width, height)  # n C H W
        return tuple(p for _, p in chosen), tile(latents.float(), h, w).unsqueeze(0)

    def noise(self, generator: Sequence[torch.Generator], h: int, w: int) -> Tensor:
        """x^0 as tokens, float32 (takes, 2*h*w, 4C); drawn on each generator's own device."""
        shape = (PAIR, int(self.vae.config.z_dim), 2 * h, 2 * w)
        takes = [
            torch.randn(shape, generator=g, device=g.device, dtype=torch.float32).cpu() for g in generator
        ]
        return pack(torch.stack(takes))

    def kept_tokens(self, kept: KeptFrame | None, width: int, height: int) -> tuple[slice, Tensor] | None:
        """Where the kept frame's tokens are in the pair, and their clean value (1, h*w, 4C)."""
        if kept is None:
            return None
        h, w = packed_size(self.vae, width, height)
        side = slice(0, h * w) if kept.side is FrameSide.START else slice(h * w, 2 * h * w)
        clean = pack(self.frame_latents([kept.frame], width, height).unsqueeze(0).float())
        return side, clean.to(self._execution_device)

    def frame_latents(self, frames: Sequence[StoredFrame], width: int, height: int) -> Tensor:
        """Normalised latents (n, C, H, W) of stored 8-bit frames; each is computed once, and alone."""

        def compute(frame: StoredFrame) -> Tensor:
            pixels = to_pixels(read_frame(frame, width, height)[None])
            return encode_frames(self.vae, pixels.to(self._execution_device, self.vae.dtype))[0]

        made_with = f"vae {self.weights} {width}x{height} {self.vae.dtype}{tiling(self.vae)}"
        return torch.stack([self.cache.get(f.sha256, made_with, partial(compute, f)) for f in frames])

    def _scorer(self) -> FrameScorer:
        """Raises UnsupportedError when the checkpoint has no ranker."""
        if self.ranker is None:
            raise UnsupportedError("This checkpoint has no ranker, so its memory cannot be ordered: add one.")
        return FrameScorer(lambda: self.ranker, self.cache, self.weights)

    def _processor(self) -> Qwen2VLProcessor:
        if self.processor is None:
            images, videos = Qwen2VLImageProcessor(), Qwen2VLVideoProcessor()  # the class asks for both
            self.register_modules(processor=Qwen2VLProcessor(images, self.tokenizer, videos))
        return self.processor
