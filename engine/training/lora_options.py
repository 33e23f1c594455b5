"""What `stage lora` can be asked for, and what it records beside an adapter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.training.adapters import RANK
from engine.training.weights_file import Progress


class LoraStage(str, Enum):
    SFT = "sft"
    DPO = "dpo"


@dataclass(frozen=True)
class LoraOptions:
    """The paper trains rank 64 with Adam at 1e-4, 100k iterations of SFT, then 20k of DPO.

    The learning rate rises over the first `warmup` steps of every run: Adam's moments are not kept, and begin
    at nothing each time. `width` x `height` are pixels (None: the checkpoint's own); `accumulate` shots make
    a step on each device; `adam8bit` needs bitsandbytes; without `understanding` only the
    generation model is adapted.
    """

    stage: LoraStage = LoraStage.SFT
    steps: int = 1000
    accumulate: int = 4
    lr: float = 1e-4
    warmup: int = 20
    rank: int = RANK
    beta: float = 1000.0
    width: int | None = None
    height: int | None = None
    checkpointing: bool = True
    cache_latents: bool = True
    bf16: bool = False
    adam8bit: bool = False
    understanding: bool = True
    save_every: int = 250
    seed: int = 0


@dataclass
class LoraProgress(Progress):
    """What an adapter is, beside it: `origin` identifies the adapter that was merged before it, if any.

    `rank` is 0 and `understanding` None in the records of adapters from before these were recorded.
    """

    stage: str = ""
    rank: int = 0
    understanding: bool | None = None

    @property
    def flags(self) -> str:
        """How `stage lora` is asked for an adapter of this shape."""
        return f"--rank {self.rank} --{'' if self.understanding else 'no-'}understanding"
