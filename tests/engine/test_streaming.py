"""What streaming takes of the machine's memory, and which errors mean that memory ran out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.errors import UnsupportedError
from engine.streaming import is_out_of_memory, is_out_of_ram, pin_on_the_way, pinned_bytes

GIB = 1024**3


def test_a_pinned_tensor_takes_the_next_power_of_two() -> None:
    assert pinned_bytes([1024, 1025, 3 * 1024, 0]) == 1024 + 2048 + 4096


def test_everything_is_pinned_ahead_only_where_it_fits() -> None:
    with torch.device("meta"):
        model = nn.Linear(3 * 2**15, 2**18, bias=False)  # 96 GiB in single precision
    assert model.weight.nbytes == 96 * GIB
    assert pin_on_the_way([model], 200)
    assert not pin_on_the_way([model], 96 + 128 + 16)
    assert pin_on_the_way([model], None), "the system does not say"


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 18.13 GiB, max allowed: 18.13 GiB)"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), True),
        (MemoryError(), True),
        (OSError("Cannot allocate memory (os error 12)"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (OSError(2, "No such file"), False),
        (RuntimeError("the paint is dry"), False),
        (UnsupportedError("It ran out of memory once: start again."), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_that_ran_out_is_known_by_its_message(error: Exception, is_one: bool) -> None:
    assert is_out_of_memory(error) is is_one


def test_the_machine_s_own_memory_is_told_from_the_card_s() -> None:
    of_the_card = (torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("CUDA error: out of memory"))
    own = (MemoryError(), OSError(12, "Cannot allocate memory"), RuntimeError("DefaultCPUAllocator: 9 bytes"))
    assert not any(is_out_of_ram(error) for error in of_the_card)
    assert all(is_out_of_ram(error) for error in own)
    assert not is_out_of_ram(RuntimeError("the paint is dry"))
