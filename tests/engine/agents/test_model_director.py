"""The director as a language model: five validated stages, exact counts and lengths, honest trouble."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.agents import Limits
from engine.agents.choice import server_target
from engine.agents.trouble import ModelTrouble
from engine.director import Beats, CastList, Filmed, Logline, PlaceList, ShotList, Stage, Warnings, Working
from engine.director.model_director import ModelDirector
from engine.errors import BadInput, Cancelled
from engine.profiles import Profile, get_profile
from engine.story import Movement, Storyboard, TimeOfDay
from tests.engine.agents import film
from tests.engine.agents.fake_server import Answer, Fail, FakeServer, Json, Refuse, Say, form_of, schema_of

pytestmark = pytest.mark.slow

THEME = "An old fisherman finds a lost child on a stormy harbour at night"
ENGLISH = get_profile("qwen-image")
MINI = get_profile("mini")


def direct(
    server: FakeServer, shots: int = 3, profile: Profile = ENGLISH, seconds: float | None = None
) -> list[Stage]:
    director = ModelDirector(server_target(server.url, "fake"), Limits(2.0, 5.0, 20.0))
    return list(director.direct(THEME, shots=shots, profile=profile, seed=5, seconds=seconds))


def board(stages: list[Stage]) -> Storyboard:
    last = stages[-1]
    assert isinstance(last, ShotList)
    return last.storyboard


def but(name: str, *answers: Answer) -> Callable[[Json], Answer]:
    """A competent model that first gives these answers to one form."""
    waiting = list(answers)

    def answer(request: Json) -> Answer:
        return waiting.pop(0) if waiting and form_of(request) == name else film.stage(request)

    return answer


def test_five_stages_make_a_storyboard() -> None:
    with FakeServer(then=film.stage) as server:
        stages = direct(server)
    told = [type(stage) for stage in stages if not isinstance(stage, Working)]
    assert told == [Logline, CastList, PlaceList, Beats, Filmed, Warnings, ShotList]
    made = board(stages)
    assert (made.title, made.look, made.theme) == ("The Lamp", "soft light", THEME)
    assert [shot.slate for shot in made.shots] == ["A", "B", "C"]
    first = made.shots[0].attributes
    assert first.movement is Movement.DOLLY_IN
    assert (first.place, first.time, first.weather, first.length) == ("Harbour", TimeOfDay.NIGHT, "rain", 48)
    assert first.cast == ["Old Tom", "Lia"]
    assert made.shots[1].attributes.dialogue == "OLD TOM: Whose child are you?"
    assert [form_of(r) for r in server.requests] == [
        "ThemeForm",
        "CastForm",
        "BeatsForm",
        "ShotsForm",
        "ContinuityForm",
    ]
    assert all(request["seed"] == 5 for request in server.requests)
    doing = [stage.doing for stage in stages if isinstance(stage, Working)]
    assert "writing shots, 3 of 3" in doing


def test_a_line_break_does_not_hide_which_shot_is_written() -> None:
    first = {**film.shot(1), "dialogue": "OLD TOM: {Who} are you?\nLIA: Lia."}
    shots = Say({"shots": [first, film.shot(2), film.shot(3)]})
    with FakeServer(then=but("ShotsForm", shots)) as server:
        doing = [stage.doing for stage in direct(server) if isinstance(stage, Working)]
    assert [d for d in doing if "shots" in d] == [f"writing shots, {n} of 3" for n in (1, 2, 3)]


def test_every_stage_knows_what_was_settled_before() -> None:
    with FakeServer(then=film.stage) as server:
        direct(server)
    assert THEME in server.texts[0]
    assert "The Lamp" in server.texts[1]
    assert "an old man with grey hair" in server.texts[2]
    assert "Beat 3: Tom comes nearer." in server.texts[3]
    assert "moment 3" in server.texts[4]


def test_names_places_and_camera_are_closed_sets() -> None:
    with FakeServer(then=film.stage) as server:
        direct(server, profile=MINI)
    shots = schema_of(server.requests[3])["$defs"]["ShotForm"]["properties"]
    assert shots["cast"]["items"]["enum"] == ["Old Tom", "Lia"]
    assert shots["cast"]["maxItems"] == 2
    assert "crane up" not in shots["movement"]["enum"]
    assert "dolly in" in shots["movement"]["enum"]
    beats = schema_of(server.requests[2])["$defs"]["BeatForm"]["properties"]
    assert beats["place"]["enum"] == ["Harbour", "Hut"]
    assert beats["weather"]["enum"] == ["clear", "fog", "snow", "rain"]
    assert "harbour" in server.texts[0]
    assert "At most 2 people" in server.texts[0]


def test_a_profile_that_reads_anything_limits_nothing() -> None:
    with FakeServer(then=film.stage) as server:
        stages = direct(server)
    assert "painter" not in server.texts[0].split("Stage 1")[0]
    assert "crane up" in schema_of(server.requests[3])["$defs"]["ShotForm"]["properties"]["movement"]["enum"]
    assert Warnings(()) in stages


def test_words_that_cannot_be_drawn_are_named() -> None:
    odd = {**film.shot(1), "description": "Old Tom meets a dragon."}
    with FakeServer(then=but("ShotsForm", Say({"shots": [odd]}))) as server:
        stages = direct(server, shots=1, profile=MINI)
    warnings = next(stage for stage in stages if isinstance(stage, Warnings))
    assert "dragon" in warnings.undrawable


def test_a_wrong_number_of_shots_is_said_back() -> None:
    two = Say({"shots": [film.shot(1), film.shot(2)]})
    with FakeServer(then=but("ShotsForm", two)) as server:
        stages = direct(server)
    assert len(board(stages).shots) == 3
    assert "at least 3 items" in server.texts[4]
    assert any(isinstance(s, Working) and s.doing.startswith("shots: asked again") for s in stages)


def test_the_length_is_exact_or_there_is_no_film() -> None:
    off = Say({"beats": [film.beat(n, 50) for n in range(3)]})
    right = Say({"beats": [film.beat(1, 40), film.beat(2, 44), film.beat(3, 60)]})
    with FakeServer(then=but("BeatsForm", off, right)) as server:
        assert board(direct(server, seconds=6.0)).length == 144
    assert "exactly 144 frames" in server.texts[2]
    assert "add up to 150 frames, 6 too many" in server.texts[3]
    with (
        FakeServer(then=but("BeatsForm", *[off] * 9)) as server,
        pytest.raises(ModelTrouble, match="6 too many"),
    ):
        direct(server, seconds=6.0)
    assert [form_of(r) for r in server.requests].count("BeatsForm") == 4


def test_a_long_film_is_thought_in_parts_and_still_exact() -> None:
    def answer(request: Json) -> Answer:
        if form_of(request) != "BeatsForm":
            return film.stage(request)
        asked = film.count(request, "beats")
        total = int(str(request["messages"][-1]).split("exactly ")[-1].split(" frames")[0])
        lengths = [total // asked + (n < total % asked) for n in range(asked)]
        return Say({"beats": [film.beat(n, frames) for n, frames in enumerate(lengths)]})

    with FakeServer(then=answer) as server:
        made = board(direct(server, shots=45, seconds=100.0))
    assert len(made.shots) == 45
    assert made.length == 2400
    assert [shot.slate for shot in made.shots][23:26] == ["Z", "AA", "AB"]
    assert max(film.count(r, "shots") for r in server.requests if form_of(r) == "ShotsForm") <= 8


def test_continuity_errors_are_corrected_and_told() -> None:
    fix = {"shot": 2, "problem": "Lia's coat is red.", "description": "Lia, in her red coat, looks up."}
    with FakeServer(then=but("ContinuityForm", Say({"corrections": [fix]}))) as server:
        stages = direct(server)
    assert board(stages).shots[1].description == "Lia, in her red coat, looks up."
    warnings = next(stage for stage in stages if isinstance(stage, Warnings))
    assert warnings.notes == ("Shot 2 was corrected for continuity: Lia's coat is red.",)


def test_a_film_without_people() -> None:
    empty = {**film.shot(1), "cast": []}
    nobody = but("CastForm", Say({"cast": [], "places": film.PLACES}))

    def answer(request: Json) -> Answer:
        return Say({"shots": [empty]}) if form_of(request) == "ShotsForm" else nobody(request)

    with FakeServer(then=answer) as server:
        assert board(direct(server, shots=1)).shots[0].attributes.cast == []


def test_two_of_one_name_are_said_back() -> None:
    twins = Say({"cast": [film.CAST[0], film.CAST[0]], "places": film.PLACES})
    with FakeServer(then=but("CastForm", twins)) as server:
        assert len(board(direct(server)).cast) == 2
    assert "Old Tom is in the cast twice" in server.texts[2]


@pytest.mark.parametrize("trouble", [Fail(401), Refuse(), Fail(500, headers={"Retry-After-Ms": "5"})])
def test_trouble_in_a_late_stage_gives_no_storyboard(trouble: Answer) -> None:
    stages: list[Stage] = []
    with FakeServer(then=but("ShotsForm", *[trouble] * 9)) as server:
        director = ModelDirector(server_target(server.url, "fake"))
        with pytest.raises(ModelTrouble):
            stages.extend(director.direct(THEME, shots=2, profile=ENGLISH))
    assert not any(isinstance(stage, ShotList) for stage in stages)


def test_shots_are_told_as_soon_as_they_are_settled() -> None:
    """Not only when the film is: before the rest of a long film is thought out, and if that fails, too."""
    stages: list[Stage] = []
    first = [film.shot(n) for n in range(1, 7)]
    with FakeServer(then=but("ShotsForm", Say({"shots": first}), *[Refuse()] * 9)) as server:
        director = ModelDirector(server_target(server.url, "fake"))
        with pytest.raises(ModelTrouble):
            stages.extend(director.direct(THEME, shots=12, profile=ENGLISH))
    (told,) = [stage for stage in stages if isinstance(stage, Filmed)]
    assert (told.first, len(told.shots)) == (1, 6)
    assert told.shots[5].description == "Old Tom finds Lia by the boats, moment 6."
    with FakeServer(then=film.stage) as server:
        batches = [stage for stage in direct(server, shots=12) if isinstance(stage, Filmed)]
    assert [(batch.first, len(batch.shots)) for batch in batches] == [(1, 6), (7, 6)]


def test_cancelled_in_the_middle() -> None:
    with FakeServer(then=film.stage) as server:
        target = server_target(server.url, "fake")
        director = ModelDirector(target, cancelled=lambda: len(server.requests) > 2)
        with pytest.raises(Cancelled):
            list(director.direct(THEME, shots=2, profile=ENGLISH))
    assert len(server.requests) < 5


@pytest.mark.parametrize(
    ("theme", "shots", "seconds", "sentence"),
    [("", 3, None, "theme is empty"), ("A boat.", 0, None, "1 to 200 shots"), ("A boat.", 9, 2.0, "seconds")],
)
def test_bad_input_costs_no_request(theme: str, shots: int, seconds: float | None, sentence: str) -> None:
    with FakeServer() as server, pytest.raises(BadInput, match=sentence):
        ModelDirector(server_target(server.url, "fake")).direct(
            theme, shots=shots, profile=ENGLISH, seconds=seconds
        )
    assert server.requests == []
