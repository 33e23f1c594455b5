"""A STEP² pipeline of tiny random models, for tests: the real classes, seconds to build, random pixels."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImageEditPlusPipeline,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
)
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from engine.step2.card import MEMORY, CheckpointCard, PromptTemplate
from engine.step2.conditions import MemoryFrame, StoredFrame
from engine.step2.frames import png
from engine.step2.pipeline import Step2Pipeline
from engine.step2.ranking import FrameRanker

WIDTH, HEIGHT = 64, 32  # pixels; with cells of 4 that is a latent of 8 x 16 and 4 x 8 packed tokens
H, W = 4, 8
CHANNELS = 4
CONTEXT = [f"<|context_{i}|>" for i in range(16)]
SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
    "<|video_pad|>", *CONTEXT,
]  # fmt: skip


def tiny_tokenizer(special: list[str], **roles: str) -> PreTrainedTokenizerFast:
    """Byte-level BPE without merges: a token a byte, and the special tokens after them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles)


def tiny_text_encoder(
    tokenizer: PreTrainedTokenizerFast, seed: int = 0, patch: int = 4
) -> Qwen2_5_VLForConditionalGeneration:
    def token(text: str) -> int:
        return int(tokenizer.convert_tokens_to_ids(text))

    torch.manual_seed(seed)
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 1, "vocab_size": len(tokenizer), "max_position_embeddings": 2048,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            "bos_token_id": token("<|endoftext|>"), "eos_token_id": token("<|im_end|>"),
            "pad_token_id": token("<|endoftext|>"),
        },
        vision_config={
            "depth": 2, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "out_hidden_size": 32,
            "patch_size": patch, "spatial_merge_size": 2, "window_size": 4 * patch,
            "fullatt_block_indexes": [1],
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def tiny_vae(seed: int = 0, temporal: bool = False, halvings: int = 2) -> AutoencoderKLQwenImage:
    """Two halvings, so a latent cell is 4 x 4 pixels; `temporal` adds the stock temporal resampling."""
    torch.manual_seed(seed)
    vae = AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=CHANNELS,
        dim_mult=[1, *[2] * halvings],
        num_res_blocks=1,
        temperal_downsample=[temporal] * halvings,
        latents_mean=[0.1, -0.2, 0.0, 0.3],
        latents_std=[0.5, 0.7, 0.9, 1.1],
    )
    return vae.eval()


def tiny_transformer(seed: int = 0, **overrides: object) -> QwenImageTransformer2DModel:
    torch.manual_seed(seed)
    config: dict[str, object] = {
        "patch_size": 2, "in_channels": 4 * CHANNELS, "out_channels": CHANNELS, "num_layers": 2,
        "attention_head_dim": 16, "num_attention_heads": 2, "joint_attention_dim": 32,
        "axes_dims_rope": (4, 6, 6), **overrides,
    }  # fmt: skip
    return QwenImageTransformer2DModel(**config).eval()


