"""Every film of the world serves one thing: what is learnt from is never what is reported or measured on."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import BadInput
from engine.metrics.held_out import HeldOut, held_out_films, true_film
from engine.step2.pipeline import Step2Pipeline
from engine.training import ranker, sheets, sight, vae, words
from engine.training.data_parallel import Team
from engine.training.mini_training import train_mini
from engine.world.camera import HEIGHT, WIDTH
from engine.world.splits import (
    EVALUATION,
    FILMS_HELD_OUT,
    FRAMES_HELD_OUT,
    SPLITS,
    TRAIN,
    UPSCALER_POOL,
    VAE_POOL,
    VOCABULARY,
    WORDS_HELD_OUT,
    WORDS_TRAIN,
    films_of,
)
from engine.world.story import Story, new_story


def test_no_two_splits_share_a_film() -> None:
    for (name, a), (other, b) in combinations(SPLITS.items(), 2):
        assert a.stop <= b.start or b.stop <= a.start, f"{name} and {other}"


def test_the_films_are_those_that_figures_were_measured_on() -> None:
    """Another first seed would be other films, and no figure of the README could be measured again."""
    starts = [s.start for s in (TRAIN, VAE_POOL, UPSCALER_POOL, EVALUATION, FILMS_HELD_OUT, FRAMES_HELD_OUT)]
    assert starts == [0, 500_000, 600_000, 700_000, 800_000, 900_000]
    assert (range(20_000), range(800_000, 820_000)) == (WORDS_TRAIN, WORDS_HELD_OUT)
    assert range(4000) == VOCABULARY


def test_a_split_has_an_end() -> None:
    assert films_of(VAE_POOL, 3, first=2) == range(500_002, 500_005)
    with pytest.raises(BadInput, match="only 100,000 films"):
        films_of(VAE_POOL, 1, first=100_000)
    with pytest.raises(BadInput, match=r"only \d held-out films"):
        held_out_films(3, EVALUATION[:2])
    with pytest.raises(BadInput, match="only 500,000 films"):
        train_mini(None, Path("unused"), Path("unused"), films=500_001)


def _recorder(monkeypatch: pytest.MonkeyPatch, *rooms: object) -> list[int]:
    """The seeds whose stories these modules ask for."""
    seeds: list[int] = []

    def record(seed: int) -> Story:
        seeds.append(seed)
        return new_story(seed)

    for room in rooms:
        monkeypatch.setattr(room, "new_story", record)
    return seeds


def test_stages_learn_from_their_films_and_report_on_others(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds, r = _recorder(monkeypatch, sight, ranker, words, vae), random.Random(0)

    def drawn(draw: Callable[[], object]) -> list[int]:
        seeds.clear()
        draw()
        return list(seeds)

    learnt = drawn(lambda: [sight.Frames.to_learn_from(4, Team(rank, 2)) for rank in (0, 1)])
    assert len(set(learnt)) == 4, "each worker has films of its own"
    assert all(s in TRAIN for s in learnt)
    assert all(s in FILMS_HELD_OUT for s in drawn(sight.Frames.held_out))
    assert all(s in WORDS_TRAIN for s in drawn(lambda: ranker.frames_and_words(r, 8)))
    assert all(
        s in FILMS_HELD_OUT for s in drawn(lambda: ranker.frames_and_words(r, 8, films=WORDS_HELD_OUT))
    )
    assert all(s in VOCABULARY for s in drawn(lambda: list(islice(words.corpus(), 2000))))
    assert all(s in FRAMES_HELD_OUT for s in drawn(lambda: vae.held_out_frames(2)))


def test_a_sample_sheet_shows_no_film_of_the_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did: whoever stopped a run by its sheet had selected on what `stage evaluate` measures."""
    shown: list[int] = []

    def draw(_: Step2Pipeline, film: HeldOut) -> np.ndarray:
        shown.append(film.story.seed)
        return true_film(film)

    monkeypatch.setattr(sheets, "draw_film", draw)
    sheets.pipeline_sheet(None, 3, 4, tmp_path / "sheet.png")  # type: ignore[arg-type]
    assert len(shown) == 3
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (4 * WIDTH, 3 * 4 * HEIGHT), "starts and ends, drawn and true, of four shots"
    assert all(seed in FILMS_HELD_OUT for seed in shown)
    assert all(film.story.seed in EVALUATION for film in held_out_films(3))
