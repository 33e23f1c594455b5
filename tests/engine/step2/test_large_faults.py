"""Repositories that the large profiles cannot draw with: each is refused by one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import CheckpointError, UnsupportedError
from engine.fitting import Machine
from engine.profile import Distillation
from engine.profiles import ADAPTER_VARIABLE, MODELS_VARIABLE, get_profile
from engine.step2 import trouble
from engine.step2.checkpoint import file_hash
from engine.step2.conditions import PairConditions
from engine.step2.painter import load_painter
from engine.step2.pipeline import Step2Pipeline
from tests.engine.step2.large_models import make_models, small
from tests.engine.step2.tiny import bank, stored_picture


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def here(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(models))
    monkeypatch.setenv(ADAPTER_VARIABLE, str(models / "mine"))


FAULTS = {
    "a shard is missing": "was not downloaded to its end, model-00002-of-00002.safetensors is missing",
    "another pipeline": "is a StableDiffusionPipeline, but this profile draws with a QwenImagePipeline",
    "another class": "transformer is a FluxTransformer2DModel, but it must be a QwenImageTransformer2DModel",
    "a part is missing": "text_encoder is missing",
    "no weights": "vae has no safetensors file",
    "a tensor too few": "transformer holds .* weights where its configuration asks for",
    "half a file": "transformer/diffusion_pytorch_model.safetensors is damaged or not whole",
    "no tokenizer": "tokenizer folder is missing or empty",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_repository_is_one_clear_sentence(fault: str, models: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(models / "Qwen" / "Qwen-Image", broken)
    index = json.loads((broken / "model_index.json").read_text())
    weights = broken / "transformer" / "diffusion_pytorch_model.safetensors"
    match fault:
        case "a shard is missing":
            part = broken / "text_encoder"
            whole = load_file(part / "model.safetensors")
            names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
            where = {k: names[i % 2] for i, k in enumerate(whole)}
            save_file(
                {k: v for k, v in whole.items() if where[k] == names[0]}, broken / "text_encoder" / names[0]
            )
            (broken / "text_encoder" / "model.safetensors").unlink()
            (broken / "text_encoder" / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": where})
            )
        case "another pipeline":
            index["_class_name"] = "StableDiffusionPipeline"
        case "another class":
            index["transformer"] = ["diffusers", "FluxTransformer2DModel"]
        case "a part is missing":
            del index["text_encoder"]
        case "no weights":
            (broken / "vae" / "diffusion_pytorch_model.safetensors").unlink()
        case "a tensor too few":
            save_file(dict(list(load_file(weights).items())[1:]), weights)
        case "half a file":
            weights.write_bytes(weights.read_bytes()[:3000])
        case "no tokenizer":
            shutil.rmtree(broken / "tokenizer")
    (broken / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=FAULTS[fault]) as error:
        load_painter(small("qwen-image", checkpoint=broken))
    assert str(error.value).count(". ") == 0
    assert str(error.value).endswith(".")


def test_a_layout_of_the_other_kind_is_refused(models: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is a QwenImagePipeline, but .* QwenImageEditPlusPipeline"):
        load_painter(small("qwen-image-edit", checkpoint=models / "Qwen" / "Qwen-Image"))


def test_what_cannot_be_downloaded_is_one_sentence(tmp_path: Path, models: Path) -> None:
    with pytest.raises(CheckpointError, match="nobody/nothing could not be downloaded"):
        load_painter(small("qwen-image-edit", checkpoint="nobody/nothing"))
    with pytest.raises(CheckpointError, match="STEP² LoRA nobody/nothing could not be downloaded"):
        load_painter(small("qwen-image", adapter="nobody/nothing"))
    lora = Distillation("nobody/nothing", "file.safetensors", 4)
    with pytest.raises(CheckpointError, match="few steps, nobody/nothing, could not be downloaded"):
        load_painter(small("qwen-image-edit", distillation=lora))


@pytest.mark.parametrize(
    ("name", "error", "way_out"),
    [
        (
            "qwen-image-edit",
            RuntimeError("CUDA error: out of memory"),
            "choose the profile qwen-image-edit+offload, which takes 41 GiB of the card where",
        ),
        (
            "qwen-image-edit+offload",
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            "GiB of memory where qwen-image-edit+offload takes",
        ),
        ("mini", OSError(12, "Cannot allocate memory"), "close other programs that use it"),
    ],
)
def test_memory_that_ran_out_while_loading_is_no_fault_of_the_files(
    name: str, error: Exception, way_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(trouble, "look_at_machine", lambda: Machine(64, 80, 200, "a card"))
    monkeypatch.setattr(Step2Pipeline, "from_pretrained", load)
    with pytest.raises(UnsupportedError) as told:
        load_painter(get_profile(name) if name == "mini" else small(name))
    assert str(told.value).startswith("Memory ran out while loading: ")
    assert way_out in str(told.value)
    assert "fetch" not in str(told.value)


@pytest.mark.parametrize("name", ["qwen-image", "qwen-image-edit"])
def test_memory_that_ran_out_while_frames_are_compared_is_told_as_well(name: str, tmp_path: Path) -> None:
    painter = load_painter(small(name))
    memory = bank(tmp_path, 3)
    shot = PairConditions("A man walks.", "A man walks.", None, memory)
    assert len(painter.pack(shot)) == 3
    other = PairConditions("A woman sings.", "A woman sings.", None, memory)

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    ranker = painter.pipe.ranker if name == "qwen-image" else painter.scorer.ranker  # type: ignore[attr-defined]
    ranker.register_forward_pre_hook(full)
    asked: list[Callable[[], object]] = [
        lambda: painter.pack(other),
        lambda: painter.draw(other, [1]),
        lambda: painter.description_similarities("A woman sings.", [m.frame for m in memory]),
        lambda: painter.frame_similarities([(stored_picture(tmp_path, 8), stored_picture(tmp_path, 9))]),
    ]
    for ask in asked:
        with pytest.raises(UnsupportedError, match=r"^Memory ran out while "):
            ask()


def test_the_ranker_is_fetched_before_the_large_weights_are_read(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(models / "Qwen" / "Qwen-Image-Edit-2509", bare, ignore=shutil.ignore_patterns("ranker"))
    read: list[object] = []
    monkeypatch.setattr(Step2Pipeline, "from_pretrained", lambda *given, **_: read.append(given))
    with pytest.raises(CheckpointError, match=r"OpenAI's CLIP .* could not be downloaded"):
        load_painter(small("qwen-image-edit", checkpoint=bare))
    assert read == []


def test_a_file_of_the_hubs_cache_is_named_without_reading_it(tmp_path: Path) -> None:
    blob = tmp_path / "blobs" / ("ab" * 32)
    blob.parent.mkdir()
    blob.write_bytes(b"not what its name says, so it was not read")
    (tmp_path / "model.safetensors").symlink_to(blob)
    assert file_hash(tmp_path / "model.safetensors") == "ab" * 32
