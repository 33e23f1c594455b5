"""Whose context tokens are learnt: those of shots of which everything is told.

Slots tell it to the slot encoder that `pretrain` left; a checkpoint has none, and reads words.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration

from engine.training.facts import FactTable
from engine.training.slots import SlotEncoder
from engine.training.understanding import read_seen


class Teacher(nn.Module):
    """Context tokens (B, 16, 128) of prompts, or of their slot ids (B, 16)."""

    @abstractmethod
    def forward(self, prompts: Sequence[str], ids: Tensor) -> Tensor: ...

    @abstractmethod
    def parts(self) -> dict[str, nn.Module]:
        """Its weights, as a weights file names them."""


class SlotTeacher(Teacher):
    """The slot encoder of `pretrain`."""

    def __init__(self, slots: SlotEncoder) -> None:
        super().__init__()
        self.slots = slots.eval().requires_grad_(False)

    def forward(self, prompts: Sequence[str], ids: Tensor) -> Tensor:
        found: Tensor = self.slots(ids)
        return found

    def parts(self) -> dict[str, nn.Module]:
        return {"slots": self.slots}


class WordTeacher(Teacher):
    """A checkpoint's understanding model."""

    def __init__(self, model: Qwen2_5_VLForConditionalGeneration, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.model, self.tokenizer = model.eval().requires_grad_(False), tokenizer

    def forward(self, prompts: Sequence[str], ids: Tensor) -> Tensor:
        return read_seen(self.model, self.tokenizer, prompts)

    def parts(self) -> dict[str, nn.Module]:
        return {"model": self.model.model}


class FactTeacher(nn.Module):
    """The tokens of a teacher, and the vectors of what no slot holds."""

    def __init__(self, teacher: Teacher, facts: FactTable) -> None:
        super().__init__()
        self.teacher, self.facts = teacher, facts

    def forward(self, prompts: Sequence[str], ids: Tensor, slotless: Tensor) -> Tensor:
        """(B, 16, 128) of prompts, their slot ids (B, 16) and facts (B, 5)."""
        with torch.no_grad():
            tokens = self.teacher(prompts, ids)
        found: Tensor = self.facts(tokens, slotless)
        return found

    def parts(self) -> dict[str, nn.Module]:
        """Its weights, as a weights file names them."""
        return {"facts": self.facts, **self.teacher.parts()}
