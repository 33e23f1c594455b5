"""The frame cache: once per frame and weights, across processes, and harmless when the disk is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.step2.cache import FrameCache


class Counter:
    """Computes a value, and counts how often."""

    def __init__(self, value: float = 1.0) -> None:
        self.value, self.calls = value, 0

    def __call__(self) -> Tensor:
        self.calls += 1
        return torch.full((2, 3), self.value)


def test_a_value_is_computed_once_per_frame_and_weights() -> None:
    cache, once = FrameCache(), Counter()
    for _ in range(3):
        assert torch.equal(cache.get("a", "vae w1", once), torch.ones(2, 3))
    assert once.calls == 1
    for sha, made_with in (("b", "vae w1"), ("a", "vae w2"), ("a", "clip w1")):
        other = Counter(2.0)
        assert cache.get(sha, made_with, other)[0, 0] == 2.0
        assert other.calls == 1


def test_a_folder_carries_values_to_the_next_process(tmp_path: Path) -> None:
    FrameCache(tmp_path).get("a", "vae", Counter())
    later = Counter()
    assert torch.equal(FrameCache(tmp_path).get("a", "vae", later), torch.ones(2, 3))
    assert later.calls == 0
    assert not list(tmp_path.rglob("*.part"))


def test_what_is_no_frames_stays_in_memory(tmp_path: Path) -> None:
    cache, once = FrameCache(tmp_path), Counter()
    for _ in range(2):
        cache.get("a", "clip text", once, on_disk=False)
    assert once.calls == 1
    assert not list(tmp_path.rglob("*.safetensors"))


def test_the_oldest_leave_memory_but_not_the_disk(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path, capacity=2)
    for sha in "abc":
        cache.get(sha, "vae", Counter())
    again = Counter()
    cache.get("a", "vae", again)
    assert again.calls == 0
    assert len(cache._recent) == 2


@pytest.mark.parametrize("damage", [b"", b"not a tensor", b"\x10\x00\x00\x00\x00\x00\x00\x00{}"])
def test_a_damaged_file_is_computed_again_and_repaired(tmp_path: Path, damage: bytes) -> None:
    FrameCache(tmp_path).get("a", "vae", Counter())
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(damage)
    again = Counter()
    assert torch.equal(FrameCache(tmp_path).get("a", "vae", again), torch.ones(2, 3))
    assert again.calls == 1
    third = Counter()
    FrameCache(tmp_path).get("a", "vae", third)
    assert third.calls == 0


def test_an_unwritable_folder_costs_speed_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    cache, once = FrameCache(blocked), Counter()
    assert torch.equal(cache.get("a", "vae", once), torch.ones(2, 3))
    cache.get("a", "vae", once)
    assert once.calls == 1
    assert "could not be kept" in caplog.text
