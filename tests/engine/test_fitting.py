"""Names of profiles, what fits which machine, the user's own LoRA, and the table in README."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.aspect import MULTIPLE, Aspect, bucket
from engine.catalogue import FAMILIES, LADDER, LARGE, VARIANTS, named, profile_of, resized, variants_of
from engine.doctor import choice_here, examine, fetched, look_at_machine, refusal
from engine.errors import BadInput, CheckpointError
from engine.fitting import CLASSES, Machine, choose, lacking, smaller, table
from engine.profile import Mode, Placement, Precision, Reuse
from engine.profiles import ADAPTER_VARIABLE, KEY_VARIABLES, MODELS_VARIABLE, get_profile
from engine.step2.adapter import base_of, check_adapter, check_width

MACHINES = dict(CLASSES)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (ADAPTER_VARIABLE, MODELS_VARIABLE, *KEY_VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("family", LARGE)
def test_every_name_of_the_menu_is_a_profile_of_its_own(family):
    names = variants_of(family)
    assert len(set(names)) == len(names) == 4 * len(LADDER)
    for name in names:
        profile = profile_of(name)
        assert (profile.name, profile.family) == (name, family)
        assert profile.steps == (
            4 if "4step" in profile.variants else 8 if "8step" in profile.variants else FAMILIES[family].steps
        )
        assert (profile.reuse is Reuse.FIRST_BLOCK) == ("draft" in name)
        assert (profile.distillation is not None) == bool({"4step", "8step"} & set(profile.variants))
        assert profile.guidance == (4.0 if profile.distillation is None else 1.0)
        assert profile.width % MULTIPLE == profile.height % MULTIPLE == 0
        assert profile.title.startswith(FAMILIES[family].title)
        assert not profile.compiled, "which changes no picture: it is named by hand"
    assert {named(family, "draft", *rung) for rung in LADDER} < set(names)


def test_a_name_says_what_a_profile_is():
    profile = profile_of("qwen-image-edit+8step+int8+offload")
    assert (profile.precision, profile.placement, profile.mode) == (
        Precision.INT8,
        Placement.OFFLOAD,
        Mode.ZERO_SHOT,
    )
    assert profile.title == "Qwen-Image-Edit 2509 · 8 steps · 8-bit weights · offloaded"
    assert profile_of("qwen-image-edit+offload+int8+8step").name == profile.name, "in any order"
    assert named("qwen-image", "nf4", "4step") == "qwen-image+4step+nf4"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mini+nf4", "has no variants"),
        ("qwen-image+16step", 'no variant "16step"'),
        ("qwen-image+nf4+int8", "decides its precision twice"),
        ("qwen-image+8step+4step", "decides its speed twice"),
        ("qwen-image+nf4+stream", "cannot be streamed"),
        ("qwen-image+draft+4step", "nothing to reuse"),
        ("qwen-image+taylor+compiled", "cannot be compiled: choose draft"),
        ("", "There is no profile"),
    ],
)
def test_a_name_that_cannot_be_is_one_sentence(name, sentence):
    with pytest.raises(BadInput, match=sentence) as error:
        get_profile(name)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("no GPU", ""),
        ("8 GB card", "qwen-image-edit+stream"),
        ("12 GB card", "qwen-image-edit+stream"),
        ("16 GB card", "qwen-image-edit+nf4+offload"),
        ("24 GB card", "qwen-image-edit+int8+offload"),
        ("48 GB card", "qwen-image-edit+offload"),
        ("80 GB card", "qwen-image-edit"),
        ("Apple, 32 GB", ""),
        ("Apple, 128 GB", "qwen-image-edit"),
    ],
)
def test_the_doctor_picks_what_fits_and_says_why(machine, name):
    choice = choose("qwen-image-edit", MACHINES[machine])
    assert choice.name == name
    assert choice.sentence.endswith(".")
    assert "GiB" in choice.sentence
    if name:
        assert lacking(profile_of(name), MACHINES[machine]) == ""


def test_what_is_picked_is_the_best_rung_that_fits():
    sizes = product((4, 6, 10, 14, 20, 23, 33, 42, 60), (16, 24, 36, 64))
    for vram, ram in sizes:
        machine = Machine(ram, vram, 200, "GPU")
        name = choose("qwen-image", machine).name
        fitting = [named("qwen-image", *rung) for rung in LADDER]
        fitting = [n for n in fitting if not lacking(profile_of(n), machine)]
        assert name == (fitting[0] if fitting else "")


def test_a_card_without_memory_beside_it_is_told_what_is_missing():
    choice = choose("qwen-image-edit", Machine(16, 8, 200, "GPU"))
    assert choice.name == ""
    assert "GiB of memory, and this machine has 16" in choice.sentence
    full = choose("qwen-image-edit", Machine(128, 80, 10, "GPU"))
    assert "of free disk, and 10.0 are left" in full.sentence
    there = choose("qwen-image-edit", Machine(128, 80, 10, "GPU"), fetched=True)
    assert there.name == "qwen-image-edit", "what was downloaded needs no more disk"


def test_a_checkpoint_in_the_hub_s_cache_is_fetched(tmp_path, monkeypatch):
    profile = profile_of("qwen-image-edit")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--Qwen--Qwen-Image-Edit-2509"
    assert not fetched(profile)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    assert not fetched(profile)
    (repository / "snapshots" / "abc" / "model_index.json").write_text("{}")
    assert fetched(profile)


def test_less_is_offered_until_there_is_no_less():
    name, steps = "qwen-image-edit+8step", []
    while name:
        steps.append(profile_of(name).needs.vram)
        assert "8step" in name, "the speed is not given up"
        name = smaller(profile_of(name), MACHINES["80 GB card"])
    assert steps == sorted(steps, reverse=True)
    assert len(steps) == len(set(steps)) >= 6
    assert smaller(profile_of("mini"), MACHINES["80 GB card"]) == ""


def test_what_is_offered_runs_on_this_machine():
    whole = profile_of("qwen-image-edit")
    assert smaller(whole, MACHINES["80 GB card"]) == "qwen-image-edit+offload"
    little = Machine(32, 80, 0, "a card with little memory beside it")
    assert smaller(whole, little) == "qwen-image-edit+int8", "its memory does not hold what is offloaded"
    apple = MACHINES["Apple, 128 GB"]
    assert smaller(whole, apple) == "qwen-image-edit+half", "offloading needs an NVIDIA card"
    assert smaller(profile_of("qwen-image-edit+half"), apple) == ""
    without = smaller(whole, little, lambda name: "not installed" if "int8" in name else "")
    assert without == "qwen-image-edit+nf4"
    offloaded = profile_of("qwen-image-edit+offload")
    less = smaller(offloaded, MACHINES["48 GB card"], ram=True)
    assert profile_of(less).needs.ram < offloaded.needs.ram
    assert smaller(profile_of("qwen-image-edit+int8"), MACHINES["48 GB card"], ram=True) == ""


def test_what_is_offered_keeps_the_size_as_long_as_it_can():
    """Pictures of two sizes make no film."""
    for name in ("qwen-image-edit+half", "qwen-image-edit+8step+half+offload", "qwen-image-edit+stream+half"):
        while name:
            assert "half" in name
            name = smaller(profile_of(name), MACHINES["80 GB card"])
    sizes, name = [], "qwen-image-edit"
    while name:
        sizes.append(profile_of(name).width)
        name = smaller(profile_of(name), MACHINES["80 GB card"])
    assert len(set(sizes[:-1])) == 1
    assert sizes[-1] < sizes[0], "half the pixels come last"


@pytest.mark.parametrize("aspect", list(Aspect))
def test_all_frames_of_a_film_have_one_size_of_its_shape(aspect):
    for area in (1664 * 928, 800_000):
        width, height = bucket(aspect, area)
        assert width % MULTIPLE == height % MULTIPLE == 0
        assert abs(width / height / aspect.ratio - 1) < 0.03
        assert abs(width * height / area - 1) < 0.15
    profile = resized(get_profile("qwen-image-edit"), aspect.value)
    assert (profile.width, profile.height) == bucket(aspect)
    mini = get_profile("mini")
    assert resized(mini, aspect.value) == mini, "a checkpoint of one shape keeps it"


def lora(folder: Path, card: dict | None, width: int = 32, layers: int = 2, strange: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    layer = "transformer.transformer_blocks.{}.attn.to_q.lora_{}.weight"
    tensors = {layer.format(i, "A"): np.zeros((4, width), np.float32) for i in range(layers)}
    tensors |= {layer.format(i, "B"): np.zeros((width, 4), np.float32) for i in range(layers)}
    if strange:
        tensors[strange] = np.zeros(1, np.float32)
    save_file(tensors, folder / "pytorch_lora_weights.safetensors")
    if card is not None:
        (folder / "step2.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def test_qwen_image_draws_once_a_lora_for_pairs_is_named(tmp_path, monkeypatch):
    machine = MACHINES["80 GB card"]
    assert "never trained on start-end pairs" in choice_here("qwen-image", machine).sentence
    folder = lora(tmp_path / "mine", {"pairs": True, "steps": 30, "guidance": 3.0})
    monkeypatch.setenv(ADAPTER_VARIABLE, str(folder))
    profile = get_profile("qwen-image")
    assert (profile.refusal, profile.adapter, profile.steps, profile.guidance) == ("", str(folder), 30, 3.0)
    assert refusal(profile, machine) == ""
    assert choice_here("qwen-image", machine).name == "qwen-image"
    assert get_profile("qwen-image+4step").steps == 4, "the distillation has its own steps"
    assert get_profile("qwen-image", adapter="someone/their-lora").adapter == "someone/their-lora"
    assert get_profile("qwen-image-edit").adapter == "", "zero-shot needs none"


def test_a_lora_is_drawn_with_at_the_size_that_it_was_trained_at(tmp_path, monkeypatch):
    card = {"pairs": True, "width": 832, "height": 464, "memory_guidance": 2.0, "negative": "blurry"}
    monkeypatch.setenv(ADAPTER_VARIABLE, str(lora(tmp_path / "mine", card)))
    plain, large = get_profile("qwen-image"), get_profile("qwen-image", adapter="someone/their-lora")
    assert (plain.width, plain.height, plain.memory_guidance, plain.negative) == (832, 464, 2.0, "blurry")
    assert plain.needs.vram < large.needs.vram
    few = get_profile("qwen-image+4step")
    assert (few.width, few.steps, few.memory_guidance) == (832, 4, 1.0)
    half = get_profile("qwen-image+half")
    assert (half.width, half.height) == (get_profile("qwen-image-2512+half").width, half.height)
    tall = resized(plain, "9:16")
    assert tall.width < tall.height
    assert tall.width * tall.height == pytest.approx(832 * 464, rel=0.05)


def hub_cache(root: Path, monkeypatch) -> Path:
    """Where the files of someone/their-lora lie in a hub's cache of our own."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root))
    repository = root / "models--someone--their-lora"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    return repository / "snapshots" / "abc"


