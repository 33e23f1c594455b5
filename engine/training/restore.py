"""Takes a checkpoint apart into the files that the stages resume from: half-precision weights travel, runs
do not.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from engine.errors import BadInput
from engine.step2.pipeline import Step2Pipeline
from engine.training.export import TRAINING_FILE, Parts, write_statistics
from engine.training.shards import fingerprint
from engine.training.weights_file import Progress, check_start, holds_origin, origin_of, save_weights
from engine.video.super_resolution import FOLDER, SuperResolution


def restore(checkpoint: Path, parts: Parts, for_context: bool = False) -> None:
    """Writes what `parts` lacks. Raises BadInput when a weight file is there that did not begin from this
    checkpoint.

    The slot encoder of `pretrain` and the probes of `context` are not in a checkpoint: `sft` goes on from
    here, `pretrain` does not. `for_context` leaves the transformer where `pretrain` would, with the language
    model, whose own reading of words `context` then teaches it to have from pictures. Nor does an adapter
    come along: `dpo` aligns the model that `sft` leaves.
    """
    if not (checkpoint / TRAINING_FILE).is_file():
        raise BadInput(f"{checkpoint} is no checkpoint of `stage train mini`: it has no {TRAINING_FILE}.")
    origin = origin_of(checkpoint)
    if for_context and parts.sft.exists():
        raise BadInput(
            f"What `context` learns would not be drawn with as long as {parts.sft} is there: remove it, or "
            "name another folder with --run."
        )
    if not for_context and not parts.sft.exists() and holds_origin(parts.drawing, origin):
        raise BadInput(
            f"`context` already went on from {checkpoint} in {parts.folder}: leave out --start, and `sft` "
            "goes on from what it learnt."
        )
    drawing = parts.drawing if for_context else parts.sft
    for path in (parts.vae, drawing, parts.context, parts.ranker, parts.upscaler):
        check_start(path, checkpoint)
    pipe = Step2Pipeline.from_pretrained(checkpoint, adapters=False, dtype=torch.float32)
    record = json.loads((checkpoint / TRAINING_FILE).read_text(encoding="utf-8"))
    upscaler = SuperResolution.from_pretrained(checkpoint / FOLDER)
    files: dict[Path, tuple[str, dict[str, nn.Module]]] = {
        parts.vae: ("vae", {"vae": pipe.vae}),
        drawing: ("transformer", {"transformer": pipe.transformer, "model": pipe.text_encoder.model}),
        parts.context: ("text_encoder", {"model": pipe.text_encoder.model}),
        parts.sight: ("sight", {"visual": pipe.text_encoder.model.visual}),
        parts.ranker: ("ranker", {"clip": pipe.ranker.clip}),
        parts.upscaler: ("upscaler", {"upscaler": upscaler}),
    }
    # what belongs to a weight file comes with it: whatever was there before it is of no use to these weights
    if not parts.vae.exists():
        encoder = fingerprint(pipe.vae.encoder, pipe.vae.quant_conv)
        write_statistics(parts, encoder, pipe.vae.config.latents_mean, pipe.vae.config.latents_std)
    if not parts.context.exists():
        pipe.tokenizer.save_pretrained(parts.tokenizer)
    if not parts.ranker.exists():
        pipe.ranker.tokenizer.save_pretrained(parts.ranker_tokenizer)
    for path, (name, modules) in files.items():
        if not path.exists() and name in record:  # a checkpoint from before `sight` has no eyes worth keeping
            save_weights(path, modules, replace(Progress(**record[name]), origin=origin))
