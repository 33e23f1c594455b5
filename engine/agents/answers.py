"""What a model is told of the asked form, and the object in what it wrote.

The schema is always told in words too: a server may take a schema and ignore it, and one that only constrains
the answer shows the model none of its names. Models think aloud, explain and fence: the object is looked for
in all that, by the same rules whether the server constrains answers or not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)

MOST_FAULTS = 8  # as many as a model can mend at once
_THOUGHT, _THOUGHT_OUT = "<think>", "</think>"
_BEGINS = re.compile(r'\{\s*["}]')  # a brace that begins a JSON object, and not one in prose
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What has no shape of its own, and changes how its neighbours are shown or hides among them: directions,
# tags, halves of characters. The joiners U+200C and U+200D stay: Persian and families of emoji need them.
_UNSEEN = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    r"\U000e0000-\U000e007f]"
)


class Misread(ValueError):  # noqa: N818 - an outcome that is told to the model
    """There is no object of the form in an answer. `faults` are sentences that are said back to the model;
    `begun` is whether there is at least the beginning of a JSON object.
    """

    def __init__(self, faults: Sequence[str], begun: bool) -> None:
        super().__init__(" ".join(faults))
        self.faults, self.begun = faults, begun


def with_schema(instructions: str, form: type[BaseModel]) -> str:
    """Instructions that show the asked form."""
    schema = json.dumps(form.model_json_schema(), ensure_ascii=False)
    order = "Answer with one JSON object and nothing else, of exactly this JSON schema:"
    return f"{instructions}\n\n{order}\n{schema}"


def schema_body(form: type[BaseModel], transformer: Any = None) -> dict[str, Any]:
    """The schema as a field of a request's body. `transformer` is pydantic-ai's for what a server's dialect
    leaves out; None: the schema as it is.
    """
    schema = form.model_json_schema()
    if transformer is not None:
        schema = transformer(schema, strict=True).walk()
    named = {"name": form.__name__, "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def schema_in(body: object) -> dict[str, Any]:
    """The schema that `schema_body` put there. Raises ValueError for any other body."""
    if not isinstance(body, Mapping) or "response_format" not in body:
        raise ValueError("a request without the schema of a form")
    schema: dict[str, Any] = body["response_format"]["json_schema"]["schema"]
    return schema


def shown(text: str) -> str:
    """The part of an unfinished answer that is the object; empty while the model thinks or introduces it."""
    said = text.rsplit(_THOUGHT_OUT, 1)[-1]
    begins = None if said.lstrip().startswith(_THOUGHT) else _BEGINS.search(said)
    return said[begins.start() :] if begins else ""


def without_control(text: str) -> str:
    """The text without control characters other than line breaks and tabs, and without unseen ones."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", _CONTROL.sub(" ", text))


def _cleaned(value: Any) -> Any:
    """A JSON value with all of its texts `without_control`."""
    if isinstance(value, str):
        return without_control(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {name: _cleaned(item) for name, item in value.items()}
    return value


def read_object(text: str, form: type[T]) -> T:
    """The first object of the form in an answer, its texts `without_control`. Raises Misread."""
    said = text.rsplit(_THOUGHT_OUT, 1)[-1]
    decoder = json.JSONDecoder(strict=False)  # a line break inside a text is meant as one
    wrong: list[tuple[bool, ValidationError]] = []
    broken = ""
    at = 0
    while begins := _BEGINS.search(said, at):
        try:
            value, at = decoder.raw_decode(said, begins.start())
            value = _cleaned(value)
        except (ValueError, RecursionError) as error:
            broken = broken or str(getattr(error, "msg", error))
            at = begins.start() + 1
            continue
        try:
            return form.model_validate_json(json.dumps(value))
        except ValidationError as error:
            wrong.append((not form.model_fields.keys().isdisjoint(value), error))
    # The parts of an object that cannot be read are no answer of their own: their faults would mislead.
    meant = [error for names, error in wrong if names or not broken]
    if meant:
        raise Misread(_faults(meant[0]), begun=True) from meant[0]
    if broken:
        raise Misread([f"The answer is not a JSON object ({broken}). Write the whole object again."], True)
    raise Misread(
        ["The answer is not a JSON object. Write the object alone, without any other words."], False
    )


def _faults(error: ValidationError) -> list[str]:
    """What is wrong with an object, as a model is told it."""
    return [
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}."
        for fault in error.errors()[:MOST_FAULTS]
    ]
