"""The large profiles from repository to picture, on tiny random weights in the hub's own layouts."""

from __future__ import annotations

import io
import math
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.catalogue import EVERY_ASPECT, LADDER, named, resized
from engine.errors import Cancelled, UnsupportedError
from engine.fitting import Machine
from engine.profile import Mode
from engine.profiles import ADAPTER_VARIABLE, MODELS_VARIABLE, get_profile
from engine.step2 import large
from engine.step2 import trouble as trouble_module
from engine.step2.checkpoint import weights_hash
from engine.step2.conditions import PairConditions
from engine.step2.large import load_large
from engine.step2.latents import decode_frames, set_schedule, shift_mu
from engine.step2.measurer import load_measurer
from engine.step2.painter import PairPainter, Step2Painter, load_painter
from tests.engine.step2.large_models import make_models, pairs_lora, small, tiny_references
from tests.engine.step2.tiny import (
    HEIGHT,
    WIDTH,
    bank,
    generators,
    tiny_vae,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def here(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(models))
    monkeypatch.setenv(ADAPTER_VARIABLE, str(models / "mine"))


@pytest.fixture
def shot(tmp_path: Path) -> PairConditions:
    memory = bank(tmp_path, 4, pinned=(2,))
    return PairConditions("A man walks. Shot: medium shot.", "A man walks.", memory[3].frame, memory)


RUNGS = [rung for rung in LADDER if not {"int8", "nf4", "half"} & set(rung)]


@pytest.mark.parametrize("family", ["qwen-image", "qwen-image-edit"])
def test_every_placement_draws_the_same_picture(family: str, shot: PairConditions) -> None:
    takes = {}
    for rung in RUNGS:
        painter = tiny_references(load_painter(small(named(family, *rung))))
        steps: list[tuple[int, int]] = []
        take = painter.draw(shot, [5], on_step=lambda done, total, s=steps: s.append((done, total)))[0]
        total = 2 if family == "qwen-image" else 4
        assert steps == [(i + 1, total) for i in range(total)]
        assert (take.recipe.profile, take.recipe.dtype) == (named(family, *rung), "bfloat16")
        takes[rung] = take
    whole = takes[()]
    assert whole.start != whole.end
    assert whole.memory[0].key == "2S", "the pinned frame comes first"
    for rung, take in takes.items():
        assert take.memory == whole.memory
        for side in ("start", "end"):
            if "stream" not in rung:  # its VAE decodes in tiles, which a picture this small does not have
                assert getattr(take, side) == getattr(whole, side), rung
    assert takes[("stream",)].start == whole.start


def test_zero_shot_references_are_whole_frames(shot: PairConditions) -> None:
    painter = tiny_references(load_painter(small("qwen-image-edit")))
    packed = painter.pack(shot)
    assert [(p.rank, round(p.share, 3), p.box[1::2]) for p in packed] == [
        (1, 0.333, (0, 1)),
        (2, 0.333, (1, 1)),
        (3, 0.333, (2, 1)),
    ]
    assert painter.draw(shot, [1])[0].memory == packed


@pytest.mark.parametrize("name", ["qwen-image+4step", "qwen-image-edit+8step"])
def test_few_steps_come_with_their_lora_and_their_shift(name: str, shot: PairConditions) -> None:
    profile = replace(get_profile(name), width=WIDTH, height=HEIGHT)
    painter = tiny_references(load_painter(profile))
    pipe = painter.pipe if profile.mode is Mode.PAIRS else painter.editor.pipe  # type: ignore[attr-defined]
    for h, w in ((2, 2), (58, 104)):
        assert shift_mu(pipe.scheduler.config, h, w) == pytest.approx(math.log(3))
        set_schedule(pipe.scheduler, 4, h, w)
        levels = pipe.scheduler.sigmas.tolist()
        assert levels == pytest.approx([1, 0.9, 0.75, 0.5, 0], abs=1e-6), "as distilled"
    take = painter.draw(shot, [1])[0]
    assert (take.recipe.steps, take.recipe.guidance) == (profile.steps, 1.0)
    plain, _ = load_large(replace(profile, distillation=None))
    layer = "transformer_blocks.0.attn.to_q.weight"
    merged, before = pipe.transformer.state_dict()[layer], plain.transformer.state_dict()[layer]
    assert profile.distillation is not None
    file = (
        Path(profile.checkpoint).parent.parent / profile.distillation.repository / profile.distillation.file
    )
    lora = {k: v.double() for k, v in load_file(file).items()}
    key = "transformer_blocks.0.attn.to_q"
    change = 2 / 4 * lora[f"{key}.lora_up.weight"] @ lora[f"{key}.lora_down.weight"]  # alpha / rank
    assert torch.allclose((merged - before).double(), change, atol=0.02 * change.abs().max().item())
    assert take.recipe.weights != load_painter(replace(profile, distillation=None)).weights


def test_the_users_lora_draws_and_names_the_weights(
    shot: PairConditions, models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile = small("qwen-image")
    assert (profile.adapter, profile.guidance) == (str(models / "mine"), 2.0), "the LoRA's card says how"
    painter = load_painter(profile)
    assert painter.weights != weights_hash(Path(profile.checkpoint))
    other = pairs_lora(tmp_path / "other")
    file = other / "pytorch_lora_weights.safetensors"
    save_file({k: v * 2 for k, v in load_file(file).items()}, file)
    monkeypatch.setenv(ADAPTER_VARIABLE, str(other))
    again = load_painter(small("qwen-image"))
    assert again.weights != painter.weights
    assert again.draw(shot, [1])[0].start != painter.draw(shot, [1])[0].start
    monkeypatch.setenv(ADAPTER_VARIABLE, f"{models / 'mine'}{os.pathsep}{other}")
    both = load_painter(small("qwen-image"))
    assert len({painter.weights, again.weights, both.weights}) == 3, "an SFT's and a DPO's, one on the other"
    monkeypatch.delenv(ADAPTER_VARIABLE)
    with pytest.raises(UnsupportedError, match="never trained on start-end pairs"):
        load_painter(small("qwen-image"))


def test_a_lora_can_be_scaled_and_taken_out_again(models: Path, shot: PairConditions) -> None:
    pipe, _ = load_large(replace(small("qwen-image"), adapter=""))
    pipe.to(torch.float32)

    def latents() -> torch.Tensor:
        return pipe(shot, generators(1), width=WIDTH, height=HEIGHT, num_inference_steps=2).latents

    before = latents()
    pipe.load_lora_weights(models / "mine", adapter_name="pairs")
    whole = latents()
    pipe.set_adapters(["pairs"], [0.0])
    assert torch.allclose(latents(), before, atol=1e-4), "at no strength it changes nothing"
    pipe.set_adapters(["pairs"], [0.5])
    half = latents()
    assert not torch.allclose(half, whole, atol=1e-3)
    pipe.set_adapters(["pairs"], [1.0])
    assert torch.allclose(latents(), whole, atol=1e-5)
    pipe.unload_lora_weights()
    assert torch.allclose(latents(), before, atol=1e-4)
    assert not torch.allclose(whole, before, atol=1e-3)


def test_a_frame_decoded_in_tiles_is_nearly_the_same() -> None:
    vae = tiny_vae()
    torch.manual_seed(1)
    z = torch.randn(1, 4, 32, 64)
    with torch.no_grad():
        whole = decode_frames(vae, z)
        vae.enable_tiling(64, 64, 48, 48)
        tiled = decode_frames(vae, z)
    assert tiled.shape == whole.shape
    assert not torch.equal(tiled, whole)
    assert (tiled - whole).abs().mean() < 0.35 * whole.std(), "random weights see all of a frame at once"


@pytest.mark.parametrize("variant", ["draft", "taylor"])
def test_a_draft_saves_work_and_remembers_nothing_afterwards(
    variant: str, shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "FIRST_BLOCK_THRESHOLD", 10.0)  # random weights change much from step to step
    painter = load_painter(small(f"qwen-image+{variant}", steps=8))
    last = painter.pipe.transformer.transformer_blocks[-1]  # type: ignore[attr-defined]
    ran: list[int] = []
    last.attn.to_q.register_forward_hook(lambda *_: ran.append(1))
    first = painter.draw(shot, [1])[0]
    assert 0 < len(ran) < 2 * 8, "some steps reused what the one before computed, in either branch"
    assert painter.draw(shot, [1])[0].start == first.start
    seen = iter(range(100))
    with pytest.raises(Cancelled):
        painter.draw(shot, [2], cancelled=lambda: next(seen) == 3)
    assert painter.draw(shot, [1])[0].start == first.start, "a drawing that was stopped leaves nothing behind"


@pytest.mark.parametrize("variants", ["", "+draft+stream"])
def test_repeated_blocks_are_compiled(
    variants: str, shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for all blocks and steps, under the hooks of a draft or of streaming: they cannot be traced."""
    graphs: list[torch.fx.GraphModule] = []

    def count(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward  # traced for real; only no C compiler is needed

    monkeypatch.setattr(large, "COMPILER", count)
    torch.compiler.reset()
    painter = load_painter(small(f"qwen-image+compiled{variants}"))
    a, b = (drawn_pair(p, shot) for p in (painter, load_painter(small(f"qwen-image{variants}"))))
    assert np.abs(a - b).mean() < 2
    assert len(graphs) in (1, 2), "one for each form that the words' mask takes"
    assert np.array_equal(drawn_pair(painter, shot), a)
    assert len(painter.draw(shot, [1, 2, 3])) == 3
    longer = replace(shot, prompt=f"{shot.prompt} Somebody waits on the left, without a word.")
    seen = len(graphs)
    assert seen <= 4, "one more of each for takes that are drawn together"
    assert len(painter.draw(longer, [1, 2, 3, 4])) == 4
    assert len(graphs) == seen, "neither more takes nor more words are compiled anew"


def test_a_worker_goes_from_one_compiled_variant_to_the_next(
    shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each compiles the same code anew, and dynamo counts how often, of all models together."""
    monkeypatch.setattr(large, "COMPILER", "eager")
    with torch._dynamo.config.patch(recompile_limit=2):
        for variants in ("", "+int8"):
            painter = load_painter(small(f"qwen-image+compiled{variants}", steps=2))
            assert painter.draw(shot, [1])[0].start


def drawn_pair(painter: PairPainter, shot: PairConditions) -> np.ndarray:
    take = painter.draw(shot, [1])[0]
    return np.stack(
        [np.asarray(Image.open(io.BytesIO(data))).astype(float) for data in (take.start, take.end)]
    )


@pytest.mark.parametrize("aspect", EVERY_ASPECT)
def test_a_film_of_another_shape_is_drawn_in_its_bucket(aspect: str, shot: PairConditions) -> None:
    profile = resized(small("qwen-image", width=96, height=48), aspect)
    take = load_painter(profile).draw(shot, [1], steps=1)[0]
    for data in (take.start, take.end):
        assert Image.open(io.BytesIO(data)).size == (profile.width, profile.height)
    assert profile.width % 16 == profile.height % 16 == 0


@pytest.mark.parametrize("name", ["qwen-image", "qwen-image-edit"])
def test_frames_are_compared_without_the_models_that_draw(
    name: str, shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same figures as the painter's, by the ranker alone."""
    profile = small(name)
    painter = load_painter(profile)

    def load(*_: object, **__: object) -> None:
        raise AssertionError("the models that draw were loaded")

    monkeypatch.setattr(large.Step2Pipeline, "from_pretrained", load)
    measurer = load_measurer(profile)
    frames = [m.frame for m in shot.memory]
    cuts = list(pairwise(frames))
    assert measurer.description_similarities(shot.description, frames) == pytest.approx(
        painter.description_similarities(shot.description, frames)
    )
    assert measurer.frame_similarities(cuts) == pytest.approx(painter.frame_similarities(cuts))
    assert (measurer.description_similarities("", []), measurer.frame_similarities([])) == ([], [])


def test_a_ranker_alone_knows_the_grid_of_the_real_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "load_ranker", lambda _: (None, ""))
    assert load_measurer(get_profile("qwen-image")).grid() == (
        get_profile("qwen-image").height // 16,
        get_profile("qwen-image").width // 16,
    )


def test_a_cancel_is_heard_within_a_step(shot: PairConditions) -> None:
    for name in ("qwen-image", "qwen-image-edit"):
        painter = tiny_references(load_painter(small(name, steps=3)))
        steps: list[int] = []
        with pytest.raises(Cancelled):
            painter.draw(
                shot,
                [1],
                on_step=lambda done, _, s=steps: s.append(done),
                cancelled=lambda s=steps: len(s) >= 2,
            )
        assert steps == [1, 2]
        assert painter.draw(shot, [1])[0].start, "and the next drawing starts afresh"


@pytest.mark.parametrize(
    "name", ["qwen-image", "qwen-image+draft", "qwen-image+stream", "qwen-image-edit+compiled+draft"]
)
def test_a_step_is_stopped_in_the_middle(
    name: str, shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of a large model takes a minute on a small card."""
    monkeypatch.setattr(large, "COMPILER", "eager")
    painter = tiny_references(load_painter(small(name, steps=2)))
    pipe = painter.pipe if isinstance(painter, Step2Painter) else painter.editor.pipe  # type: ignore[attr-defined]
    first = pipe.transformer.transformer_blocks[0].attn.to_q
    ran: list[int] = []
    handle = first.register_forward_hook(lambda *_: ran.append(1))
    steps: list[int] = []
    with pytest.raises(Cancelled):
        painter.draw(shot, [1], on_step=lambda done, _: steps.append(done), cancelled=lambda: bool(ran))
    handle.remove()
    assert (steps, len(ran)) == ([], 1), "the second block was not begun"
    assert not any(block._forward_pre_hooks for block in pipe.transformer.transformer_blocks)
    stopped = iter([False] * 3 + [True] * 9)
    with pytest.raises(Cancelled):
        painter.draw(shot, [1], cancelled=lambda: next(stopped))
    fresh = tiny_references(load_painter(small(name, steps=2)))
    assert painter.draw(shot, [1])[0].start == fresh.draw(shot, [1])[0].start, "nothing stays behind"


@pytest.mark.parametrize("name", ["qwen-image+compiled", "qwen-image-edit+compiled"])
def test_a_compiled_step_is_stopped_between_its_passes(
    name: str, shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was drawn to its end."""
    monkeypatch.setattr(large, "COMPILER", "eager")
    painter = tiny_references(load_painter(small(name, steps=2)))
    pipe = painter.pipe if isinstance(painter, Step2Painter) else painter.editor.pipe  # type: ignore[attr-defined]
    passes: list[int] = []
    handle = pipe.transformer.register_forward_hook(lambda *_: passes.append(1))
    steps: list[int] = []
    with pytest.raises(Cancelled):
        painter.draw(shot, [1], on_step=lambda done, _: steps.append(done), cancelled=lambda: bool(passes))
    handle.remove()
    assert (steps, len(passes)) == ([], 1), "the words' branch of guidance was not begun"
    assert not pipe.transformer._forward_pre_hooks
    assert painter.draw(shot, [1])[0].start, "and the next drawing starts afresh"


def test_memory_that_ran_out_is_one_sentence_with_a_way_on(
    shot: PairConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble_module, "look_at_machine", lambda: Machine(64, 80, 200, "a card"))
    painter = load_painter(small("qwen-image"))
    stock = painter.pipe.transformer.forward  # type: ignore[attr-defined]
    trouble: list[Exception] = [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        ),
    ]

    def forward(**kwargs: Any) -> Any:
        if trouble:
            raise trouble.pop(0)
        return stock(**kwargs)

    monkeypatch.setattr(painter.pipe.transformer, "forward", forward)  # type: ignore[attr-defined]
    with pytest.raises(UnsupportedError) as many:
        painter.draw(shot, [1, 2])
    assert (
        "draw fewer takes at once, or choose the profile qwen-image+offload, which takes 41 GiB of the card"
        in str(many.value)
    )
    with pytest.raises(UnsupportedError) as one:
        painter.draw(shot, [1])
    assert str(one.value) == "Memory ran out while drawing: close other programs that use it.", (
        "the profile needs little of the machine's own memory: no variant needs less"
    )
    assert painter.draw(shot, [1])[0].start, "afterwards it draws"
    trouble.append(RuntimeError("the paint is dry"))
    with pytest.raises(RuntimeError, match="the paint is dry"):
        painter.draw(shot, [1])


@pytest.mark.gpu
@pytest.mark.parametrize("family", ["qwen-image", "qwen-image-edit"])
@pytest.mark.parametrize("rung", [*LADDER, ("compiled",), ("draft",), ("compiled", "draft")])
def test_every_variant_draws_on_a_card(family: str, rung: tuple[str, ...], shot: PairConditions) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for library, kind in (("torchao", "int8"), ("bitsandbytes", "nf4")):
        if kind in rung:
            pytest.importorskip(library)
    painter = tiny_references(load_painter(small(named(family, *rung))))
    take = painter.draw(shot, [1])[0]
    assert take.recipe.device.startswith("cuda")
    assert take.start != take.end
