"""Stage `facts`: the transformer learns to draw what it is told, and what no slot holds (STAGE, eq. 4).

Most shots here are told whole: slots leave nothing out, and the vectors of `FactTable` say the rest. What the
teacher reads is fixed, so that only drawing is learnt. Facts are decided where hardly a picture is there yet:
most noise levels are near pure noise. Small facts are a small part of eq. 4: beside it the error is measured
against counterfactual frames. A part of the shots is told as films tell them, with the memory pack alone to
say what was left out, or that would be forgotten.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor, nn

from engine.step2.ranking import FrameRanker
from engine.training.counterfactuals import Counterfactuals, known_facts
from engine.training.data_parallel import Team, spawn_workers
from engine.training.facts import NOT_SHOWN, NOTHING, FactTable, slotless_facts
from engine.training.flow_training import FlowOptions, train_flow
from engine.training.latents import draw_shot
from engine.training.objectives import counterfactual_loss, sft_loss
from engine.training.shots import Batch, ShotExample, Shots
from engine.training.slots import SlotEncoder
from engine.training.teachers import Lesson, SlotTeacher
from engine.training.transformer import draw_high_sigma, flow_error, new_transformer
from engine.training.weights_file import load_weights
from engine.world.annotate import NULL_IDS, slot_ids

WHOLE = 0.75  # part of the shots that are told whole
# of those: how often they have a memory, no words, no facts at all, and how often a fact is left out
MEMORY, NO_WORDS, NO_FACTS, NO_FACT = 0.3, 0.08, 0.08, 0.1
TOLD_WEIGHT = 4.0  # the loss counts latent cells of people so often where their looks are told


class FactDrawing(nn.Module):
    """The transformer, and the teacher of whose tokens only the facts' vectors are learnt."""

    def __init__(self, slots: SlotEncoder) -> None:
        super().__init__()
        self.teacher = SlotTeacher(slots, FactTable())
        self.transformer: QwenImageTransformer2DModel = new_transformer()

    def parts(self) -> dict[str, nn.Module]:
        """What is saved, with what the teacher reads: these facts are added to its tokens alone."""
        return {"transformer": self.transformer, **self.teacher.parts()}

    def context(self, told: Sequence[ShotExample], slotless: Sequence[Sequence[int]]) -> Tensor:
        """Context tokens (B, 16, 128) of words and facts."""
        ids = [slot_ids(t.said.told) if t.prompt else list(NULL_IDS) for t in told]
        return self.teacher(Lesson([t.prompt for t in told], torch.tensor(ids), torch.tensor(slotless)))

    def error(self, batch: Batch, context: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
        """Velocity error (eq. 4), shaped like x."""
        return flow_error(self.transformer, batch.x, batch.memory, context, sigma, noise, batch.pure_noise)


def draw_whole(shots: Shots, r: random.Random) -> tuple[ShotExample, list[int]]:
    """A random shot in words that leave no looks out, and its facts."""
    seed, i = r.choice(shots.seeds), draw_shot(r)
    told = shots.tell(seed, i, r, has_previous_frame=False, has_memory=r.random() < MEMORY, leave_out=False)
    story, filmed = shots.films.film(seed)
    facts = [f if r.random() >= NO_FACT else NOT_SHOWN for f in slotless_facts(story, filmed[i])]
    if r.random() < NO_WORDS:
        return replace(told, prompt=""), NOTHING
    return told, NOTHING if r.random() < NO_FACTS else facts


def fact_batch(shots: Shots, r: random.Random, size: int) -> tuple[Batch, list[list[int]]]:
    """Shots that are told whole, shots as films tell them, and the facts of each in the batch's order."""
    whole = [draw_whole(shots, r) for _ in range(round(size * WHOLE))]
    rest = [replace(shots.draw(r), has_previous_frame=False) for _ in range(size - len(whole))]
    batch = shots.collate([*(told for told, _ in whole), *rest], r)  # which keeps their order
    weight = batch.weight.clone()
    for row, (told, _) in enumerate(whole):
        people = shots.films.film(told.seed)[1][told.i].who
        weight[row] = shots.films.weights(told.seed, told.i, people, TOLD_WEIGHT)
    return replace(batch, weight=weight), [*(facts for _, facts in whole), *([NOTHING] * len(rest))]


@torch.no_grad()
def held_out_obedience(model: FactDrawing, shots: Shots, count: int = 48) -> dict[str, float]:
    """Flow loss on held-out shots near pure noise: told whole and without the facts, by that in the words of
    films that leave looks out, all without a memory.
    """
    r, g = random.Random(3), torch.Generator().manual_seed(1)
    picks = [(r.choice(shots.seeds), r.randrange(1, 6)) for _ in range(min(count, 8 * len(shots.seeds)))]
    alone = {"has_previous_frame": False, "has_memory": False}
    whole = [shots.tell(seed, i, r, **alone, leave_out=False) for seed, i in picks]
    films = [shots.tell(seed, i, r, **alone) for seed, i in picks]
    batch = shots.collate(whole)
    noise = torch.randn(batch.x.shape, generator=g)
    sigma = torch.full((len(picks),), 0.98)
    facts = [slotless_facts(shots.films.film(seed)[0], shots.films.film(seed)[1][i]) for seed, i in picks]

    def loss(told: Sequence[ShotExample], slotless: Sequence[Sequence[int]]) -> float:
        return float(sft_loss(model.error(batch, model.context(told, slotless), sigma, noise), batch.weight))

    nothing = [NOTHING] * len(picks)
    left_out = loss(films, nothing)
    return {"told": loss(whole, facts) / left_out, "told in words": loss(whole, nothing) / left_out}


def train_facts(
    folder: Path,
    ranker: FrameRanker,
    visual: nn.Module,
    encoder: str,
    slots: SlotEncoder,
    options: FlowOptions,
) -> Path:
    """Trains the transformer in `folder`/drawing.safetensors on, and the facts' vectors, which it lacks at
    first, on the latents of that encoder (`encoder_of`).
    """
    spawn_workers(options.workers, _train, folder, ranker, visual, encoder, slots, options)
    return folder / "drawing.safetensors"


def _train(
    folder: Path,
    ranker: FrameRanker,
    visual: nn.Module,
    encoder: str,
    slots: SlotEncoder,
    options: FlowOptions,
    team: Team,
) -> None:
    path = folder / "drawing.safetensors"
    torch.manual_seed(options.seed)
    model = FactDrawing(slots)
    progress = load_weights(path, model.parts(), missing_ok=True)
    train, held_out = (Shots(folder / name, encoder, ranker, visual) for name in ("latents", "held-out"))
    progress.films = max(progress.films, len(train.seeds))
    others = Counterfactuals(folder / "latents", encoder)

    def loss(r: random.Random) -> Tensor:
        b, slotless = fact_batch(train, r, options.batch // team.size)
        sigma, noise = draw_high_sigma(len(b.x)), torch.randn_like(b.x)
        error = model.error(b, model.context(b.told, slotless), sigma, noise)
        known = [known_facts(train, *row) for row in zip(b.told, b.packs, slotless, strict=True)]
        return sft_loss(error, b.weight) + counterfactual_loss(*others.error(b, known, error, sigma))

    def report(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, FactDrawing)
        return held_out_obedience(average, held_out)

    train_flow(model, loss, report, path, progress, options, team, train.refresh)
