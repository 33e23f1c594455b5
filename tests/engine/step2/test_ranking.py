"""The CLIP ranker: unit features, text cut at its context, a folder that loads back, OpenAI's conventions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from engine.step2.ranking import FrameRanker, cosines
from tests.engine.step2.tiny import picture, tiny_ranker


@pytest.fixture(scope="module")
def ranker() -> FrameRanker:
    return tiny_ranker()


def test_features_are_unit_length_and_scores_are_cosines(ranker: FrameRanker) -> None:
    frames = ranker.frame_features(np.stack([picture(1), picture(2)]))
    text = ranker.text_features(["a man in a forest"])
    assert frames.shape == (2, 16)
    assert torch.allclose(frames.norm(dim=-1), torch.ones(2), atol=1e-5)
    expected = torch.nn.functional.cosine_similarity(frames, text)
    assert cosines(frames, text) == pytest.approx(expected.tolist(), abs=1e-6)
    assert len(set(cosines(frames, text))) == 2


def test_text_is_cut_at_the_context_length_and_keeps_its_end_token(ranker: FrameRanker) -> None:
    ids = ranker.tokens(["ab", "x" * 500])
    assert ids.shape == (2, 24)
    start, end = ranker.tokenizer.bos_token_id, ranker.tokenizer.eos_token_id
    assert ids[0, [0, 3]].tolist() == [start, end]
    assert ids[0, 4:].abs().sum() == 0
    assert ids[1, [0, -1]].tolist() == [start, end]
    cut = ranker.text_features(["x" * 22, "x" * 500, "y" * 22])
    assert torch.equal(cut[0], cut[1])
    assert not torch.allclose(cut[0], cut[2], atol=1e-4)


def test_a_folder_loads_back_with_its_tokenizer(ranker: FrameRanker, tmp_path: Path) -> None:
    ranker.save_pretrained(tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    assert {"config.json", "diffusion_pytorch_model.safetensors", "tokenizer.json"} <= names
    again = FrameRanker.from_pretrained(tmp_path).eval()
    frames = picture(3)[None]
    assert torch.equal(again.frame_features(frames), ranker.frame_features(frames))
    assert torch.equal(again.text_features(["a castle"]), ranker.text_features(["a castle"]))


def test_openais_profile_means_quickgelu_77_tokens_and_its_own_bpe() -> None:
    config = open_clip.get_model_config("ViT-L-14-quickgelu")
    assert config["quick_gelu"] is True
    small = FrameRanker(
        16,
        {"layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "image_size": 32},
        {**config["text_cfg"], "width": 32, "heads": 2, "layers": 1},
        quick_gelu=True,
    )
    ids = small.tokens(["a man " * 100])
    assert ids.shape == (1, 77)
    assert ids[0, -1] == 49407, "cut, with its end token"
    assert small.pixels(picture(1)[None]).shape == (1, 3, 32, 32)


def test_short_side_and_centre_crop_are_open_clips_own_transform() -> None:
    from PIL import Image

    small = FrameRanker(
        16,
        {"layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "image_size": 32},
        {"width": 32, "heads": 2, "layers": 1},
    )
    frame = picture(4, width=160, height=90)
    stock = open_clip.image_transform(32, is_train=False)(Image.fromarray(frame))
    assert (small.pixels(frame[None])[0] - stock).abs().mean() < 0.02


def test_wrong_use_is_refused(ranker: FrameRanker) -> None:
    with pytest.raises(ValueError, match="either pixels or tokens"):
        ranker()
    with pytest.raises(ValueError, match="resize must be"):
        FrameRanker(16, {}, {}, resize="stretch")
