"""The mini understanding model: a tiny Qwen2.5-VL, its templates, and how training has it read.

Its vision tower is trained by `sight` and left alone from then on, so that a frame's picture tokens are
computed once; its language model is trained by `context` and `sft`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from engine.step2.card import MEMORY, PICTURE, PromptTemplate
from engine.step2.context import ContextTemplate
from engine.training.slots import CONTEXT_DIM
from engine.training.words import CONTEXT_TOKENS
from engine.world.annotate import LENGTH
from engine.world.camera import HEIGHT, WIDTH

PATCH, MERGE = 16, 2  # pixels a patch, patches a picture token in each direction
VIEW = (WIDTH, HEIGHT)  # pixels at which frames are read: whole
GRID = (1, HEIGHT // PATCH, WIDTH // PATCH)  # patches of a frame: 8 x 16
PICTURE_TOKENS = GRID[1] * GRID[2] // MERGE**2  # 32
MEMORY_PICTURES = 4  # the best of the pack: they show nine in ten of the people and places that come back
_TAIL = f"{MEMORY}{''.join(CONTEXT_TOKENS)}"
TEXT_ONLY = PromptTemplate(text=f"<|im_start|>{{}}<|im_end|>{_TAIL}", drop=-LENGTH)
WITH_IMAGE = PromptTemplate(text=f"<|im_start|>{PICTURE}{{}}<|im_end|>{_TAIL}", drop=-LENGTH)
TEMPLATE = ContextTemplate(TEXT_ONLY, WITH_IMAGE, VIEW[0] * VIEW[1], PATCH * MERGE, 384, MEMORY_PICTURES)
_PAD = "<|image_pad|>"


def new_context_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLForConditionalGeneration:
    """The tiny understanding model, untrained; its width is the transformer's joint attention dimension."""

    def token(text: str) -> int:
        return int(tokenizer.convert_tokens_to_ids(text))

    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": CONTEXT_DIM,
            "intermediate_size": 256,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
            "bos_token_id": token("<|endoftext|>"),
            "eos_token_id": token("<|im_end|>"),
            "pad_token_id": token("<|endoftext|>"),
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 96,
            "intermediate_size": 256,
            "num_heads": 3,
            "out_hidden_size": CONTEXT_DIM,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "window_size": 128,
            "fullatt_block_indexes": [0, 1],
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def new_processor(tokenizer: PreTrainedTokenizerFast) -> Qwen2VLProcessor:
    """Reads pictures at VIEW pixels."""
    pixels = VIEW[0] * VIEW[1]
    images = Qwen2VLImageProcessor(patch_size=PATCH, merge_size=MERGE, min_pixels=1024, max_pixels=4 * pixels)
    return Qwen2VLProcessor(images, tokenizer, Qwen2VLVideoProcessor(patch_size=PATCH, merge_size=MERGE))


def read_seen(
    model: Qwen2_5_VLForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    previous: Sequence[Tensor | None] | None = None,
    packs: Sequence[Sequence[Tensor]] | None = None,
) -> Tensor:
    """U_i of each prompt, (B, 16, 128), with pictures that the tower has seen already: tokens (32, 128) of
    its previous end frame (None for none) and of the first frames of its pack. Differentiable.

    The same as `encode_context`, without the tower's work.
    """
    previous = previous or [None] * len(prompts)
    packs = packs or [()] * len(prompts)
    texts, pictures = [], list[Tensor]()
    for prompt, before, pack in zip(prompts, previous, packs, strict=True):
        texts.append(TEMPLATE.render(prompt, before is not None, len(pack)))
        pictures += [*([before] if before is not None else []), *pack]
    told = tokenizer(
        [text.replace(_PAD, _PAD * PICTURE_TOKENS) for text in texts],
        add_special_tokens=False,
        padding=True,
        padding_side="left",
        return_tensors="pt",
    )
    ids, mask = told["input_ids"], told["attention_mask"]
    places = ids == model.config.image_token_id
    words = model.get_input_embeddings()(ids)
    if pictures:
        words = words.masked_scatter(places[..., None], torch.cat(pictures))
    out = model.model(
        input_ids=ids,  # for the positions of the pictures
        inputs_embeds=words,
        attention_mask=None if bool(mask.all()) else mask,
        image_grid_thw=torch.tensor([GRID] * len(pictures)) if pictures else None,
        mm_token_type_ids=places.int(),
        use_cache=False,
    )
    return out.last_hidden_state[:, -LENGTH:]
