"""The zero-shot editor against diffusers' own pipeline, and the zero-shot painter's two calls."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import QwenImageEditPlusPipeline, QwenImagePipeline
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as stock
from PIL import Image

from engine.catalogue import profile_of
from engine.errors import BadInput, Cancelled
from engine.step2.card import CheckpointCard
from engine.step2.conditions import KeptFrame, PairConditions
from engine.step2.edit import edit, numbered, read_pictures
from engine.step2.frames import png, read_frame
from engine.step2.pipeline import Step2Pipeline
from engine.step2.zero_shot import ZeroShotPainter
from engine.story import FrameSide
from tests.engine.step2.noting import asked, noting_painter
from tests.engine.step2.tiny import (
    HEIGHT,
    WIDTH,
    bank,
    generators,
    picture,
    stock_parts,
    stored_picture,
    tiny_pipeline,
)


@pytest.fixture(scope="module")
def pipe() -> Step2Pipeline:
    """Tiny models with the real family's card, as a stock repository gives them."""
    tiny = tiny_pipeline()
    made = Step2Pipeline(**{**stock_parts(), "processor": None})
    made.register_modules(vae=tiny.vae, transformer=tiny.transformer)
    made.set_progress_bar_config(disable=True)
    return made


def pictures(n: int) -> list[Image.Image]:
    return [Image.fromarray(picture(i, *size)) for i, size in enumerate([(64, 32), (48, 64), (96, 32)][:n])]


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_an_edit_is_what_diffusers_own_pipeline_draws(
    pipe: Step2Pipeline, guidance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "VAE_IMAGE_SIZE", WIDTH * HEIGHT)
    given, references = "She turns to the window.", pictures(3)
    ours = edit(
        pipe, given, references, generators(5)[0], width=WIDTH, height=HEIGHT, steps=3, guidance=guidance,
        reference_area=WIDTH * HEIGHT,
    )  # fmt: skip
    parts = {k: v for k, v in pipe.components.items() if k != "ranker"}
    theirs = QwenImageEditPlusPipeline(**{**parts, "processor": pipe._processor()})
    theirs.set_progress_bar_config(disable=True)
    blank = {"negative_prompt_embeds": read_pictures(pipe, " ", references)} if guidance > 1 else {}
    out = theirs(
        image=references, prompt_embeds=read_pictures(pipe, given, references), **blank,
        true_cfg_scale=guidance, width=WIDTH, height=HEIGHT, num_inference_steps=3,
        generator=generators(5)[0], output_type="np",
    ).images[0]  # fmt: skip
    assert np.abs(ours.astype(int) - np.round(out * 255)).max() <= 1


def test_words_alone_are_drawn_as_diffusers_text_to_image_does(pipe: Step2Pipeline) -> None:
    ours = edit(pipe, "A harbour.", [], generators(2)[0], width=WIDTH, height=HEIGHT, steps=2, guidance=2.0)
    parts = {k: pipe.components[k] for k in ("scheduler", "vae", "text_encoder", "tokenizer", "transformer")}
    theirs = QwenImagePipeline(**parts)
    theirs.set_progress_bar_config(disable=True)
    out = theirs(
        "A harbour.", negative_prompt=" ", true_cfg_scale=2.0, width=WIDTH, height=HEIGHT,
        num_inference_steps=2, generator=generators(2)[0], output_type="np",
    ).images[0]  # fmt: skip
    assert np.abs(ours.astype(int) - np.round(out * 255)).max() <= 1


def test_a_long_prompt_is_cut_as_in_pairs(pipe: Step2Pipeline) -> None:
    pipe.card = pipe.card.model_copy(update={"max_prompt_tokens": 8})
    long = "a fisherman waits at the harbour " * 20
    for shown in ([], pictures(2)):
        assert torch.equal(read_pictures(pipe, long, shown), read_pictures(pipe, f"{long} {long}", shown))


def test_every_picture_is_read_and_numbered(pipe: Step2Pipeline) -> None:
    template = numbered(CheckpointCard().with_image, 3).text
    for i in (1, 2, 3):
        assert template.count(f"Picture {i}: <|vision_start|><|image_pad|><|vision_end|>") == 1
    one, two = read_pictures(pipe, "A", pictures(1)), read_pictures(pipe, "A", pictures(2))
    assert two.shape[1] > one.shape[1] > read_pictures(pipe, "A", []).shape[1]
    turned = read_pictures(pipe, "A", pictures(2)[::-1])
    assert turned.shape == two.shape
    assert not torch.allclose(turned, two, atol=1e-3), "which picture is the first is heard"


