"""The painter: PNG takes with their recipe, cancelling, kept frames byte for byte, checkpoint errors."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.errors import BadInput, Cancelled, CheckpointError, UnsupportedError
from engine.profiles import PROFILES, Profile
from engine.step2.conditions import KeptFrame, PairConditions
from engine.step2.frames import png, read_frame
from engine.step2.painter import PairPainter, load_painter
from engine.story import FrameSide
from tests.engine.step2.tiny import HEIGHT, WIDTH, bank, picture, stored_picture, tiny_pipeline


def tiny_profile(folder: Path) -> Profile:
    return replace(
        PROFILES["mini"],
        checkpoint=folder,
        width=WIDTH,
        height=HEIGHT,
        steps=3,
        guidance=2.0,
        vocabulary=None,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint")
    tiny_pipeline().save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def painter(folder: Path) -> PairPainter:
    return load_painter(tiny_profile(folder))


@pytest.fixture
def shot(tmp_path: Path) -> PairConditions:
    memory = bank(tmp_path, 3)
    return PairConditions("A man walks.", "A man walks.", memory[1].frame, memory)


def test_a_recipe_says_how_far_the_memory_was_followed(painter: PairPainter, shot: PairConditions) -> None:
    """Where it is empty no guidance was used, whatever was asked for; drawn so, the take is the same."""
    first = replace(shot, memory=())
    takes = [
        painter.draw(told, [5], memory_guidance=asked)[0]
        for told, asked in ((shot, 2.0), (first, 2.0), (shot, 1.0), (first, 1.0))
    ]
    assert [take.recipe.memory_guidance for take in takes] == [2.0, 1.0, 1.0, 1.0]
    assert takes[1] == takes[3]


def test_takes_are_plain_png_files_with_their_recipe(painter: PairPainter, shot: PairConditions) -> None:
    takes = painter.draw(shot, [5, 6])
    assert [t.recipe.seed for t in takes] == [5, 6]
    for take in takes:
        for data in (take.start, take.end):
            image = Image.open(io.BytesIO(data))
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (WIDTH, HEIGHT))
            assert image.info == {}
        r = take.recipe
        assert (r.profile, r.steps, r.guidance, r.width, r.height, r.batch) == (
            "mini",
            3,
            2.0,
            WIDTH,
            HEIGHT,
            2,
        )
        assert r.weights == painter.weights
        assert r.dtype == "float32"
        assert {"torch", "diffusers", "transformers", "threads"} <= set(r.versions)
        assert take.memory == painter.pack(shot)
    assert takes[0].start != takes[1].start
    assert [p.share for p in takes[0].memory] == [0.5, 0.25, 0.125]


def test_same_recipe_same_bytes_even_after_a_restart(
    painter: PairPainter, folder: Path, shot: PairConditions, tmp_path: Path
) -> None:
    first = painter.draw(shot, [1, 2])
    assert painter.draw(shot, [1, 2]) == first
    again = load_painter(tiny_profile(folder), cache=tmp_path / "cache")
    assert again.draw(shot, [1, 2]) == first
    cached = load_painter(tiny_profile(folder), cache=tmp_path / "cache")
    assert cached.draw(shot, [1, 2]) == first
    assert cached.pipe.cache.computed == 1, "the words"  # type: ignore[attr-defined]


def test_steps_are_reported_and_cancelling_ends_within_one(
    painter: PairPainter, shot: PairConditions
) -> None:
    steps: list[tuple[int, int]] = []
    painter.draw(shot, [1], steps=4, on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    steps.clear()
    with pytest.raises(Cancelled):
        painter.draw(
            shot,
            [1],
            on_step=lambda done, total: steps.append((done, total)),
            cancelled=lambda: len(steps) == 2,
        )
    assert len(steps) == 2
    with pytest.raises(Cancelled):
        painter.draw(shot, [1], cancelled=lambda: True)


def test_a_kept_frame_comes_back_byte_for_byte(
    painter: PairPainter, shot: PairConditions, tmp_path: Path
) -> None:
    frame = stored_picture(tmp_path, 8)
    kept = painter.draw(replace(shot, kept=KeptFrame(FrameSide.END, frame)), [1, 2])
    free = painter.draw(shot, [1, 2])
    for take, other in zip(kept, free, strict=True):
        assert take.end == frame.path.read_bytes()
        assert take.start != other.start
    large = stored_picture(tmp_path, 8, width=4 * WIDTH, height=4 * HEIGHT)
    (take,) = painter.draw(replace(shot, kept=KeptFrame(FrameSide.START, large)), [1])
    assert take.start == png(read_frame(large, WIDTH, HEIGHT))


def test_seeds_out_of_range_are_one_sentence(painter: PairPainter, shot: PairConditions) -> None:
    for seed in (-1, 2**63):
        with pytest.raises(BadInput, match="whole number from 0"):
            painter.draw(shot, [seed])


def test_weights_are_named_by_their_content(painter: PairPainter, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    assert load_painter(tiny_profile(copy)).weights == painter.weights
    _edit_weights(copy / "vae", lambda w: {k: v + 0.01 for k, v in w.items()})
    assert load_painter(tiny_profile(copy)).weights != painter.weights


def test_png_bytes_are_a_function_of_the_pixels() -> None:
    frame = picture(1)
    assert png(frame) == png(frame.copy()) == png(np.asfortranarray(frame))
    assert png(frame) != png(picture(2))


def _edit_weights(part: Path, edit: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    (file,) = part.glob("*.safetensors")
    save_file({k: v.contiguous() for k, v in edit(load_file(file)).items()}, file, metadata={"format": "pt"})


def _edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def _without_one(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return dict(list(weights.items())[1:])


WEIGHTS = "diffusion_pytorch_model.safetensors"
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no index": (lambda f: (f / "model_index.json").unlink(), r"no model_index\.json"),
    "broken index": (lambda f: (f / "model_index.json").write_text("{"), r"model_index\.json cannot be read"),
    "another pipeline": (
        lambda f: _edit_json(f / "model_index.json", _class_name="StableDiffusionPipeline"),
        "is a StableDiffusionPipeline and was not made for start-end pairs",
    ),
    "another class": (
        lambda f: _edit_json(f / "model_index.json", transformer=["diffusers", "FluxTransformer2DModel"]),
        "transformer is a FluxTransformer2DModel, but it must be a QwenImageTransformer2DModel",
    ),
    "no transformer": (lambda f: shutil.rmtree(f / "transformer"), r"transformer has no config\.json"),
    "no weights": (lambda f: (f / "vae" / WEIGHTS).unlink(), "vae has no safetensors file"),
    "truncated": (lambda f: _truncate(f / "transformer" / WEIGHTS), rf"transformer/{WEIGHTS} is damaged"),
    "a pointer file": (
        lambda f: (f / "vae" / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\n"),
        "is damaged or not whole",
    ),
    "a tensor too few": (
        lambda f: _edit_weights(f / "text_encoder", _without_one),
        "text_encoder holds .* weights where its configuration asks for",
    ),
    "another shape": (
        lambda f: _edit_json(f / "transformer" / "config.json", num_attention_heads=4),
        "weights do not fit its configuration",
    ),
    "no tokenizer": (lambda f: shutil.rmtree(f / "tokenizer"), "tokenizer folder is missing or empty"),
    "broken card": (
        lambda f: (f / "step2.json").write_text('{"steps": "many"}'),
        r"step2\.json cannot be read",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_checkpoint_is_one_clear_sentence(folder: Path, tmp_path: Path, fault: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    damage, sentence = FAULTS[fault]
    damage(broken)
    with pytest.raises(CheckpointError, match=sentence) as error:
        load_painter(tiny_profile(broken))
    assert str(error.value).count(". ") == 0
    assert str(error.value).endswith(".")


def test_a_missing_folder_and_an_unknown_hub_id_are_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint folder at"):
        load_painter(tiny_profile(tmp_path / "nowhere"))
    unknown = replace(tiny_profile(tmp_path), checkpoint="nobody/nothing")
    with pytest.raises(CheckpointError, match="nobody/nothing could not be downloaded"):
        load_painter(unknown)


def test_models_that_never_saw_pairs_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="no STEP² LoRA"):
        load_painter(PROFILES["qwen-image"])
    stock = tmp_path / "stock"
    shutil.copytree(folder, stock)
    (stock / "step2.json").unlink()
    with pytest.raises(UnsupportedError, match="not trained on start-end pairs"):
        load_painter(tiny_profile(stock))


def test_importing_the_door_loads_no_torch() -> None:
    code = (
        "import sys, engine.step2.painter, engine.step2.conditions, engine.step2.card, engine.errors; "
        "print([m for m in ('torch', 'diffusers', 'transformers', 'open_clip', 'gradio', 'studio') "
        "if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
