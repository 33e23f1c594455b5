"""Calls of the HTTP API with arguments that cannot be: one sentence each, and nothing in the owner's log."""

from __future__ import annotations

import inspect
import logging
import secrets
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from studio.service.studio import Studio
from studio.ui.api import Api, in_sentences
from studio.ui.desk import owner_of
from tests.studio.helpers import new_film

TOKEN = secrets.token_hex(16)


@pytest.fixture
def call(studio: Studio) -> Callable[..., Any]:
    """Calls a function of the API as Gradio does: by place."""
    functions = {f.__name__: (f, in_sentences(f)) for f in Api(studio).functions()}

    def by_place(name: str, **arguments: Any) -> Any:
        function, published = functions[name]
        signature = inspect.signature(function).parameters.values()
        given = {"token": TOKEN, **arguments}
        filled = [given.get(p.name, p.default) for p in signature]
        return published(*[value for value in filled if value is not inspect.Parameter.empty])

    return by_place


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("pin", {"side": "middle"}, "The side cannot be \"middle\": input should be 'start' or 'end'."),
        ("pin", {"side": "start", "pinned": "perhaps"}, 'The pinned cannot be "perhaps": '),
        ("draw", {"takes": "two"}, 'The takes cannot be "two": input should be a valid integer'),
        ("draw", {"takes": 2.5}, 'The takes cannot be "2.5": '),
        ("draw", {"seed": None}, 'The seed cannot be "None": '),
        ("draw", {"guidance": "much"}, 'The guidance cannot be "much": '),
        ("draw", {"keep": "both"}, 'The keep cannot be "both": '),
        ("draw", {"shots": "all"}, 'The shots cannot be "all": '),
        ("draw", {"shots": [1]}, 'The shots.0 cannot be "1": '),
        ("render", {"shots": {"a": 1}}, "The shots cannot be \"{'a': 1}\": "),
        ("edit_shot", {"fields": None}, 'The fields cannot be "None": input should be a valid dictionary.'),
        ("reorder", {"order": None}, 'The order cannot be "None": input should be a valid list.'),
        ("create_project", {"title": None}, 'The title cannot be "None": input should be a valid string.'),
        ("direct", {"theme": ["A girl"]}, "The theme cannot be \"['A girl']\": "),
        ("list_shots", {"project": ["x" * 99]}, f'The project cannot be "[\'{"x" * 38}…": '),
        ("pick", {}, "A take is missing: give one."),
        ("list_projects", {"token": ["a secret"]}, "A token is a text of 32 letters and digits"),
        ("list_projects", {"token": "a secret"}, "This browser has no key yet"),
    ],
)
def test_an_argument_of_the_wrong_kind(
    studio: Studio,
    call: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    name: str,
    arguments: dict[str, Any],
    sentence: str,
) -> None:
    project, ids = new_film(studio, 1, owner=owner_of(TOKEN))
    right: dict[str, dict[str, Any]] = {
        "pin": {"project": project, "shot": ids[0]},
        "draw": {"shots": ids},
        "edit_shot": {"shot": ids[0]},
        "reorder": {"project": project},
        "direct": {"project": project},
    }
    before = studio.project(owner_of(TOKEN), project)
    with caplog.at_level(logging.WARNING), pytest.raises(gr.Error) as told:
        call(name, **{**right.get(name, {}), **arguments})
    assert told.value.message.startswith(sentence)
    assert "\n" not in told.value.message
    assert "a secret" not in told.value.message
    assert caplog.records == []
    assert studio.project(owner_of(TOKEN), project) == before


def test_right_arguments_come_through(studio: Studio, call: Callable[..., Any]) -> None:
    film = call("create_project", title="Half an emoji \ud83d")
    assert film["title"] == "Half an emoji \ufffd"
    shot = call("insert_shot", project=film["id"])
    (job,) = call("draw", shots=[shot["id"]], takes="3", guidance=2)
    assert job["title"] == "Draw shot 1 (3 takes)"
    assert (
        call("edit_shot", shot=shot["id"], fields={"cast": ["Ann"], "length": 30})["attributes"]["length"]
        == 30
    )


def test_the_published_signature_is_the_typed_one(studio: Studio) -> None:
    for function in Api(studio).functions():
        assert inspect.signature(in_sentences(function)) == inspect.signature(function)


def test_what_goes_wrong_inside_is_no_refusal_of_an_argument(caplog: pytest.LogCaptureFixture) -> None:
    def broken(token: str) -> int:
        from pydantic import TypeAdapter

        return TypeAdapter(int).validate_python(token)

    with pytest.raises(gr.Error, match="Something in the studio went wrong"):
        in_sentences(broken)("a token")
    assert "a call of the API failed" in caplog.text
