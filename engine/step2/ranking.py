"""CLIP ranking of the memory bank: rank = cosine(frame, text of D_i).

The paper ranks by CLIP similarity and does not say against what. Ours is the shot's own description: against
the previous end frame, that frame itself (in the bank with similarity 1) would always take half of the
canvas, and the understanding model reads it anyway.

A ranker is an open_clip model with its tokenizer in one folder: config.json,
diffusion_pytorch_model.safetensors and, unless it is OpenAI's, tokenizer files. It is a diffusers model, so a
pipeline saves and loads it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from engine.pictures import read_picture
from engine.step2.cache import FrameCache
from engine.step2.conditions import StoredFrame

_TOKENIZER_FILE = "tokenizer.json"


class FrameRanker(ModelMixin, ConfigMixin):
    """An open_clip model that scores 8-bit frames against texts.

    `vision_cfg` and `text_cfg` are open_clip's (image_size may be (height, width)); `resize` is "squash"
    (whole frame, shape changed) or "shortest" (short side to size, centre crop: OpenAI's way). Texts are cut
    at the model's context length, 77 tokens for OpenAI's. Without a `tokenizer`, OpenAI's BPE is used.
    """

    ignore_for_config: ClassVar[list[str]] = ["tokenizer"]  # saved as files of its own

    @register_to_config
    def __init__(
        self,
        embed_dim: int,
        vision_cfg: dict[str, Any],
        text_cfg: dict[str, Any],
        quick_gelu: bool = False,
        resize: str = "shortest",
        mean: Sequence[float] = open_clip.OPENAI_DATASET_MEAN,
        std: Sequence[float] = open_clip.OPENAI_DATASET_STD,
        tokenizer: PreTrainedTokenizerFast | None = None,
    ) -> None:
        super().__init__()
        if resize not in ("squash", "shortest"):
            raise ValueError(f'resize must be "squash" or "shortest", not {resize!r}')
        self.clip = open_clip.CLIP(
            embed_dim, open_clip.CLIPVisionCfg(**vision_cfg), open_clip.CLIPTextCfg(**text_cfg), quick_gelu
        )
        self.tokenizer = tokenizer

    @classmethod
    def openai(cls, name: str = "ViT-L-14-quickgelu", cache: Path | None = None) -> FrameRanker:
        """OpenAI's CLIP ViT-L/14 through open_clip (downloaded once); its weights mean QuickGELU."""
        config = open_clip.get_model_config(name)
        if config is None:
            raise ValueError(f"open_clip knows no model {name}")
        ranker = cls(
            config["embed_dim"], config["vision_cfg"], config["text_cfg"], config.get("quick_gelu", False)
        )
        loaded = open_clip.create_model(name, pretrained="openai", cache_dir=str(cache) if cache else None)
        ranker.clip.load_state_dict(loaded.state_dict())
        return ranker.eval()

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) that the vision tower takes."""
        size = self.clip.visual.image_size
        return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))

    def pixels(self, frames: np.ndarray) -> Tensor:
        """8-bit frames -> normalised input: uint8 (B, H, W, 3) -> (B, 3, h, w), bicubic with antialias."""
        x = torch.tensor(frames).permute(0, 3, 1, 2).float() / 255  # B 3 H W
        h, w = self.image_size
        if self.config.resize == "squash":
            x = _bicubic(x, h, w)
        else:
            scale = max(h / x.shape[2], w / x.shape[3])
            x = _bicubic(x, max(h, int(x.shape[2] * scale)), max(w, int(x.shape[3] * scale)))
            top, left = round((x.shape[2] - h) / 2), round((x.shape[3] - w) / 2)  # as torchvision crops
            x = x[:, :, top : top + h, left : left + w]
        mean = torch.tensor(self.config.mean).view(1, 3, 1, 1)
        std = torch.tensor(self.config.std).view(1, 3, 1, 1)
        return (x.clamp(0, 1) - mean) / std

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Texts -> token ids (B, context_length), each with its end token, zero-padded."""
        length = self.clip.context_length
        if self.tokenizer is None:
            return open_clip.SimpleTokenizer(context_length=length)(list(texts))
        start, end = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        ids = torch.zeros(len(texts), length, dtype=torch.long)
        for row, text in enumerate(texts):
            words = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            line = [start, *words[: length - 2], end]
            ids[row, : len(line)] = torch.tensor(line)
        return ids

    def forward(self, pixels: Tensor | None = None, tokens: Tensor | None = None) -> Tensor:
        """Unit features (B, D) of `pixels` (B, 3, h, w) or of `tokens` (B, L), whichever is given."""
        if (pixels is None) == (tokens is None):
            raise ValueError("give either pixels or tokens")
        if pixels is not None:
            return self.clip.encode_image(pixels.to(self.device, self.dtype), normalize=True)
        assert tokens is not None
        return self.clip.encode_text(tokens.to(self.device), normalize=True)

    @torch.no_grad()
    def frame_features(self, frames: np.ndarray) -> Tensor:
        """uint8 (B, H, W, 3) -> float32 (B, D) on the CPU, unit length."""
        return self(pixels=self.pixels(frames)).float().cpu()

    @torch.no_grad()
    def text_features(self, texts: Sequence[str]) -> Tensor:
        """B texts -> float32 (B, D) on the CPU, unit length."""
        return self(tokens=self.tokens(texts)).float().cpu()

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        """Writes config, weights (safetensors) and tokenizer into one folder."""
        super().save_pretrained(save_directory, **kwargs)
        if self.tokenizer is not None:
            self.tokenizer.save_pretrained(save_directory)

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], **kwargs: Any) -> FrameRanker:
        """The ranker of a folder that `save_pretrained` wrote."""
        ranker = super().from_pretrained(folder, **kwargs)
        if (Path(folder) / _TOKENIZER_FILE).exists():
            ranker.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        return ranker


