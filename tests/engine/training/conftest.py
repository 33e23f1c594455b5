"""What the tests of training share: the shipped SFT model, and films that it looked at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from engine.profiles import get_profile
from engine.step2.card import MEMORY, read_card, write_card
from engine.step2.pipeline import Step2Pipeline
from engine.training.dpo import encode_internal
from engine.training.export import TRAINING_FILE
from engine.training.latents import encode_shard, encoder_of
from engine.training.shots import Shots
from engine.training.views import view_shard

FILMS = 3


@pytest.fixture(scope="module")
def shipped() -> Path:
    return Path(get_profile("mini").checkpoint)


@pytest.fixture
def unseeing(shipped: Path, tmp_path: Path) -> Path:
    """A checkpoint from before `sight`, which reads no pictures of its memory."""
    old = shutil.copytree(shipped, tmp_path / "unseeing")
    card = read_card(shipped)
    templates = {
        name: template.model_copy(update={"text": template.text.replace(MEMORY, "")})
        for name, template in (("text_only", card.text_only), ("with_image", card.with_image))
    }
    write_card(card.model_copy(update={"memory_pictures": 0, **templates}), old)
    record = json.loads((old / TRAINING_FILE).read_text())
    record.pop("sight", None)
    (old / TRAINING_FILE).write_text(json.dumps(record))
    return old


@pytest.fixture(scope="module")
def pipe(shipped: Path) -> Step2Pipeline:
    """The SFT model: what the stages here go on from."""
    return Step2Pipeline.from_pretrained(shipped, adapters=False, dtype=torch.float32)


@pytest.fixture(scope="module")
def shots(pipe: Step2Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Shots:
    folder, eyes = tmp_path_factory.mktemp("shots"), pipe.text_encoder.model.visual
    encode_shard(pipe.vae, folder, 0, FILMS)
    view_shard(pipe.ranker, eyes, folder, 0, FILMS)
    encode_internal(pipe.vae, folder, 0, FILMS)
    return Shots(folder, encoder_of(pipe.vae), pipe.ranker, eyes)
