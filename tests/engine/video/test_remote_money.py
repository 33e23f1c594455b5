"""Nothing is paid twice: orders without a clear answer, clips that are gone or cannot be read here."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BadInput, Cancelled, StageError
from engine.video.load import check_renderer
from engine.video.remote.http import ServiceHttp
from engine.video.remote.ledger import FileLedger
from engine.video.remote.service import ClipOrder, Expired, Refused
from engine.video.renderers import RENDERERS
from tests.engine.video.scene import VARIABLES, Scene
from tests.engine.video.services import KEY, Answer, Fal, serving

pytestmark = pytest.mark.slow

only_fal = pytest.mark.parametrize("scene", ["fal-veo-3.1"], indirect=True)
only_vertex = pytest.mark.parametrize("scene", ["veo-3.1-vertex"], indirect=True)
LEDGER = "operations.json"


def google_or_fal(status: int, said: str) -> Answer:
    return Answer(status, {"error": {"code": status, "message": said}})


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>a proxy</html>"),
        *(google_or_fal(status, "upstream") for status in (408, 500, 502, 504, 524)),
        Answer(hang_up=True),
    ],
    ids=lambda answer: "hung up" if answer.hang_up else str(answer.status),
)
def test_an_order_without_a_clear_answer_is_not_placed_again(scene: Scene, answer: Answer) -> None:
    """The service took it, and then a gateway stumbled: it was ordered up to seven times."""
    scene.service.script["taken"] = [answer] * 3
    with pytest.raises(StageError, match="may have been taken: look into your account there"):
        scene.made()
    assert len(scene.service.orders) == 1


def test_an_order_that_a_program_died_over_is_told_and_then_placed(scene: Scene) -> None:
    """It was killed, or the power was cut, between the order and its answer."""
    renderer = scene.renderer()
    submit = renderer._service.submit

    def killed(order: ClipOrder) -> str:
        submit(order)
        raise KeyboardInterrupt  # nothing that a program does is done after this

    renderer._service.submit = killed
    with pytest.raises(KeyboardInterrupt):
        scene.made(renderer)
    with pytest.raises(StageError, match="the program ended before the answer came, and it may have been"):
        scene.made(seed=4)
    assert len(scene.service.orders) == 1
    scene.made(seed=4)
    scene.made(seed=4)
    assert len(scene.service.orders) == 2


@only_fal
def test_an_order_that_is_answered_with_another_form_is_not_placed_again(scene: Scene) -> None:
    scene.service.script["taken"] = [Answer(200, ["queued"])] * 3
    with pytest.raises(StageError, match="the answer cannot be read, and it may have been taken"):
        scene.made()
    assert len(scene.service.orders) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_an_order_that_was_turned_away_is_placed_again(scene: Scene, status: int) -> None:
    scene.service.script["order"] = [google_or_fal(status, "later")] * 2
    scene.made()
    assert len(scene.service.orders) == 1


@only_fal
def test_a_longer_wait_than_anybody_has_is_told(scene: Scene) -> None:
    """It was asked six more times, a minute apart, though it had said ten."""
    scene.service.script["order"] = [
        Answer(429, {"detail": "slow down"}, {"retry-after": "600"}),
        Answer(429, {"detail": "slow down"}),
    ]
    with pytest.raises(
        StageError, match=r"takes no more requests now.*render again in 10 minutes, as it asks"
    ):
        scene.made()
    assert len(scene.service.script["order"]) == 1, "asked once"
    assert scene.service.orders == []


@only_vertex
def test_an_empty_answer_is_no_refusal_by_a_filter(scene: Scene) -> None:
    scene.service.script["look"] = [Answer(200, {"name": "n", "done": True, "response": {}})]
    with pytest.raises(Refused, match=r"made no clip of this shot \(it gave no clip and no reason"):
        scene.made()


def test_a_look_that_cannot_be_read_is_taken_again(scene: Scene) -> None:
    scene.service.script["look"] = [Answer(200, b"<html>a proxy</html>")]
    scene.made()
    assert len(scene.service.orders) == 1


def test_a_model_that_the_service_has_no_more_is_one_sentence(scene: Scene) -> None:
    scene.service.script["order"] = [google_or_fal(404, "the model is no longer available")]
    with pytest.raises(StageError, match=r"does not offer this model any more.*choose another renderer"):
        scene.made()


def test_operations_that_expired_since_are_ordered_anew_at_once(scene: Scene) -> None:
    """A film of many shots, made again a week later, was stopped once for each of them."""
    scene.made()
    gone = {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}
    scene.service.script["look"] = [Answer(404, {"error": gone})]
    scene.made()
    assert len(scene.service.orders) == 2
    (entry,) = FileLedger(scene.folder / LEDGER)._read()
    assert entry.operation.endswith("2")


@only_fal
def test_a_file_that_the_service_threw_away_is_expired(scene: Scene) -> None:
    """Google answers 403 for it: that was taken for a wrong key, and the dead operation was kept for ever."""
    said = "You do not have permission to access the File abc or it may not exist."
    scene.service.script["fetch"] = [google_or_fal(403, said)]
    with pytest.raises(Expired, match="does not know this clip any more"):
        scene.made()
    scene.made()
    assert len(scene.service.orders) == 2


@only_fal
def test_a_refused_key_is_not_an_expired_clip(scene: Scene) -> None:
    scene.service.script["fetch"] = [google_or_fal(403, "The key is not valid.")]
    with pytest.raises(StageError, match="did not accept FAL_KEY"):
        scene.made()
    scene.made()
    assert len(scene.service.orders) == 1


@only_fal
@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_storage_refuses_without_a_key_is_expired(scene: Scene, films: bytes, status: int) -> None:
    with serving(Fal(films)) as elsewhere:
        away = Answer(302, {}, {"location": f"{elsewhere.url}/files/clip.mp4"})
        scene.service.script["fetch"] = [away]
        elsewhere.script["fetch"] = [Answer(status, b"<Error><Code>AccessDenied</Code></Error>")]
        with pytest.raises(Expired):
            scene.made()


@pytest.mark.parametrize("status", [302, 400, 405, 412, 418, 422])
def test_a_look_that_says_nothing_of_the_clip_is_no_end_of_what_is_paid(scene: Scene, status: int) -> None:
    """A login page of the network, or a gateway that does not know the way: the clip was ordered again."""
    scene.service.script["look"] = [google_or_fal(status, "not here")] * 3
    with pytest.raises(StageError, match=r"says nothing of this clip \(.*\): render again later; what was"):
        scene.made()
    scene.made()
    assert len(scene.service.orders) == 1


def test_a_look_that_says_nothing_once_is_taken_again(scene: Scene) -> None:
    scene.service.script["look"] = [Answer(400, {"detail": "Request is still in progress"})]
    scene.made()
    assert len(scene.service.orders) == 1


@only_fal
def test_an_operation_ends_with_its_own_form_of_a_422(scene: Scene) -> None:
    said = {"loc": ["body", "first_frame_url"], "type": "file_download_error", "msg": "cannot be read"}
    scene.service.script["look"] = [Answer(422, {"detail": [said]})]
    with pytest.raises(Refused, match=r"made no clip of this shot \(file_download_error cannot be read\)"):
        scene.made()
    scene.made()
    assert len(scene.service.orders) == 2


@only_fal
@pytest.mark.parametrize("status", [400, 405, 412, 422])
def test_a_fetch_that_says_nothing_of_the_clip_is_no_end_of_what_is_paid(scene: Scene, status: int) -> None:
    scene.service.script["fetch"] = [google_or_fal(status, "not here")] * 3
    with pytest.raises(StageError, match=r"says nothing of this clip \(not here\): render again later"):
        scene.made()
    scene.made()
    assert len(scene.service.orders) == 1


@only_fal
@pytest.mark.parametrize("where", ["", "/files/clip.mp4", "http://login.example/hello"])
def test_a_fetch_that_is_sent_astray_is_no_end_of_what_is_paid(scene: Scene, where: str) -> None:
    scene.service.script["fetch"] = [Answer(302, {}, {"location": where} if where else {})] * 5
    with pytest.raises(StageError, match="render the shot again later, which fetches it again and pays noth"):
        scene.made()
    scene.service.script["fetch"] = []
    scene.made()
    assert len(scene.service.orders) == 1


@pytest.mark.parametrize("address", ["http://gateway.example.com", "gateway.example.com/fal", "nonsense"])
def test_no_key_goes_to_an_address_that_is_none_or_open(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """It was sent in the open; and of no address at all it was said that a clip may have been taken there."""
    variable = VARIABLES[scene.name][0]
    monkeypatch.setenv(variable, address)
    with pytest.raises(BadInput, match=f"^{variable} must be an https address"):
        scene.made()
    with pytest.raises(BadInput, match=f"^{variable} must be an https address"):
        check_renderer(RENDERERS[scene.name])
    assert not (scene.folder / LEDGER).exists()


@only_fal
def test_stopping_is_heard_while_a_clip_is_fetched(scene: Scene) -> None:
    """It was fetched to its end first, of up to a gigabyte."""
    whole = scene.service.video
    scene.service.video = whole + bytes(32 * 1024 * 1024)
    fetching: list[bool] = []

    def cancelled() -> bool:
        fetching.append(scene.service.fetches > 0)
        return fetching.count(True) > 3

    with pytest.raises(Cancelled, match="is picked up when it is rendered again"):
        scene.made(cancelled=cancelled)
    assert fetching.count(True) == 4, "between two pieces"
    scene.service.video = whole
    scene.made()
    assert len(scene.service.orders) == 1


@only_fal
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_while_a_clip_is_fetched_is_one_sentence(scene: Scene) -> None:
    http = ServiceHttp("fal", scene.service.url, {}, KEY, "FAL_KEY")
    with pytest.raises(StageError, match=r"^The disk is full: .* was not written; free some space"):
        http.download(f"{scene.service.url}/files/clip.mp4", Path("/dev/full"))


@only_fal
def test_a_broken_download_is_fetched_again(scene: Scene) -> None:
    scene.service.script["fetch"] = [Answer(200, b"this is no video")]
    scene.made()
    assert scene.service.fetches == 2
    assert len(scene.service.orders) == 1


def test_a_clip_that_cannot_be_read_is_not_paid_again(scene: Scene) -> None:
    video, scene.service.video = scene.service.video, b"this is no video"
    with pytest.raises(StageError, match="a clip that cannot be read here"):
        scene.made()
    scene.service.video = video
    scene.made()
    assert len(scene.service.orders) == 1


@pytest.mark.parametrize("program", [None, "#!/bin/sh\nexit 3\n"])
def test_nothing_is_ordered_that_could_not_be_read_here(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, program: str | None
) -> None:
    broken = scene.folder / "ffmpeg"
    if program is not None:
        broken.write_text(program)
        broken.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(broken))
    with pytest.raises(StageError, match="check IMAGEIO_FFMPEG_EXE"):
        scene.made()
    assert scene.service.orders == []