def _bicubic(x: Tensor, h: int, w: int) -> Tensor:
    return F.interpolate(x, size=(h, w), mode="bicubic", antialias=True, align_corners=False)


class FrameScorer:
    """CLIP similarities of stored frames. Features are computed once a frame, alone and at its own shape, and
    once a text.

    `weights` names the ranker's weights in the cache's keys; `load` gives the ranker when it is first needed.
    """

    def __init__(self, load: Callable[[], FrameRanker], cache: FrameCache, weights: str) -> None:
        self._load, self._cache, self._weights = load, cache, weights

    def description_similarities(self, description: str, frames: Sequence[StoredFrame]) -> list[float]:
        """Cosine of each frame with the text of D_i, by which the memory is ranked."""
        ranker = self._load()
        words = self._cache.get(
            hashlib.sha256(description.encode()).hexdigest(),
            f"clip text {self._weights} {ranker.dtype}",
            lambda: ranker.text_features([description])[0],
            on_disk=False,
        )
        return cosines(self._features(frames), words[None])

    def frame_similarities(self, pairs: Sequence[tuple[StoredFrame, StoredFrame]]) -> list[float]:
        """Cosine of the two frames of each pair."""
        features = self._features([frame for pair in pairs for frame in pair])  # 2n D
        return cosines(features[0::2], features[1::2])

    def _features(self, frames: Sequence[StoredFrame]) -> Tensor:
        """Unit features (n, D)."""
        ranker = self._load()

        def compute(frame: StoredFrame) -> Tensor:
            return ranker.frame_features(np.asarray(read_picture(frame.path))[None])[0]

        made_with = f"clip {self._weights} {ranker.dtype}"
        return torch.stack([self._cache.get(f.sha256, made_with, partial(compute, f)) for f in frames])


def cosines(frames: Tensor, others: Tensor) -> list[float]:
    """Cosines of unit features: (n, D) and (n or 1, D) -> n numbers."""
    return [float(s) for s in (frames * others).sum(-1)]
