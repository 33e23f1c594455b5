"""Wan on tiny random models of the real classes: loading, both ends, cancelling, memory, refusals."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UniPCMultistepScheduler
from PIL import Image

from engine.errors import Cancelled, CheckpointError, UnsupportedError
from engine.story import FrameRate, Movement
from engine.video import wan
from engine.video.load import check_renderer
from engine.video.renderers import RENDERERS, Lora
from engine.video.settings import Offload, VideoSettings, VideoSize
from engine.video.wan import Request, WanRenderer, control_video, load_wan, part_sizes, scheduler_of
from engine.video.wan_checkpoint import check_checkpoint, lora_files
from tests.engine.video.pairs import decoded, saved, scenery, seen
from tests.engine.video.tiny_wan import (
    save_lora,
    save_wan21_flf2v,
    save_wan21_vace,
    save_wan22_i2v,
    tiny,
)

pytestmark = pytest.mark.slow

FILM = FrameRate()
SAVED: dict[str, Callable[[Path], Path]] = {
    "wan2.2-i2v-a14b": save_wan22_i2v,
    "wan2.1-flf2v-14b": save_wan21_flf2v,
    "wan2.1-vace-1.3b": save_wan21_vace,
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, WanRenderer]:
    """Each of the three, saved to disk and loaded from there."""
    folder = tmp_path_factory.mktemp("wan")
    return {name: load_wan(tiny(name, save(folder / name))) for name, save in SAVED.items()}


def request(frames: int = 5, seed: int = 0, swapped: bool = False) -> Request:
    first, last = (np.asarray(seen(scenery(i))[::4, ::4], np.uint8) for i in (1, 2))
    if swapped:
        first, last = last, first
    return Request("A boat turns.", first, last, frames, seed)


@pytest.mark.parametrize("name", SAVED)
def test_a_clip_has_the_shot_s_frames_at_the_film_s_size(
    name: str, loaded: dict[str, WanRenderer], tmp_path: Path
) -> None:
    out, told = tmp_path / "c.mp4", []
    start, end = (saved(tmp_path, f"{i}.png", seen(scenery(i))) for i in (1, 2))
    loaded[name].render(
        "A boat turns.",
        start,
        end,
        movement=Movement.STATIC,
        frames=6,
        rate=FILM,
        out=out,
        on_frame=lambda done, total: told.append((done, total)),
    )
    frames = decoded(out)
    assert [frame.shape for frame in frames] == [(640, 1280, 3)] * 6
    assert told[-1] == (6, 6)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("name", SAVED)
def test_the_model_s_own_clip_is_its_request_and_depends_on_both_ends(
    name: str, loaded: dict[str, WanRenderer]
) -> None:
    clip = loaded[name].sample(request(frames=9))
    assert clip.shape == (9, 32, 64, 3)
    assert clip.dtype == np.uint8
    assert np.array_equal(loaded[name].sample(request(frames=9)), clip)
    swapped, other = loaded[name].sample(request(9, swapped=True)), loaded[name].sample(request(9, seed=1))
    assert not np.array_equal(swapped, clip)
    assert not np.array_equal(other, clip)


@pytest.mark.parametrize("name", ["wan2.2-i2v-a14b", "wan2.1-flf2v-14b"])
def test_both_ends_are_where_the_transformer_looks_for_them(
    name: str, loaded: dict[str, WanRenderer]
) -> None:
    """The model's input is noise, a mask of known frames (four a latent frame), and the known frames."""
    pipe = loaded[name].pipe
    given: list[torch.Tensor] = []
    handle = pipe.transformer.patch_embedding.register_forward_pre_hook(lambda _, x: given.append(x[0]))
    wanted = request(frames=9)
    loaded[name].sample(wanted)
    handle.remove()
    mask, condition = given[0][0, 16:20], given[0][0, 20:]
    assert mask.shape[1] == 3  # 9 frames are 1 + 2 latent frames
    assert mask[:, 0].min() == 1  # the first frame is known
    assert mask[:, 1].max() == 0
    assert (mask[:3, 2].max(), mask[3, 2].min()) == (0, 1)  # of the last four, the last one
    # What is known at the start is the first frame: encoding depends on the past only.
    alone = pipe.video_processor.preprocess(Image.fromarray(wanted.first), height=32, width=64)
    with torch.no_grad():
        latent = pipe.vae.encode(alone[:, :, None]).latent_dist.mode()
    mean, std = (
        torch.tensor(values).view(1, -1, 1, 1, 1)
        for values in (pipe.vae.config.latents_mean, pipe.vae.config.latents_std)
    )
    assert torch.allclose(condition[:, :1], ((latent - mean) / std)[0], atol=1e-4)


