"""Stages sight and context: what the understanding model sees, and what it makes of words and pictures."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import PreTrainedTokenizerFast, Qwen2VLProcessor

from engine.errors import BadInput
from engine.step2.context import context_inputs, encode_context
from engine.step2.pipeline import Step2Pipeline
from engine.training.context import (
    Reader,
    new_reading,
    normalise,
    read_shots,
    reading_accuracy,
)
from engine.training.export import Parts, build, export
from engine.training.facts import NOT_SHOWN, SLOTLESS, FactTable
from engine.training.mini_training import Stage, train_mini
from engine.training.restore import restore
from engine.training.shots import Shots
from engine.training.sight import (
    LOOK,
    PLACE,
    Frames,
    Sight,
    as_drawn,
    frame_facts,
    picture_tokens,
    still_patches,
)
from engine.training.slots import SlotEncoder
from engine.training.teachers import SlotTeacher
from engine.training.understanding import (
    PICTURE_TOKENS,
    TEMPLATE,
    new_context_model,
    new_processor,
    read_seen,
)
from engine.training.weights_file import Progress, holds, load_weights, save_weights
from engine.training.words import understanding_tokenizer
from engine.world.annotate import LENGTH, NULL_IDS, SLOT_NAMES, VOCABULARY
from engine.world.render import render
from engine.world.story import BODIES, new_shots, new_story

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return understanding_tokenizer()


@pytest.fixture(scope="module")
def processor(tokenizer: PreTrainedTokenizerFast) -> Qwen2VLProcessor:
    return new_processor(tokenizer)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A film's frames, uint8 (12, 128, 256, 3)."""
    story = new_story(3)
    return np.stack([render(story, shot, t) for shot in new_shots(story) for t in (0, 1)])


def _sight(tokenizer: PreTrainedTokenizerFast) -> Sight:
    torch.manual_seed(0)
    return Sight(new_context_model(tokenizer).model.visual)


def test_frames_are_seen_as_the_processor_has_them(
    tokenizer: PreTrainedTokenizerFast, processor: Qwen2VLProcessor, frames: np.ndarray
) -> None:
    sight = _sight(tokenizer)
    given = processor.image_processor([Image.fromarray(f) for f in frames[:3]], return_tensors="pt")
    with torch.no_grad():
        theirs = sight.visual(given["pixel_values"], grid_thw=given["image_grid_thw"]).pooler_output
        ours = picture_tokens(sight.visual, torch.from_numpy(frames[:3]))
    assert ours.shape == (3, PICTURE_TOKENS, 128)
    assert torch.allclose(ours.flatten(0, 1), theirs, atol=1e-4)


def test_still_patches_are_the_towers_own_and_so_are_their_gradients(
    tokenizer: PreTrainedTokenizerFast, processor: Qwen2VLProcessor, frames: np.ndarray
) -> None:
    sight, pixels = _sight(tokenizer), torch.from_numpy(frames[:2])

    def run() -> tuple[torch.Tensor, torch.Tensor]:
        sight.zero_grad()
        tokens = picture_tokens(sight.visual, pixels)
        tokens.square().mean().backward()
        gradient = sight.visual.patch_embed.proj.weight.grad
        assert gradient is not None
        return tokens.detach(), gradient.clone()

    stock, gradient = run()
    with still_patches(sight.visual):
        fast, again = run()
    assert torch.allclose(stock, fast, atol=1e-4)
    assert torch.allclose(gradient, again, atol=1e-4 * float(gradient.abs().max()) + 1e-8)
    assert torch.equal(run()[0], stock), "and afterwards the tower is the stock one again"


def test_facts_of_a_frame_are_those_of_the_film() -> None:
    for seed in range(20):
        story = new_story(seed)
        for shot in new_shots(story):
            people, place = frame_facts(story, shot)
            there = [BODIES[k] for k in range(len(BODIES)) if people[k, 0] == 1]
            assert sorted(there) == sorted(story.people[index].body for index in shot.who)
            for index in shot.who:
                person = story.people[index]
                row = people[BODIES.index(person.body), 1:].tolist()
                named = [values[k] for values, k in zip(LOOK.values(), row, strict=True)]
                assert named == [getattr(person, fact) for fact in LOOK]
            at = story.locations[shot.location]
            named = {fact: PLACE[fact][k] for fact, k in zip(PLACE, place.tolist(), strict=True)}
            assert (named["palette"], named["side"]) == (at.palette, at.side)
            assert (named["scale"], named["time"]) == (shot.scale, story.time)


