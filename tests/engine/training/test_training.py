"""The trainer: each stage learns, resumes where it was, and the parts make a checkpoint that draws."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from engine.errors import BadInput
from engine.profiles import get_profile
from engine.step2.latents import encode_frames, to_pixels
from engine.step2.pipeline import Step2Pipeline
from engine.step2.single_frame import single_frame
from engine.training import export
from engine.training.adapters import ADAPTER, WEIGHTS
from engine.training.budget import Budget
from engine.training.curve import draw_curve
from engine.training.data_parallel import Team
from engine.training.export import Parts
from engine.training.latents import GRID, Films, encode_shard, encoder_of
from engine.training.mini_training import MiniTraining, Stage, train_mini
from engine.training.muon import Muon, muon_and_adam, orthogonalise
from engine.training.paraphrase import FILLERS, GARMENTS, NAMES, TAILS, THINGS, VERBS, paraphrase
from engine.training.train_loop import StageOptions, Trainee, train
from engine.training.transformer import SlotConditionedModel, draw_sigma, flow_error, held_out_error
from engine.training.vae import VaeOptions, decode, moments, new_vae, psnr, train_vae, train_vae_in_team
from engine.training.weights_file import Progress, check_start, load_or_begin, load_weights, save_weights
from engine.training.words import corpus, ranking_tokenizer, understanding_tokenizer
from engine.world.annotate import LENGTH, NULL_IDS, UNTOLD, slot_ids, slots
from engine.world.render import render
from engine.world.story import new_shots, new_story

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    folder = tmp_path_factory.mktemp("films")
    torch.manual_seed(0)
    vae = new_vae().eval()
    encode_shard(vae, folder, 0, 4)
    return Films(folder, encoder_of(vae))


def test_orthogonalise_evens_the_singular_values() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(40, 24), steps=5))
    assert values.min() > 0.5
    assert values.max() < 1.5


def test_muon_trains_only_the_last_temporal_tap() -> None:
    w = torch.nn.Parameter(torch.zeros(4, 4, 3, 3, 3))
    w.grad = torch.randn_like(w)
    Muon([w], lr=0.1).step()
    assert w[:, :, :2].abs().max() == 0
    assert w[:, :, -1].abs().max() > 0


def test_budget_warms_up_holds_and_decays() -> None:
    budget = Budget(minutes=1.0, decay=0.5, warmup=4)
    assert [budget.factor() for _ in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    budget.begun -= 45
    assert not budget.spent
    assert budget.factor() == pytest.approx(0.5, abs=0.01)
    budget.begun -= 30
    assert budget.spent
    assert budget.factor() == pytest.approx(0.01)


def test_weights_and_progress_come_back(tmp_path: Path) -> None:
    a, b = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    save_weights(tmp_path / "w.safetensors", {"a": a}, Progress(samples=7))
    assert load_weights(tmp_path / "w.safetensors", {"a": b}).samples == 7
    assert torch.equal(a.weight, b.weight)
    assert not list(tmp_path.glob("*.part"))


def test_the_vae_learns_fast_from_its_own_initialisation() -> None:
    """The stock initialisation starts near nothing; ours lets gradients through from the first step."""
    torch.manual_seed(0)
    vae = new_vae()
    story = new_story(3)
    frames = np.stack([render(story, shot, 0.0) for shot in new_shots(story, 2)])
    x = to_pixels(frames)[:, :, :64, :64]
    before = psnr(vae, frames[:, :64, :64])
    kernels = [p for p in vae.parameters() if p.ndim == 5 and min(p.shape[:2]) > 3]
    solver, adam = (
        Muon(kernels, lr=3e-3),
        torch.optim.AdamW([p for p in vae.parameters() if p.ndim < 5], lr=3e-3),
    )
    for _ in range(25):
        loss = (decode(vae, moments(vae, x)[0]) - x).abs().mean()
        vae.zero_grad()
        loss.backward()
        solver.step()
        adam.step()
    assert psnr(vae, frames[:, :64, :64]) > before + 4


def test_training_moments_are_what_the_pipeline_encodes() -> None:
    vae = new_vae().eval()
    x = to_pixels(np.stack([render(new_story(1), new_shots(new_story(1))[0], 0.0)]))
    with torch.no_grad(), single_frame(vae):
        assert torch.allclose(moments(vae, x)[0], encode_frames(vae, x), atol=1e-5)


def test_films_give_pairs_memory_and_what_is_told(films: Films) -> None:
    x, memory, ids, weight = films.batch(random.Random(0), 16)
    assert x.shape == (16, 2, 16, *GRID)
    assert memory.shape == (16, 16, *GRID)
    assert ids.shape == (16, LENGTH)
    assert weight.unique().tolist() == [1.0, 2.0]
    assert films.memory(0, 0).abs().max() == 0  # the first shot has no history


def test_a_shard_is_made_anew_when_the_encoder_changed_but_not_when_only_the_decoder_did(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    vae = new_vae().eval()
    path = encode_shard(vae, tmp_path, 0, 1)
    made = path.stat().st_mtime_ns
    vae.decoder.conv_in.bias.data += 1.0
    encode_shard(vae, tmp_path, 0, 1)
    assert path.stat().st_mtime_ns == made
    vae.encoder.conv_in.bias.data += 1.0
    encode_shard(vae, tmp_path, 0, 1)
    assert path.stat().st_mtime_ns != made


def test_shards_of_another_encoder_are_refused(films: Films, tmp_path: Path) -> None:
    """More films were encoded before the VAE was trained on: the rest would be noise among the others."""
    torch.manual_seed(1)
    vae = new_vae().eval()
    encode_shard(vae, tmp_path, 0, 1)
    assert Films(tmp_path, encoder_of(vae)).seeds == [0]
    with pytest.raises(BadInput, match=r"latents-000000\.safetensors was made by other weights"):
        Films(tmp_path, films.encoder)


def test_statistics_are_measured_again_when_the_encoder_was_trained_on(
    tmp_path: Path, monkeypatch: Any
) -> None:
    measured: list[int] = []

    def measure(vae: Any) -> tuple[list[float], list[float]]:
        measured.append(1)
        return [float(len(measured))] * 16, [1.0] * 16

    monkeypatch.setattr(export, "latent_statistics", measure)
    parts, vae = Parts(tmp_path), new_vae()
    means = []
    for part in (None, vae.decoder, vae.encoder):
        if part is not None:
            part.conv_in.bias.data += 1.0
        save_weights(parts.vae, {"vae": vae}, Progress())
        means.append(export.build_vae(parts).config.latents_mean[0])
    assert means == [1.0, 1.0, 2.0]


def test_a_start_that_would_be_ignored_is_refused(tmp_path: Path) -> None:
    start, other = tmp_path / "start.safetensors", tmp_path / "other.safetensors"
    for path in (start, other):
        save_weights(path, {"a": torch.nn.Linear(2, 2)}, Progress(samples=3))
    path, module = tmp_path / "run" / "w.safetensors", torch.nn.Linear(2, 2)
    check_start(path, start)
    progress = load_or_begin(path, {"a": module}, start)
    assert progress.samples == 3
    save_weights(path, {"a": module}, progress)
    check_start(path, start)  # the same again goes on
    check_start(path, None)
    with pytest.raises(BadInput, match="leave out --start"):
        check_start(path, other)
    with pytest.raises(BadInput, match="nothing at"):
        check_start(path, tmp_path / "no.safetensors")
    with pytest.raises(BadInput, match="leave out --start"):
        train_vae(path.parent, VaeOptions(minutes=0), _vae_file(path.parent))


def _vae_file(run: Path) -> Path:
    """Weights to begin a VAE from, beside a run that has one from nothing."""
    save_weights(run / "vae.safetensors", {"vae": new_vae()}, Progress())
    save_weights(run.parent / "vae.safetensors", {"vae": new_vae()}, Progress())
    return run.parent / "vae.safetensors"


def test_a_report_is_the_same_whenever_it_is_made(films: Films) -> None:
    """And the random numbers of training are the same whenever it was."""
    model, reports = SlotConditionedModel(), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        reports.append(held_out_error(model, films, count=6))
        assert torch.equal(torch.get_rng_state(), before)
    assert reports[0] == reports[1]


def test_dropouts_drop(films: Films) -> None:
    _, memory, ids, _ = films.batch(random.Random(0), 24, text_dropout=1.0, memory_dropout=1.0)
    assert ids.tolist() == [list(NULL_IDS)] * 24
    assert memory.abs().max() == 0


def test_flow_error_is_zero_for_the_true_velocity() -> None:
    """A model that returns noise - data (diffusers' sign, v = -(data - noise) of eq. 4) has no error."""
    torch.manual_seed(0)
    x, noise, memory = torch.randn(2, 2, 16, *GRID), torch.randn(2, 2, 16, *GRID), torch.zeros(2, 16, *GRID)
    from engine.step2.latents import pack

    class Truth:
        dtype = torch.float32

        def __call__(self, hidden_states: torch.Tensor, **_: object) -> tuple[torch.Tensor]:
            return (torch.cat([pack(noise - x), hidden_states[:, -32:]], 1),)

    error = flow_error(Truth(), x, memory, torch.zeros(2, 16, 128), torch.tensor([0.3, 0.8]), noise)  # type: ignore[arg-type]
    assert error.abs().max() < 1e-6


def test_the_transformer_learns(films: Films) -> None:
    torch.manual_seed(0)
    model = SlotConditionedModel()
    solvers = muon_and_adam(model, 2e-3, lambda name, p: p.ndim == 2 and "transformer_blocks" in name)
    x, memory, ids, _ = films.batch(random.Random(1), 6)
    noise, sigma = torch.randn_like(x), draw_sigma(6)
    losses = []
    for _ in range(8):
        loss = model.error(x, memory, ids, sigma, noise).square().mean()
        model.zero_grad()
        loss.backward()
        for solver in solvers:
            solver.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("bf16", [False, True])
def test_layers_compute_in_bfloat16_where_asked_and_weights_and_losses_never(
    bf16: bool, tmp_path: Path
) -> None:
    layer, seen = torch.nn.Linear(4, 1), set[tuple[torch.dtype, torch.dtype]]()

    def loss(_: float) -> Tensor:
        off = layer(torch.ones(2, 4)) - torch.zeros(2, 1)
        seen.add((layer(torch.ones(2, 4)).dtype, off.square().mean().dtype))
        return off.square().mean()

    solvers = [torch.optim.SGD(layer.parameters(), lr=0.1)]
    weights = list(layer.parameters())
    trainee = Trainee(tmp_path / "w.safetensors", weights, solvers, loss, dict, lambda _: None)
    train(trainee, StageOptions(minutes=0.001, bf16=bf16), Progress())
    assert seen == {(torch.bfloat16 if bf16 else torch.float32, torch.float32)}
    assert {w.dtype for w in weights} == {torch.float32}


def test_paraphrases_tell_no_more_than_their_words() -> None:
    r = random.Random(0)
    for seed in range(300):
        story = new_story(seed)
        shot = r.choice(new_shots(story))
        said = paraphrase(story, shot, set(shot.who) if seed % 2 else set(), r)
        assert said.description.rstrip(".!").lower() in said.prompt.lower()
        exact = slots(story, shot)
        assert all(t in (UNTOLD, e) for t, e in zip(said.told, exact, strict=True))
        slot_ids(said.told)
        looks = [said.told[9:12], said.told[13:16]]  # coat, hair and hat of the first and the second person
        untold = {index for index, look in zip(shot.who, looks, strict=False) if look == [UNTOLD] * 3}
        assert said.look_dropout == untold, said.prompt


def test_free_words_are_words_of_people() -> None:
    """A rename of code once reached into the lists, and "remembers" became the name of a variable."""
    for said in (*NAMES, *FILLERS, *THINGS, *VERBS, *TAILS, *GARMENTS):
        assert re.fullmatch(r"[A-Za-z' -]+", said), said
    assert not any("_" in line for line in corpus(500))


def test_tokenizers_read_any_text_and_clip_ends_in_its_largest_id() -> None:
    reading, ranking = understanding_tokenizer(), ranking_tokenizer()
    text = "Ünïcödé 東京 🎬 a fisherman"
    assert reading.decode(reading(text)["input_ids"]).strip() == text.lower()
    assert ranking.eos_token_id == len(ranking) - 1
    assert reading("<|context_3|>")["input_ids"] == [reading.convert_tokens_to_ids("<|context_3|>")]


def test_a_stage_without_the_one_before_says_which(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--stage vae"):
        train_mini(Stage.LATENTS, tmp_path, tmp_path / "out")


def test_a_start_that_no_stage_begins_from_is_refused(tmp_path: Path) -> None:
    for stage in (None, Stage.DPO, Stage.CLIP):
        with pytest.raises(BadInput, match="vae, pretrain, context and sft"):
            train_mini(stage, tmp_path, tmp_path / "out", start=tmp_path)


def test_polishing_leaves_the_encoder_as_it_is(tmp_path: Path) -> None:
    start = tmp_path / "start.safetensors"
    save_weights(start, {"vae": new_vae()}, Progress())
    options = VaeOptions(minutes=0.04, batch=2, polish=1.0, pool=2)
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    try:  # a team gives what has no gradient one of zero, which weight decay follows
        train_vae_in_team(tmp_path, options, start, Team(0, 2))
    finally:
        dist.destroy_process_group()
    before, after = (load_file(path) for path in (start, tmp_path / "vae.safetensors"))
    encoder = [name for name in before if name.startswith(("vae.encoder", "vae.quant_conv"))]
    assert all(torch.equal(before[name], after[name]) for name in encoder)
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_all_stages_from_nothing_resume_and_make_a_checkpoint(tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "step2"
    for stage in Stage:
        if stage is Stage.FACTS:  # the slots of `pretrain` do not hold everything
            with pytest.raises(BadInput, match="--stage facts"):
                train_mini(Stage.CONTEXT, run, out, minutes=0.03, films=2, threads=1, pool=2)
        train_mini(stage, run, out, minutes=0.03, films=2, threads=1, pool=2)
    for name in (
        "vae",
        "ranker",
        "drawing",
        "sight",
        "context",
        "sft",
        "selfplay",
        "upscaler",
        "dpo/pytorch_lora_weights",
    ):
        assert (run / f"{name}.jsonl").exists(), name
        assert (run / f"{name}.png").exists(), name
    for name in ("vae", "drawing", "sft", "selfplay", "dpo/pytorch_lora_weights"):
        assert (run / f"{name}.sheet.png").exists(), name
    record = json.loads((out / "training.json").read_text())
    assert {
        name: record[name]["films"] for name in ("transformer", "text_encoder", "sight", "dpo", "vae")
    } == {
        "transformer": 2,
        "text_encoder": 2,
        "sight": 2,
        "dpo": 2,
        "vae": 0,
    }
    samples = load_weights(Parts(run).vae, {}).samples
    train_mini(Stage.VAE, run, out, minutes=0.02, threads=1, pool=2)
    assert load_weights(Parts(run).vae, {}).samples > samples
    pipe = Step2Pipeline.from_pretrained(out)
    assert pipe.card.pairs
    assert pipe.card.width == 256
    assert all(path.stat().st_size < 10 * 2**20 for path in out.rglob("*") if path.is_file())
    assert math.isfinite(float(pipe.vae.config.latents_std[0]))
    # it draws with and without its adapter
    assert (out / ADAPTER / WEIGHTS).exists()
    aligned = Step2Pipeline.from_pretrained(out, dtype=torch.float32)
    plain = Step2Pipeline.from_pretrained(out, adapters=False, dtype=torch.float32)
    a, b = (dict(p.transformer.named_parameters()) for p in (aligned, plain))
    assert a.keys() == b.keys()
    assert any(not torch.equal(a[key], b[key]) for key in a)
    assert aligned.card.adapters == ()  # its weights have them already


def test_the_shipped_checkpoint_says_how_it_was_trained() -> None:
    checkpoint = Path(get_profile("mini").checkpoint)
    assert (checkpoint / "training.json").exists()
    assert sum(p.stat().st_size for p in checkpoint.rglob("*") if p.is_file()) < 50 * 2**20


def test_the_curve_draws_every_figure_of_a_journal(tmp_path: Path) -> None:
    journal = tmp_path / "stage.jsonl"
    journal.write_text('{"samples": 10, "loss": 2.0}\n{"samples": 20, "loss": 1.0, "held-out": 3.0}\n')
    one = Image.open(draw_curve(journal, tmp_path / "a.png")).convert("RGB")
    journal.write_text(journal.read_text() + '{"samples": 30, "loss": 0.1, "held-out": 2.0}\n')
    two = Image.open(draw_curve(journal, tmp_path / "b.png")).convert("RGB")
    assert one.size == two.size
    assert one.tobytes() != two.tobytes()


def test_a_learning_rate_that_is_asked_for_is_the_stages(tmp_path: Path) -> None:
    own = MiniTraining(tmp_path, tmp_path).flow_options(Stage.SFT)
    gentle = MiniTraining(tmp_path, tmp_path, lr=3e-4).flow_options(Stage.SFT)
    assert gentle == replace(own, lr=3e-4)
    assert own.lr != 3e-4
    with pytest.raises(BadInput, match="leave out --lr"):
        train_mini(None, tmp_path, tmp_path / "out", lr=3e-4)