def test_vace_gets_the_ends_as_kept_frames_and_grey_to_be_made() -> None:
    first, last = (Image.new("RGB", (32, 16), colour) for colour in ("red", "blue"))
    video, mask = control_video(first, last, 9)
    assert (len(video), len(mask)) == (9, 9)
    assert (video[0], video[-1]) == (first, last)
    assert {frame.getpixel((5, 5)) for frame in video[1:-1]} == {(128, 128, 128)}
    assert [frame.getpixel((5, 5)) for frame in mask] == [(0, 0, 0), *[(255, 255, 255)] * 7, (0, 0, 0)]
    assert {frame.size for frame in (*video, *mask)} == {(32, 16)}


def test_vace_s_control_tells_kept_from_made(loaded: dict[str, WanRenderer]) -> None:
    """What is kept goes in as the inactive part, what is to be made as the reactive part."""
    pipe = loaded["wan2.1-vace-1.3b"].pipe
    seen_videos: list[torch.Tensor] = []
    original = pipe.vae.encode

    def watch(video: torch.Tensor, *rest: Any, **more: Any) -> Any:
        seen_videos.append(video)
        return original(video, *rest, **more)

    pipe.vae.encode = watch
    try:
        wanted = request(frames=9)
        loaded["wan2.1-vace-1.3b"].sample(wanted)
    finally:
        del pipe.vae.encode
    inactive, reactive = seen_videos
    frames = [torch.tensor(f).permute(2, 0, 1) / 127.5 - 1 for f in (wanted.first, wanted.last)]
    assert torch.allclose(inactive[0, :, 0], frames[0], atol=0.01)
    assert torch.allclose(inactive[0, :, -1], frames[1], atol=0.01)
    assert inactive[0, :, 1:-1].abs().max() == 0
    assert reactive[0, :, 0].abs().max() == reactive[0, :, -1].abs().max() == 0
    assert reactive[0, :, 1:-1].abs().max() < 0.01  # grey


@pytest.mark.parametrize("name", SAVED)
def test_cancelling_stops_within_a_step(name: str, loaded: dict[str, WanRenderer]) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) == 3  # before anything, before the first block, before the second block

    steps: list[float] = []
    with pytest.raises(Cancelled):
        loaded[name].sample(request(), steps.append, cancelled)
    assert steps == []
    assert len(asked) == 3
    assert loaded[name].sample(request()).shape == (5, 32, 64, 3)  # and nothing of it is left in the model


def test_cancelling_between_steps(loaded: dict[str, WanRenderer]) -> None:
    steps: list[float] = []
    with pytest.raises(Cancelled):
        loaded["wan2.1-vace-1.3b"].sample(request(), steps.append, lambda: len(steps) == 1)
    assert steps == [0.5]


CARD = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
RAM = RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")


@pytest.mark.parametrize(
    ("name", "settings", "error", "advice"),
    [
        ("wan2.2-i2v-a14b", VideoSettings(), CARD, "card ran out of memory.*set STAGE_VIDEO_SIZE=480p"),
        ("wan2.2-i2v-a14b", VideoSettings(size=VideoSize.P480), CARD, "card ran.*set STAGE_OFFLOAD=group"),
        ("wan2.2-i2v-a14b", VideoSettings(Offload.GROUP, VideoSize.P480), CARD, "choose .* VACE 1.3B"),
        ("wan2.2-i2v-a14b", VideoSettings(), RAM, "machine ran out of memory.*set STAGE_VIDEO_SIZE=480p"),
        ("wan2.2-i2v-a14b", VideoSettings(size=VideoSize.P480), RAM, "machine ran.*choose .* VACE 1.3B"),
        ("wan2.1-vace-1.3b", VideoSettings(size=VideoSize.P480), RAM, "machine ran.*or split the shot"),
    ],
)
def test_memory_that_is_too_small_is_offered_the_next_smaller_setting(
    name: str, settings: VideoSettings, error: Exception, advice: str, loaded: dict[str, WanRenderer]
) -> None:
    """Weights that leave the card wait in the machine's memory: where that ran out, offloading is no help."""

    def full(*_: object) -> None:
        raise error

    model = loaded[name]
    renderer = WanRenderer(RENDERERS[name], model.pipe, settings)
    handle = model.pipe.transformer.blocks[1].register_forward_pre_hook(full)
    try:
        with pytest.raises(UnsupportedError, match=advice):
            renderer.sample(request())
    finally:
        handle.remove()