def test_a_lora_of_the_hub_is_drawn_with_by_its_card_like_one_in_a_folder(tmp_path, monkeypatch):
    card = {"pairs": True, "width": 832, "height": 464, "steps": 30, "guidance": 3.0, "negative": "blurry"}
    monkeypatch.setenv(ADAPTER_VARIABLE, "someone/their-lora")
    snapshot = hub_cache(tmp_path / "cache", monkeypatch)
    assert get_profile("qwen-image").steps == FAMILIES["qwen-image"].steps, "it is not downloaded yet"
    lora(snapshot, card)
    here = {n: get_profile(n, str(lora(tmp_path / "mine", card))) for n in ("qwen-image", "qwen-image+int8")}
    for name, folder in here.items():
        assert get_profile(name) == replace(folder, adapter="someone/their-lora")
    assert (here["qwen-image"].width, here["qwen-image"].steps, here["qwen-image"].guidance) == (832, 30, 3.0)
    (snapshot.parents[1] / "refs" / "main").write_text("def")
    lora(snapshot.with_name("def"), {"pairs": False})
    assert "was not trained on start-end pairs" in get_profile("qwen-image", "someone/their-lora").refusal
    assert "There is no STEP² LoRA at ../nowhere" in get_profile("qwen-image", "../nowhere").refusal


