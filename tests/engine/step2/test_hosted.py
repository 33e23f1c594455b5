"""The hosted editor over real HTTP, against a small server that speaks the protocol."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
from PIL import Image

from engine.errors import BadInput, Cancelled, StageError, UnsupportedError
from engine.profiles import KEY_VARIABLES, MODELS_VARIABLE, get_profile
from engine.step2.conditions import PairConditions
from engine.step2.hosted import BASE_VARIABLE, MODEL_VARIABLE, TRIES, HostedEditor, Service, size_for
from engine.step2.painter import load_painter
from engine.step2.zero_shot import ZeroShotPainter
from tests.engine.step2.image_service import ImageService, image_service
from tests.engine.step2.tiny import bank, tiny_ranker

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ImageService]:
    with image_service() as running:
        monkeypatch.setenv(KEY_VARIABLES[0], KEY)
        monkeypatch.setenv(BASE_VARIABLE, running.url)
        monkeypatch.setenv(MODEL_VARIABLE, "painter-1")
        monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
        tiny_ranker().save_pretrained(tmp_path / "ranker")
        yield running


@pytest.fixture
def painter(service: ImageService) -> ZeroShotPainter:
    made = load_painter(get_profile("hosted-edit"))
    assert isinstance(made, ZeroShotPainter)
    return made


def editor(timeout: float = 5.0, waits: list[float] | None = None) -> HostedEditor:
    """An editor that notes its waits and does not wait."""
    noted = waits if waits is not None else []
    return HostedEditor(
        Service.from_environment(),
        get_profile("hosted-edit"),
        timeout=httpx.Timeout(timeout),
        pause=noted.append,
    )


def draw(one: HostedEditor, prompt: str = "A harbour.") -> tuple[int, ...]:
    frame = one.edit(prompt, [], 1, steps=2, guidance=1.0, on_step=lambda _: None, cancelled=lambda: False)
    return frame.shape


def test_a_pair_is_two_requests(painter: ZeroShotPainter, service: ImageService, tmp_path: Path) -> None:
    memory = bank(tmp_path, 5)
    steps: list[tuple[int, int]] = []
    shot = PairConditions("A man walks.", "A man walks.", memory[3].frame, memory)
    (take,) = painter.draw(shot, [3], on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    start, end = service.asked
    assert (start.path, end.path) == ("/v1/images/edits", "/v1/images/edits")
    assert start.authorization == f"Bearer {KEY}"
    assert start.fields["model"] == "painter-1"
    assert start.fields["size"] == "1536x1024"
    assert "A man walks." in start.fields["prompt"]
    assert [name for name, _ in start.pictures] == ["image[]"] * 3
    ((name, picture),) = end.pictures
    assert (name, picture.size) == ("image[]", (1536, 864))
    assert picture.getpixel((5, 5)) == (40, 90, 30), "the end is an edit of the start that came back"
    for data, red in ((take.start, 40), (take.end, 80)):
        image = Image.open(io.BytesIO(data))
        assert (image.size, image.getpixel((5, 5))) == ((1536, 864), (red, 90, 30))
    assert take.recipe.weights == "painter-1 at 127.0.0.1"
    assert [p.similarity is not None for p in take.memory] == [True] * 3
    assert KEY not in str(asdict(take.recipe))


def test_the_first_shot_is_drawn_from_words_alone(painter: ZeroShotPainter, service: ImageService) -> None:
    painter.draw(PairConditions("A forest.", "A forest."), [1])
    assert [a.path for a in service.asked] == ["/v1/images/generations", "/v1/images/edits"]
    assert service.asked[0].fields["n"] == 1


@pytest.mark.parametrize("what", [409, 429, 503])
def test_what_passes_by_itself_is_tried_again(service: ImageService, what: int) -> None:
    waits: list[float] = []
    for _ in range(2):
        service.next(what, {"message": "later", "code": "rate_limit_exceeded"})
    assert draw(editor(waits=waits)) == (864, 1536, 3)
    assert len(service.asked) == 3
    assert 1.0 + 2.0 <= sum(waits) < 5.0, "each wait is longer than the one before"


def test_retry_after_is_heard(service: ImageService) -> None:
    waits: list[float] = []
    service.next(429, {"message": "slow down"}, retry_after="9")
    draw(editor(waits=waits))
    assert 9.0 <= sum(waits) < 9.6


def test_a_longer_wait_than_anybody_has_is_told(service: ImageService) -> None:
    waits: list[float] = []
    service.next(429, {"message": "slow down"}, retry_after="180")
    with pytest.raises(StageError, match="try again in 3 minutes"):
        draw(editor(waits=waits))
    assert not waits


def test_a_wait_is_asked_for_in_either_form_or_in_none(service: ImageService) -> None:
    """A date was taken for no wait at all, and a digit that is no number ended the drawing."""
    in_three_minutes = formatdate(time.time() + 175, usegmt=True)
    service.next(429, {"message": "slow down"}, retry_after=in_three_minutes)
    with pytest.raises(StageError, match="try again in 3 minutes"):
        draw(editor())
    service.next(429, {"message": "slow down"}, retry_after="\u00b2")
    assert draw(editor()) == (864, 1536, 3)


@pytest.mark.parametrize("what", ["slow", "gone", 408, 500, 502, 504, 520])
def test_an_order_that_may_have_been_taken_is_not_paid_twice(service: ImageService, what: str | int) -> None:
    service.next(what)
    how = f"answered {what}" if isinstance(what, int) else "broke off"
    with pytest.raises(
        StageError, match=rf"^painter-1 at 127\.0\.0\.1 {how} .* taken and paid: look into your account"
    ):
        draw(editor(timeout=0.3))
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("status", "error", "kind", "sentence"),
    [
        (400, {"code": "moderation_blocked", "message": "rejected"}, BadInput, "by its content rules"),
        (400, {"type": "image_generation_user_error", "message": "safety system"}, BadInput, "content rules"),
        (429, {"code": "insufficient_quota", "message": "pay"}, UnsupportedError, "no credit left"),
        (401, {"code": "invalid_api_key", "message": f"Wrong key {KEY}"}, UnsupportedError, "accept the key"),
        (404, {"message": "no such model"}, UnsupportedError, "is not there"),
        (400, {"message": f"bad size for {KEY}."}, BadInput, r"did not take the request \(bad size for …\)"),
        (413, {}, BadInput, "status 413"),
    ],
)
def test_what_no_second_try_betters_is_one_sentence(
    service: ImageService, status: int, error: dict[str, str], kind: type[StageError], sentence: str
) -> None:
    service.next(status, error)
    with pytest.raises(kind, match=sentence) as told:
        draw(editor())
    assert len(service.asked) == 1
    assert KEY not in str(told.value)
    assert str(told.value).count(". ") == 0
    assert str(told.value).endswith(".")


def test_a_service_that_stays_in_trouble_is_one_sentence(service: ImageService) -> None:
    for _ in range(TRIES):
        service.next(503)
    with pytest.raises(StageError, match="drew nothing, it has trouble of its own: try again later"):
        draw(editor())
    assert len(service.asked) == TRIES
    service.next("rubbish")
    with pytest.raises(StageError, match="sent no picture that can be read"):
        draw(editor())


def test_nobody_there_is_one_sentence(service: ImageService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_VARIABLE, "http://127.0.0.1:9/v1")
    with pytest.raises(StageError, match="it cannot be reached"):
        draw(editor())


def test_a_cancel_is_heard_while_it_waits(service: ImageService) -> None:
    service.next(429, {}, retry_after="50")
    waits: list[float] = []
    one = editor(waits=waits)
    with pytest.raises(Cancelled):
        one.edit("A.", [], 1, steps=2, guidance=1.0, on_step=lambda _: None, cancelled=lambda: len(waits) > 3)
    assert len(waits) == 4
    assert len(service.asked) == 1


def test_the_key_is_in_the_environment_and_nowhere_else(
    service: ImageService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    one = editor()
    draw(one)
    assert service.asked[0].authorization == f"Bearer {KEY}"
    assert KEY not in caplog.text
    assert KEY not in repr(one.service)
    assert KEY not in repr(get_profile("hosted-edit"))
    for name in KEY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UnsupportedError, match="needs the key of an image service: set STAGE_IMAGE_API_KEY"):
        load_painter(get_profile("hosted-edit"))


def test_a_key_is_never_sent_in_the_open(service: ImageService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_VARIABLE, "http://images.example/v1")
    with pytest.raises(BadInput, match="must be an https address"):
        Service.from_environment()


def test_a_key_loses_the_line_break_of_its_file(
    service: ImageService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was refused as a header, as an order that may have been paid, with the key in the error's cause."""
    monkeypatch.setenv(KEY_VARIABLES[0], f" {KEY}\n")
    draw(editor())
    assert service.asked[0].authorization == f"Bearer {KEY}"


