"""The dry run against tiny models' real sizes, and the table of sizes against the dry run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import torch
from bitsandbytes.functional import quantize_4bit
from safetensors.torch import load_file
from torchao.quantization import Int8WeightOnlyConfig, quantize_
from transformers import Qwen2_5_VLConfig

from engine.catalogue import LORA_BYTES
from engine.errors import CheckpointError, UnsupportedError
from engine.profile import Placement, Precision
from engine.profiles import MODELS_VARIABLE, get_profile
from engine.sizes import (
    CONTEXT_TOKENS,
    DECODE,
    GIB,
    RANKER,
    READ,
    TRANSFORMER,
    UNDERSTANDING,
    VAE,
    Forward,
    drawing_bytes,
    needs,
)
from engine.step2 import dry_run
from engine.step2.checkpoint import weight_count
from engine.step2.dry_report import dry
from engine.step2.ranking import FrameRanker
from engine.step2.single_frame import single_frame
from tests.engine.step2.tiny import stock_repository, tiny_pipeline, tiny_transformer, tiny_vae

pytestmark = pytest.mark.slow

REAL_UNDERSTANDING = {
    "text_config": {
        "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "vocab_size": 152064,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    },
    "vision_config": {
        "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584,
    },
    "tie_word_embeddings": False,
}  # fmt: skip


def test_weights_counted_without_loading_are_the_weights_on_disk(tmp_path: Path) -> None:
    pipe = tiny_pipeline().to(torch.bfloat16)
    pipe.save_pretrained(tmp_path)
    counted = {
        "transformer": dry_run.transformer(pipe.transformer.config),
        "vae": dry_run.vae(pipe.vae.config),
        "text_encoder": dry_run.understanding(pipe.text_encoder.config),
    }
    for name, model in counted.items():
        assert all(p.is_meta for p in model.parameters()), "nothing was loaded"
        stored = load_file(*(tmp_path / name).glob("*.safetensors"))
        assert dry_run.weights(model, Precision.FULL) == sum(t.nbytes for t in stored.values()), name


def test_int8_weights_are_as_small_as_counted() -> None:
    model = tiny_transformer().to(torch.bfloat16)
    counted = dry_run.weights(model, Precision.INT8)
    quantize_(model, Int8WeightOnlyConfig(version=2))
    stored = sum(_inner(p) for p in model.parameters())
    assert stored == counted


def _inner(parameter: torch.Tensor) -> int:
    """Bytes of a tensor, or of the tensors inside one that is quantised."""
    inside = getattr(parameter, "__tensor_flatten__", None)
    data = parameter.data
    if inside is None or not hasattr(data, "qdata"):
        return data.numel() * data.element_size()
    return sum(t.numel() * t.element_size() for t in (data.qdata, data.scale, data.zero_point))


def test_nf4_weights_are_as_small_as_counted() -> None:
    model = tiny_transformer().to(torch.bfloat16)
    stored = 2 * sum(p.numel() for p in model.parameters())
    for _, layer in dry_run.quantised(model):
        small, state = quantize_4bit(layer.weight.data, quant_type="nf4")
        stored += small.numel() * small.element_size() + state.absmax.numel() * 4
        stored -= 2 * layer.weight.numel()
    assert dry_run.weights(model, Precision.NF4) == stored


def test_the_peak_is_that_of_tensors_that_live_at_once() -> None:
    def work() -> torch.Tensor:
        a = torch.zeros(1000)  # 4000 bytes
        b = a + 1  # and 4000
        del a
        c = b.view(10, 100)  # the same storage
        return c * 2  # 4000 more, where the first were

    assert dry_run.peak(work) == 8000
    assert dry_run.peak(
        lambda: torch.nn.functional.scaled_dot_product_attention(*[torch.zeros(1, 1, 64, 8)] * 3)
    ) == (2 * 64 * 8 * 4), "no scores are held"


def test_a_forward_without_numbers_takes_what_one_with_numbers_takes() -> None:
    model, (h, w) = tiny_transformer().to(torch.bfloat16), (4, 8)
    x, context = torch.zeros(1, 3 * h * w, 16).bfloat16(), torch.zeros(1, 20, 32).bfloat16()
    with torch.no_grad():
        real = dry_run.peak(
            lambda: model(
                hidden_states=x, encoder_hidden_states=context, timestep=torch.ones(1).bfloat16(),
                img_shapes=[[(1, h, w)] * 3], return_dict=False,
            )
        )  # fmt: skip
    dry = dry_run.drawing_peak(dry_run.transformer(model.config), h, w, 3, 20)
    assert dry == pytest.approx(real, rel=0.1)
    vae = tiny_vae().bfloat16()
    again = dry_run.vae(vae.config)
    with torch.no_grad(), single_frame(vae):
        real = dry_run.peak(lambda: vae.decode(torch.zeros(1, 4, 1, 8, 16).bfloat16(), return_dict=False))
    assert dry_run.decoding_peak(again, 8, 16) == pytest.approx(real, rel=0.1)


def test_the_table_is_what_the_dry_run_of_the_real_configurations_says() -> None:
    whole, vae = dry_run.transformer({}), dry_run.vae({})
    assert dry_run.part(whole) == TRANSFORMER
    assert dry_run.part(vae) == VAE
    ranker = open_clip.get_model_config("ViT-L-14-quickgelu")
    assert ranker is not None
    with dry_run.unloaded():
        clip = FrameRanker(ranker["embed_dim"], ranker["vision_cfg"], ranker["text_cfg"], True)
    assert dry_run.part(clip).parameters == RANKER.parameters
    for precision in (Precision.FULL, Precision.INT8, Precision.NF4):
        assert TRANSFORMER.weigh(precision) == pytest.approx(dry_run.weights(whole, precision), rel=0.003)

    one_layer = dry_run.transformer({"num_layers": 1})  # at the peak only one layer is at work
    for h, w in ((58, 104), (41, 74)):
        drawing = Forward(16 * w, 16 * h, 3)
        assert drawing.tokens == 3 * h * w + CONTEXT_TOKENS
        measured = dry_run.drawing_peak(one_layer, h, w, 3, CONTEXT_TOKENS)
        assert drawing_bytes(drawing) == pytest.approx(measured, rel=0.05)
    assert pytest.approx(dry_run.decoding_peak(vae, 116, 208), rel=0.01) == 1664 * 928 * DECODE


def test_the_table_of_the_understanding_model() -> None:
    model = dry_run.understanding(Qwen2_5_VLConfig(**REAL_UNDERSTANDING))
    assert dry_run.part(model, ("lm_head",)) == UNDERSTANDING
    assert pytest.approx(dry_run.reading_peak(model, CONTEXT_TOKENS), rel=0.05) == CONTEXT_TOKENS * READ


def test_a_profile_is_added_up_from_its_configurations_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stock_repository(tmp_path / "Qwen" / "Qwen-Image-Edit-2509", edit=True)
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    stored = {name: weight_count(folder / name) for name in ("transformer", "text_encoder", "vae")}
    for path in folder.rglob("*.safetensors"):
        path.unlink()
    found = {}
    for variant in ("", "+int8", "+nf4", "+offload", "+stream"):
        profile = replace(get_profile(f"qwen-image-edit{variant}"), width=256, height=128)
        found[variant] = dry(profile)
    whole = found[""]
    assert {name: whole.weights[name] for name in stored} == {name: 2 * n for name, n in stored.items()}
    assert whole.device == sum(whole.weights.values()) + max(whole.work.values()) + GIB
    assert whole.weights["transformer"] > found["+int8"].weights["transformer"]
    assert found["+int8"].weights["transformer"] > found["+nf4"].weights["transformer"]
    assert found["+offload"].device < whole.device
    own = tmp_path / "mine.safetensors"
    own.write_bytes(bytes(5000))
    for variant, beside in (("", 0), ("+int8", 5000), ("+4step+int8", 5000 + int(LORA_BYTES))):
        profile = replace(get_profile(f"qwen-image-edit{variant}"), adapter=str(own), width=256, height=128)
        base = found["+int8" if "int8" in variant else ""].weights["transformer"]
        assert dry(profile).weights["transformer"] - base == beside, "whole weights have it in themselves"
    with pytest.raises(UnsupportedError, match="no large models"):
        dry(get_profile("mini"))
    monkeypatch.delenv(MODELS_VARIABLE)
    with pytest.raises(CheckpointError, match="could not be downloaded: connect, or name its folder"):
        dry(get_profile("qwen-image-edit"))


def test_needs_add_up() -> None:
    drawing = Forward(1664, 928, 3)
    whole = needs(Precision.FULL, Placement.RESIDENT, drawing)
    parts = 2 * (TRANSFORMER.parameters + UNDERSTANDING.parameters + VAE.parameters) + 4 * RANKER.parameters
    assert whole.vram == pytest.approx((parts + 1664 * 928 * DECODE) / GIB + 1, abs=0.1)
    assert whole.disk == pytest.approx(parts / GIB, abs=0.1)
    ladder = [
        needs(precision, placement, drawing).vram
        for precision, placement in (
            (Precision.FULL, Placement.RESIDENT), (Precision.FULL, Placement.OFFLOAD),
            (Precision.INT8, Placement.RESIDENT), (Precision.INT8, Placement.OFFLOAD),
            (Precision.NF4, Placement.OFFLOAD), (Precision.FULL, Placement.STREAM),
        )
    ]  # fmt: skip
    assert ladder == sorted(ladder, reverse=True)
