"""The refiner and the judge as a vision model: what they are shown, and what becomes of what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from engine.agents import Agents, Limits, Source, open_model
from engine.agents.choice import server_target
from engine.agents.trouble import ModelTrouble
from engine.errors import BadInput
from engine.metrics.vlm_judge import JudgedShot, Judgement, Score, judge_film
from engine.refiner import PlainRefiner
from engine.refiner.model_refiner import ModelRefiner, open_refiner
from engine.story import CastMember, CinematicAttributes, FrameRate, Movement, Shot
from tests.engine.agents.fake_server import Answer, Fail, FakeServer, Json, Say, form_of

CAST = [CastMember(name="Old Tom", look="an old man in a yellow coat"), CastMember(name="Lia")]


def drawn(folder: Path, number: int) -> JudgedShot:
    """A shot of flat pictures, each of a colour of its own."""
    paths = [folder / f"{number}-{side}.png" for side in ("start", "end")]
    for at, path in enumerate(paths):
        Image.new("RGB", (64, 32), (40 * number, 90 * at, 7)).save(path)
    attributes = CinematicAttributes(
        movement=Movement.DOLLY_IN, length=48, cast=["Old Tom"], place="Harbour", weather="rain"
    )
    return JudgedShot(Shot(description=f"Tom waits, {number}.", attributes=attributes), *paths)


def content(request: Json) -> tuple[str, int]:
    """The words of a question, and how many pictures it has."""
    parts = request["messages"][-1]["content"]
    return (
        "\n".join(part["text"] for part in parts if part["type"] == "text"),
        len([part for part in parts if part["type"] == "image_url"]),
    )


def test_the_refiner_sees_both_frames_and_the_card(tmp_path: Path) -> None:
    shot = drawn(tmp_path, 1)
    said = {"first_frame": "A", "last_frame": "B", "differs": "C", "text": "A man in a yellow coat\nturns."}
    with FakeServer([Say(said)]) as server:
        agents = Agents(refiner=Source.SERVER, url=server.url, model="vlm")
        with open_refiner(agents, FrameRate()) as refiner:
            assert refiner.refine(shot.shot, CAST, shot.start, shot.end) == "A man in a yellow coat turns."
            assert isinstance(refiner, ModelRefiner)
            assert refiner.name == f"vlm at {server.url[7:-3]}"
    words, pictures = content(server.requests[0])
    assert pictures == 2
    for told in (
        "Tom waits, 1.",
        "dolly in",
        "2.0 seconds",
        "Harbour, day, rain",
        "an old man in a yellow coat",
    ):
        assert told in words


def test_the_plain_refiner_stays_the_default_and_is_no_fallback(tmp_path: Path) -> None:
    shot = drawn(tmp_path, 1)
    with open_refiner(Agents()) as refiner:
        assert isinstance(refiner, PlainRefiner)
    with FakeServer([Fail(401)]) as server:
        agents = Agents(refiner=Source.SERVER, url=server.url, model="vlm")
        with open_refiner(agents) as refiner, pytest.raises(ModelTrouble, match="wants a key"):
            refiner.refine(shot.shot, CAST, shot.start, shot.end)


def verdicts(request: Json) -> Answer:
    """0.5 for everything; the cut after shot 2 has an error."""
    words, _ = content(request)
    if form_of(request) == "CutForm":
        errors = (
            ["The coat is red before the cut and blue after it.", " "]
            if "Shot 2." in words.split("After")[0]
            else []
        )
        return Say({"evidence": "The line is kept.", "score": 1, "errors": errors})
    return Say({"evidence": "Soft.", "score": 0.5})


def test_the_judge_scores_windows_shots_and_cuts(tmp_path: Path) -> None:
    shots = [drawn(tmp_path, n) for n in range(1, 5)]
    with FakeServer(then=verdicts) as server, open_model(server_target(server.url, "vlm")) as model:
        found = Judgement("vlm", tuple(judge_film(model, shots, CAST, FrameRate())))
    asked = [(v.score.value, v.first, v.last) for v in found.verdicts]
    assert asked == [
        ("OVQ", 1, 4),
        *(("VTC", n, n) for n in range(1, 5)),
        ("ISC", 1, 4),
        *(("STS", n, n + 1) for n in range(1, 4)),
    ]
    assert found.means == {Score.OVQ: 0.5, Score.VTC: 0.5, Score.ISC: 0.5, Score.STS: 1.0}
    assert found.notes == {2: ("The coat is red before the cut and blue after it.",)}
    assert [content(r)[1] for r in server.requests] == [8, 2, 2, 2, 2, 8, 2, 2, 2]


def test_long_films_are_judged_in_windows_that_share_a_shot(tmp_path: Path) -> None:
    shots = [drawn(tmp_path, n % 6) for n in range(13)]
    with FakeServer(then=verdicts) as server, open_model(server_target(server.url, "vlm")) as model:
        some = [Score.OVQ, Score.ISC]
        found = Judgement("vlm", tuple(judge_film(model, shots, CAST, FrameRate(), scores=some)))
    spans = {s: [(v.first, v.last) for v in found.verdicts if v.score is s] for s in some}
    assert spans == {Score.OVQ: [(1, 6), (7, 12), (13, 13)], Score.ISC: [(1, 6), (6, 11), (11, 13)]}
    assert [v.weight for v in found.verdicts] == [6, 6, 1, 5, 5, 2]


def test_a_score_is_a_number_from_0_to_1(tmp_path: Path) -> None:
    too_good = Say({"evidence": "Great.", "score": 9})
    with (
        FakeServer([too_good] * 9) as server,
        open_model(server_target(server.url, "vlm"), Limits()) as model,
        pytest.raises(ModelTrouble, match="score: Input should be less than or equal to 1"),
    ):
        list(judge_film(model, [drawn(tmp_path, 1)], CAST, FrameRate()))


def test_one_shot_has_no_cut_and_none_no_judgement(tmp_path: Path) -> None:
    with FakeServer(then=verdicts) as server, open_model(server_target(server.url, "vlm")) as model:
        found = Judgement("vlm", tuple(judge_film(model, [drawn(tmp_path, 1)], CAST, FrameRate())))
        assert set(found.means) == {Score.OVQ, Score.VTC}
        with pytest.raises(BadInput, match="no drawn shots"):
            list(judge_film(model, [], CAST, FrameRate()))
    assert json.dumps(server.requests[0]["messages"]).count("data:image/png") == 2
