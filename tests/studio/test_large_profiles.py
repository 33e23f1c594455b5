"""A large profile in the studio from the order to the clip: the real loader in the real drawing process, on
tiny random weights in the hub's own layouts. Only the machine's size is told. The other profiles, without a
process: tests/engine/test_every_profile.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.fitting import Machine
from engine.profiles import ADAPTER_VARIABLE, MODELS_VARIABLE
from studio.service import machine
from studio.service.studio import Studio
from studio.service.views import JobState
from tests.studio.helpers import ME, new_film, shots_of, wait_for_jobs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures and latent cells are as large as the real ones."""
    # here, because nothing else in this folder needs torch, and `make check` need not wait for it
    from tests.engine.step2.large_models import make_models
    from tests.engine.step2.tiny import tiny_vae

    root = make_models(tmp_path_factory.mktemp("models"))
    tiny_vae(halvings=3).save_pretrained(root / "Qwen" / "Qwen-Image-Edit-2509" / "vae")
    return root


PROFILE = "qwen-image-edit+8step+half"


def test_a_shot_by_a_large_profile(home: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(models))
    monkeypatch.setenv(ADAPTER_VARIABLE, str(models / "mine"))
    machine._looked.cache_clear()
    monkeypatch.setattr(machine, "look_at_machine", lambda: Machine(64, 80, 200, "a card"))
    with Studio(home) as studio:
        studio.start_worker()
        project, ids = new_film(studio, 1)
        studio.edit_shot(ME, ids[0], length=9)
        studio.edit_project(ME, project, profile=PROFILE)
        studio.draw(ME, ids, seed=3, steps=1)
        jobs = wait_for_jobs(studio, project, 500)
        assert [(job.state, job.error) for job in jobs] == [(JobState.DONE, "")]
        take = studio.takes(ME, ids[0])[0]
        assert (take.lineage.profile, take.lineage.steps) == (PROFILE, 1)
        head = studio.project(ME, project).head
        frame = Image.open(studio.home.frame(take.start_sha256))
        assert frame.size == (head.width, head.height) == (take.lineage.width, take.lineage.height)
        assert frame.width * frame.height > 700_000
        assert frame.size[0] % 16 == frame.size[1] % 16 == 0

        studio.edit_project(ME, project, renderer="dissolve")
        studio.render(ME, ids)
        jobs = wait_for_jobs(studio, project, 300)
        assert [(job.state, job.error) for job in jobs] == [(JobState.DONE, "")] * 2
        assert shots_of(studio, project)[0].clips == 1
    machine._looked.cache_clear()