def test_drawn_frames_are_like_the_world_and_not_the_same(frames: np.ndarray) -> None:
    torch.manual_seed(0)
    pixels = torch.from_numpy(frames)
    drawn = as_drawn(pixels, random.Random(0))
    apart = (drawn - pixels.float()).abs().mean((1, 2, 3))
    assert drawn.shape == pixels.shape
    assert float(apart.max()) < 25
    assert 2 <= int((apart > 0.5).sum()) < len(frames), "some stay as they are"


def test_sight_learns_what_frames_show(
    tokenizer: PreTrainedTokenizerFast, processor: Qwen2VLProcessor
) -> None:
    sight = _sight(tokenizer)
    few = Frames(range(1))
    batch = few.batch(random.Random(1), 12)
    solver, losses = torch.optim.AdamW(sight.parameters(), lr=1e-3), []
    with still_patches(sight.visual):
        for _ in range(20):
            loss, hits = sight.score(*batch)
            solver.zero_grad()
            loss.backward()
            solver.step()
            losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert set(hits) == {*LOOK, *PLACE}


@torch.no_grad()
def test_what_was_seen_before_is_read_as_what_is_seen_now(
    tokenizer: PreTrainedTokenizerFast, processor: Qwen2VLProcessor, frames: np.ndarray
) -> None:
    torch.manual_seed(0)
    model = new_context_model(tokenizer).eval()
    sight = Sight(model.model.visual)
    tokens = picture_tokens(sight.visual, torch.from_numpy(frames[:3]))
    pictures = [Image.fromarray(frame) for frame in frames[:3]]
    prompts = ["A girl waves. Place: forest, day.", "Nobody."]
    inputs = context_inputs(
        processor, TEMPLATE, prompts, [pictures[2], pictures[0]], [pictures[:2], [pictures[1]]]
    )
    theirs = encode_context(model, inputs, -LENGTH)
    previous = [tokens[2], tokens[0]]
    ours = read_seen(model, tokenizer, prompts, previous, [list(tokens[:2]), [tokens[1]]])
    assert torch.allclose(ours, theirs, atol=1e-4)
    turned = read_seen(model, tokenizer, prompts, previous, [[tokens[1], tokens[0]], [tokens[1]]])
    assert not torch.allclose(turned[0], theirs[0], atol=1e-3)
    alone = encode_context(model, context_inputs(processor, TEMPLATE, prompts[:1]), -LENGTH)
    assert torch.allclose(read_seen(model, tokenizer, prompts[:1]), alone, atol=1e-4)