@pytest.mark.parametrize("key", [f"“{KEY}”", f"{KEY}\n{KEY}"])
def test_a_key_that_is_none_is_one_sentence_without_it(
    service: ImageService, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(KEY_VARIABLES[0], key)
    with pytest.raises(UnsupportedError, match=f"{KEY_VARIABLES[0]} holds characters that no key") as found:
        editor()
    assert KEY not in str(found.value)
    assert found.value.__cause__ is None
    assert service.asked == []


def test_the_key_of_openai_is_for_openai_alone(
    service: ImageService, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, openai = KEY_VARIABLES
    monkeypatch.delenv(own)
    monkeypatch.setenv(openai, KEY)
    with pytest.raises(UnsupportedError, match=f"set {own}"):
        Service.from_environment()  # another server is named
    assert own in get_profile("hosted-edit").refusal
    for url in ("", "https://api.openai.com/v1", "https://api.openai.com/v1/"):
        monkeypatch.setenv(BASE_VARIABLE, url)
        assert Service.from_environment().key == KEY
        assert get_profile("hosted-edit").refusal == ""
    monkeypatch.setenv(BASE_VARIABLE, "https://api.openai.com.example/v1")
    with pytest.raises(UnsupportedError, match=f"set {own}"):
        Service.from_environment()


def test_the_nearest_size_is_asked_for_and_cropped(service: ImageService) -> None:
    assert [size_for(*s) for s in ((1536, 864), (1024, 1024), (928, 1664))] == [
        "1536x1024",
        "1024x1024",
        "1024x1536",
    ]
    tall = HostedEditor(
        Service.from_environment(), replace(get_profile("hosted-edit"), width=864, height=1536)
    )
    assert draw(tall) == (1536, 864, 3)
    assert service.asked[0].fields["size"] == "1024x1536"
