"""Stage `context`: a tiny Qwen2.5-VL learns to say with free words what sixteen slots said (sec. 4.1).

It reads D_i and C_i in the form of `compose`, the previous end frame and the best frames of the memory pack,
and ends in sixteen context tokens whose last hidden states are to equal its teacher's. What the words leave
out it takes from the pictures: its teacher is told that, in words or in slots and vectors.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration

from engine.step2.ranking import FrameRanker
from engine.training.data_parallel import Team, spawn_workers
from engine.training.facts import NOT_SHOWN, NOTHING, SLOTLESS, slotless_facts
from engine.training.muon import muon_and_adam
from engine.training.shots import Frame, ShotExample, Shots, read_frames
from engine.training.slots import CONTEXT_DIM
from engine.training.teachers import Lesson, Teacher
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.understanding import new_context_model, read_seen
from engine.training.views import Views
from engine.training.weights_file import Progress, load_weights, save_weights
from engine.world.annotate import LENGTH, NULL_IDS, SLOT_NAMES, VOCABULARY, slot_ids


@dataclass(frozen=True)
class ContextOptions(StageOptions):
    minutes: float = 40.0
    batch: int = 48
    lr: float = 1.5e-3
    decay: float = 0.5
    warmup: int = 100


@dataclass(frozen=True)
class Reading:
    """Shots in words and pictures, and what both come to when they are told."""

    told: tuple[ShotExample, ...]
    packs: tuple[tuple[Frame, ...], ...]
    lesson: Lesson


def new_reading(shots: Shots, told: Sequence[ShotExample], r: random.Random | None = None) -> Reading:
    """What pictures show of these shots; blank words (the unconditional branch) tell nothing, whatever they
    show.
    """
    packs, aided, ids, slotless = [], [], [], []
    for t, order in zip(told, shots.orders(told, r), strict=True):
        pack = read_frames(t, order)
        story, filmed = shots.films.film(t.seed)
        frames = [filmed[k // 2] for _, k in (*pack, *([t.previous] if t.previous else []))]
        people, shown = {index for shot in frames for index in shot.who}, {shot.location for shot in frames}
        prompt, slots = t.said.aided(people, shown)
        blank = not t.prompt
        packs.append(pack)
        aided.append("" if blank else prompt)
        ids.append(list(NULL_IDS) if blank else slot_ids(slots))
        true, seen = (slotless_facts(story, filmed[t.i], *known) for known in ((), (people, shown)))
        told_facts = zip(SLOTLESS, true, seen, strict=True)
        known = [fact if name in t.said.slotless else found for name, fact, found in told_facts]
        slotless.append(NOTHING if blank else known)
    return Reading(tuple(told), tuple(packs), Lesson(aided, torch.tensor(ids), torch.tensor(slotless)))


def read_shots(
    model: Qwen2_5_VLForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    told: Sequence[ShotExample],
    packs: Sequence[Sequence[Frame]],
    views: Views,
    r: random.Random | None = None,
) -> Tensor:
    """U_i of each row, (B, L, E); with `r`, half of the pictures are as a model might have drawn them."""
    found: dict[int, Tensor] = {}
    for few in (True, False):  # rows without a pack apart: they are short
        rows = [k for k, pack in enumerate(packs) if (not pack) is few]
        if not rows:
            continue
        before = [told[k].previous for k in rows]
        context = read_seen(
            model,
            tokenizer,
            [told[k].prompt for k in rows],
            [None if frame is None else views.picture(frame, r) for frame in before],
            [[views.picture(frame, r) for frame in packs[k]] for k in rows],
        )
        found |= dict(zip(rows, context, strict=True))
    return torch.stack([found[k] for k in range(len(told))])


def normalise(tokens: Tensor) -> Tensor:
    """Unit root mean square per token, as the transformer's text norm sees them."""
    return F.rms_norm(tokens, tokens.shape[-1:])


class Reader(nn.Module):
    """The context model with probes that name each slot's value and what no slot holds; only training needs
    them.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.model = new_context_model(tokenizer)
        self.model.model.visual.requires_grad_(False)  # what it saw of the films is kept
        self.probe = nn.Linear(CONTEXT_DIM, len(VOCABULARY))
        self.slotless = nn.Linear(LENGTH * CONTEXT_DIM, sum(SLOTLESS.values()))

    def parts(self) -> dict[str, nn.Module]:
        return {"model": self.model.model, "probe": self.probe, "slotless": self.slotless}

    def forward(
        self, reading: Reading, views: Views, r: random.Random | None = None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Normalised context tokens (B, 16, 128), slot logits (B, 16, vocabulary), logits of SLOTLESS."""
        context = read_shots(self.model, self.tokenizer, reading.told, reading.packs, views, r)
        context = normalise(context)
        slotless = self.slotless(context.flatten(1)).split(list(SLOTLESS.values()), -1)
        return context, self.probe(context), list(slotless)


