"""What drawing a pair costs beside the bare network, and what a long film costs beside a short one.

    python -m tests.benchmarks.bench_pair [--checkpoint FOLDER | --profile NAME] [--rounds N] [--json]

Prints ratios and never fails by time. Goals: pair / (bare transformer forwards + decode) <= 1.05 with the
memory pack and CLIP caches warm, and pair at shot 100 / pair at shot 4 <= 1.05. The first is printed twice:
with the context tokens of the same words kept, as for another take of a shot, and computed in the drawing, as
for its first. Beside them, what the same step would cost if every earlier frame went in
whole (all-history concatenation), which is what the memory pack (eq. 1) saves. Without a checkpoint it runs
on tiny random weights, where everything around the network weighs far more than it does in earnest.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.profiles import PROFILES, get_profile
from engine.step2.checkpoint import INDEX
from engine.step2.conditions import PairConditions, pictures_of
from engine.step2.latents import PAIR, ImgShapes, decode_frames, img_shapes
from engine.step2.painter import load_painter
from engine.step2.pipeline import Step2Pipeline
from engine.step2.single_frame import enable_single_frame
from tests.engine.step2.tiny import bank, generators, tiny_pipeline

EARLY, LATE = 4, 100  # shots
PROMPT = "A man walks along the harbour. Shot: medium shot, eye level, static."


@dataclass(frozen=True)
class Timing:
    """Seconds, the fastest of all rounds: other programs on the machine only ever add."""

    bare: float
    pair_early: float
    pair_read_anew: float
    pair_late: float
    pair_followed: float
    forward_packed: float
    forward_all_history: float

    def ratios(self) -> dict[str, float]:
        return {
            "pair / (bare forwards + decode), context tokens kept": self.pair_early / self.bare,
            "pair / (bare forwards + decode), context tokens computed": self.pair_read_anew / self.bare,
            f"pair at shot {LATE} / pair at shot {EARLY}, context tokens computed": self.pair_late
            / self.pair_read_anew,
            "pair with memory guidance / pair": self.pair_followed / self.pair_early,
            f"one forward with all history / packed, at shot {LATE}": self.forward_all_history
            / self.forward_packed,
        }


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes, to the end of what it queued on a GPU."""
    wait_for_the_gpu()
    began = time.perf_counter()
    work()
    wait_for_the_gpu()
    return time.perf_counter() - began


def wait_for_the_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def history(folder: Path, shot: int, pipe: Step2Pipeline) -> PairConditions:
    """What a shot knows of the film: the two frames of every shot before it, at the checkpoint's size."""
    frames = bank(folder, 2 * (shot - 1), size=(pipe.card.width, pipe.card.height))
    return PairConditions(PROMPT, PROMPT, frames[-1].frame, frames)


@torch.no_grad()
def measure(pipe: Step2Pipeline, folder: Path, rounds: int) -> Timing:
    """Interleaved rounds, after one that fills the caches: a film's frames are encoded once, when drawn."""
    early, late = history(folder, EARLY, pipe), history(folder, LATE, pipe)
    card, device = pipe.card, pipe._execution_device
    h, w = pipe.check_inputs(generators(0), card.width, card.height, card.steps, card.guidance)
    width = int(pipe.transformer.config.in_channels)
    pair = torch.randn(1, PAIR * h * w, width, device=device)
    memory = torch.randn(1, h * w, width, device=device)
    whole = torch.randn(1, 2 * (LATE - 1) * h * w, width, device=device)
    packed, _ = pipe.memory_pack(early, card.width, card.height)
    read = pictures_of(early, packed)[: card.memory_pictures]
    context, blank = pipe.contexts(
        [PROMPT, card.negative], early.previous_end, read, (card.width, card.height)
    )
    unaided = pipe.contexts([PROMPT], early.previous_end)[0] if read else context
    sigma = torch.ones(1, device=device)

    ready = inputs(pipe, torch.cat([pair, memory], 1), context, blank, unaided, img_shapes(1, h, w, PAIR + 1))

    def bare() -> None:
        for _ in range(card.steps):
            for given in ready:
                pipe.transformer(**given, return_dict=False)
        z = torch.randn(PAIR, int(pipe.vae.config.z_dim), 2 * h, 2 * w, device=device, dtype=pipe.vae.dtype)
        decode_frames(pipe.vae, z)

    def forward(tokens: torch.Tensor, frames: int) -> None:
        pipe.transformer(
            hidden_states=torch.cat([pair, tokens], 1).to(pipe.transformer.dtype),
            encoder_hidden_states=context.to(pipe.transformer.dtype),
            timestep=sigma,
            img_shapes=img_shapes(1, h, w, PAIR + frames),
            return_dict=False,
        )

    def read_anew(conditions: PairConditions) -> None:
        pipe.weights_changed()  # forgets the kept context tokens, and nothing else
        pipe(conditions, generators(1))

    jobs: dict[str, Callable[[], object]] = {
        "bare": bare,
        "pair_late": lambda: read_anew(late),
        "pair_read_anew": lambda: read_anew(early),
        "pair_early": lambda: pipe(early, generators(1)),  # right after: its context tokens are kept
        "pair_followed": lambda: pipe(early, generators(1), memory_guidance_scale=2.0),
        "forward_packed": lambda: forward(memory, 1),
        "forward_all_history": lambda: forward(whole, 2 * (LATE - 1)),
    }
    slow = {"forward_all_history": jobs.pop("forward_all_history")}
    for work in jobs.values():
        work()
    filled = pipe.cache.computed
    times = [{name: seconds(work) for name, work in jobs.items()} for _ in range(rounds)]
    assert pipe.cache.computed == filled, "the memory pack and CLIP caches are warm"
    best = {name: min(t[name] for t in times) for name in jobs}
    return Timing(**best, **{name: seconds(work) for name, work in slow.items()})  # once: it is a hundredfold