def test_a_lora_that_is_not_for_pairs_is_refused(tmp_path, monkeypatch):
    cases = {
        "was not trained on start-end pairs": lora(tmp_path / "style", None),
        "not trained on start-end": lora(tmp_path / "no", {"pairs": False}),
        "is not a LoRA of Qwen-Image, it holds unet": lora(
            tmp_path / "unet", {"pairs": True}, strange="unet.lora"
        ),
        "has no pytorch_lora_weights": tmp_path,
        "There is no STEP² LoRA at": tmp_path / "nowhere",
    }
    damaged = lora(tmp_path / "half", {"pairs": True}) / "pytorch_lora_weights.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:300])
    cases["damaged or not whole"] = damaged.parent
    for sentence, folder in cases.items():
        with pytest.raises(CheckpointError, match=sentence):
            check_adapter(str(folder))
        monkeypatch.setenv(ADAPTER_VARIABLE, str(folder))
        assert sentence in get_profile("qwen-image").refusal


def test_a_lora_of_a_sibling_is_refused_where_its_card_says_so(tmp_path, monkeypatch):
    """Its layers are alike, and it would draw nothing good."""
    folder = lora(tmp_path / "mine", {"pairs": True, "base": "Qwen/Qwen-Image-2512"})
    monkeypatch.setenv(ADAPTER_VARIABLE, str(folder))
    assert get_profile("qwen-image-2512+8step").refusal == ""
    refused = get_profile("qwen-image+8step").refusal
    assert "was trained on Qwen/Qwen-Image-2512, and qwen-image draws with Qwen/Qwen-Image" in refused
    assert "choose the profile qwen-image-2512" in refused
    monkeypatch.setenv(ADAPTER_VARIABLE, str(lora(tmp_path / "silent", {"pairs": True})))
    assert get_profile("qwen-image").refusal == get_profile("qwen-image-2512").refusal == ""


