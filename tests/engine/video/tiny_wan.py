"""Wan checkpoints of tiny random models, saved to disk: the real classes of diffusers, random pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLWan,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
    WanVACEPipeline,
    WanVACETransformer3DModel,
)
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel

from engine.video.renderers import RENDERERS, Lengths, Renderer, Sizes
from tests.engine.step2.tiny import tiny_tokenizer

LENGTHS = Lengths(shortest=5, longest=13, step=4, rate=RENDERERS["wan2.2-i2v-a14b"].lengths.rate)  # type: ignore[union-attr]
SIZES = Sizes(area=64 * 32)
SHAPE = {
    "patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 12, "out_channels": 16,
    "text_dim": 16, "freq_dim": 32, "ffn_dim": 32, "num_layers": 2, "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 32,
}  # fmt: skip
CLIP_TOKENS = (16 // 8) ** 2 + 1


def tiny(name: str, folder: Path, **changes: object) -> Renderer:
    """The registry's renderer, at a size and length that a test can afford, on a checkpoint in a folder."""
    return replace(
        RENDERERS[name], model=str(folder), variable="", lengths=LENGTHS, sizes=SIZES, steps=2, **changes
    )


def save_wan22_i2v(folder: Path, **config: object) -> Path:
    """Two experts, no image encoder: as Wan 2.2 I2V A14B."""
    experts = [_transformer(seed, in_channels=36) for seed in (1, 2)]
    pipe = WanImageToVideoPipeline(
        **_shared(), transformer=experts[0], transformer_2=experts[1], boundary_ratio=0.9, **config
    )
    pipe.save_pretrained(folder)
    return folder


def save_wan21_flf2v(folder: Path, position: int | None = 2 * CLIP_TOKENS) -> Path:
    """One transformer that sees both frames by CLIP: as Wan 2.1 FLF2V; without `position`, as Wan 2.1 I2V."""
    pipe = WanImageToVideoPipeline(
        **_shared(),
        transformer=_transformer(
            3, in_channels=36, image_dim=8, added_kv_proj_dim=24, pos_embed_seq_len=position
        ),
        image_encoder=_image_encoder(),
        image_processor=CLIPImageProcessor(crop_size=16, size=16),
    )
    pipe.save_pretrained(folder)
    return folder


def save_wan21_vace(folder: Path) -> Path:
    """A control branch beside the transformer: as Wan 2.1 VACE."""
    torch.manual_seed(4)
    transformer = WanVACETransformer3DModel(**SHAPE, in_channels=16, vace_layers=[0], vace_in_channels=96)
    WanVACEPipeline(**_shared(), transformer=transformer).save_pretrained(folder)
    return folder


def save_lora(folder: Path, names: tuple[str, ...]) -> None:
    """LoRA files as they are published for Wan: rank 2, on the attention of both blocks."""
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(5)
    width = SHAPE["num_attention_heads"] * SHAPE["attention_head_dim"]  # type: ignore[operator]
    for name in names:
        weights = {}
        for block in range(2):
            for part in ("q", "k", "v", "o"):
                key = f"diffusion_model.blocks.{block}.self_attn.{part}"
                weights[f"{key}.lora_A.weight"] = torch.randn(2, width, generator=generator)  # type: ignore[call-overload]
                weights[f"{key}.lora_B.weight"] = torch.randn(width, 2, generator=generator)  # type: ignore[call-overload]
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / name)


def _shared() -> dict[str, object]:
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer(["<pad>"], pad_token="<pad>")
    vae = AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    text = UMT5Config(
        vocab_size=len(tokenizer), d_model=16, d_ff=16, d_kv=8, num_layers=1, num_heads=2, pad_token_id=0
    )
    return {
        "tokenizer": tokenizer,
        "text_encoder": UMT5EncoderModel(text),
        "vae": vae,
        "scheduler": UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
        ),
    }


def _transformer(seed: int, **config: object) -> WanTransformer3DModel:
    torch.manual_seed(seed)
    return WanTransformer3DModel(**SHAPE, **config)


def _image_encoder() -> CLIPVisionModel:
    torch.manual_seed(6)
    return CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=16,
            patch_size=8, projection_dim=8,
        )
    )  # fmt: skip