def without_memory(*_: object, **__: object) -> None:
    raise OSError(12, "Cannot allocate memory")  # as a file of weights that cannot be mapped


def test_what_the_machine_chose_is_not_offered_as_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "wan2.1-vace-1.3b"
    model = tiny(name, SAVED[name](tmp_path / name))
    monkeypatch.setattr(wan, "choose_offload", lambda *_: Offload.GROUP)
    loaded = load_wan(model)
    assert "STAGE_OFFLOAD" not in loaded._settings.smaller(model, 5)

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(wan, "place", full)
    ways_out = ((None, "close other"), (Offload.GROUP, "close other"), (Offload.MODEL, "set STAGE"))
    for offload, way_out in ways_out:
        with pytest.raises(UnsupportedError, match=rf"Memory ran out while .* was loaded: {way_out}"):
            load_wan(model, VideoSettings(offload))
    for load in (full, without_memory):
        monkeypatch.setattr(wan.WanVACEPipeline, "from_pretrained", load)
        with pytest.raises(UnsupportedError, match="was loaded: close other programs"):
            load_wan(model, VideoSettings(Offload.MODEL))


def test_offloading_in_groups_draws_the_same(loaded: dict[str, WanRenderer], tmp_path: Path) -> None:
    renderer = tiny("wan2.1-vace-1.3b", save_wan21_vace(tmp_path))
    grouped = load_wan(renderer, VideoSettings(Offload.GROUP))
    assert np.array_equal(grouped.sample(request()), loaded["wan2.1-vace-1.3b"].sample(request()))