def test_a_model_is_known_by_its_name_wherever_it_lies(tmp_path):
    cached = tmp_path / "models--Qwen--Qwen-Image-2512" / "snapshots" / "abc"
    named_so = {base_of("Qwen/Qwen-Image-2512"), base_of(tmp_path / "Qwen" / "Qwen-Image-2512")}
    assert named_so | {base_of(cached)} == {"Qwen/Qwen-Image-2512"}
    assert base_of(tmp_path / "mine") == base_of("") == ""


def test_the_users_lora_is_counted_where_it_stays_beside_the_weights(tmp_path, monkeypatch):
    folder = lora(tmp_path / "mine", {"pairs": True})
    with (folder / "pytorch_lora_weights.safetensors").open("ab") as file:
        file.truncate(4 * 2**30)  # as large as one of rank 64 on both models may be; not read any further
    monkeypatch.setattr("engine.step2.adapter.check_adapters", lambda _: None)
    monkeypatch.setenv(ADAPTER_VARIABLE, str(folder))
    for name in ("qwen-image+int8", "qwen-image+4step+nf4+offload"):
        own, table = get_profile(name).needs, profile_of(name).needs
        assert own.vram - table.vram == pytest.approx(4.0, abs=0.11)
    assert get_profile("qwen-image").needs == profile_of("qwen-image").needs, "merged into whole weights"
    tight = Machine(128, profile_of("qwen-image+int8").needs.vram + 1, 200, "a card")
    assert choose("qwen-image", tight).name == "qwen-image+int8"
    assert choice_here("qwen-image", tight).name == "qwen-image+int8+offload"


