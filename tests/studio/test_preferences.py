"""Picked against turned down, in the form that training reads."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.dataset.films import FilmFrames, TrainingFilm, TrainingShot, read_films
from engine.errors import BadInput
from studio.exchange.preferences import Preferences, write_folder
from studio.preferences_command import export_preferences
from studio.service.studio import Studio
from studio.store.tables import Take
from tests.examples import examples
from tests.studio.helpers import ME, draw_here, new_film


@pytest.mark.slow
def test_picks_become_pairs_of_the_trainer(home: Path, studio: Studio, tmp_path: Path) -> None:
    project, ids = new_film(studio, 3)
    draw_here(studio, project, ids[0], seed=9)
    studio.edit_shot(ME, ids[0], description="Other words.")
    for seed in (0, 2, 1):
        draw_here(studio, project, ids[0], seed)
    studio.pick(ME, studio.takes(ME, ids[0])[1].id)
    with pytest.raises(BadInput, match="There is no film called"):
        export_preferences(home, ["Nothing"], tmp_path / "out")
    draw_here(studio, project, ids[1])
    (found,) = export_preferences(home, ["The harbour"], tmp_path / "out")
    assert found.rejected == 2, "the take from other words answers another question"
    (film,) = read_films(tmp_path / "out")
    assert film.title == "The harbour"
    assert [(shot.description, len(shot.rejected)) for shot in film.shots] == [
        ("Other words.", 2),
        ("Moment 2 of the story.", 0),
    ]
    picked, losers = film.shots[0], {pair.start.stem for pair in film.shots[0].rejected}
    takes = {take.number: take for take in studio.takes(ME, ids[0])}
    assert picked.start.stem == takes[3].start_sha256
    assert losers == {takes[1].start_sha256, takes[2].start_sha256}
    with pytest.raises(BadInput, match="already"):
        export_preferences(home, [project], tmp_path / "out")

    # The trainer takes the rejected pairs for y_l.
    from engine.training.lora import dispreferred

    assert {start.stem for start, _ in dispreferred(picked, FilmFrames(tmp_path / "out"))} == losers

    # The page gets the same as a zip.
    view = studio.preferences(ME, project)
    name, _, key = view.url.removeprefix("/media/").partition("?k=")
    with zipfile.ZipFile(studio.media_path(name, key).path) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "zip")
    assert read_films(tmp_path / "zip") == [film]


def test_a_take_drawn_again_did_not_lose_against_itself(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    first, again = (draw_here(studio, project, ids[0], seed) for seed in (0, 1))
    with studio.home.database.write() as session:  # another machine: other last bits
        session.get_one(Take, again).again_of = first
    for picked in (first, again):
        studio.pick(ME, picked)
        with pytest.raises(BadInput, match="nothing to prefer"):
            studio.preferences(ME, project)


def test_nothing_to_prefer(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    for seed in range(3):
        draw_here(studio, project, ids[0], seed)
    with pytest.raises(BadInput, match="pick the one you like"):  # the first was picked by nobody
        studio.preferences(ME, project)
    _, second, first = studio.takes(ME, ids[0])
    studio.edit_take(ME, second.id, rejected=True)
    assert studio.preferences(ME, project).rejected == 1
    studio.pick(ME, first.id)
    assert studio.preferences(ME, project).rejected == 2
    draw_here(studio, project, ids[0], 4)
    assert studio.preferences(ME, project).rejected == 1, "nobody compared the newest take yet"
    studio.pick(ME, first.id)
    assert studio.preferences(ME, project).rejected == 3


@given(st.text(min_size=1))
@example("Before\u2028after\x85the end\u2029")
@examples(60)
def test_any_words_are_read_back(
    studio: Studio, tmp_path_factory: pytest.TempPathFactory, words: str
) -> None:
    """A line of the file ends with a line feed, and not where Unicode parts lines inside a text."""
    out = tmp_path_factory.mktemp("out")
    shot = TrainingShot(prompt=words, description=words, start=Path("start.png"), end=Path("end.png"))
    films = [TrainingFilm(title=words, shots=(shot,)), TrainingFilm(shots=(shot, shot))]
    write_folder(studio.home, [Preferences(film, (), 0) for film in films], out)
    for picture in shot.pictures:
        (out / picture).touch()
    assert read_films(out) == films
