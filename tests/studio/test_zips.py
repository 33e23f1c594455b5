"""Zips to take away: each is that of its own film, and nothing that was purged survives in one."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.service.studio import Studio
from studio.store.errors import NotFound
from studio.ui.media import media_route
from tests.studio.helpers import ME, YOU, blob_files, draw_all_here, draw_here, new_film, wait_for_jobs


def fetched(studio: Studio, url: str) -> zipfile.ZipFile:
    """The zip that an address gives."""
    name, _, key = url.removeprefix("/media/").partition("?k=")
    return zipfile.ZipFile(studio.media_path(name, key).path)


def told(studio: Studio, url: str) -> str:
    """The title in the film.json of a bundle."""
    return str(json.loads(fetched(studio, url).read("film.json"))["title"])


def exported(studio: Studio, project: str) -> str:
    """Exports a film; the address of its bundle."""
    studio.export(ME, project)
    wait_for_jobs(studio, project, 120)
    film = studio.film(ME, project)
    assert film is not None
    return film.bundle_url


@pytest.mark.slow
def test_films_of_the_same_pictures_have_zips_of_their_own(working: Studio) -> None:
    project, ids = new_film(working, 2)
    for shot in ids:
        working.edit_shot(ME, shot, length=6)
    draw_all_here(working, project)
    working.edit_project(ME, project, title="The first")
    first = exported(working, project)
    working.edit_project(ME, project, title="The second")
    second = exported(working, project)
    assert [told(working, url) for url in (first, second)] == ["The first", "The second"]
    assert len(list(working.home.cache.glob("film-*.zip"))) == 2
    exported(working, project)
    assert list(working.home.cache.glob("film-*.zip")) == [], "zips of earlier films can be made again"
    copy = working.duplicate_project(ME, project).head.id
    working.edit_project(ME, copy, title="The copy")
    third = exported(working, copy)
    films = [working.film_path(ME, id).read_bytes() for id in (project, copy)]
    assert films[0] == films[1], "all are the same MP4"
    assert [told(working, url) for url in (first, second, third)] == ["The first", "The second", "The copy"]


def test_a_browser_may_keep_pictures_but_asks_again_for_zips(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    for seed in range(2):
        draw_here(studio, project, shot, seed)
    studio.pick(ME, studio.takes(ME, shot)[-1].id)
    browser = TestClient(FastAPI(routes=[media_route(studio)]))
    picture = browser.get(studio.takes(ME, shot)[0].start_url)
    assert "immutable" in picture.headers["cache-control"]
    zipped = browser.get(studio.preferences(ME, project).url)
    assert (zipped.status_code, zipped.headers["cache-control"]) == (200, "no-cache")
    assert "preferences.zip" in zipped.headers["content-disposition"]


def test_preferences_are_one_zip_without_what_was_purged(studio: Studio, home: Path) -> None:
    project, (shot,) = new_film(studio, 1)
    for seed in range(3):
        draw_here(studio, project, shot, seed)
    third, second, first = studio.takes(ME, shot)
    studio.pick(ME, first.id)
    before = len(blob_files(home))
    urls = {studio.preferences(ME, project).url for _ in range(3)}
    assert len(urls) == 1
    assert len(blob_files(home)) == before
    assert len(list((home / "cache").glob("preferences-*"))) == 1
    (url,) = urls
    assert f"frames/{second.start_sha256}.png" in fetched(studio, url).namelist()

    studio.purge(ME, second.id)
    assert list((home / "cache").glob("preferences-*")) == []
    with pytest.raises(NotFound, match="make it again"):
        fetched(studio, url)
    assert studio.preferences(ME, project).url == url
    names = fetched(studio, url).namelist()
    assert f"frames/{second.start_sha256}.png" not in names
    assert f"frames/{third.start_sha256}.png" in names


def test_the_preferences_of_others_stay_theirs(studio: Studio) -> None:
    project, (shot,) = new_film(studio, 1)
    for seed in range(2):
        draw_here(studio, project, shot, seed)
    studio.pick(ME, studio.takes(ME, shot)[-1].id)
    name = studio.preferences(ME, project).url.removeprefix("/media/").partition("?k=")[0]
    sha256 = name.removesuffix(".zip")
    forged = studio.signer.url(YOU, sha256, "zip").partition("?k=")[2]
    with pytest.raises(NotFound):
        studio.media_path(name, forged)
