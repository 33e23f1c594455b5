"""A language model on a server: asked by real sockets, and every trouble with it survived in one sentence."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from pydantic import BaseModel, Field

from engine.agents import Agents, AskedAgain, Heard, Limits, Question, Role, Source, key_state, open_model
from engine.agents.choice import local_target, server_target
from engine.agents.keys import read_key
from engine.errors import BadInput, Cancelled, StageError
from tests.engine.agents.fake_server import (
    Answer,
    BreakOff,
    Fail,
    FakeServer,
    Hang,
    Hold,
    Pieces,
    Refuse,
    Say,
    form_of,
    schema_of,
)

QUICK = Limits(connect=1.0, silence=0.3, answer=2.0)
KEY = "sk-very-secret-4711"
RETRY_SOON = {"Retry-After-Ms": "5"}
BAD_GEMINI_KEY = [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}]


class Line(BaseModel):
    text: str = Field(min_length=1, max_length=50)
    frames: int = Field(ge=12, le=100)


class Lines(BaseModel):
    title: str = Field(min_length=1, max_length=20)
    lines: list[Line] = Field(min_length=2, max_length=2)


GOOD = {"title": "Harbour", "lines": [{"text": "A boat.", "frames": 24}, {"text": "A lamp.", "frames": 48}]}


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STAGE_LLM_URL", "STAGE_LLM_KEY", "STAGE_LLM_MODEL", "STAGE_LOCAL_LLM", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def ask(
    server: FakeServer, limits: Limits | None = None, parts: Sequence[str | Path] = ("Two lines, please.",)
) -> tuple[Lines, list[Heard | AskedAgain]]:
    """Asks once; returns the answer and the news on the way."""
    news: list[Heard | AskedAgain] = []
    with open_model(server_target(server.url, "fake"), limits) as model:
        asking = model.ask(Question("You write lines.", parts, Lines, check=two_frames))
        while True:
            try:
                news.append(next(asking))
            except StopIteration as done:
                return done.value, news


def two_frames(answer: Lines) -> list[str]:
    total = sum(line.frames for line in answer.lines)
    return [] if total == 72 else [f"The lengths add up to {total} frames, and they must add up to 72."]


def test_an_answer_is_streamed_and_validated() -> None:
    with FakeServer([Say(GOOD)]) as server:
        answer, news = ask(server)
    assert answer.model_dump() == GOOD
    heard = [item.text for item in news if isinstance(item, Heard)]
    assert heard == sorted(heard, key=len)
    assert len(heard) > 1
    request = server.requests[0]
    assert request["stream"] is True
    assert form_of(request) == "Lines"
    assert schema_of(request)["properties"]["lines"]["minItems"] == 2


def test_what_is_wrong_is_said_back() -> None:
    wrong = {**GOOD, "lines": GOOD["lines"][:1]}
    long = {**GOOD, "lines": [{"text": "A boat.", "frames": 24}, {"text": "A lamp.", "frames": 40}]}
    with FakeServer([Say("Here you are!"), Say(wrong), Say(long), Say(GOOD)]) as server:
        answer, news = ask(server)
    assert answer.model_dump() == GOOD
    assert len([item for item in news if isinstance(item, AskedAgain)]) == 3
    assert "Here you are!" in server.texts[1]
    assert "at least 2 items" in server.texts[2]
    assert "add up to 64 frames, and they must add up to 72" in server.texts[3]


def test_a_server_without_schemas_is_told_in_words() -> None:
    fenced = f"Sure.\n```json\n{Say(GOOD).text}\n```"
    with FakeServer([Fail(400, "response_format is not supported"), Say("{}"), Say(fenced)]) as server:
        answer, _ = ask(server)
    assert answer.model_dump() == GOOD
    assert "response_format" not in server.requests[1]
    assert "seed" in server.requests[1]
    assert "maxItems" in server.texts[1]
    assert "Field required" in server.texts[2]


@pytest.mark.parametrize(
    ("script", "sentence", "requests"),
    [
        ([Say("no")] * 8, "gave no answer that can be used (last: The answer is not a JSON object", 8),
        ([Pieces([], thought="Hm.")] * 8, "gave no answer that can be used: try again", 8),
        ([Say({**GOOD, "lines": []})] * 4, "lines: List should have at least 2 items", 4),
        ([Refuse()], "refused to write this: change the words", 1),
        ([Say("", finish="content_filter")], "refused to write this: change the words", 1),
        ([Say({**GOOD, "title": "She refuses to leave him"})] * 4, "title: String should have at most 20", 4),
        ([Say('{"title": "She refuses', finish="length")] * 4, "ran out of room", 1),
        ([Say("Hm, Lia refuses", finish="length")] * 4, "ran out of room", 4),
        ([Say("Lia", finish="content_filter")] * 4, "refused to write this: change the words", 4),
        ([Fail(401)], "wants a key: set STAGE_LLM_URL to its address and STAGE_LLM_KEY to the key", 1),
        ([Fail(400, body=BAD_GEMINI_KEY)], "wants a key: set STAGE_LLM_URL", 1),
        ([Fail(403, "Invalid API key")], "wants a key: set STAGE_LLM_URL", 1),
        (
            [Fail(403, "Country not supported.")],
            "not take the request (403: Country not supported): choose",
            1,
        ),
        ([Fail(402)], "has no credit left: add some there", 1),
        ([Fail(404)], "has no model called fake", 1),
        ([Fail(404, "No endpoints found that support image input")], "that support image input)", 1),
        ([Fail(307, headers={"Location": "http://127.0.0.1:9/v1"})], "sends to another address (307)", 1),
        ([Fail(429, headers={"Retry-After-Ms": "5"})] * 3, "is busy, or your quota there is used up", 3),
        ([Fail(500, headers={"Retry-After-Ms": "5"})] * 3, "failed (500): try again later", 3),
        ([Fail(400, "maximum context length is 8192")], "This is too long for fake", 1),
        ([Fail(400, "it exceeds the available context size (4096)")], "This is too long for fake", 1),
        ([Fail(400, "it exceeds the maximum number of tokens allowed")], "This is too long for fake", 1),
        ([Fail(500, "Context size has been exceeded.", RETRY_SOON)] * 3, "This is too long for fake", 3),
        ([Fail(413)], "This is too long for fake", 1),
        ([Fail(400, "At most 1 image(s) may be given")], "(400: At most 1 image(s) may be given)", 1),
        (
            [Fail(400, "bad")] * 2 + [Fail(422, body={"detail": [{"msg": "odd"}]})],
            "the request (422: odd)",
            3,
        ),
        ([Hang(3.0)] * 3, "did not answer in time", 1),
        ([Say(GOOD, pause=0.25)] * 9, "did not answer in time", 1),
        ([BreakOff()] * 4, "gave no answer that can be used", 4),
    ],
)
def test_trouble_is_one_sentence(script: list[Answer], sentence: str, requests: int) -> None:
    limits = Limits(connect=1.0, silence=0.3, answer=0.6) if isinstance(script[0], Hang | Say) else QUICK
    if isinstance(script[0], Say) and not script[0].pause:
        limits = QUICK
    with FakeServer(script) as server, pytest.raises(StageError, match=r"^[^\n]+\.$") as trouble:
        ask(server, limits)
    assert sentence in str(trouble.value)
    assert len(server.requests) >= requests
    if len(script) == requests:
        assert len(server.requests) == requests


def test_a_busy_server_is_asked_again_by_itself() -> None:
    later = {"Retry-After-Ms": "5"}
    with FakeServer([Fail(429, headers=later), Fail(503, headers=later), Say(GOOD)]) as server:
        answer, news = ask(server)
    assert answer.model_dump() == GOOD
    assert not [item for item in news if isinstance(item, AskedAgain)]


def test_a_server_that_holds_its_headers_back_is_asked_once() -> None:
    with (
        FakeServer([Hold(5.0)] * 3) as server,
        pytest.raises(StageError, match=r"^fake at .+ did not answer in time \(0\.3 s of silence, .+\.$"),
    ):
        ask(server, Limits(connect=1.0, silence=0.3, answer=10.0))
    assert len(server.requests) == 1


def test_a_slow_stream_is_waited_for() -> None:
    with FakeServer([Say(GOOD, pause=0.2)]) as server:
        answer, _ = ask(server, Limits(connect=1.0, silence=0.4, answer=10.0))
    assert answer.model_dump() == GOOD


def test_nobody_answers() -> None:
    with FakeServer() as server:
        url = server.url
    with open_model(server_target(url, "fake"), QUICK) as model, pytest.raises(StageError) as trouble:
        model.answer(Question("", ["?"], Lines))
    assert str(trouble.value).startswith(f"No model server answers at {url}: start it")


def test_closing_ends_the_connection_at_once() -> None:
    with FakeServer([Say({"title": "x" * 4000}, pause=0.02)]) as server:
        with open_model(server_target(server.url, "fake")) as model:
            asking = model.ask(Question("", ["?"], Lines))
            assert isinstance(next(asking), Heard)
            asking.close()
        assert server.closed_early.wait(5)


def test_cancelling_a_silent_model() -> None:
    with FakeServer([Hang(20.0)]) as server, open_model(server_target(server.url, "fake")) as model:
        began = time.monotonic()
        with pytest.raises(Cancelled):
            model.answer(Question("", ["?"], Lines), lambda: bool(server.requests))
        assert time.monotonic() - began < 5


def test_pictures_are_sent_small(tmp_path: Path) -> None:
    Image.new("RGB", (1664, 928), "red").save(tmp_path / "frame.png")
    with FakeServer([Say(GOOD)]) as server:
        ask(server, parts=["First frame:", tmp_path / "frame.png"])
    parts = server.requests[0]["messages"][-1]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url"]
    assert parts[1]["image_url"]["url"].startswith("data:image/png;base64,")
    with FakeServer() as server, pytest.raises(BadInput, match="not there any more"):
        ask(server, parts=[tmp_path / "none.png"])


# ------------------------------------------------------------------------------------------------ keys


def test_a_key_goes_only_to_the_server_that_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    with FakeServer([Say(GOOD), Say(GOOD)]) as server, FakeServer([Say(GOOD)]) as other:
        ask(server)  # somebody's own address gets no key of a public service
        monkeypatch.setenv("STAGE_LLM_URL", server.url)
        monkeypatch.setenv("STAGE_LLM_KEY", KEY)
        ask(server)
        ask(other)
    assert [sent["authorization"] for sent in server.headers] == ["Bearer no-key", f"Bearer {KEY}"]
    assert [sent["authorization"] for sent in other.headers] == ["Bearer no-key"]
    assert not [sent for sent in (*server.headers, *other.headers) if "org-secret" in str(sent)]


def test_what_is_known_of_a_key_is_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_state("https://api.openai.com/v1").variable == "OPENAI_API_KEY"
    assert key_state("https://api.openai.com/v1").found
    assert key_state("https://router.huggingface.co/v1").variable == "HF_TOKEN"
    assert not key_state("http://api.openai.com/v1").found  # unencrypted: never
    assert not key_state("https://api.openai.com.evil.example/v1").found
    assert not key_state("https://api.openai.com@evil.example/v1").found
    monkeypatch.setenv("STAGE_LLM_KEY", KEY)
    monkeypatch.setenv("STAGE_LLM_URL", "https://llm.example/v1")
    assert key_state("https://llm.example/other").found
    assert not key_state("https://llm.example:8443/v1").found


def test_a_key_is_sent_without_what_surrounds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer([Say(GOOD)]) as server:
        monkeypatch.setenv("STAGE_LLM_URL", server.url)
        monkeypatch.setenv("STAGE_LLM_KEY", f" {KEY}\n")
        ask(server)
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
        for wrong in (f"\u201c{KEY}\u201d", f"{KEY}\nexport"):
            monkeypatch.setenv("STAGE_LLM_KEY", wrong)
            with pytest.raises(BadInput, match="The key in STAGE_LLM_KEY has a character") as trouble:
                ask(server)
            assert KEY not in str(trouble.value)
        monkeypatch.setenv("STAGE_LLM_KEY", " \n")
        assert not key_state(server.url).found
        assert read_key(server.url) is None
    assert len(server.requests) == 1


def test_a_key_is_not_sent_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("http://llm.example/v1", "http://192.168.1.5:8000/v1", "http://localhost.example/v1"):
        monkeypatch.setenv("STAGE_LLM_URL", url)
        monkeypatch.delenv("STAGE_LLM_KEY", raising=False)
        assert read_key(url) is None  # a server at home that wants none
        monkeypatch.setenv("STAGE_LLM_KEY", KEY)
        with pytest.raises(BadInput, match="STAGE_LLM_URL must be an https address") as trouble:
            read_key(url)
        assert KEY not in str(trouble.value)
    for url in ("https://llm.example/v1", "http://localhost:8000/v1", "http://[::1]:8000/v1"):
        monkeypatch.setenv("STAGE_LLM_URL", url)
        assert read_key(url) == KEY


def test_a_key_is_in_no_log_and_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "pydantic_ai", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    echo = f"Incorrect API key provided: {KEY}"
    troubles = []
    for script in ([Fail(401, echo)], [Fail(400, echo), Fail(400, echo)], [Say(GOOD)]):
        with FakeServer(script) as server:
            monkeypatch.setenv("STAGE_LLM_URL", server.url)
            monkeypatch.setenv("STAGE_LLM_KEY", KEY)
            try:
                ask(server)
            except StageError as error:
                troubles.append(error)
            assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert len(troubles) == 2
    for trouble in troubles:
        assert KEY not in f"{trouble!r}"
        assert trouble.__cause__ is None
        assert trouble.__suppress_context__
    assert caplog.records
    assert KEY not in caplog.text


# ------------------------------------------------------------------------------------------------ the choice


def test_the_environment_completes_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    agents = Agents(director=Source.SERVER, refiner=Source.LOCAL)
    assert agents.target(Role.JUDGE) is None
    with pytest.raises(BadInput, match="No model server is named"):
        agents.target(Role.DIRECTOR)
    monkeypatch.setenv("STAGE_LLM_URL", "http://localhost:11434/v1/")
    with pytest.raises(BadInput, match="No model is named"):
        agents.target(Role.DIRECTOR)
    monkeypatch.setenv("STAGE_LLM_MODEL", "qwen3")
    target = agents.target(Role.DIRECTOR)
    assert target is not None
    assert target.title == "qwen3 at localhost:11434"
    with pytest.raises(BadInput, match="No local model is named"):
        agents.target(Role.REFINER)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:11434",
        "file:///etc/passwd",
        "https://me:secret@llm.example/v1",
        "https://llm.example/v1?key=secret",
        "https://",
        "http://localhost:114345/v1",
        "http://localhost:abc/v1",
        "http://localhost:0/v1",
        "http://[::1/v1",
    ],
)
def test_an_address_holds_nothing_secret(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Agents(url=url)


@pytest.mark.parametrize(
    "url", ["localhost:11434/v1", "http://localhost:abc/v1", "http://me:secret@llm.example"]
)
def test_a_wrong_address_in_the_environment_is_one_sentence(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE_LLM_URL", url)
    with pytest.raises(BadInput, match=r"^The address in STAGE_LLM_URL cannot be used: .+\.$") as trouble:
        Agents(director=Source.SERVER, model="qwen3").target(Role.DIRECTOR)
    assert "secret" not in str(trouble.value)
    with pytest.raises(BadInput, match=r"^The address under Agents cannot be used: .+\.$"):
        server_target(url, "qwen3")


def test_visitors_of_a_hosted_studio_ask_only_what_its_owner_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/stage")
    for url in ("http://169.254.169.254/v1", "https://api.openai.com/v1"):
        with pytest.raises(BadInput, match="asks no model server, for its owner named none"):
            server_target(url, "x")
    with pytest.raises(BadInput, match="only the local model"):
        local_target("somebody/else")
    monkeypatch.setenv("STAGE_LLM_URL", "https://api.openai.com/v1")
    assert server_target("", "x").url == "https://api.openai.com/v1"
    with pytest.raises(BadInput, match="only the server that its owner chose, not https://router"):
        server_target("https://router.huggingface.co/v1", "x")
    monkeypatch.setenv("STAGE_LLM_MODEL", "gpt-5-nano")
    assert server_target("https://api.openai.com/v1", "").model == "gpt-5-nano"
    with pytest.raises(BadInput, match="only the model that its owner chose, not gpt-5-pro"):
        server_target("", "gpt-5-pro")
