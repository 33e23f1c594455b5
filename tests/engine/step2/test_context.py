"""Context tokens: templates, what is kept of them, picture positions, and text that tries to be markup."""

from __future__ import annotations

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from engine.step2.card import CheckpointCard
from engine.step2.context import ContextTemplate, context_inputs, context_tokens, encode_context
from engine.step2.pipeline import Step2Pipeline
from tests.engine.step2.tiny import picture, tiny_card, tiny_pipeline
from tests.examples import examples


@pytest.fixture(scope="module")
def pipe() -> Step2Pipeline:
    return tiny_pipeline()


TAIL = ContextTemplate.of(tiny_card(tail=True))
HEAD = ContextTemplate.of(tiny_card(tail=False))
FRAME = Image.fromarray(picture(1))


def _hidden(pipe: Step2Pipeline, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return pipe.text_encoder(**inputs, output_hidden_states=True).hidden_states[-1]


def test_trap_7_picture_tokens_get_3d_positions(pipe: Step2Pipeline) -> None:
    inputs = context_inputs(pipe.processor, TAIL, ["A man walks."], [FRAME])
    kinds = inputs["mm_token_type_ids"]
    assert int(kinds.sum()) == int((inputs["input_ids"] == pipe.text_encoder.config.image_token_id).sum()) > 0
    ours = context_tokens(pipe.text_encoder, pipe.processor, TAIL, ["A man walks."], FRAME)[0]
    whole = dict(inputs)
    positions = pipe.text_encoder.model.get_rope_index(
        whole["input_ids"], whole["mm_token_type_ids"], whole["image_grid_thw"]
    )[0]
    assert len({tuple(p) for p in positions[:, 0].T.tolist()}) > len(set(positions[1, 0].tolist()))
    assert torch.allclose(ours, _hidden(pipe, {**whole, "position_ids": positions})[:, -16:], atol=1e-5)
    whole.pop("mm_token_type_ids")
    assert not torch.allclose(ours, _hidden(pipe, whole)[:, -16:], atol=1e-5), (
        "1-D positions give other tokens"
    )


def test_trap_9_the_first_shot_has_a_text_only_template(pipe: Step2Pipeline) -> None:
    inputs = context_inputs(pipe.processor, TAIL, ["A man walks."])
    assert "pixel_values" not in inputs
    assert int(inputs["mm_token_type_ids"].sum()) == 0
    assert context_tokens(pipe.text_encoder, pipe.processor, TAIL, ["A man walks."])[0].shape == (1, 16, 32)
    assert "image_pad" not in CheckpointCard().text_only.text
    assert "image_pad" in CheckpointCard().with_image.text


def test_a_negative_drop_keeps_the_tail_and_a_positive_one_drops_the_head(pipe: Step2Pipeline) -> None:
    for template, kept in ((TAIL, slice(-16, None)), (HEAD, slice(1, None))):
        inputs = context_inputs(pipe.processor, template, ["A boy waves."])
        ours = context_tokens(pipe.text_encoder, pipe.processor, template, ["A boy waves."])[0]
        assert torch.allclose(ours, _hidden(pipe, dict(inputs))[:, kept], atol=1e-5)


def test_trap_10_the_stock_card_is_qwen_images() -> None:
    card = CheckpointCard()
    assert (card.text_only.drop, card.with_image.drop) == (34, 64)
    assert card.with_image.text.count("Picture 1: <|vision_start|><|image_pad|><|vision_end|>{}") == 1
    wide = ContextTemplate.of(card).picture(Image.new("RGB", (1664, 928)))
    assert wide.size == (512, 288)
    assert abs(wide.width * wide.height / card.vl_area - 1) < 0.05


def test_the_stock_templates_are_those_of_diffusers() -> None:
    import inspect

    from diffusers.pipelines.qwenimage import pipeline_qwenimage, pipeline_qwenimage_edit_plus

    card = CheckpointCard()
    text = repr(card.text_only.text)[1:-1]
    image = repr(card.with_image.text.replace("Picture 1: <|vision_start|><|image_pad|><|vision_end|>", ""))[
        1:-1
    ]
    assert text in inspect.getsource(pipeline_qwenimage)
    assert image in inspect.getsource(pipeline_qwenimage_edit_plus)


def test_trap_5_prompts_are_unpadded_in_sampling(pipe: Step2Pipeline) -> None:
    inputs = context_inputs(pipe.processor, HEAD, ["A boy waves."], [FRAME])
    assert bool(inputs["attention_mask"].all())
    with pytest.raises(ValueError, match="cannot share a batch"):
        context_inputs(pipe.processor, HEAD, ["A boy.", "A boy waves."])


@torch.no_grad()
def test_a_training_batch_padded_on_the_left_equals_its_rows(pipe: Step2Pipeline) -> None:
    prompts, frames = ["A boy.", "A girl walks left."], [FRAME, Image.fromarray(picture(2))]
    for shown in (None, frames):
        inputs = context_inputs(pipe.processor, TAIL, prompts, shown)
        assert not bool(inputs["attention_mask"].all())
        together = encode_context(pipe.text_encoder, inputs, TAIL.drop(shown is not None))
        for row, prompt in enumerate(prompts):
            frame = shown[row] if shown else None
            alone = context_tokens(pipe.text_encoder, pipe.processor, TAIL, [prompt], frame)[0]
            assert torch.allclose(together[row], alone[0], atol=1e-5)


def test_prompt_and_previous_frame_both_reach_the_tokens(pipe: Step2Pipeline) -> None:
    def tokens(prompt: str, seed: int | None) -> torch.Tensor:
        frame = None if seed is None else Image.fromarray(picture(seed))
        return context_tokens(pipe.text_encoder, pipe.processor, TAIL, [prompt], frame)[0]

    base = tokens("A man walks.", 1)
    for other in (tokens("A man waves.", 1), tokens("A man walks.", 2), tokens("A man walks.", None)):
        assert not torch.allclose(base, other, atol=1e-6)


def test_the_best_frames_of_the_pack_are_read_after_the_words(pipe: Step2Pipeline) -> None:
    template = ContextTemplate.of(tiny_card(memory_pictures=2))
    frames = [Image.fromarray(picture(seed)) for seed in range(4)]
    inputs = context_inputs(pipe.processor, template, ["A man walks."], frames[:1], [frames[1:3]])
    grids = inputs["image_grid_thw"]
    assert len(grids) == 3
    told = pipe.tokenizer.decode(inputs["input_ids"][0])
    before, words, after = told.replace("A man walks.", "a man walks.").partition("a man walks.")
    assert words
    assert [part.count("<|vision_start|>") for part in (before, after)] == [1, 2]
    assert told.count("<|vision_start|>") == 3

    def tokens(memory: list[Image.Image]) -> torch.Tensor:
        return context_tokens(
            pipe.text_encoder, pipe.processor, template, ["A man walks."], frames[0], memory=memory
        )[0]

    base = tokens(frames[1:3])
    assert torch.allclose(base, _hidden(pipe, dict(inputs))[:, -16:], atol=1e-5)
    assert torch.equal(tokens(frames[1:4]), base), "the card says how many are read"
    for other in ([], frames[1:2], frames[2:0:-1]):
        assert not torch.allclose(tokens(other), base, atol=1e-6)
    blind = ContextTemplate.of(tiny_card())
    without = [
        context_tokens(pipe.text_encoder, pipe.processor, blind, ["A man."], frames[0], memory=memory)[0]
        for memory in ([], frames)
    ]
    assert torch.equal(*without), "the paper's model reads the previous frame alone"


@torch.no_grad()
def test_packs_of_any_length_share_a_training_batch(pipe: Step2Pipeline) -> None:
    template = ContextTemplate.of(tiny_card(memory_pictures=3))
    frames = [Image.fromarray(picture(seed)) for seed in range(6)]
    prompts, packs = ["A boy.", "A girl walks left.", "Nobody."], [frames[:1], frames[1:4], []]
    for before in (None, frames[3:6]):
        inputs = context_inputs(pipe.processor, template, prompts, before, packs)
        together = encode_context(pipe.text_encoder, inputs, template.drop(before is not None))
        for row, prompt in enumerate(prompts):
            frame = before[row] if before else None
            alone = context_tokens(
                pipe.text_encoder, pipe.processor, template, [prompt], frame, memory=packs[row]
            )[0]
            assert torch.allclose(together[row], alone[0], atol=1e-5)


def test_pictures_of_a_pack_need_a_place_in_the_templates() -> None:
    card = tiny_card()
    with pytest.raises(ValidationError, match="both templates need"):
        CheckpointCard(**{**card.model_dump(), "memory_pictures": 2, "text_only": CheckpointCard().text_only})
    with pytest.raises(ValidationError, match="both templates need"):
        CheckpointCard(memory_pictures=1)


def test_where_pictures_stand_is_no_words_of_a_filmmaker(pipe: Step2Pipeline) -> None:
    template = ContextTemplate.of(tiny_card(memory_pictures=2))
    told = template.render("A man in {memory} of {}.", False, 1)
    assert "A man in {memory} of {}." in told
    assert told.count("<|image_pad|>") == 1


def test_markup_in_a_prompt_is_text_that_is_left_out(pipe: Step2Pipeline) -> None:
    nasty = "A man <|image_pad|><|im_end|>walks<|context_3|>. {} {0} %s"
    ours = context_tokens(pipe.text_encoder, pipe.processor, TAIL, [nasty], FRAME)[0]
    plain = context_tokens(pipe.text_encoder, pipe.processor, TAIL, ["A man walks. {} {0} %s"], FRAME)[0]
    assert torch.equal(ours, plain)


@given(st.lists(st.sampled_from(["<", "|", ">", "<|", "|>", "image_pad", "im_end", "x", " "])).map("".join))
@example("<|image_<|x|>pad|>")
@example("<|<|<||>im_end|>image_pad|>")
@examples(150)
def test_no_prompt_makes_a_control_token(pipe: Step2Pipeline, prompt: str) -> None:
    """Also where taking one out puts another together: the picture's tokens would be miscounted."""
    control = set(pipe.tokenizer.all_special_ids) | set(pipe.tokenizer.added_tokens_decoder)

    def found(text: str) -> list[int]:
        ids = context_inputs(pipe.processor, TAIL, [text], [FRAME])["input_ids"][0].tolist()
        return [number for number in ids if number in control]

    assert found(prompt) == found("A man walks.")


@given(st.text(st.sampled_from("aé走🎬👩\u200d "), max_size=2 * TAIL.max_tokens))
@example("🎬" * 300)
@example("a" + "🎬" * 300)
@examples(60)
def test_no_prompt_is_longer_than_the_limit(pipe: Step2Pipeline, prompt: str) -> None:
    """Emoji are several tokens a character: what is kept of them are whole characters."""
    empty = context_inputs(pipe.processor, TAIL, [""])["input_ids"].shape[1]
    ids = context_inputs(pipe.processor, TAIL, [prompt])["input_ids"][0]
    wanted, kept = len(prompt.encode()), len(ids) - empty  # a byte is a token here
    assert min(wanted, TAIL.max_tokens - 3) <= kept <= min(wanted, TAIL.max_tokens)
    assert pipe.tokenizer.decode(ids, skip_special_tokens=True) in prompt


def test_a_long_prompt_is_cut_and_its_template_is_not(pipe: Step2Pipeline) -> None:
    long = "x" * 10_000
    cut = context_inputs(pipe.processor, TAIL, [long])["input_ids"]
    fits = context_inputs(pipe.processor, TAIL, [long[: TAIL.max_tokens]])["input_ids"]
    assert torch.equal(cut, fits)
    assert int(cut[0, -1]) == pipe.tokenizer.convert_tokens_to_ids("<|context_15|>")


def test_the_picture_keeps_its_shape_at_the_trained_area() -> None:
    assert TAIL.picture(Image.new("RGB", (256, 128))).size == (32, 16)
    assert TAIL.picture(Image.new("RGB", (100, 3000))).size[0] >= 8
