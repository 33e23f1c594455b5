"""The exact form of the shot's prompt, on which checkpoints are trained."""

from hypothesis import given
from hypothesis import strategies as st

from engine.step2.prompt import compose
from engine.story import Angle, CastMember, CinematicAttributes, Movement, Place, Scale, Shot, TimeOfDay


def test_the_whole_form():
    shot = Shot(
        description="The fisherman finds\n the child",
        attributes=CinematicAttributes(
            scale=Scale.LS,
            angle=Angle.LOW,
            movement=Movement.DOLLY_IN,
            place="harbour",
            time=TimeOfDay.NIGHT,
            weather="rain",
            cast=["fisherman", "Nobody known"],
        ),
    )
    cast = [
        CastMember(name="Fisherman", look="a man in a yellow coat."),
        CastMember(name="Anna", look="unseen"),
    ]
    assert compose(shot, cast, [Place(name="Harbour", look="old boats")], "paper theatre.") == (
        "The fisherman finds the child. Shot: long shot, low angle, dolly in. "
        "Place: harbour, old boats, night, rain. "
        "Cast: fisherman, a man in a yellow coat; Nobody known. Look: paper theatre."
    )


def test_empty_parts_are_left_out():
    assert compose(Shot(), []) == "Shot: medium shot, eye level, static. Place: day."


def test_a_description_keeps_its_own_last_mark():
    for text in ("Who is there?", 'He says "Stop!"', "It rains…"):
        assert compose(Shot(description=text), []).startswith(f"{text} Shot:")


@given(st.text(max_size=200), st.text(max_size=80), st.text(max_size=60))
def test_compose_is_stable_and_one_line(description, look, weather):
    shot = Shot(description=description, attributes=CinematicAttributes(weather=weather, cast=["Ann"]))
    cast = [CastMember(name="Ann", look=look)]
    prompt = compose(shot, cast, (), look)
    assert prompt == compose(shot, cast, (), look)
    assert prompt == " ".join(prompt.split())
    assert "Shot: medium shot, eye level, static." in prompt
