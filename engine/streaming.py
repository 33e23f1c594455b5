"""Group offloading that fits into the machine's memory, and errors that mean that memory ran out."""

from __future__ import annotations

from collections.abc import Iterable
from errno import ENOMEM

import torch
from torch import nn

_OTHERS = 16 * 1024**3  # bytes for the pictures, the program and the rest of the machine
_OF_THE_MACHINE = ("not enough memory", "DefaultCPUAllocator", "can't allocate memory", "os error 12")
_SIGNS = ("out of memory", *_OF_THE_MACHINE)


def pinned_bytes(sizes: Iterable[int]) -> int:
    """What page-locked copies of tensors of so many bytes take: torch rounds each up to a power of two, as
    its host allocator does unless it is told otherwise. For large models that is one and a half times their
    weights to twice.
    """
    return sum(1 << (size - 1).bit_length() for size in sizes if size)


def pin_on_the_way(models: Iterable[nn.Module], ram: float | None) -> bool:
    """Whether only the layers that are on their way to the card may be pinned (`low_cpu_mem_usage`), which is
    slower: so it is unless the weights and a pinned copy of all of them fit into `ram` GiB.
    """
    sizes = [t.nbytes for model in models for t in (*model.parameters(), *model.buffers())]
    return ram is None or sum(sizes) + pinned_bytes(sizes) + _OTHERS > ram * 1024**3


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: the card's, an Apple GPU's, the processor's, or what was to be pinned."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    if isinstance(error, OSError) and error.errno == ENOMEM:  # a file of weights that cannot be mapped
        return True
    return isinstance(error, (RuntimeError, OSError)) and any(sign in str(error) for sign in _SIGNS)


def is_out_of_ram(error: BaseException) -> bool:
    """Whether it was the machine's own memory that ran out, and no card's."""
    if not is_out_of_memory(error) or isinstance(error, torch.OutOfMemoryError):
        return False
    return not isinstance(error, RuntimeError) or any(sign in str(error) for sign in _OF_THE_MACHINE)