@torch.no_grad()
def reading_accuracy(reader: Reader, teacher: Teacher, shots: Shots, count: int = 96) -> dict[str, float]:
    """On held-out shots to which somebody or some place returns: how often the probes name what only pictures
    show, and how far the context is from the teacher's, with the pack and without.
    """
    r = random.Random(7)
    picks = r.sample(shots.recalling, min(count, len(shots.recalling)))
    told = [shots.tell(seed, i, r, has_previous_frame=False) for seed, i in picks]
    if not told:
        return {}
    reading = new_reading(shots, told)
    wanted = normalise(teacher(reading.lesson))
    context, slots, slotless = reader(reading, shots.views)
    alone = normalise(read_shots(reader.model, reader.tokenizer, told, [()] * len(told), shots.views))
    figures = {
        "distance": float((context - wanted).square().mean()),
        "without the pack": float((alone - wanted).square().mean()),
    }
    named = slots.argmax(-1) == reading.lesson.ids
    for fact in ("coat", "hair", "hat"):
        at = SLOT_NAMES.index(fact)
        left = [
            k
            for k, t in enumerate(told)
            if t.said.told[at] != t.said.aided(range(2))[1][at] and reading.lesson.ids[k, at] > 1
        ]
        if left:
            figures[fact] = float(named[left, at].float().mean())
    for k, (fact, logits) in enumerate(zip(SLOTLESS, slotless, strict=True)):
        shown = reading.lesson.slotless[:, k] != NOT_SHOWN
        if shown.any():
            hits = logits[shown].argmax(-1) == reading.lesson.slotless[shown, k]
            figures[fact] = float(hits.float().mean())
    return figures


def _is_matrix(name: str, p: Tensor) -> bool:
    """The matrices inside the blocks of the language model."""
    return p.ndim == 2 and ".layers." in name


def train_context(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    ranker: FrameRanker,
    encoder: str,
    teacher: Teacher,
    options: ContextOptions,
) -> Path:
    """Distils the teacher into the context model, which sees with the tower of `folder`/sight.safetensors;
    resumes from `folder`/context.safetensors.
    """
    spawn_workers(options.workers, _train, folder, tokenizer, ranker, encoder, teacher, options)
    return folder / "context.safetensors"


def _train(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    ranker: FrameRanker,
    encoder: str,
    teacher: Teacher,
    options: ContextOptions,
    team: Team,
) -> None:
    torch.manual_seed(options.seed)
    path = folder / "context.safetensors"
    reader, progress = Reader(tokenizer), Progress()
    if path.exists():
        progress = load_weights(path, reader.parts(), missing_ok=True)
    visual = reader.model.model.visual
    load_weights(folder / "sight.safetensors", {"visual": visual})
    shots, held_out = (Shots(folder / name, encoder, ranker, visual) for name in ("latents", "held-out"))
    progress.films = max(progress.films, len(shots.seeds))
    r = random.Random(options.seed + progress.samples + 7919 * team.rank)

    def loss(_: float) -> Tensor:
        reading = new_reading(shots, [shots.draw(r) for _ in range(options.batch // team.size)], r)
        wanted = normalise(teacher(reading.lesson))
        context, slots, slotless = reader(reading, shots.views, r)
        named = F.cross_entropy(slots.flatten(0, 1), reading.lesson.ids.flatten())
        return (
            (context - wanted).square().mean()
            + 0.1 * named
            + 0.1 * _slotless_loss(slotless, reading.lesson.slotless)
        )

    trainee = Trainee(
        path,
        parameters=[p for p in reader.parameters() if p.requires_grad],
        solvers=muon_and_adam(reader, options.lr, _is_matrix, team=team),
        loss=loss,
        report=lambda: reading_accuracy(reader, teacher, held_out),
        save=lambda done: save_weights(path, reader.parts(), done),
        refresh=shots.refresh,
    )
    train(trainee, options, progress, team)


def _slotless_loss(logits: Sequence[Tensor], wanted: Tensor) -> Tensor:
    """Cross entropy of what is shown, over the rows and facts of a batch."""
    losses = [
        F.cross_entropy(found, wanted[:, k], ignore_index=NOT_SHOWN, reduction="sum")
        for k, found in enumerate(logits)
    ]
    return torch.stack(losses).sum() / len(wanted)
