"""Whose context tokens the understanding model learns: those of shots of which everything is told.

Slots and vectors tell it to the slot encoder that `pretrain` left and `facts` went on with; a checkpoint has
none, and reads words.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration

from engine.training.facts import FactTable
from engine.training.slots import SlotEncoder
from engine.training.understanding import read_seen


@dataclass(frozen=True)
class Lesson:
    """Shots of which everything is told that words or pictures show: in words (B prompts), in slot ids
    (B, 16) and in what no slot holds (B, 5), indices of SLOTLESS or NOT_SHOWN.
    """

    prompts: Sequence[str]
    ids: Tensor
    slotless: Tensor


class Teacher(nn.Module):
    """Context tokens (B, 16, 128) of shots that are told whole."""

    @abstractmethod
    def forward(self, lesson: Lesson) -> Tensor: ...


class SlotTeacher(Teacher):
    """The slot encoder of `pretrain`, and the vectors of what no slot holds, which `facts` learns."""

    def __init__(self, slots: SlotEncoder, facts: FactTable) -> None:
        super().__init__()
        self.slots, self.facts = slots.eval().requires_grad_(False), facts

    def forward(self, lesson: Lesson) -> Tensor:
        with torch.no_grad():
            tokens = self.slots(lesson.ids)
        found: Tensor = self.facts(tokens, lesson.slotless)
        return found

    def parts(self) -> dict[str, nn.Module]:
        """Its weights, as a weights file names them."""
        return {"slots": self.slots, "facts": self.facts}


class WordTeacher(Teacher):
    """A checkpoint's understanding model, which knows words for everything."""

    def __init__(self, model: Qwen2_5_VLForConditionalGeneration, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.model, self.tokenizer = model.eval().requires_grad_(False), tokenizer

    def forward(self, lesson: Lesson) -> Tensor:
        with torch.no_grad():
            return read_seen(self.model, self.tokenizer, lesson.prompts)
