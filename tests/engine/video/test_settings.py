"""What the machine decides about Wan, and what its user does."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from engine.video.renderers import RENDERERS
from engine.video.settings import Offload, VideoSettings, VideoSize, choose_offload


def test_a_card_holds_all_or_one_model_or_a_few_layers() -> None:
    giga = 1024**3
    parts = {"transformer": 28 * giga, "transformer_2": 28 * giga, "text_encoder": 11 * giga}
    assert choose_offload(parts, None) is Offload.NONE
    assert choose_offload(parts, 80 * giga) is Offload.NONE
    assert choose_offload(parts, 48 * giga) is Offload.MODEL
    assert choose_offload(parts, 24 * giga) is Offload.GROUP


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE_OFFLOAD", "Group")
    monkeypatch.setenv("STAGE_VIDEO_SIZE", "480p")
    settings = VideoSettings.from_environment()
    assert settings == VideoSettings(Offload.GROUP, VideoSize.P480)
    sizes = settings.sizes(RENDERERS["wan2.2-i2v-a14b"])
    assert sizes is not None
    assert sizes.fitting(1664, 928) == (832, 464)
    monkeypatch.setenv("STAGE_VIDEO_SIZE", "huge")
    with pytest.raises(BadInput, match='STAGE_VIDEO_SIZE is "huge": set it to one of 480p, 720p'):
        VideoSettings.from_environment()
