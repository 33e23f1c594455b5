"""Services on the network, spoken to over real sockets: paid once, patient, silent about the key."""

from __future__ import annotations

import base64
import io
import logging
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import Cancelled, StageError, UnsupportedError
from engine.video.framing import Framing
from engine.video.load import load_renderer, service_of
from engine.video.remote.ledger import FileLedger
from engine.video.remote.patience import Patience
from engine.video.remote.renderer import read_clip
from engine.video.remote.service import Expired, Moderated, Refused
from engine.video.renderers import RENDERERS
from engine.video.upscale import LanczosUpscaler
from tests.engine.video.pairs import decoded, error, scenery, seen
from tests.engine.video.scene import FRAMES, SIZE, VARIABLES, Scene
from tests.engine.video.services import KEY, Answer, Fal, serving, video_file

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


def test_a_clip_is_ordered_waited_for_and_retimed(scene: Scene) -> None:
    frames = decoded(scene.render())
    assert [frame.shape for frame in frames] == [(640, 1280, 3)] * FRAMES
    for frame, seed in ((frames[0], 1), (frames[-1], 2)):  # without the bars, at the film's size
        small = np.asarray(Image.fromarray(frame).resize((256, 128), Image.Resampling.BOX))
        assert error(small, seen(scenery(seed))) < 8
    assert len(scene.service.orders) == 1
    assert scene.service.looks == 2


def test_the_order_carries_both_frames_in_their_places(scene: Scene) -> None:
    scene.render()
    (order,) = scene.service.orders
    if scene.name == "fal-veo-3.1":
        first, last = (order[f"{side}_frame_url"].partition(",")[2] for side in ("first", "last"))
        assert (order["duration"], order["aspect_ratio"], order["generate_audio"]) == ("4s", "16:9", False)
        assert order["prompt"] == "A boat turns."
    else:
        (instance,) = order["instances"]
        first, last = (instance[side]["bytesBase64Encoded"] for side in ("image", "lastFrame"))
        assert (order["parameters"]["durationSeconds"], order["parameters"]["aspectRatio"]) == (4, "16:9")
        assert instance["prompt"] == "A boat turns."
    framing = Framing.of((256, 128), SIZE)
    for sent, seed in ((first, 1), (last, 2)):
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(sent))))
        assert np.array_equal(picture, framing.put(seen(scenery(seed))))


def test_a_service_in_trouble_is_asked_again(scene: Scene) -> None:
    """Too many requests, then trouble of its own, at every phase: and then it works."""
    phases = ["order", "look"] if scene.name == "veo-3.1-vertex" else ["order", "look", "fetch"]
    for phase in phases:  # Vertex AI sends the clip with the operation
        scene.service.script[phase] = [
            Answer(status, {"error": {"code": status, "message": "slow down"}}, {"retry-after": "0"})
            for status in (429, 503 if phase == "order" else 500)
        ]
    scene.made()
    assert all(scene.service.script[phase] == [] for phase in phases)
    assert len(scene.service.orders) == 1


def test_a_service_that_stays_in_trouble_is_given_up_in_one_sentence_and_taken_up_later(scene: Scene) -> None:
    trouble = Answer(503, {"error": {"code": 503, "message": "overloaded"}})
    scene.service.script["look"] = [trouble] * 3
    with pytest.raises(StageError, match=r"is in trouble \(503\): render again later"):
        scene.made()
    scene.made()
    assert len(scene.service.orders) == 1  # what was ordered is picked up


def moderated(scene: Scene) -> Answer:
    match scene.name:
        case "fal-veo-3.1":
            said = {"type": "content_policy_violation", "msg": f"flagged by a checker {KEY}"}
            return Answer(422, {"detail": [{"loc": ["body", "prompt"], **said}]})
        case _:
            filtered = {
                "raiMediaFilteredCount": 1,
                "raiMediaFilteredReasons": [f"flagged by a checker {KEY}"],
            }
            return Answer(200, {"name": "n", "done": True, "response": filtered})


def test_a_moderated_shot_is_one_sentence_and_may_be_ordered_again(scene: Scene) -> None:
    scene.service.script["look"] = [moderated(scene)]
    with pytest.raises(Moderated, match=r"filter refused this shot \(.*flagged by a checker …\): change its"):
        scene.made()
    scene.made()
    assert len(scene.service.orders) == 2


def test_an_expired_operation_is_one_sentence_and_is_ordered_again(scene: Scene) -> None:
    gone = {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}
    scene.service.script["look"] = [Answer(404, {"error": gone})]
    with pytest.raises(
        Expired, match="does not know this clip any more: render it again, which is paid anew"
    ):
        scene.made()
    scene.made()
    assert len(scene.service.orders) == 2


def test_an_operation_that_failed_is_one_sentence(scene: Scene) -> None:
    if scene.name == "fal-veo-3.1":
        ended = Answer(200, {"status": "COMPLETED", "error": "the runner died", "error_type": "internal"})
    else:
        failed = {"code": 13, "message": "the runner died"}
        ended = Answer(200, {"name": "n", "done": True, "error": failed})
    scene.service.script["look"] = [ended]
    with pytest.raises(Refused, match=r"made no clip of this shot \(.*the runner died\)"):
        scene.made()


def test_a_rejected_key_is_named_by_its_variable_and_not_shown(scene: Scene) -> None:
    refused = {"code": 401, "message": f"key {KEY} is not valid", "status": "UNAUTHENTICATED"}
    scene.service.script["order"] = [Answer(401, {"error": refused})]
    with pytest.raises(StageError, match=r"did not accept .*key … is not valid") as caught:
        scene.made()
    assert KEY not in str(caught.value)


