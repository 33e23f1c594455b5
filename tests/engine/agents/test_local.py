"""A model on this machine: tiny random weights of the real classes, held to the form by the constraint."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import BaseModel, Field

from engine.agents import Heard, Limits, Question, open_model
from engine.agents.choice import local_target
from engine.agents.local_process import LocalModel
from engine.agents.trouble import ModelTrouble
from engine.director.forms import Form, Terms, shots_form
from engine.errors import Cancelled
from engine.profiles import MINI_FOLDER, get_profile
from engine.refiner.model_refiner import RefinedForm

TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}assistant: "
)
pytestmark = pytest.mark.slow
PATIENT = Limits(connect=60.0, silence=120.0, answer=240.0)


class Small(Form):
    """A form that is soon full."""

    kind: str = Field(max_length=8)
    numbers: list[int] = Field(min_length=3, max_length=3)


def plain_bytes(folder: Path) -> None:
    """The mini checkpoint's tokenizer reads small letters only, and begins with a space; real ones do not."""
    path = folder / "tokenizer.json"
    made = json.loads(path.read_text())
    made["normalizer"] = None
    made["pre_tokenizer"]["add_prefix_space"] = False
    path.write_text(json.dumps(made))


@pytest.fixture(scope="module")
def sees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2.5-VL of the size of a stamp, saved to disk."""
    import torch
    from transformers import AutoConfig, AutoProcessor, Qwen2_5_VLForConditionalGeneration

    folder = tmp_path_factory.mktemp("vl")
    processor = AutoProcessor.from_pretrained(MINI_FOLDER / "processor")
    processor.chat_template = TEMPLATE
    processor.save_pretrained(folder)
    plain_bytes(folder)
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(MINI_FOLDER / "text_encoder")
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen3 that only reads."""
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path_factory.mktemp("qwen3")
    tokenizer = AutoTokenizer.from_pretrained(MINI_FOLDER / "tokenizer")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    plain_bytes(folder)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=16384,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


def test_random_weights_still_give_a_valid_object(sees: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 32), "red").save(tmp_path / "frame.png")
    with open_model(local_target(str(sees)), PATIENT) as model:
        small = model.answer(Question("Be brief.", ["Three numbers."], Small, seed=1))
        assert len(small.numbers) == 3
        assert model.answer(Question("Be brief.", ["Three numbers."], Small, seed=1)) == small
        seen = model.answer(Question("Look.", ["The first frame:", tmp_path / "frame.png"], Small))
        assert len(seen.numbers) == 3
        asking = model.ask(Question("", ["Much."], RefinedForm))
        assert isinstance(next(asking), Heard)
        asking.close()  # it stops within a token, and answers the next question
        assert len(model.answer(Question("", ["Few."], Small)).numbers) == 3


def test_a_model_that_only_reads_writes_a_shot_in_closed_sets(reads: Path) -> None:
    terms = Terms.of(get_profile("mini"))
    with open_model(local_target(str(reads)), PATIENT) as model:
        wanted = shots_form(1, ["Old Tom", "Lia"], terms)
        made: Any = model.answer(Question("You direct.", ["A girl waits."], wanted))
    assert len(made.shots) == 1
    assert set(made.shots[0].cast) <= {"Old Tom", "Lia"}
    assert made.shots[0].movement in terms.movements


def test_what_a_local_model_cannot_do(reads: Path, tmp_path: Path) -> None:
    picture = {
        "role": "user",
        "content": [{"type": "image", "png": base64.b64encode(small(tmp_path)).decode()}],
    }
    with pytest.raises(ValueError, match="sees no pictures"):
        LocalModel(str(reads)).answer([picture], Small.model_json_schema(), 0, lambda _text: True)
    with pytest.raises(ValueError, match="cannot be loaded as a language model"):
        LocalModel(str(tmp_path / "none"))
    shutil.copytree(reads, tmp_path / "copy")
    (tmp_path / "copy" / "chat_template.jinja").unlink()
    with pytest.raises(ValueError, match="instruct model"):
        LocalModel(str(tmp_path / "copy"))


def with_weights(model: Path, folder: Path, without: Sequence[str] = (), **config: Any) -> Path:
    """The same model without some of its weights, and with another configuration."""
    from safetensors.torch import load_file, save_file

    copy = folder / "copy"
    shutil.copytree(model, copy)
    weights = load_file(copy / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if name not in without}
    assert len(kept) == len(weights) - len(without)
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    told = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**told, **config}))
    return copy


def test_weights_that_are_missing_are_not_made_up(reads: Path, tmp_path: Path) -> None:
    lost = "model.layers.1.mlp.up_proj.weight"
    copy = with_weights(reads, tmp_path, [lost])
    sentence = rf"^{copy} is damaged or only half downloaded \({lost} is missing\): fetch it again\.$"
    with pytest.raises(ValueError, match=sentence):
        LocalModel(str(copy))


def test_a_head_that_is_the_embedding_is_not_missing(reads: Path, tmp_path: Path) -> None:
    copy = with_weights(reads, tmp_path, ["lm_head.weight"], tie_word_embeddings=True)
    Small.model_validate_json(made(copy, "Three numbers."))


@pytest.mark.parametrize("kept", [0, 100, 20_000])
def test_weights_that_are_half_there_are_one_sentence(reads: Path, tmp_path: Path, kept: int) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(reads, copy)
    with (copy / "model.safetensors").open("r+b") as file:
        file.truncate(kept)
    sentence = rf"^{copy} is damaged or only half downloaded \([^\n]+\): fetch it again\.$"
    with pytest.raises(ValueError, match=sentence):
        LocalModel(str(copy))


