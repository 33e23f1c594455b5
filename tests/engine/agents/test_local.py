"""A model on this machine: tiny random weights of the real classes, held to the form by the constraint."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import Field

from engine.agents import Heard, Limits, Question, open_model
from engine.agents.choice import local_target
from engine.agents.local_process import LocalModel
from engine.director.forms import Form, Terms, shots_form
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
    (reads / "chat_template.jinja").unlink()
    with pytest.raises(ValueError, match="instruct model"):
        LocalModel(str(reads))


def small(folder: Path) -> bytes:
    """A small picture file."""
    path = folder / "frame.png"
    Image.new("RGB", (64, 32), "red").save(path)
    return path.read_bytes()
