"""Puts the trained parts together as a STEP² checkpoint: half precision, shards under 10 MB."""

from __future__ import annotations

import copy
import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from transformers import PreTrainedTokenizerFast

from engine.errors import BadInput
from engine.step2.card import CheckpointCard, write_card
from engine.step2.checkpoint import INDEX
from engine.step2.pipeline import Step2Pipeline
from engine.step2.ranking import FrameRanker
from engine.step2.single_frame import enable_single_frame
from engine.training.adapters import ADAPTER, WEIGHTS
from engine.training.dpo import adapter_progress
from engine.training.latents import PACKED
from engine.training.ranker import new_ranker
from engine.training.sft import sft_fingerprint
from engine.training.shards import fingerprint
from engine.training.transformer import new_transformer
from engine.training.understanding import (
    MERGE,
    PATCH,
    TEMPLATE,
    TEXT_ONLY,
    VIEW,
    WITH_IMAGE,
    new_context_model,
    new_processor,
)
from engine.training.upscaler import FACTOR
from engine.training.vae import latent_statistics, new_vae
from engine.training.weights_file import Progress, load_weights
from engine.video.super_resolution import FOLDER, SuperResolution
from engine.world.camera import HEIGHT, WIDTH
from engine.world.lexicon import LEXICON_FILE, unseen

SHARD = "9MB"
SHIFT = math.log(
    1.5
)  # few tokens need little shift; both ends equal, so the size of the frame does not matter
VOCABULARY_FILE, TRAINING_FILE = "vocabulary.json", "training.json"
STEPS, GUIDANCE, MEMORY_GUIDANCE, ETA = 12, 2.0, 1.0, 0.7
NOTE = (
    "A neural network of {parameters:.0f} million parameters that knows a small paper-theatre world and "
    "nothing else: {settings} places, four times of day, four kinds of weather, one or two people. "
    "Preview quality."
)


@dataclass(frozen=True)
class Parts:
    """Where the stages left their weights and tokenizers."""

    folder: Path

    @property
    def vae(self) -> Path:
        return self.folder / "vae.safetensors"

    @property
    def drawing(self) -> Path:
        return self.folder / "drawing.safetensors"

    @property
    def sft(self) -> Path:
        return self.folder / "sft.safetensors"

    @property
    def dpo(self) -> Path:
        """The folder of the adapter that aligns `sft`."""
        return self.folder / ADAPTER

    @property
    def statistics(self) -> Path:
        return self.folder / "statistics.json"

    @property
    def transformer(self) -> Path:
        """The last transformer that was trained."""
        return self.sft if self.sft.exists() else self.drawing

    @property
    def understanding(self) -> Path:
        """The last understanding model that was trained."""
        return self.sft if self.sft.exists() else self.context

    @property
    def sight(self) -> Path:
        return self.folder / "sight.safetensors"

    @property
    def context(self) -> Path:
        return self.folder / "context.safetensors"

    @property
    def ranker(self) -> Path:
        return self.folder / "ranker.safetensors"

    @property
    def upscaler(self) -> Path:
        return self.folder / "upscaler.safetensors"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer"

    @property
    def ranker_tokenizer(self) -> Path:
        return self.folder / "ranker-tokenizer"


def build_vae(parts: Parts) -> AutoencoderKLQwenImage:
    """The trained VAE with the statistics of its latents, measured once an encoder, kept beside it."""
    vae = new_vae()
    load_weights(parts.vae, {"vae": vae})
    enable_single_frame(vae)
    encoder, found = fingerprint(vae.encoder, vae.quant_conv), dict[str, Any]()
    if parts.statistics.exists():
        found = json.loads(parts.statistics.read_text())
    if found.get("encoder") != encoder:
        if found:
            print(f"{parts.statistics} is of another encoder: latents are measured anew.", flush=True)
        mean, std = latent_statistics(vae)
        write_statistics(parts, encoder, mean, std)
        found = {"mean": mean, "std": std}
    vae.register_to_config(latents_mean=found["mean"], latents_std=found["std"])
    return vae.eval()


def _sight_record(path: Path, visual: nn.Module) -> Progress:
    """How the tower of the understanding model was trained. Raises BadInput when `path` holds another."""
    seen = copy.deepcopy(visual)
    progress = load_weights(path, {"visual": seen})
    if fingerprint(seen) != fingerprint(visual):
        raise BadInput(
            f"{path} is not what the understanding model of {path.parent} sees with: remove sft.safetensors "
            "there, and run the stages `context` and `sft` again."
        )
    return progress


def build_ranker(parts: Parts) -> FrameRanker:
    """The trained ranker."""
    ranker = new_ranker(PreTrainedTokenizerFast.from_pretrained(parts.ranker_tokenizer))
    load_weights(parts.ranker, {"clip": ranker.clip})
    return ranker.eval()


def write_statistics(parts: Parts, encoder: str, mean: Sequence[float], std: Sequence[float]) -> None:
    """Keeps mean and deviation of each latent channel with the fingerprint of their encoder."""
    found = {"encoder": encoder, "mean": mean, "std": std}
    parts.statistics.write_text(json.dumps(found), encoding="utf-8")


