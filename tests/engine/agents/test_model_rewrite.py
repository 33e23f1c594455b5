"""One shot rewritten by a language model: it may keep what it does not change, and must change something."""

from __future__ import annotations

import json

import pytest

from engine.agents import Limits
from engine.agents.choice import server_target
from engine.agents.model import open_model
from engine.agents.trouble import ModelTrouble
from engine.director.model_rewrite import model_rewrite
from engine.director.rewrite import Proposal
from engine.profiles import Profile, get_profile
from engine.story import Angle, CastMember, CinematicAttributes, Place, Scale, Shot, Storyboard
from tests.engine.agents.fake_server import FakeServer, Json, Say, schema_of

ENGLISH, MINI = get_profile("qwen-image"), get_profile("mini")
SHOT = Shot(
    description="Lia waits by the boats.",
    attributes=CinematicAttributes(
        place="Harbour", weather="rain", cast=["Lia"], length=48, dialogue="LIA: Tom?"
    ),
)
BOARD = Storyboard(
    title="The Lamp",
    cast=[CastMember(name="Lia", look="a girl in a red coat"), CastMember(name="Tom", look="an old man")],
    places=[Place(name="Harbour")],
    shots=[SHOT.model_copy(update={"description": f"Moment {n}."}) for n in (1, 2)] + [SHOT],
)


def answered(**changes: object) -> Say:
    """The shot as it is, but for these fields."""
    fields = SHOT.attributes.model_dump(mode="json", exclude={"notes"})
    frames = fields.pop("length")
    return Say(
        {"description": SHOT.description, **fields, "frames": frames, "reasons": ["Closer."], **changes}
    )


def proposed(
    server: FakeServer, note: str = "closer", profile: Profile = ENGLISH, board: Storyboard = BOARD
) -> Proposal:
    with open_model(server_target(server.url, "fake"), Limits(2.0, 5.0, 20.0)) as model:
        return model_rewrite(model, board, 2, note, profile=profile, seed=3)


def test_what_is_wished_is_proposed_and_the_rest_stays() -> None:
    with FakeServer(then=lambda _: answered(scale="close-up", description="Lia turns.")) as server:
        found = proposed(server, "closer; she turns when {he} calls $her")
    assert found.shot.attributes == SHOT.attributes.model_copy(update={"scale": Scale.CU})
    assert (found.shot.description, found.reasons, found.unread) == ("Lia turns.", ("Closer.",), ())
    told = "\n".join(server.texts)
    assert "closer; she turns when {he} calls $her" in told
    assert "shot 3 of 3" in told
    assert "Moment 2." in told
    assert "a girl in a red coat" in told


def test_without_a_note_it_is_filmed_another_way() -> None:
    with FakeServer(then=lambda _: answered(angle="low angle")) as server:
        assert proposed(server, "  ").shot.attributes.angle is Angle.LOW
    assert "another way" in "\n".join(server.texts)


def test_an_answer_that_changes_nothing_is_asked_again_and_then_told() -> None:
    answers = [answered(), answered(scale="close-up")]
    with FakeServer(then=lambda _: answers.pop(0)) as server:
        assert proposed(server).shot.attributes.scale is Scale.CU
        assert "Nothing differs" in "\n".join(server.texts)
    with FakeServer(then=lambda _: answered()) as server, pytest.raises(ModelTrouble):
        proposed(server)


def test_terms_are_those_of_the_painter_and_those_that_the_shot_has() -> None:
    seen: list[Json] = []

    def answer(request: Json) -> Say:
        seen.append(schema_of(request))
        return answered(scale="close-up")

    with FakeServer(then=answer) as server:
        proposed(server, profile=MINI)
    (schema,) = seen
    properties = schema["properties"]
    assert SHOT.attributes.scale.value in json.dumps(properties["scale"])
    assert "whip pan left" not in json.dumps(properties["movement"])
    assert properties["frames"]["maximum"] >= 48


def test_long_texts_of_the_shot_stay_whole() -> None:
    long = {"dialogue": "LIA: " + "Tom? " * 150, "sound": "rain, " * 60, "weather": "rain " * 11}
    attributes = SHOT.attributes.model_copy(update={name: text.strip() for name, text in long.items()})
    shot = Shot(description=("Lia waits by the boats. " * 40).strip(), attributes=attributes)
    fields = {**attributes.model_dump(mode="json", exclude={"notes", "length"}), "scale": "close-up"}
    board = BOARD.model_copy(update={"shots": [*BOARD.shots[:2], shot]})

    def answer(request: Json) -> Say:
        for name, asked in schema_of(request)["properties"].items():
            text = {"description": shot.description, **fields}.get(name)
            assert not isinstance(text, str) or len(text) <= asked.get("maxLength", len(text))
        return answered(**fields, description=shot.description)

    with FakeServer(then=answer) as server:
        found = proposed(server, board=board)
    assert found.shot.attributes == attributes.model_copy(update={"scale": Scale.CU})
    assert found.shot.description == shot.description
    assert len(server.requests) == 1
