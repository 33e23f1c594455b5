"""The object in what a model wrote: after thoughts, between words; and the fault that helps it on."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from engine.agents.answers import Misread, read_object, shown
from tests.examples import examples


class Line(BaseModel):
    text: str


class Lines(BaseModel):
    title: str = Field(min_length=1, max_length=20)
    lines: list[Line] = Field(min_length=1)


GOOD = {"title": "Harbour", "lines": [{"text": "A boat."}]}
TEXT = json.dumps(GOOD)


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        f"```json\n{TEXT}\n```",
        f"<think>A {{title}}? {TEXT[:20]}</think>\n{TEXT}",
        f'The title {{x}} could be {{"title": "Sea"}}.\n</think>\n\n{TEXT}',
        f"{TEXT}\nHope this helps {{smile}} {{}}",
        f'The form is {{"title": "...", "lines": []}}, so: {TEXT}',
        f'As {{"title": ... }} it is: {TEXT}',
        json.dumps([GOOD]),
    ],
)
def test_the_object_is_found_in_all_that_is_said(answer: str) -> None:
    assert read_object(answer, Lines).model_dump() == GOOD


def test_a_line_break_inside_a_text_is_meant_as_one() -> None:
    assert read_object('{"title": "Har\nbour", "lines": [{"text": "A."}]}', Lines).title == "Har\nbour"


@pytest.mark.parametrize(
    ("answer", "fault", "begun"),
    [
        ("Title: Harbour", "not a JSON object. Write the object alone", False),
        ("The {title} is {Harbour}.", "not a JSON object. Write the object alone", False),
        ("", "not a JSON object. Write the object alone", False),
        ("{}", "title: Field required", True),
        ('{"title": "Sea", "lines": []} and {"title": "", "lines": 3}', "lines: List should have", True),
        ('{"title": "Sea", "lines": [{"text": "A."}, {"text": "B."}', "Write the whole object again", True),
        ('{"title": "Sea" "lines": [{"text": "A."}]}', "Expecting ',' delimiter", True),
        (f'{{"title": {"9" * 5000}}}', "not a JSON object", True),
        (f'{{"title": {"[" * 100_000}', "not a JSON object", True),
    ],
)
def test_what_is_wrong_is_what_helps(answer: str, fault: str, begun: bool) -> None:
    with pytest.raises(Misread) as wrong:
        read_object(answer, Lines)
    assert fault in wrong.value.faults[0]
    assert wrong.value.begun is begun


def test_thoughts_are_not_shown_as_the_answer() -> None:
    said = f'<think>\nA {{}} or {{"a": 1}}?\n</think>\n\nHere: {TEXT}'
    seen = [shown(said[:at]) for at in range(len(said) + 1)]
    assert [text for text in seen if text] == [TEXT[: at + 1] for at in range(1, len(TEXT))]


UNSEEN = "\x00\x07\x1b\x7f\x9b\u00ad\u200b\u200e\u202a\u202e\u2066\u2069\ufeff\U000e0041\ud83d"


@given(st.text(st.sampled_from(f"aé走🎬 \u200d\u200c\n{UNSEEN}")), st.booleans())
@examples(200)
def test_no_control_character_passes(text: str, escaped: bool) -> None:
    """As itself, or as JSON writes it; nor one that turns the words after it around, or hides."""
    made = {"title": "Sea", "lines": [{"text": text}]}
    read = read_object(json.dumps(made, ensure_ascii=escaped), Lines).lines[0].text
    assert not {"Cc", "Cs"} & {unicodedata.category(c) for c in read.replace("\n", "")}
    assert not set(UNSEEN) & set(read)

    def seen(said: str) -> str:
        return "".join(c for c in said if c not in UNSEEN and c != " ")

    assert seen(read) == seen(text), "all that is seen is kept"


def test_a_text_of_nothing_else_is_empty() -> None:
    with pytest.raises(Misread, match="title: String should have at least 1 character"):
        read_object('{"title": "\\u202e\\ufeff", "lines": [{"text": "A."}]}', Lines)
