"""Profiles are data, honest about what they need; reading them loads no torch."""

import json
import re
import subprocess
import sys

import pytest

from engine.catalogue import LORA_BYTES
from engine.doctor import GIB, Level, refusal
from engine.errors import BadInput, UnsupportedError
from engine.fitting import Machine
from engine.profiles import MINI_VARIABLE, PROFILES, doctor, get_profile
from engine.step2.painter import load_painter


def test_every_profile_can_be_had_by_name():
    names = ["mini", "qwen-image", "qwen-image-2512", "qwen-image-edit", "hosted-edit"]
    assert [get_profile(n).name for n in PROFILES] == list(PROFILES) == names


def test_an_unknown_profile_is_refused_with_the_choices():
    with pytest.raises(BadInput, match=r"mini, qwen-image"):
        get_profile("maxi")


def test_mini_takes_everything_that_its_card_declares(tmp_path, monkeypatch):
    card = {
        "title": "T",
        "note": "N",
        "pairs": True,
        "width": 320,
        "height": 160,
        "steps": 7,
        "guidance": 2.5,
    }
    (tmp_path / "step2.json").write_text(json.dumps(card | {"vocabulary": "words.json"}), encoding="utf-8")
    (tmp_path / "words.json").write_text(json.dumps({"coat": {"red": ["ruby"]}}), encoding="utf-8")
    monkeypatch.setenv(MINI_VARIABLE, str(tmp_path))
    mini = get_profile("mini")
    assert (mini.width, mini.height, mini.steps, mini.guidance, mini.note) == (320, 160, 7, 2.5, "N")
    assert mini.vocabulary is not None
    assert mini.vocabulary.first("a ruby cloak", "coat") == "red"


@pytest.mark.parametrize(
    ("card", "words", "sentence"),
    [
        ('{"pairs": true, "vocabulary": "words.json"}', "[]", "words.json cannot be read"),
        ('{"pairs": true, "vocabulary": "words.json"}', None, "words.json cannot be read"),
        ('{"steps": "many"}', None, "step2.json cannot be read"),
        ("{", None, "step2.json cannot be read"),
    ],
)
def test_a_damaged_checkpoint_refuses_to_draw_and_nothing_else(tmp_path, monkeypatch, card, words, sentence):
    (tmp_path / "step2.json").write_text(card, encoding="utf-8")
    if words is not None:
        (tmp_path / "words.json").write_text(words, encoding="utf-8")
    monkeypatch.setenv(MINI_VARIABLE, str(tmp_path))
    mini = get_profile("mini")
    assert sentence in mini.refusal
    assert mini.vocabulary is not None, "a film can still be directed and edited"
    with pytest.raises(UnsupportedError, match=re.escape(mini.refusal)):
        load_painter(mini)
    finding = next(f for f in doctor() if f.subject == "mini checkpoint")
    assert (finding.verdict, finding.sentence) == (Level.TROUBLE, mini.refusal)


def test_without_a_checkpoint_the_profile_still_knows_its_words(tmp_path, monkeypatch):
    monkeypatch.setenv(MINI_VARIABLE, str(tmp_path))
    assert get_profile("mini").vocabulary is not None
    finding = next(f for f in doctor() if f.subject == "mini checkpoint")
    assert finding.verdict is Level.TROUBLE
    assert "model_index.json is missing" in finding.sentence


def test_qwen_image_is_refused_with_the_reason():
    big = Machine(ram=512, vram=80, disk=1000, device="GPU")
    assert "never trained on start-end pairs" in refusal(get_profile("qwen-image"), big)


def test_a_small_machine_is_told_what_is_missing(tmp_path, monkeypatch):
    for name in ("model_index.json", "step2.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    monkeypatch.setenv(MINI_VARIABLE, str(tmp_path))
    mini = get_profile("mini")
    assert refusal(mini, Machine(ram=16, vram=0, disk=10, device="CPU")) == ""
    assert "memory" in refusal(mini, Machine(ram=1, vram=0, disk=10, device="CPU"))
    assert "disk" in refusal(mini, Machine(ram=16, vram=0, disk=0.01, device="CPU"))


def test_language_rooms_load_no_torch():
    rooms = ("profiles", "doctor", "director", "refiner", "step2.prompt", "vocabulary")
    modules = ", ".join(f"engine.{room}" for room in rooms)
    code = (
        f"import sys, {modules}\n"
        "engine.doctor.examine()\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'cv2', 'gradio', 'studio'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_few_step_lora_lies_on_the_disk_though_it_is_merged() -> None:
    whole, quick = get_profile("qwen-image-edit"), get_profile("qwen-image-edit+8step")
    assert quick.needs.disk == pytest.approx(whole.needs.disk + LORA_BYTES / GIB, abs=0.11)
    assert quick.needs.vram == whole.needs.vram
