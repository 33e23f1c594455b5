"""Cards of people and places: one name is one card, and a card that is gone changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.errors import BadInput
from studio.service.studio import Studio
from studio.store.errors import NotFound
from tests.studio.helpers import ME, new_film, shots_of


def test_two_places_never_become_one(studio: Studio) -> None:
    project, ids = new_film(studio, 2)
    harbour, beach = (studio.add_place(ME, project, name) for name in ("Harbour", "Beach"))
    studio.edit_shot(ME, ids[0], place="Harbour")
    studio.edit_shot(ME, ids[1], place="Beach")
    with pytest.raises(BadInput, match="already is a place called harbour: choose another"):
        studio.edit_place(ME, beach.id, name="harbour")
    studio.edit_place(ME, harbour.id, name="HARBOUR")  # its own name, written otherwise
    assert [shot.attributes.place for shot in shots_of(studio, project)] == ["HARBOUR", "Beach"]


def test_another_tab_s_card_of_an_older_version_changes_nothing(studio: Studio) -> None:
    project = studio.create_project(ME).head.id
    list(studio.direct(ME, project, "Anna finds a lantern at the harbour", shots=3, seed=1))
    old = studio.project(ME, project).head.cast[0]
    list(studio.direct(ME, project, "Anna walks along the beach at night", shots=3, seed=2))
    before = studio.project(ME, project)
    with pytest.raises(NotFound, match="Anna is no longer in this version of the film: reload the page"):
        studio.edit_cast(ME, old.id, name="Bertha")
    assert studio.project(ME, project).shots == before.shots


def test_a_removed_card_changes_nothing(studio: Studio) -> None:
    project, ids = new_film(studio, 1)
    anna, quay = studio.add_cast(ME, project, "Anna"), studio.add_place(ME, project, "Quay")
    studio.edit_shot(ME, ids[0], cast=["Anna"], place="Quay")
    studio.remove_cast(ME, anna.id)
    studio.remove_place(ME, quay.id)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: studio.edit_cast(ME, anna.id, name="Bert"),
        lambda: studio.remove_cast(ME, anna.id),
        lambda: studio.edit_place(ME, quay.id, name="Pier"),
        lambda: studio.remove_place(ME, quay.id),
    )
    for deed in deeds:
        with pytest.raises(NotFound, match="reload the page"):
            deed()
    told = shots_of(studio, project)[0].attributes
    assert (told.cast, told.place) == (["Anna"], "Quay")