def test_a_lightning_lora_goes_into_both_experts(
    loaded: dict[str, WanRenderer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_wan22_i2v(tmp_path / "wan")
    files = ("high/one.safetensors", "low/two.safetensors")
    save_lora(tmp_path, files)
    quick = tiny("wan2.2-i2v-a14b-lightning", folder, lora=Lora(str(tmp_path), files))
    with_lora, without = load_wan(quick), loaded["wan2.2-i2v-a14b"]
    for name in ("transformer", "transformer_2"):
        mine, plain = (getattr(m.pipe, name).blocks[0].attn1.to_q.weight for m in (with_lora, without))
        assert not torch.equal(mine, plain)
    assert with_lora.sample(request()).shape == (5, 32, 64, 3)
    with pytest.raises(CheckpointError, match="no LoRA at"):
        load_wan(replace(quick, lora=Lora(str(tmp_path), ("gone.safetensors",))))
    monkeypatch.setattr(wan.WanImageToVideoPipeline, "load_lora_weights", without_memory)
    with pytest.raises(UnsupportedError, match="was loaded: close other programs"):
        load_wan(quick)


def test_what_is_missing_is_told_before_a_film_is_drawn(tmp_path: Path) -> None:
    check_renderer(RENDERERS["animatic"])
    whole = tiny("wan2.2-i2v-a14b", save_wan22_i2v(tmp_path / "wan"))
    check_renderer(whole)
    with pytest.raises(CheckpointError, match="no LoRA at"):
        check_renderer(replace(whole, lora=Lora(str(tmp_path), ("high.safetensors", "low.safetensors"))))
    with pytest.raises(UnsupportedError, match="FAL_KEY"):
        check_renderer(RENDERERS["fal-veo-3.1"])


def test_few_steps_are_those_that_the_lora_was_distilled_on() -> None:
    """Euler's, at the noise levels of a shift of 5: timesteps 1000, 937.5, 833.3 and 625."""
    stock = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
    )
    assert scheduler_of(RENDERERS["wan2.1-flf2v-14b"], stock) is stock
    scheduler = scheduler_of(RENDERERS["wan2.2-i2v-a14b-lightning"], stock)
    scheduler.set_timesteps(4)
    assert scheduler.timesteps.tolist() == pytest.approx([1000, 937.5, 833.3, 625], abs=1.5)
    x = torch.randn(1, 4, generator=torch.Generator().manual_seed(0))
    euler, levels = x.clone(), scheduler.sigmas.tolist()
    for i, t in enumerate(scheduler.timesteps):
        velocity = torch.sin(3 * x)  # any field that bends
        x = scheduler.step(velocity, t, x, return_dict=False)[0]
        euler = euler + (levels[i + 1] - levels[i]) * torch.sin(3 * euler)
        assert torch.allclose(x, euler, atol=1e-5)


def test_what_a_card_must_hold_is_what_was_loaded(loaded: dict[str, WanRenderer]) -> None:
    """Files may hold wider numbers than the models on the card."""
    pipe = loaded["wan2.1-vace-1.3b"].pipe
    sizes = part_sizes(pipe)
    assert set(sizes) == {"transformer", "text_encoder", "vae"}
    whole = part_sizes(
        SimpleNamespace(components={"transformer": copy.deepcopy(pipe.transformer).bfloat16()})
    )
    assert whole["transformer"] * 2 == pytest.approx(sizes["transformer"], rel=0.1)


def test_models_that_ignore_the_last_frame_are_refused(tmp_path: Path) -> None:
    for refusing in (load_wan, check_renderer):
        with pytest.raises(UnsupportedError, match="ignores the last frame"):
            refusing(RENDERERS["wan2.2-ti2v-5b"])
    ti2v = save_wan22_i2v(tmp_path / "ti2v", expand_timesteps=True)
    with pytest.raises(UnsupportedError, match="ignores the last frame"):
        load_wan(tiny("wan2.2-i2v-a14b", ti2v))
    i2v = save_wan21_flf2v(tmp_path / "i2v", position=None)
    with pytest.raises(UnsupportedError, match="knows a first frame only"):
        load_wan(tiny("wan2.1-flf2v-14b", i2v))


def test_checkpoints_that_are_something_else(tmp_path: Path) -> None:
    vace = tiny("wan2.1-vace-1.3b", tmp_path)
    for refusing in (load_wan, check_renderer):  # the second before a film is drawn, and without any weights
        with pytest.raises(CheckpointError, match=r"model_index\.json is missing"):
            refusing(vace)
    (tmp_path / "model_index.json").write_text("{ not json")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_wan(vace)
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    with pytest.raises(CheckpointError, match="is a FluxPipeline"):
        check_checkpoint(tmp_path, vace)


BROKEN = {
    "a shard is missing": "text_encoder was not downloaded to its end, two.safetensors is missing",
    "half a file": "transformer_2/diffusion_pytorch_model.safetensors is damaged or not whole",
    "no weights": "vae has no safetensors file",
    "another transformer": "is a WanVACETransformer3DModel, but it must be a WanTransformer3DModel",
    "another class inside": "transformer says that it is a FluxTransformer2DModel",
    "no tokenizer": "tokenizer folder is missing or empty",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_checkpoint_that_is_not_whole_is_told_before_a_film_is_drawn(fault: str, tmp_path: Path) -> None:
    folder = save_wan22_i2v(tmp_path)
    index = json.loads((folder / "model_index.json").read_text())
    config = folder / "transformer" / "config.json"
    second = folder / "transformer_2" / "diffusion_pytorch_model.safetensors"
    match fault:
        case "a shard is missing":
            text = folder / "text_encoder"
            (text / "model.safetensors").rename(text / "one.safetensors")
            shards = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
            (text / "model.safetensors.index.json").write_text(json.dumps(shards))
        case "half a file":
            second.write_bytes(second.read_bytes()[:3000])
        case "no weights":
            (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
        case "another transformer":
            index["transformer"] = ["diffusers", "WanVACETransformer3DModel"]
        case "another class inside":
            said = {**json.loads(config.read_text()), "_class_name": "FluxTransformer2DModel"}
            config.write_text(json.dumps(said))
        case "no tokenizer":
            shutil.rmtree(folder / "tokenizer")
    (folder / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=BROKEN[fault]):
        check_renderer(tiny("wan2.2-i2v-a14b", folder))


def test_a_lora_lies_where_models_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lora = RENDERERS["wan2.2-i2v-a14b-lightning"].lora
    assert lora is not None
    save_lora(tmp_path / lora.source, lora.files)
    with pytest.raises(CheckpointError, match="could not be downloaded"):
        lora_files(lora)
    monkeypatch.setenv("STAGE_MODELS", str(tmp_path))
    assert lora_files(lora) == [tmp_path / lora.source / name for name in lora.files]


def test_weights_that_are_missing_are_not_made_up(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_wan21_vace(tmp_path)
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights.pop("proj_out.weight")
    save_file(weights, file, {"format": "pt"})
    with pytest.raises(CheckpointError, match="fetch it again"):
        load_wan(tiny("wan2.1-vace-1.3b", folder))
