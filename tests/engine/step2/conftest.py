"""Settings of this room's tests: property tests have no deadline, because they may share a core with
training. Its fixtures: the pipeline of tiny random models, and a shot in the middle of a film.
"""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path

import pytest
from hypothesis import settings

from engine.step2.conditions import PairConditions
from engine.step2.pipeline import Step2Pipeline
from tests.engine.step2.tiny import bank, tiny_pipeline

settings.register_profile("stage", deadline=None)
settings.load_profile("stage")


@pytest.fixture(scope="module")
def pipe() -> Step2Pipeline:
    return tiny_pipeline()


@pytest.fixture
def shot(tmp_path: Path) -> PairConditions:
    """The third shot of a film: a previous end, a bank of four frames, one of them pinned."""
    memory = bank(tmp_path, 4, pinned=(2,))
    return PairConditions("A man walks. Shot: medium shot.", "A man walks.", memory[3].frame, memory)
