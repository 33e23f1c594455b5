"""Shots of two sizes make no film: told before anything is queued, with the shots' numbers."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from studio.service.studio import Studio
from studio.store.tables import Take
from tests.studio.helpers import ME, draw_all_here, draw_here, new_film, render_here, shots_of


def resize(studio: Studio, take_id: str, width: int, height: int) -> None:
    """A take as another profile would have drawn it."""
    with studio.home.database.write() as session:
        take = session.get_one(Take, take_id)
        take.recipe = {**take.recipe, "width": width, "height": height}
        session.add(take)


def test_shots_of_another_size_are_named_before_anything_is_queued(studio: Studio) -> None:
    project, _ = new_film(studio, 3)
    draw_all_here(studio, project)
    for shot in shots_of(studio, project)[1:]:
        assert shot.take_id is not None
        resize(studio, shot.take_id, 1664, 928)
    with pytest.raises(BadInput, match=r"^Shot 1 \(256x128\) was drawn at another size than the others"):
        studio.export(ME, project)
    assert studio.jobs(ME, project) == ()


def test_a_kept_clip_counts_with_the_size_of_its_own_pair(studio: Studio) -> None:
    project, (id, _) = new_film(studio, 2)
    draw_all_here(studio, project)
    render_here(studio, id)
    resize(studio, draw_here(studio, project, id, seed=3), 1664, 928)
    with pytest.raises(BadInput, match="another size"):
        studio.export(ME, project)
    studio.keep_clip(ME, id)
    assert studio.export(ME, project).title == "Make the film"