def test_a_reading_tells_what_its_pictures_show_and_nothing_else(shots: Shots) -> None:
    r, left_out, shown = random.Random(0), 0, 0
    for _ in range(60):
        told = shots.draw(r)
        reading = new_reading(shots, [told])
        story, filmed = shots.films.film(told.seed)
        ids, slotless = reading.lesson.ids[0].tolist(), reading.lesson.slotless[0].tolist()
        if not told.prompt:
            assert ids == list(NULL_IDS)
            assert reading.lesson.prompts == [""]
            assert set(slotless) == {NOT_SHOWN}
            continue
        frames = [*reading.packs[0], *([told.previous] if told.previous else [])]
        assert all(seed == told.seed and k < 2 * told.i for seed, k in frames)
        people = {index for _, k in frames for index in filmed[k // 2].who}
        for j, index in enumerate(filmed[told.i].who):
            person, name = story.people[index], "coat 2" if j else "coat"
            value = VOCABULARY[ids[SLOT_NAMES.index(name)]]
            assert value in (f"coat:{person.coat}", "-")
            if index in told.look_dropout:
                left_out += 1
                assert (value == f"coat:{person.coat}") == (index in people)
                assert (person.coat in reading.lesson.prompts[0].lower()) or index not in people
            said = ("skin 2" if j else "skin") in told.said.slotless
            assert slotless[j] == (person.skin if said or index in people else NOT_SHOWN)
            shown += index in people
        there = filmed[told.i].location in {filmed[k // 2].location for _, k in frames}
        at = story.locations[filmed[told.i].location]
        assert slotless[2] == (at.palette if there or "palette" in told.said.slotless else NOT_SHOWN)
    assert left_out > 5
    assert shown > 10


def test_the_reader_learns_from_its_teacher_and_keeps_its_eyes(shots: Shots, pipe: Step2Pipeline) -> None:
    torch.manual_seed(0)
    reader, teacher = Reader(pipe.tokenizer), SlotTeacher(SlotEncoder(), FactTable())
    r = random.Random(0)
    reading = new_reading(shots, [shots.draw(r) for _ in range(6)], r)
    eyes = [p.clone() for p in reader.model.model.visual.parameters()]
    learning = [p for p in reader.parameters() if p.requires_grad]
    solver, distances = torch.optim.AdamW(learning, lr=2e-3), []
    for _ in range(15):
        wanted = normalise(teacher(reading.lesson)).detach()
        context, slots, slotless = reader(reading, shots.views)
        assert slots.shape == (6, LENGTH, len(VOCABULARY))
        assert [logits.shape[1] for logits in slotless] == list(SLOTLESS.values())
        loss = (context - wanted).square().mean()
        solver.zero_grad()
        loss.backward()
        solver.step()
        distances.append(float(loss.detach()))
    assert distances[-1] < 0.7 * distances[0]
    for before, after in zip(eyes, reader.model.model.visual.parameters(), strict=True):
        assert torch.equal(before, after)
    figures = reading_accuracy(reader, teacher, shots)
    assert {"distance", "without the pack", "palette"} <= set(figures)


@torch.no_grad()
def test_rows_are_read_one_by_one_as_together(shots: Shots, pipe: Step2Pipeline) -> None:
    r = random.Random(3)
    told = [shots.draw(r) for _ in range(8)]
    packs = new_reading(shots, told).packs
    assert any(packs)
    assert not all(packs)
    given = (pipe.text_encoder, pipe.tokenizer)
    together = read_shots(*given, told, packs, shots.views)
    for row in range(8):
        alone = read_shots(*given, told[row : row + 1], packs[row : row + 1], shots.views)
        assert torch.allclose(together[row], alone[0], atol=1e-4)


def test_context_begins_from_a_checkpoint_and_goes_on(unseeing: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    how = {"minutes": 0.02, "films": 2, "threads": 1}
    with pytest.raises(BadInput, match="--stage sight"):
        train_mini(Stage.CONTEXT, run, tmp_path / "out", start=unseeing, **how)  # type: ignore[arg-type]
    train_mini(Stage.SIGHT, run, tmp_path / "out", **how)  # type: ignore[arg-type]
    train_mini(Stage.CONTEXT, run, tmp_path / "out", start=unseeing, **how)  # type: ignore[arg-type]
    parts = Parts(run)
    assert holds(parts.drawing, "transformer")
    assert not holds(parts.drawing, "slots")
    assert not parts.sft.exists()
    before = load_weights(parts.context, {}).samples
    train_mini(Stage.CONTEXT, run, tmp_path / "out", **how)  # type: ignore[arg-type]
    assert load_weights(parts.context, {}).samples > before
    pipe, record = build(parts)  # it draws with the checkpoint's transformer and the new reading
    assert pipe.card.memory_pictures > 0
    assert record["sight"].samples > 0
    with pytest.raises(BadInput, match="does not read its memory"):
        train_mini(Stage.SFT, run, tmp_path / "out", start=unseeing, **how)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="leave out --start"):
        restore(unseeing, parts)  # what `sft --start` would do with a checkpoint that reads
    for stage in (Stage.PRETRAIN, Stage.FACTS):
        with pytest.raises(BadInput, match="no slot encoder: go on with `--stage context`"):
            train_mini(stage, run, tmp_path / "out", **how)  # type: ignore[arg-type]
    again = Parts(tmp_path / "again")  # from what it exports, its eyes come along
    again.folder.mkdir()
    restore(export(parts, tmp_path / "made"), again)
    eyes = new_context_model(pipe.tokenizer).model.visual
    assert load_weights(again.sight, {"visual": eyes}).samples == record["sight"].samples
    for key, value in eyes.state_dict().items():
        assert torch.allclose(value, pipe.text_encoder.model.visual.state_dict()[key], atol=1e-3)
    save_weights(parts.sight, {"visual": new_context_model(pipe.tokenizer).model.visual}, Progress())
    with pytest.raises(BadInput, match="sees with"):
        build(parts)
    other = Parts(tmp_path / "other")
    other.folder.mkdir()
    restore(unseeing, other)
    with pytest.raises(BadInput, match="would not be drawn with"):
        train_mini(Stage.CONTEXT, other.folder, tmp_path / "out", start=unseeing, **how)  # type: ignore[arg-type]
