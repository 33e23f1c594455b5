"""`stage lora`: which checkpoint is adapted, loaded as training wants it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from engine.errors import BadInput
from engine.profiles import PROFILES, get_profile
from engine.step2.adapter import base_of
from engine.step2.checkpoint import locate, weights_hash
from engine.step2.pipeline import Step2Pipeline
from engine.step2.ranking import FrameRanker
from engine.step2.single_frame import enable_single_frame
from engine.training.lora import train_lora
from engine.training.lora_options import LoraOptions, LoraStage


def train_profile(profile: str, data: Path, out: Path, start: Path | None, options: dict[str, Any]) -> Path:
    """Loads a profile's checkpoint, or a folder's, and trains adapters on it; see `LoraOptions`."""
    stages = [stage.value for stage in LoraStage]
    if options["stage"] not in stages:
        raise BadInput(f"There is no stage {options['stage']}: choose {' or '.join(stages)}.")
    chosen = LoraOptions(**{**options, "stage": LoraStage(options["stage"])})
    known = profile in PROFILES
    if not known and not Path(profile).is_dir():
        raise BadInput(
            f"There is no profile and no folder {profile}: choose {', '.join(PROFILES)}, or a folder."
        )
    folder = locate(get_profile(profile).checkpoint if known else Path(profile))
    pipe = Step2Pipeline.from_pretrained(folder, dtype=torch.bfloat16 if chosen.bf16 else torch.float32)
    # The layers of its siblings are alike, so only the card can tell what the adapters were trained on.
    pipe.card = pipe.card.model_copy(update={"base": base_of(folder)})
    # What is cached of the pictures depends on the VAE and the ranker, which no adapter changes: the name of
    # the checkpoint's weights is enough, and a run finds again what the last one computed.
    pipe.weights = weights_hash(folder)
    if pipe.ranker is None:
        pipe.register_modules(ranker=FrameRanker.openai())
    enable_single_frame(pipe.vae)
    pipe.set_progress_bar_config(disable=True)
    return train_lora(pipe, data, out, chosen, start)