def test_a_model_that_is_too_large_for_the_memory_is_one_sentence(reads: Path, tmp_path: Path) -> None:
    words = ["model.embed_tokens.weight", "lm_head.weight"]
    copy = with_weights(reads, tmp_path, words, vocab_size=10**13)  # more than any machine can address
    sentence = rf"^Not enough memory for {copy}: choose a smaller model under Agents\.$"
    with open_model(local_target(str(copy)), PATIENT) as model, pytest.raises(ModelTrouble, match=sentence):
        model.answer(Question("", ["Few."], Small))


def made(model: Path, text: str, form: type[BaseModel] = Small) -> str:
    """What a model writes when it is asked in one sentence."""
    pieces: list[str] = []
    messages = [
        {"role": role, "content": [{"type": "text", "text": said}]}
        for role, said in (("system", "Be brief."), ("user", text))
    ]
    schema = {**form.model_json_schema(), "x-guidance": {"whitespace_flexible": False}}
    LocalModel(str(model)).answer(messages, schema, 1, lambda piece: pieces.append(piece) is None)
    return "".join(pieces)


def like(model: Path, folder: Path, template: str | dict[str, str] = TEMPLATE, room: int = 16384) -> Path:
    """The same model with another template, or room for fewer tokens."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    copy = folder / "copy"
    shutil.copytree(model, copy)
    (copy / "chat_template.jinja").unlink()
    tokenizer.chat_template = template
    tokenizer.save_pretrained(copy)
    plain_bytes(copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "max_position_embeddings": room}))
    return copy


def test_of_several_templates_the_default_is_taken(reads: Path, tmp_path: Path) -> None:
    copy = like(reads, tmp_path, {"tool_use": "{{ raise_exception('no tools') }}", "default": TEMPLATE})
    Small.model_validate_json(made(copy, "Three numbers."))


def test_a_template_without_a_system_role_has_it_from_the_user(reads: Path, tmp_path: Path) -> None:
    refuses = "{{ raise_exception('System role not supported') }}"
    no_system = f"{{% if messages[0]['role'] == 'system' %}}{refuses}{{% endif %}}{TEMPLATE}"
    copy = like(reads, tmp_path, no_system)
    Small.model_validate_json(made(copy, "Three numbers."))
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Three."}]
    assert "user: Be brief.\n\nThree." in LocalModel(str(copy))._text(chat)


def test_a_model_reads_and_writes_no_more_than_it_has_room_for(reads: Path, tmp_path: Path) -> None:
    copy = like(reads, tmp_path, room=120)
    with pytest.raises(ValueError, match=r"too long for .+ tokens, and it reads 120\): shorten the text, or"):
        made(copy, "A word. " * 100)
    with pytest.raises(ValueError, match="ran out of room"):
        made(copy, "Much.", RefinedForm)
    assert len(json.loads(made(copy, "Few."))["numbers"]) == 3


def test_the_beginning_is_written_once(sees: Path, tmp_path: Path) -> None:
    begins = "<|im_start|>"
    copy = tmp_path / "copy"
    shutil.copytree(sees, copy)
    (copy / "chat_template.jinja").write_text(f"{{{{ bos_token }}}}{TEMPLATE}")
    tokens = json.loads((copy / "tokenizer.json").read_text())
    number = next(token["id"] for token in tokens["added_tokens"] if token["content"] == begins)
    tokens["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": begins, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {begins: {"id": begins, "ids": [number], "tokens": [begins]}},
    }
    (copy / "tokenizer.json").write_text(json.dumps(tokens))
    config = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps({**config, "bos_token": begins}))
    model = LocalModel(str(copy))
    ids = model._inputs([{"role": "user", "content": [{"type": "text", "text": "Few."}]}])["input_ids"]
    assert ids[0].tolist().count(number) == 1


def test_loading_takes_no_time_from_the_answer(reads: Path) -> None:
    target = local_target(str(reads))
    with open_model(target, Limits(answer=0.001)) as model:
        began = time.monotonic()
        with pytest.raises(ModelTrouble, match=r"did not answer in time \(0\.001 s in all\)"):
            model.answer(Question("", ["Few."], Small))
        assert time.monotonic() - began > 0.5  # no process imports torch faster
        model.limits = PATIENT
        assert len(model.answer(Question("", ["Few."], Small)).numbers) == 3


def test_cancelling_while_a_model_is_loaded(reads: Path) -> None:
    looked: list[bool] = []
    began = time.monotonic()
    with open_model(local_target(str(reads)), PATIENT) as model, pytest.raises(Cancelled):
        model.answer(Question("", ["Few."], Small), lambda: looked.append(True) or len(looked) > 3)
    assert time.monotonic() - began < 20


def test_a_local_model_is_shown_the_form(reads: Path, tmp_path: Path) -> None:
    copy = like(reads, tmp_path, "{% if 'numbers' not in messages[0]['content'] %}{{ 1 / 0 }}{% endif %}x")
    with open_model(local_target(str(copy)), PATIENT) as model:
        assert len(model.answer(Question("", ["Few."], Small)).numbers) == 3


def small(folder: Path) -> bytes:
    """A small picture file."""
    path = folder / "frame.png"
    Image.new("RGB", (64, 32), "red").save(path)
    return path.read_bytes()
