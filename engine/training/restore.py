"""Takes a checkpoint apart into the files that the stages resume from: half-precision weights travel, runs
do not.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from engine.step2.pipeline import Step2Pipeline
from engine.training.export import TRAINING_FILE, Parts
from engine.training.run import Progress, save_weights
from engine.video.super_resolution import FOLDER, SuperResolution


def restore(checkpoint: Path, parts: Parts) -> None:
    """Writes what `parts` lacks. The slot encoder and the probe of `pretrain` and `context` are not in a
    checkpoint: `sft` goes on from here, those stages do not. Nor does an adapter come along: `dpo` aligns the
    model that `sft` leaves.
    """
    pipe = Step2Pipeline.from_pretrained(checkpoint, adapters=False, dtype=torch.float32)
    record = json.loads((checkpoint / TRAINING_FILE).read_text(encoding="utf-8"))
    upscaler = SuperResolution.from_pretrained(checkpoint / FOLDER, dtype=torch.float32)
    files: dict[Path, tuple[str, dict[str, nn.Module]]] = {
        parts.vae: ("vae", {"vae": pipe.vae}),
        parts.sft: ("transformer", {"transformer": pipe.transformer, "model": pipe.text_encoder.model}),
        parts.context: ("text_encoder", {"model": pipe.text_encoder.model}),
        parts.ranker: ("ranker", {"clip": pipe.ranker.clip}),
        parts.upscaler: ("upscaler", {"upscaler": upscaler}),
    }
    for path, (name, modules) in files.items():
        if not path.exists():
            save_weights(path, modules, Progress(**record[name]))
    if not parts.statistics.exists():
        found = {"mean": pipe.vae.config.latents_mean, "std": pipe.vae.config.latents_std}
        parts.statistics.write_text(json.dumps(found), encoding="utf-8")
    for folder, tokenizer in (
        (parts.tokenizer, pipe.tokenizer),
        (parts.ranker_tokenizer, pipe.ranker.tokenizer),
    ):
        if not (folder / "tokenizer.json").exists():
            tokenizer.save_pretrained(folder)