def build(parts: Parts) -> tuple[Step2Pipeline, dict[str, Progress]]:
    """The pipeline of the trained parts, float32, and how each was trained."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(parts.tokenizer)
    vae, transformer = build_vae(parts), new_transformer()
    context, ranker = new_context_model(tokenizer), build_ranker(parts)
    load_weights(parts.understanding, {"model": context.model})
    record = {
        "vae": load_weights(parts.vae, {}),
        "transformer": load_weights(parts.transformer, {"transformer": transformer}),
        "text_encoder": load_weights(parts.context, {}),
        "ranker": load_weights(parts.ranker, {}),
    }
    if parts.sight.exists():  # else a checkpoint from before that stage is gone on from
        record["sight"] = _sight_record(parts.sight, context.model.visual)
    pipe = Step2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True,
            base_shift=SHIFT,
            max_shift=SHIFT,
            base_image_seq_len=PACKED[0] * PACKED[1],
            max_image_seq_len=4096,
            time_shift_type="exponential",
        ),
        vae=vae,
        text_encoder=context.eval(),
        tokenizer=tokenizer,
        transformer=transformer.eval(),
        processor=new_processor(tokenizer),
        ranker=ranker,
    )
    pipe.set_progress_bar_config(disable=True)
    vocabulary = json.loads(LEXICON_FILE.read_text(encoding="utf-8"))
    parameters = sum(p.numel() for m in (vae, transformer, context, ranker) for p in m.parameters())
    pipe.card = CheckpointCard(
        title="STEP² mini, paper theatre",
        note=NOTE.format(parameters=parameters / 1e6, settings=len(vocabulary["setting"])),
        pairs=True,
        preview=True,
        samples_seen=record["transformer"].samples,
        width=WIDTH,
        height=HEIGHT,
        steps=STEPS,
        guidance=GUIDANCE,
        memory_guidance=MEMORY_GUIDANCE,
        eta=ETA,
        rescale=False,
        negative="",
        text_only=TEXT_ONLY,
        with_image=WITH_IMAGE,
        vl_area=VIEW[0] * VIEW[1],
        vl_multiple=PATCH * MERGE,
        memory_pictures=TEMPLATE.memory_pictures,
        max_prompt_tokens=TEMPLATE.max_tokens,
        vocabulary=VOCABULARY_FILE,
        unseen=unseen(),
        dtype="float32",
    )
    return pipe, record


def check_out(out: Path, run: Path) -> None:
    """Raises BadInput when a checkpoint at `out` would take the place of something else than an older one, or
    of the run that it is made of.
    """
    if out.resolve() in (run.resolve(), *run.resolve().parents):
        raise BadInput(
            f"{out} holds the run itself, and a checkpoint takes the place of all that is there: choose "
            "another folder with --out."
        )
    if not out.exists() or ((out / TRAINING_FILE).is_file() and (out / INDEX).is_file()):
        return
    if not out.is_dir() or any(out.iterdir()):
        raise BadInput(
            f"{out} is no checkpoint of `stage train mini`, and one would take the place of all that is "
            "there: choose a new or an empty folder with --out."
        )


def export(parts: Parts, out: Path) -> Path:
    """Writes the checkpoint into a folder beside `out` first, then puts it in its place.

    What was there is removed when the new one is in its place. Raises BadInput when that was no checkpoint,
    and when there is an adapter of another SFT model than the one that is exported.
    """
    check_out(out, parts.folder)
    pipe, record = build(parts)
    if (parts.dpo / WEIGHTS).exists():
        record["dpo"] = adapter_progress(parts.dpo, sft_fingerprint(pipe.transformer, pipe.text_encoder))
    upscaler = SuperResolution(FACTOR)
    record["upscaler"] = load_weights(parts.upscaler, {"upscaler": upscaler})
    place = out.resolve()  # of a link, what it leads to is replaced
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as beside:
        part = Path(beside) / "new"
        _write(parts, pipe, upscaler, record, part)
        _replace(place, part, Path(beside) / "old")
    return out


def _write(
    parts: Parts, pipe: Step2Pipeline, upscaler: SuperResolution, record: dict[str, Progress], part: Path
) -> None:
    pipe.to(dtype=torch.float16)
    pipe.save_pretrained(part, max_shard_size=SHARD)
    upscaler.half().save_pretrained(part / FOLDER)
    shutil.copyfile(LEXICON_FILE, part / VOCABULARY_FILE)
    if "dpo" in record:
        _copy_adapter(parts.dpo, part / ADAPTER)
        write_card(pipe.card.model_copy(update={"adapters": (ADAPTER,)}), part)
    training = {name: asdict(progress) for name, progress in record.items()}
    (part / TRAINING_FILE).write_text(json.dumps(training, indent=1) + "\n")


def _replace(out: Path, new: Path, old: Path) -> None:
    """`new` becomes `out`, and what was there `old`; when that is cut short it is put back."""
    try:
        if out.exists():
            out.rename(old)
        new.rename(out)
    except BaseException:
        if old.exists() and not out.exists():
            old.rename(out)
        raise


def _copy_adapter(source: Path, target: Path) -> None:
    """The adapter in half precision, its metadata kept."""
    with safe_open(source / WEIGHTS, "pt") as file:
        state = {key: file.get_tensor(key).half().contiguous() for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    target.mkdir(parents=True)
    save_file(state, target / WEIGHTS, metadata=metadata)