def inputs(
    pipe: Step2Pipeline, tokens: Tensor, context: Tensor, blank: Tensor, unaided: Tensor, shapes: ImgShapes
) -> list[dict[str, Any]]:
    """What the transformer alone is given in a step, ready: a row for each branch of guidance, in one forward
    where their texts are of one length.
    """
    card, dtype = pipe.card, pipe.transformer.dtype
    contexts = [context]
    contexts += [blank] if card.guidance != 1.0 else []
    contexts += [unaided] if card.memory_guidance != 1.0 else []
    same = len({c.shape for c in contexts}) == 1
    together = [torch.cat(contexts)] if same else contexts
    return [
        {
            "hidden_states": tokens.repeat(len(c), 1, 1).to(dtype),
            "encoder_hidden_states": c.to(dtype),
            "timestep": torch.ones(len(c), device=tokens.device),
            "img_shapes": shapes * len(c),
        }
        for c in together
    ]


def load(checkpoint: Path | None, profile: str | None = None) -> tuple[Step2Pipeline, str]:
    """The checkpoint's pipeline as the painter runs it; tiny random weights without one.

    With `profile`, that profile's instead, at its own size and number of steps (one that draws pairs).
    """
    if profile is not None:
        chosen = get_profile(profile)
        pipe = load_painter(chosen).pipe  # type: ignore[attr-defined]
        given = {
            "width": chosen.width,
            "height": chosen.height,
            "steps": chosen.steps,
            "guidance": chosen.guidance,
        }
        pipe.card = pipe.card.model_copy(update=given)
        return pipe, chosen.title
    if checkpoint is None:
        pipe = tiny_pipeline()
        enable_single_frame(pipe.vae)
        return pipe, "tiny random weights"
    painter = load_painter(replace(PROFILES["mini"], checkpoint=checkpoint))
    pipe = painter.pipe  # type: ignore[attr-defined]
    return pipe, pipe.card.title


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    mini = Path(PROFILES["mini"].checkpoint)
    parser.add_argument("--checkpoint", type=Path, default=mini if (mini / INDEX).exists() else None)
    parser.add_argument("--profile", help="a profile that draws pairs, on a machine that runs it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    pipe, title = load(options.checkpoint, options.profile)
    with tempfile.TemporaryDirectory() as folder:
        timing = measure(pipe, Path(folder), options.rounds)
    ratios = timing.ratios()
    if options.json:
        print(json.dumps({"checkpoint": title, "seconds": vars(timing), "ratios": ratios}, indent=1))
        return
    print(f"{title}, {pipe.card.steps} steps, {torch.get_num_threads()} threads")
    print(f"a pair at shot {EARLY} takes {timing.pair_early:.2f} s")
    for name, ratio in ratios.items():
        print(f"{ratio:8.3f}  {name}")


if __name__ == "__main__":
    main()