CARDS = "GPU-aaa, Small card, 8192\nGPU-bbb, Large, with a comma, 81920\n"


@pytest.mark.parametrize(
    ("chosen", "card"),
    [
        (None, "Small card"),
        ("1", "Large, with a comma"),
        ("1,0", "Large, with a comma"),
        ("GPU-bb", "Large, with a comma"),
        ("", "CPU"),
        ("-1", "CPU"),
        ("7", "CPU"),
        ("MIG-GPU-aaa/1/0", "Small card"),
    ],
)
def test_only_the_cards_that_may_be_used_count(tmp_path, monkeypatch, chosen, card):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncat <<E\n{CARDS}E\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert look_at_machine().device == card


def test_a_lora_of_another_model_is_refused(tmp_path):
    checkpoint = tmp_path / "model"
    (checkpoint / "transformer").mkdir(parents=True)
    config = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2}
    (checkpoint / "transformer" / "config.json").write_text(json.dumps(config))
    weights = "pytorch_lora_weights.safetensors"
    check_width(lora(tmp_path / "fits", {"pairs": True}) / weights, checkpoint)
    for other in ({"width": 48}, {"layers": 3}):
        with pytest.raises(CheckpointError, match="trained on another model than model"):
            check_width(lora(tmp_path / str(other), {"pairs": True}, **other) / weights, checkpoint)


def test_models_may_lie_in_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    assert get_profile("qwen-image-edit").checkpoint == "Qwen/Qwen-Image-Edit-2509"
    (tmp_path / "Qwen" / "Qwen-Image-Edit-2509").mkdir(parents=True)
    local = get_profile("qwen-image-edit+8step")
    assert local.checkpoint == tmp_path / "Qwen" / "Qwen-Image-Edit-2509"
    assert "model_index.json is missing" in refusal(local, MACHINES["80 GB card"])


def test_the_hosted_profile_asks_for_its_key(monkeypatch):
    assert KEY_VARIABLES[0] in get_profile("hosted-edit").refusal
    monkeypatch.setenv(KEY_VARIABLES[0], "sk-9f3b7c")
    assert get_profile("hosted-edit").refusal == ""
    assert choice_here("hosted-edit", MACHINES["no GPU"]).name == "hosted-edit"
    assert "sk-9f3b7c" not in json.dumps([str(f) for f in examine()]), "a key is never shown"


def test_small_weights_name_the_library_that_they_need(monkeypatch):
    monkeypatch.setattr("engine.profiles.find_spec", lambda name: None)
    assert "bitsandbytes: pip install" in get_profile("qwen-image-edit+nf4").refusal
    assert "torchao: pip install" in get_profile("qwen-image-edit+int8").refusal
    choice = choice_here("qwen-image-edit", MACHINES["24 GB card"])
    assert choice.name == "qwen-image-edit+stream", "what runs without it is chosen"
    assert "qwen-image-edit+int8+offload would fit too: its small weights need torchao" in choice.sentence
    little = choice_here("qwen-image-edit", Machine(40, 24, 200, "a card with little memory beside it"))
    assert little.name == ""
    assert "qwen-image-edit+int8+offload would fit: its small weights need torchao" in little.sentence


def test_readme_has_the_table_of_the_profiles_data():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table() in text, "write it anew: stage doctor --table"
    assert all(f"`+{v}`" in text for v in ("8step", "4step", "draft", "half", "compiled") if v in VARIANTS)