@pytest.fixture
def painter() -> ZeroShotPainter:
    profile = replace(profile_of("qwen-image-edit"), width=WIDTH, height=HEIGHT, steps=2)
    return noting_painter(profile)


def test_the_start_is_drawn_from_memory_and_the_end_from_the_start(
    painter: ZeroShotPainter, tmp_path: Path
) -> None:
    memory = bank(tmp_path, 5, pinned=(4,))
    shot = PairConditions("A {man} walks.", "A man walks.", memory[3].frame, memory)
    steps: list[tuple[int, int]] = []
    takes = painter.draw(shot, [7, 8], on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(i + 1, 8) for i in range(8)]
    assert [a[2] for a in asked(painter)] == [7, 7, 8, 8]
    (first, references, _), (last, of, _) = asked(painter)[:2]
    assert "A {man} walks." in first
    assert "A {man} walks." in last
    packed = painter.pack(shot)
    by_key = {m.key: m.frame for m in memory}
    assert packed[0].key == memory[4].key, "a pin comes first"
    assert references == [png(read_frame(by_key[p.key], WIDTH, HEIGHT)) for p in packed]
    assert len(references) == 3
    assert of == [takes[0].start], "the end is an edit of this very start"
    assert [Image.open(io.BytesIO(t.end)).getpixel((0, 0))[0] for t in takes] == [2, 4]
    assert takes[0].memory == packed


def test_without_memory_words_alone_are_the_start(painter: ZeroShotPainter, tmp_path: Path) -> None:
    """The end of the shot before is in the bank, or somebody keeps it out: banned, or of another look."""
    painter.draw(PairConditions("A.", "A."), [1])
    (take,) = painter.draw(PairConditions("A.", "A.", previous_end=stored_picture(tmp_path, 4)), [1])
    for start in asked(painter)[::2]:
        assert (start.pictures, start.prompt) == ([], "The first frame of this shot: A.")
    assert take.memory == ()


@pytest.mark.parametrize("side", list(FrameSide))
def test_a_kept_frame_is_what_the_other_is_an_edit_of(
    painter: ZeroShotPainter, tmp_path: Path, side: FrameSide
) -> None:
    frame = stored_picture(tmp_path, 6)
    memory = bank(tmp_path, 2)
    (take,) = painter.draw(PairConditions("A.", "A.", None, memory, KeptFrame(side, frame)), [1])
    kept = take.start if side is FrameSide.START else take.end
    assert kept == frame.path.read_bytes()
    ((prompt, of, _),) = asked(painter)
    assert of == [png(read_frame(frame, WIDTH, HEIGHT))]
    assert ("after" if side is FrameSide.START else "before") in prompt
    assert take.memory == (), "the editor saw no memory frame, so none is recorded"


def test_zero_shot_is_told_to_stop_and_what_cannot_be(painter: ZeroShotPainter) -> None:
    shot = PairConditions("A.", "A.")
    steps: list[int] = []
    with pytest.raises(Cancelled):
        painter.draw(
            shot, [1, 2], on_step=lambda done, _: steps.append(done), cancelled=lambda: len(steps) >= 3
        )
    assert steps == [1, 2, 3]
    with pytest.raises(BadInput, match="at least one take"):
        painter.draw(shot, [])
    with pytest.raises(BadInput, match="whole number"):
        painter.draw(shot, [-1])


def test_memory_cannot_be_followed_more_than_it_is_read(painter: ZeroShotPainter, tmp_path: Path) -> None:
    shot = PairConditions("A man walks.", "A man walks.", memory=bank(tmp_path, 1))
    assert painter.draw(shot, [1], memory_guidance=1.0)
    with pytest.raises(BadInput, match="leave the memory guidance out"):
        painter.draw(shot, [1], memory_guidance=2.0)


def test_a_film_of_another_shape_reaches_the_editor(painter: ZeroShotPainter) -> None:
    painter.profile = replace(painter.profile, width=HEIGHT, height=WIDTH)
    assert (painter.editor.profile.width, painter.editor.profile.height) == (HEIGHT, WIDTH)
    assert painter.grid() == (WIDTH // 16, HEIGHT // 16)
