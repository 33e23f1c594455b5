"""Stage `context`: a tiny Qwen2.5-VL learns to say with free words what sixteen slots said (sec. 4.1).

It reads D_i and C_i in the form of `compose` and the previous end frame, and ends in sixteen context tokens
whose last hidden states are to equal the slot encoder's. What the words leave out it takes from the frame
before.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from transformers import (
    BatchFeature,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from engine.step2.card import PromptTemplate
from engine.step2.context import ContextTemplate, context_inputs, encode_context
from engine.training.data_parallel import Team, spawn_workers
from engine.training.muon import muon_and_adam
from engine.training.paraphrase import paraphrase
from engine.training.slots import CONTEXT_DIM, SlotEncoder
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.weights_file import Progress, load_weights, save_weights
from engine.training.words import CONTEXT_TOKENS
from engine.world.annotate import LENGTH, NULL_IDS, SLOT_NAMES, VOCABULARY, slot_ids
from engine.world.render import render
from engine.world.splits import WORDS_HELD_OUT, WORDS_TRAIN
from engine.world.story import SHOTS, new_shots, new_story

PATCH, MERGE = 16, 2  # 4 x 8 patches of the view, 8 picture tokens
VIEW = (128, 64)  # pixels at which the previous frame is read
_TAIL = "".join(CONTEXT_TOKENS)
_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
TEXT_ONLY = PromptTemplate(text=f"<|im_start|>{{}}<|im_end|>{_TAIL}", drop=-LENGTH)
WITH_IMAGE = PromptTemplate(text=f"<|im_start|>{_PICTURE}{{}}<|im_end|>{_TAIL}", drop=-LENGTH)
TEMPLATE = ContextTemplate(TEXT_ONLY, WITH_IMAGE, VIEW[0] * VIEW[1], PATCH * MERGE, 384)


@dataclass(frozen=True)
class ContextOptions(StageOptions):
    minutes: float = 40.0
    decay: float = 0.5
    warmup: int = 200


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


@dataclass(frozen=True)
class Reading:
    """A batch of prompts (all with a previous frame, or none) and the slot ids (B, 16) that they tell."""

    prompts: list[str]
    frames: list[Image.Image] | None
    ids: Tensor

    def inputs(self, processor: Qwen2VLProcessor) -> BatchFeature:
        return context_inputs(processor, TEMPLATE, self.prompts, self.frames)


def read_batch(r: random.Random, size: int, with_image: bool, films: range = WORDS_TRAIN) -> Reading:
    """Random shots of random films in free words; a blank prompt (the unconditional branch) tells nothing."""
    prompts, frames, ids = [], [], []
    for _ in range(size):
        story = new_story(r.choice(films))
        shots = new_shots(story)
        i = r.randrange(1, SHOTS)
        place = story.locations[shots[i - 1].location].setting
        before = (place, "clear" if place == "room" else story.weather) if with_image else None
        seen = {person for shot in shots[:i] for person in shot.who} if r.random() < 0.7 else set()
        said = paraphrase(story, shots[i], seen, r, before)
        blank = r.random() < 0.04
        prompts.append("" if blank else said.prompt)
        ids.append(list(NULL_IDS) if blank else slot_ids(said.told))
        if with_image:
            frames.append(Image.fromarray(render(story, shots[i - 1], 1.0)))
    return Reading(prompts, frames if with_image else None, torch.tensor(ids))


def normalise(tokens: Tensor) -> Tensor:
    """Unit root mean square per token, as the transformer's text norm sees them."""
    return F.rms_norm(tokens, tokens.shape[-1:])


class Reader(nn.Module):
    """The context model with a probe that names each slot's value; only training needs the probe."""

    def __init__(self, model: Qwen2_5_VLForConditionalGeneration) -> None:
        super().__init__()
        self.model = model
        self.probe = nn.Linear(CONTEXT_DIM, len(VOCABULARY))

    def forward(self, inputs: BatchFeature) -> tuple[Tensor, Tensor]:
        """Context tokens (B, 16, 128) and slot logits (B, 16, vocabulary)."""
        context = encode_context(self.model, inputs, -LENGTH)
        return context, self.probe(normalise(context))


@torch.no_grad()
def slot_accuracy(reader: Reader, processor: Qwen2VLProcessor, batches: int = 2) -> dict[str, float]:
    """How often the probe names each slot rightly on held-out films."""
    r, hits = random.Random(7), []
    for k in range(batches):
        reading = read_batch(r, 64, k % 2 == 1, WORDS_HELD_OUT)
        _, logits = reader(reading.inputs(processor))
        hits.append((logits.argmax(-1) == reading.ids).float())
    return dict(zip(SLOT_NAMES, torch.cat(hits).mean(0).tolist(), strict=True))


def _is_matrix(name: str, p: Tensor) -> bool:
    """The matrices inside the blocks of the language model and of the vision tower."""
    return p.ndim == 2 and (".layers." in name or ".blocks." in name)


def train_context(
    folder: Path, tokenizer: PreTrainedTokenizerFast, slots: SlotEncoder, options: ContextOptions
) -> Path:
    """Distils the slot encoder into the context model; resumes from `folder`/context.safetensors."""
    spawn_workers(options.workers, _train, folder, tokenizer, slots.eval().requires_grad_(False), options)
    return folder / "context.safetensors"


def _train(
    folder: Path, tokenizer: PreTrainedTokenizerFast, slots: SlotEncoder, options: ContextOptions, team: Team
) -> None:
    torch.manual_seed(options.seed)
    path = folder / "context.safetensors"
    reader, processor, progress = Reader(new_context_model(tokenizer)), new_processor(tokenizer), Progress()
    parts: dict[str, nn.Module] = {"model": reader.model.model, "probe": reader.probe}
    if path.exists():
        progress = load_weights(path, parts, missing_ok=True)
    r = random.Random(options.seed + progress.samples + 7919 * team.rank)

    def loss(_: float) -> Tensor:
        reading = read_batch(r, options.batch // team.size, with_image=r.random() < 0.4)
        context, logits = reader(reading.inputs(processor))
        distance = (normalise(context) - normalise(slots(reading.ids))).square().mean()
        return distance + 0.3 * F.cross_entropy(logits.flatten(0, 1), reading.ids.flatten())

    trainee = Trainee(
        path,
        parameters=list(reader.parameters()),
        solvers=muon_and_adam(reader, options.lr, _is_matrix, team=team),
        loss=loss,
        report=lambda: slot_accuracy(reader, processor),
        save=lambda done: save_weights(path, parts, done),
    )
    train(trainee, options, progress, team)
