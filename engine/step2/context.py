"""Context tokens U_i = E_mu(F^E_{i-1}, D_i, C_i): our own encode step for Qwen2.5-VL.

diffusers' encode step does not forward `mm_token_type_ids`, and transformers 5 then silently falls back to
1-D positions for the picture; this one passes them. Prompts are never padded in sampling (the transformer is
then called without a mask), and the first shot, which has no previous frame, has a text-only template of its
own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from PIL import Image
from torch import Tensor, nn
from transformers import BatchFeature, Qwen2_5_VLForConditionalGeneration, Qwen2VLProcessor

from engine.step2.card import MEMORY, PICTURE, CheckpointCard, PromptTemplate

_CONTROL = re.compile(r"<\|[^|<>]*\|>")


@dataclass(frozen=True)
class ContextTemplate:
    """How a shot is put to the understanding model: `text_only` for the first shot, `with_image` after it.

    Each has its own `drop`: hidden states [drop:] are the context (34 and 64 for Qwen-Image, negative for a
    checkpoint that ends its template in context tokens). `area` and `multiple` size the pictures that are
    read; of the memory pack those are the first `memory_pictures`.
    """

    text_only: PromptTemplate
    with_image: PromptTemplate
    area: int
    multiple: int
    max_tokens: int
    memory_pictures: int = 0

    @classmethod
    def of(cls, card: CheckpointCard) -> ContextTemplate:
        return cls(
            card.text_only,
            card.with_image,
            card.vl_area,
            card.vl_multiple,
            card.max_prompt_tokens,
            card.memory_pictures,
        )

    def drop(self, with_image: bool) -> int:
        return (self.with_image if with_image else self.text_only).drop

    def render(self, prompt: str, with_image: bool, memory: int = 0) -> str:
        """The full text with so many pictures of the pack; control tokens that a user typed are taken out, or
        they would break the pictures' count.
        """
        template = (self.with_image if with_image else self.text_only).text
        return template.replace(MEMORY, PICTURE * memory, 1).replace("{}", without_control(prompt), 1)

    def picture(self, frame: Image.Image) -> Image.Image:
        """A frame at the size that the understanding model reads, keeping its shape."""
        width = math.sqrt(self.area * frame.width / frame.height)
        w = max(self.multiple, round(width / self.multiple) * self.multiple)
        h = max(self.multiple, round(width * frame.height / frame.width / self.multiple) * self.multiple)
        frame = frame.convert("RGB")
        return frame if frame.size == (w, h) else frame.resize((w, h), Image.Resampling.LANCZOS)


def without_control(text: str) -> str:
    """The text without control tokens; what is left of one around another (`<|im<|x|>_end|>`) is none
    either.
    """
    while (plain := _CONTROL.sub("", text)) != text:
        text = plain
    return text


def context_inputs(
    processor: Qwen2VLProcessor,
    template: ContextTemplate,
    prompts: Sequence[str],
    frames: Sequence[Image.Image] | None = None,
    memory: Sequence[Sequence[Image.Image]] = (),
) -> BatchFeature:
    """Tokens for the understanding model: input_ids, attention_mask and mm_token_type_ids (B, L); pixels
    where pictures are shown.

    Either every prompt has a previous frame or none has; where the template shows more pictures than one,
    `frames` are those of the first prompt, then those of the second, and so on. `memory` holds each prompt's
    pictures of the pack, the best first. Prompts of unequal length are padded on the LEFT, which only a
    template with a negative drop may use (training batches): its kept tail stays in place.
    """
    seen = frames is not None
    packs = memory or [()] * len(prompts)
    pictures = [*(frames or ())]
    if any(packs):  # in the order of the text: a prompt's previous frame, then its pack
        before = [[frame] for frame in frames] if frames is not None else [[] for _ in prompts]
        pictures = [p for one, pack in zip(before, packs, strict=True) for p in (*one, *pack)]
    prompts = [_cut(processor, without_control(p), template.max_tokens) for p in prompts]
    inputs = processor(
        text=[template.render(p, seen, len(pack)) for p, pack in zip(prompts, packs, strict=True)],
        images=[template.picture(f) for f in pictures] or None,
        padding=len(prompts) > 1,
        padding_side="left",
        return_mm_token_type_ids=True,
        return_tensors="pt",
    )
    if template.drop(seen) >= 0 and not bool(inputs["attention_mask"].all()):
        raise ValueError(
            "prompts of unequal length cannot share a batch with this template: encode one at a time"
        )
    return inputs


def _cut(processor: Qwen2VLProcessor, prompt: str, tokens: int) -> str:
    """The beginning of the prompt that is at most `tokens` tokens (the template around it is never cut).

    It ends with a whole character, of which the bytes may be several tokens. No length of the text spares the
    counting: tokenizers put a space before it, or take a character apart.
    """
    while True:
        found = processor.tokenizer(prompt, add_special_tokens=False, return_offsets_mapping=True)
        spans = found["offset_mapping"]
        if len(spans) <= tokens:
            return prompt
        # once more: the last word may be other tokens now that its end is gone
        prompt = prompt[: min(spans[tokens][0], len(prompt) - 1)]


def encode_context(
    model: Qwen2_5_VLForConditionalGeneration,
    inputs: BatchFeature,
    drop: int,
    device: torch.device | None = None,
) -> Tensor:
    """U_i: the last hidden states [drop:], (B, L, D). Differentiable; call under no_grad to sample.

    `device` is where it computes; a model whose weights wait elsewhere does not know it itself.
    """
    inputs = inputs.to(device or model.device)
    mask = inputs["attention_mask"]
    out = model(
        input_ids=inputs["input_ids"],
        attention_mask=None if bool(mask.all()) else mask,
        pixel_values=inputs.get("pixel_values"),
        image_grid_thw=inputs.get("image_grid_thw"),
        mm_token_type_ids=inputs["mm_token_type_ids"],
        output_hidden_states=True,
        use_cache=False,
        logits_to_keep=1,  # no words are wanted: spare the vocabulary projection of the whole prompt
    )
    return out.hidden_states[-1][:, drop:]


def state_of(model: nn.Module) -> Hashable:
    """What differs once the model may read otherwise: loaded weights, adapters, their strength, precision."""
    adapters = [
        (name, tuple(layer.active_adapters), layer.disable_adapters, str(getattr(layer, "scaling", "")))
        for name, layer in model.named_modules()
        if isinstance(layer, BaseTunerLayer)
    ]
    weights = list(model.parameters())
    return id(model), len(weights), sum(p._version for p in weights), weights[0].dtype, tuple(adapters)


@torch.no_grad()
def context_tokens(
    model: Qwen2_5_VLForConditionalGeneration,
    processor: Qwen2VLProcessor,
    template: ContextTemplate,
    prompts: Sequence[str],
    previous_end: Image.Image | None = None,
    device: torch.device | None = None,
    memory: Sequence[Image.Image] = (),
) -> list[Tensor]:
    """U_i of each prompt with the same previous frame and pictures of the pack, (1, L, E) each.

    A template that drops its head takes them one by one, unpadded; one that keeps its tail takes all at once.
    """
    seen = previous_end is not None
    drop = template.drop(seen)
    groups = [list(prompts)] if drop < 0 else [[p] for p in prompts]
    found: list[Tensor] = []
    for group in groups:
        frames = [previous_end] * len(group) if previous_end is not None else None
        packs = [memory[: template.memory_pictures]] * len(group)
        inputs = context_inputs(processor, template, group, frames, packs)
        found += encode_context(model, inputs, drop, device).split(1)
    return found
