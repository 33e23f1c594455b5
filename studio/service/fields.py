"""Checks what comes from a page before it is written: one sentence for each thing that cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.agents.choice import Agents
from engine.catalogue import check_aspect
from engine.errors import BadInput
from engine.profiles import get_profile
from engine.story import CinematicAttributes, Shot
from engine.video.renderers import DEFAULT_RENDERER, get_renderer
from studio.project.film import attribute_fields, attributes_of
from studio.store import tables
from studio.store.states import MemoryScope


class _ShotFields(BaseModel):
    """Fields of a shot beside D and C."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("", max_length=200)
    locked: bool = False


class _ProjectFields(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: str = Field("Untitled", min_length=1, max_length=200)
    theme: str = Field("", max_length=200_000)
    logline: str = Field("", max_length=4000)
    look: str = Field("", max_length=4000)
    profile: str = "mini"
    renderer: str = DEFAULT_RENDERER
    memory_scope: MemoryScope = MemoryScope.EARLIER
    all_profiles: bool = False
    aspect: str = Field("", max_length=20)
    fps: str = Field("24", max_length=20)


class _CardFields(BaseModel):
    """A member of the cast, or a place."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=80)
    look: str = Field("", max_length=400)


class _TakeFields(BaseModel):
    """What the user says about a take."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    locked: bool = False
    rejected: bool = False
    note: str = Field("", max_length=1000)


def shot_fields(shot: tables.Shot, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields of a shot, checked, as the row holds them. Raises BadInput."""
    own = {name: value for name, value in fields.items() if name in _ShotFields.model_fields}
    story = {name: value for name, value in fields.items() if name in ("description", "scene", "slate")}
    rest = {name: value for name, value in fields.items() if name not in own and name not in story}
    checked = _check(_ShotFields, own) | _check(Shot, story)
    present = attribute_fields(attributes_of(shot))
    checked |= {
        name: value
        for name, value in _check(CinematicAttributes, {**present, **rest}).items()
        if name in rest
    }
    return checked


def project_fields(fields: Mapping[str, Any], project: tables.Project) -> dict[str, Any]:
    """The given fields of a project, checked. Raises BadInput, also for an unknown profile, or an aspect that
    the profile does not offer.

    A new profile that does not draw in the film's aspect brings its own along: otherwise the film would be
    called 9:16, and drawn, and recorded, in another shape.
    """
    checked = _check(_ProjectFields, fields)
    wanted = get_profile(checked.get("profile", project.profile))
    if "profile" in checked and "aspect" not in checked and project.aspect not in wanted.aspects:
        checked["aspect"] = ""
    check_aspect(wanted, checked.get("aspect", ""))
    if "renderer" in checked and get_renderer(checked["renderer"]).refusal:
        raise BadInput(get_renderer(checked["renderer"]).refusal)
    return checked


def agent_fields(stored: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A project's agents with the given fields changed, checked. Raises BadInput, which never repeats an
    address: somebody may have typed a password into it.
    """
    try:
        return Agents.model_validate({**stored, **fields}).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("url",):
            raise BadInput(
                f"This address cannot be used: {first['msg'].removeprefix('Value error, ')}."
            ) from None
        raise BadInput(sentence_of(error)) from error


def card_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Name and look of a cast member or a place, checked; None means unchanged. Raises BadInput."""
    given = {name: value for name, value in fields.items() if value is not None}
    checked = _check(_CardFields, {"name": "unchanged", **given})
    return {name: value for name, value in checked.items() if name in given}


def take_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields of a take, checked. Raises BadInput."""
    return _check(_TakeFields, fields)


def _check(model: type[BaseModel], fields: Mapping[str, Any]) -> dict[str, Any]:
    try:
        checked = model.model_validate(dict(fields))
    except ValidationError as error:
        raise BadInput(sentence_of(error)) from error
    return checked.model_dump(mode="json", include=set(fields))


def sentence_of(error: ValidationError) -> str:
    """The first trouble of a form, as a sentence."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or "value"
    if first["type"] == "extra_forbidden":
        return f"There is no field called {name}."
    given = str(first.get("input", ""))
    shown = given if len(given) <= 40 else f"{given[:40]}…"
    what = first["msg"][0].lower() + first["msg"][1:]
    return f'The {name} cannot be "{shown}": {what}.'