def tiny_ranker(seed: int = 0) -> FrameRanker:
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer(["<|start|>", "<|end|>"], bos_token="<|start|>", eos_token="<|end|>")
    return FrameRanker(
        embed_dim=16,
        vision_cfg={"layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "image_size": (32, 64)},
        text_cfg={"context_length": 24, "vocab_size": len(tokenizer), "width": 32, "heads": 2, "layers": 1},
        resize="squash",
        tokenizer=tokenizer,
    ).eval()


def tiny_card(tail: bool = True, memory_pictures: int = 0) -> CheckpointCard:
    """`tail`: the template ends in 16 context tokens, whose states are kept; else its head is dropped."""
    end = MEMORY + ("".join(CONTEXT) if tail else "")
    picture = "<|vision_start|><|image_pad|><|vision_end|>"
    return CheckpointCard(
        title="tiny",
        note="random weights, for tests",
        pairs=True,
        preview=True,
        width=WIDTH,
        height=HEIGHT,
        steps=3,
        guidance=2.0,
        rescale=False,
        negative="",
        text_only=PromptTemplate(text="<|im_start|>{}<|im_end|>" + end, drop=-16 if tail else 1),
        with_image=PromptTemplate(text=f"<|im_start|>{picture}{{}}<|im_end|>{end}", drop=-16 if tail else 1),
        vl_area=32 * 16,
        memory_pictures=memory_pictures,
        vl_multiple=8,
        max_prompt_tokens=256,
        dtype="float32",
    )


def tiny_pipeline(seed: int = 0, tail: bool = True) -> Step2Pipeline:
    """A whole pipeline; another `seed` gives other weights."""
    tokenizer = tiny_tokenizer(SPECIAL, pad_token="<|endoftext|>", eos_token="<|im_end|>")
    images = Qwen2VLImageProcessor(patch_size=4, merge_size=2, min_pixels=64, max_pixels=4096)
    videos = Qwen2VLVideoProcessor(patch_size=4, merge_size=2)
    pipe = Step2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.5, max_shift=0.9, base_image_seq_len=16,
            max_image_seq_len=64, time_shift_type="exponential",
        ),
        vae=tiny_vae(seed),
        text_encoder=tiny_text_encoder(tokenizer, seed),
        tokenizer=tokenizer,
        transformer=tiny_transformer(seed),
        processor=Qwen2VLProcessor(images, tokenizer, videos),
        ranker=tiny_ranker(seed),
    )  # fmt: skip
    pipe.card = tiny_card(tail)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(s) for s in seeds]


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A smooth random picture, uint8 (height, width, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def stored_picture(folder: Path, seed: int, width: int = WIDTH, height: int = HEIGHT) -> StoredFrame:
    """The same, as a stored PNG named by its hash."""
    data = png(picture(seed, width, height))
    sha = hashlib.sha256(data).hexdigest()
    path = folder / f"{sha}.png"
    path.write_bytes(data)
    return StoredFrame(sha, path)


def bank(
    folder: Path, n: int, pinned: tuple[int, ...] = (), size: tuple[int, int] = (WIDTH, HEIGHT)
) -> tuple[MemoryFrame, ...]:
    """n different stored frames of `size` (width, height): 1S, 1E, 2S, 2E, …"""
    return tuple(
        MemoryFrame(f"{i // 2 + 1}{'SE'[i % 2]}", stored_picture(folder, 100 + i, *size), i in pinned)
        for i in range(n)
    )


def stock_parts(seed: int = 0) -> dict[str, Any]:
    """The components of a stock text-to-image repository: no ranker, no card, and no processor, so that one
    with Qwen2-VL's own defaults (patches of 14 pixels) is built.
    """
    tokenizer = tiny_tokenizer(SPECIAL, pad_token="<|endoftext|>", eos_token="<|im_end|>")
    tiny = tiny_pipeline(seed)
    return {
        "scheduler": FlowMatchEulerDiscreteScheduler.from_config(tiny.scheduler.config, shift_terminal=0.02),
        "vae": tiny.vae,
        "text_encoder": tiny_text_encoder(tokenizer, seed, patch=14),
        "tokenizer": tokenizer,
        "transformer": tiny.transformer,
    }


def stock_repository(folder: Path, edit: bool = False, seed: int = 0) -> Path:
    """A tiny repository as the hub has them, Qwen-Image's or Qwen-Image-Edit-2509's, and a ranker beside."""
    parts = stock_parts(seed)
    if edit:
        images = Qwen2VLImageProcessor()
        parts["processor"] = Qwen2VLProcessor(images, parts["tokenizer"], Qwen2VLVideoProcessor())
        QwenImageEditPlusPipeline(**parts).save_pretrained(folder)
    else:
        QwenImagePipeline(**parts).save_pretrained(folder)
    tiny_ranker(seed).save_pretrained(folder / "ranker")
    return folder
