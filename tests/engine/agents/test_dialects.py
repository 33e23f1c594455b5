"""Servers that differ: what each of them is sent, and what is left out where one does not take it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.agents import AskedAgain, Heard, Question, open_model
from engine.agents.choice import server_target
from engine.agents.model import LanguageModel
from engine.agents.trouble import ModelTrouble
from tests.engine.agents.fake_server import Answer, Fail, FakeServer, Json, Pieces, Say
from tests.engine.agents.test_model import GOOD, Lines, ask

TEXT = Say(GOOD).text
WRONG = Say({**GOOD, "lines": []})
GEMINI_KNOWS_NO_SEED = [
    {
        "error": {
            "code": 400,
            "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
        }
    }
]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STAGE_LLM_URL", "STAGE_LLM_KEY", "STAGE_LLM_MODEL", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)


def reasons(news: list[Heard | AskedAgain]) -> list[str]:
    return [item.reason for item in news if isinstance(item, AskedAgain)]


def sent(server: FakeServer) -> list[tuple[bool, bool]]:
    """Of each request: whether it had a seed, and a schema."""
    return [("seed" in request, "response_format" in request) for request in server.requests]


def said(model: LanguageModel) -> tuple[Lines, list[Heard | AskedAgain]]:
    """Asks once; returns the answer and the news on the way."""
    news: list[Heard | AskedAgain] = []
    asking = model.ask(Question("You write lines.", ["Two lines, please."], Lines))
    while True:
        try:
            news.append(next(asking))
        except StopIteration as done:
            return done.value, news


@pytest.mark.parametrize("name", ["qwen3", "gpt-oss:20b", "gpt-5", "gemma-3-27b-it"])
@pytest.mark.parametrize("before", [[], [Fail(400, "response_format is not supported")]])
def test_system_messages_stand_at_the_beginning_only(name: str, before: list[Answer]) -> None:
    script = [*before, WRONG, WRONG, Say(GOOD)]
    with FakeServer(script) as server, open_model(server_target(server.url, name)) as model:
        assert said(model)[0].model_dump() == GOOD
    for request in server.requests:
        roles = [message["role"] for message in request["messages"]]
        assert roles[:2] == ["system", "user"]
        assert "system" not in roles[1:]
    assert [m["role"] for m in server.requests[-1]["messages"]][2:] == ["assistant", "user"] * 2


def test_the_form_is_told_in_words_beside_the_schema() -> None:
    with FakeServer([Say(GOOD)]) as server:
        ask(server)
    (request,) = server.requests
    assert request["response_format"]["json_schema"]["strict"] is True
    assert request["messages"][0]["role"] == "system"
    for name in ("title", "lines", "frames", "maxItems"):
        assert name in request["messages"][0]["content"]


def test_a_server_that_ignores_the_schema_is_told_in_words_alone_once() -> None:
    script = [Say("Title: Harbour. 1) A boat")] * 4 + [Say(GOOD)] * 2
    with FakeServer(script) as server, open_model(server_target(server.url, "fake")) as model:
        answer, news = said(model)
        assert answer.model_dump() == GOOD
        assert reasons(news)[-1] == "no answer was a JSON object, so the JSON schema is told in words alone"
        said(model)
    assert sent(server) == [(True, True)] * 4 + [(True, False)] * 2


def test_what_is_only_wrong_is_not_taken_for_an_ignored_schema() -> None:
    with FakeServer([WRONG] * 4) as server, pytest.raises(ModelTrouble, match="gave no answer"):
        ask(server)
    assert sent(server) == [(True, True)] * 4


def test_a_server_without_seeds_keeps_the_schema() -> None:
    script = [Fail(400, body=GEMINI_KNOWS_NO_SEED), Say(GOOD), Say(GOOD)]
    with FakeServer(script) as server, open_model(server_target(server.url, "fake")) as model:
        said(model)
        said(model)
    assert sent(server) == [(True, True), (False, True), (False, True)]


def strict(*unknown: str) -> Callable[[Json], Answer]:
    """A server that refuses these fields, and does not say which."""

    def answer(request: Json) -> Answer:
        return Fail(422, "Extra inputs are not permitted") if set(unknown) & set(request) else Say(GOOD)

    return answer


def test_what_a_server_does_not_take_is_left_out_one_by_one() -> None:
    with FakeServer(then=strict("seed", "response_format")) as server:
        answer, news = ask(server)
    assert answer.model_dump() == GOOD
    assert sent(server) == [(True, True), (False, True), (False, False)]
    assert reasons(news) == [
        "the server did not take the request, so it is asked without a seed",
        "the server did not take the request, so the JSON schema is told in words alone",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        Pieces(["<think>", "\n", "A plan {a}", "</think>", "\n\n", TEXT]),
        Pieces(["<think>\n", "A plan {a}\n", "</think>\n\n", TEXT]),
        Pieces(["<think>", "\nA plan {a}\n", f"</think>\n\n{TEXT}"]),
        Pieces(["A plan {a}", "\n", "</think>", "\n\n", TEXT]),
        Pieces([TEXT], thought="A plan {a}"),
        Say(f"{TEXT}\nHope this helps {{smile}}"),
    ],
)
@pytest.mark.parametrize("before", [[], [Fail(400, "no response_format")]])
def test_a_model_may_think_aloud(before: list[Answer], answer: Answer) -> None:
    with FakeServer([*before, answer]) as server:
        found, news = ask(server)
    assert found.model_dump() == GOOD
    heard = [item.text for item in news if isinstance(item, Heard)]
    assert heard
    assert all(text.startswith('{"title"') for text in heard)
    assert reasons(news) == reasons(news)[: len(before)]


def test_an_empty_answer_is_told() -> None:
    with FakeServer([Pieces([], thought="Hm."), Say(GOOD)]) as server:
        _, news = ask(server)
    assert reasons(news) == ["The answer was empty."]