def test_no_network_is_one_sentence(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES[scene.name][0], "http://127.0.0.1:9")
    with pytest.raises(StageError, match="cannot be reached: check the network"):
        scene.made()


def test_the_same_shot_again_is_fetched_and_another_seed_is_ordered(scene: Scene) -> None:
    scene.made()
    scene.made()
    assert len(scene.service.orders) == 1
    scene.made(seed=1)
    assert len(scene.service.orders) == 2


def test_stopping_leaves_the_order_to_be_picked_up(scene: Scene) -> None:
    scene.service.looks_until_done = 10**6
    slow = Patience(poll=30.0)
    with pytest.raises(Cancelled, match="is picked up when it is rendered again"):
        scene.made(scene.renderer(slow), cancelled=scene.service.looked.is_set)
    scene.service.looks_until_done = 0
    scene.made()
    assert len(scene.service.orders) == 1


def test_a_service_that_takes_too_long_is_left_to_later(scene: Scene) -> None:
    scene.service.looks_until_done = 10**6
    hasty = Patience(tries=1, poll=0.01, whole=0.1)
    with pytest.raises(StageError, match="has not finished this shot yet: render it again later"):
        scene.made(scene.renderer(hasty))
    scene.service.looks_until_done = 0
    scene.made()
    assert len(scene.service.orders) == 1


def test_the_key_is_in_no_log_and_in_no_file(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scene.service.script["look"] = [Answer(500, {"error": {"code": 500, "message": KEY}})]
    scene.render()
    assert scene.service.keys  # it did go out to the service
    assert all(key is not None and KEY in key for key in scene.service.keys)
    assert KEY not in caplog.text
    assert [
        path for path in scene.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ] == []


_ORDER = """
import sys
from dataclasses import replace
from pathlib import Path
from engine.story import FrameRate, Movement
from engine.video.load import service_of
from engine.video.remote.ledger import FileLedger
from engine.video.remote.patience import Patience
from engine.video.remote.renderer import RemoteRenderer
from engine.video.renderers import RENDERERS, Sizes
name, folder = sys.argv[1], Path(sys.argv[2])
spec = replace(RENDERERS[name], sizes=Sizes(fixed=((320, 180),)))
renderer = RemoteRenderer(
    spec, service_of(spec), FileLedger(folder / "operations.json"), patience=Patience(poll=60.0)
)
renderer.render(
    "A boat turns.", folder / "1.png", folder / "2.png", movement=Movement.STATIC, frames=3,
    rate=FrameRate(), out=folder / "clip.mp4",
)
"""


@pytest.mark.parametrize("scene", ["veo-3.1-vertex"], indirect=True)  # fal: by the studio's worker
def test_killed_while_waiting_it_is_resumed_and_paid_once(scene: Scene) -> None:
    process = subprocess.Popen([sys.executable, "-c", _ORDER, scene.name, str(scene.folder)], cwd=ROOT)
    assert scene.service.looked.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(scene.service.orders) == 1
    assert not (scene.folder / "clip.mp4").exists()
    assert len(decoded(scene.render())) == FRAMES
    assert len(scene.service.orders) == 1


@pytest.mark.parametrize("scene", ["fal-veo-3.1"], indirect=True)
def test_the_key_does_not_follow_to_another_host(scene: Scene, films: bytes) -> None:
    """Downloads are sent on to storage, which must not see the key."""
    with serving(Fal(films)) as elsewhere:
        away = Answer(302, {}, {"location": f"{elsewhere.url}/files/clip.mp4"})
        scene.service.script["fetch"] = [away]
        scene.made()
        assert elsewhere.fetches == 1
        assert elsewhere.fetch_keys == [None]


@pytest.mark.parametrize("scene", ["fal-veo-3.1"], indirect=True)
def test_an_answer_of_another_aspect_is_refused(scene: Scene, tmp_path: Path) -> None:
    square = video_file(tmp_path, seen(scenery(1)), seen(scenery(2)), size=(360, 360))
    scene.service.video = square
    with pytest.raises(StageError, match="a clip of 360x360 where 320x180 was asked for"):
        scene.render()


def test_a_video_of_one_frame_is_none(tmp_path: Path) -> None:
    (tmp_path / "one.mp4").write_bytes(video_file(tmp_path, seen(scenery(1)), seen(scenery(2)), frames=1))
    with pytest.raises(ValueError, match="fewer than two frames"):
        read_clip(tmp_path / "one.mp4")


def test_a_ledger_that_cannot_be_read_orders_nothing(tmp_path: Path) -> None:
    path = tmp_path / "operations.json"
    path.write_text("{ torn")
    with pytest.raises(StageError, match="cannot be read"):
        FileLedger(path).find("a request", 0)


def test_a_renderer_without_its_key_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAL_KEY", raising=False)
    with pytest.raises(UnsupportedError, match="needs a key: set FAL_KEY"):
        load_renderer(RENDERERS["fal-veo-3.1"], LanczosUpscaler(), FileLedger(tmp_path / "operations.json"))


def test_a_key_that_no_key_can_be_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "sk-very\nsecret…")
    with pytest.raises(UnsupportedError, match="FAL_KEY holds characters that no key has") as caught:
        service_of(RENDERERS["fal-veo-3.1"])
    assert "secret" not in str(caught.value)
